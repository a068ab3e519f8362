/**
 * YAML text to a checked definition. Every problem of a file is reported at once and at its place, since the
 * author is a person who would otherwise be sent back to the file once per mistake.
 */
import { quoted } from '../expression/problem.js';
import { describe, Fields, type Keys } from './fields.js';
import { type Problem, type ProblemCode, Problems } from './problem.js';
import { checkSteps } from './step-graph.js';
import { readStep, type StepDraft } from './step-reader.js';
import { type MapNode, readTree, toJsonObject } from './tree.js';
import { reportNames, templateUses } from './uses.js';
import { WORKFLOW_LIMITS, type WorkflowDefinition } from './workflow.js';

export interface ParseOptions {
  /** Name of the file, for the problems; without a `name` in it the workflow is called after it. */
  readonly file: string;
  /** Names of the personas that steps may ask; null when they are not known here, and then none is checked. */
  readonly personas: ReadonlySet<string> | null;
}

export type ParseResult =
  | { readonly ok: true; readonly definition: WorkflowDefinition; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const KEYS: Keys = {
  known: ['name', 'version', 'description', 'variables', 'steps'],
  meant: {
    env: 'variables',
    id: 'name',
    jobs: 'steps',
    stages: 'steps',
    tasks: 'steps',
    title: 'name',
    vars: 'variables',
  },
};

const WARNINGS: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['constant-condition']);
const NONE: ReadonlySet<string> = new Set();
/** Codes that follow from what a syntax error swallowed. */
const CONSEQUENCES: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'missing-key',
  'unknown-dependency',
  'not-a-dependency',
]);

export function parseWorkflow(text: string, options: ParseOptions): ParseResult {
  const problems = new Problems(text, options.file);
  const definition = read(text, options, problems);
  dropConsequences(problems);
  const found = problems.list();
  const errors = found.filter(({ code }) => !WARNINGS.has(code));
  if (definition === null || errors.length > 0) return { ok: false, problems: errors };
  return { ok: true, definition, warnings: found.filter(({ code }) => WARNINGS.has(code)) };
}

function read(text: string, options: ParseOptions, problems: Problems): WorkflowDefinition | null {
  const tree = readTree(text, problems);
  if (tree === null || tree.kind !== 'map') {
    if (problems.count === 0) {
      const what =
        tree === null || (tree.kind === 'scalar' && tree.value === null)
          ? 'the file is empty'
          : `a workflow must be a map, not ${describe(tree)}`;
      problems.add('wrong-type', tree ?? { start: 0, end: 1 }, what, 'A workflow has at least "name:" and "steps:".');
    }
    return null;
  }
  const fields = new Fields(tree, 'the workflow', problems);
  fields.only(KEYS);
  const name = readName(fields, problems) ?? nameOfFile(options.file);
  const version = fields.text('version')?.value ?? '0.0.0';
  const description = fields.text('description')?.value ?? '';
  const variables = fields.map('variables', 'a map');
  if (variables !== null) checkVariables(variables, problems);
  const steps = readSteps(fields, { ...options, problems });
  checkSteps(steps, variables?.entries.map(({ key }) => key) ?? [], problems);
  return {
    format: 1,
    name,
    version,
    description,
    variables: variables === null ? {} : toJsonObject(variables),
    steps: steps.map((step) => step.definition),
  };
}

function readName(fields: Fields, problems: Problems): string | null {
  const name = fields.text('name');
  if (name === null) return null;
  if (/^[^\p{Cc}\p{Cf}\p{Cs}]{1,100}$/u.test(name.value) && name.value.trim() !== '') return name.value;
  problems.add(
    'wrong-type',
    name,
    `${quoted(name.value)} cannot be the name of a workflow`,
    'A name is one line of up to 100 characters.',
  );
  return null;
}

/** `workflows/hotfix.yml` is `hotfix`. */
function nameOfFile(file: string): string {
  const base = file.split(/[\\/]/).at(-1) ?? '';
  return base.replace(/\.ya?ml$/i, '') || 'workflow';
}

/** A variable may read the task and the variables above it, so that its value does not depend on any order but the written one. */
function checkVariables(variables: MapNode, problems: Problems): void {
  const above: string[] = [];
  const all = variables.entries.map(({ key }) => key);
  for (const { key, value } of variables.entries) {
    for (const use of templateUses(value, problems)) {
      reportNames(use, { roots: ['task', 'variables'], variables: new Set(all), states: NONE, steps: NONE }, problems);
      for (const { root, keys } of use.references) {
        const [first] = keys;
        if (root !== 'variables' || first === undefined || first.name === null) continue;
        if (!all.includes(first.name) || above.includes(first.name)) continue;
        const what =
          first.name === key
            ? `the variable "${key}" reads itself`
            : `the variable "${key}" reads ${quoted(first.name)}, which is written below it`;
        problems.add(
          'expression',
          use.part(first.offset, first.length),
          what,
          'A variable can read the variables above it.',
        );
      }
    }
    above.push(key);
  }
}

function readSteps(fields: Fields, context: ParseOptions & { readonly problems: Problems }): readonly StepDraft[] {
  const { problems } = context;
  if (!fields.has('steps')) {
    fields.missing('steps', 'A workflow needs at least one step: "steps:" and below it "- id: …".');
    return [];
  }
  const list = fields.list('steps', 'a list of steps');
  if (list === null) return [];
  const { items } = list;
  if (items.length === 0) problems.add('wrong-type', list, 'the workflow has no steps', 'Add at least one step.');
  const extra = items[WORKFLOW_LIMITS.steps];
  if (extra !== undefined) {
    const counts = `${String(items.length)} steps, more than ${String(WORKFLOW_LIMITS.steps)}`;
    problems.add('too-large', { start: extra.start, end: extra.start + 1 }, `the workflow has ${counts}`);
    return [];
  }
  return items.flatMap((item, index) => readStep(item, index, context) ?? []);
}

/** What a broken file seems to lack is often only behind the break, so with a syntax error only what stands before it is said. */
function dropConsequences(problems: Problems): void {
  let first = Number.POSITIVE_INFINITY;
  problems.keep((code, offset) => {
    if (code === 'yaml-syntax') first = Math.min(first, offset);
    return true;
  });
  if (first === Number.POSITIVE_INFINITY) return;
  problems.keep((code, offset) => code === 'yaml-syntax' || (offset < first && !CONSEQUENCES.has(code)));
}
