/** Reads a whole file into a definition: what stands at its top here, its steps and variables in files of their own. */
import { quoted } from '../expression/problem.js';
import { hasHoles } from '../expression/template.js';
import { checkSteps } from './check/steps.js';
import { describe, type Located } from './fields.js';
import { ERROR_STRATEGIES, WORKFLOW_KEYS } from './keys.js';
import type { Problems } from './problem.js';
import { readRunBudget } from './readers/budgets.js';
import type { ReadContext, StepDraft } from './readers/draft.js';
import { checkPersona } from './readers/names.js';
import { Sheet } from './readers/sheet.js';
import { readStates } from './readers/states.js';
import { readVariables, usesAtStart } from './readers/variables.js';
import { respellWorkflow } from './respell.js';
import { MEANT_IN_WORKFLOW } from './spelling.js';
import { readSteps } from './step-reader.js';
import type { CustomStepType } from './step-types.js';
import { allSteps, DEFAULTS, NO_RETRIES, type Retries } from './steps.js';
import type { ListNode, MapNode, TreeNode } from './tree.js';
import { keyOfRuns, millisecondsOf, type Retention, WORKFLOW_LIMITS, type WorkflowDefinition } from './workflow.js';

export interface ReadOptions {
  /** Name of the file, for the problems; without a `name` in it the workflow is called after it. */
  readonly file: string;
  /** Names of the personas that steps may ask; null when they are not known here, and then none is checked. */
  readonly personas: ReadonlySet<string> | null;
  /** The environment whose variables count; null or left out for none. */
  readonly environment?: string | null | undefined;
  /** Whether a workflow that does not have the environment is refused; it is, unless this is false. */
  readonly environmentNeeded?: boolean;
  /** Step types of plugins, by name. */
  readonly types?: ReadonlyMap<string, CustomStepType> | undefined;
}

export interface Reading {
  readonly definition: WorkflowDefinition;
  /** The workflows that its steps run, as they are named in it. */
  readonly calls: readonly Located<string>[];
}

/** Null when the file is no workflow at all. Everything that is wrong is in `problems`. */
export function readWorkflow(tree: TreeNode | null, options: ReadOptions, problems: Problems): Reading | null {
  if (tree === null || tree.kind !== 'map') {
    if (problems.count > 0) return null;
    const empty = tree === null || (tree.kind === 'scalar' && tree.value === null);
    const what = empty ? 'the file is empty' : `a workflow must be a map, not ${describe(tree)}`;
    problems.add('wrong-type', tree ?? { start: 0, end: 1 }, what, 'A workflow has at least "name:" and "steps:".');
    return null;
  }
  const types = options.types ?? new Map<string, CustomStepType>();
  return readMap(respellWorkflow(tree, new Set(types.keys()), problems), { ...options, types }, problems);
}

function readMap(
  root: MapNode,
  options: ReadOptions & { readonly types: ReadonlyMap<string, CustomStepType> },
  problems: Problems,
): Reading {
  const sheet = new Sheet(root, 'the workflow', problems);
  sheet.fields.only({ known: WORKFLOW_KEYS, meant: MEANT_IN_WORKFLOW });
  const name = readName(sheet) ?? nameOfFile(options.file);
  const variables = readVariables(sheet, options.environment ?? null, options.environmentNeeded ?? true);
  const { personas, types } = options;
  const budget = { steps: WORKFLOW_LIMITS.steps };
  const { states, uses } = readStates(sheet);
  const context = { problems, personas, types, states: uses, allowed: null, budget, depth: 0, readSteps };
  const drafts = readLists(sheet, { ...context, defaults: readDefaults(sheet, { ...context, defaults: NO_DEFAULTS }) });
  const retention = readRetention(sheet);
  const limits = readRunBudget(sheet);
  const evidence = sheet.word('evidence', ['required'] as const);
  if (evidence !== null) needVerify(sheet, drafts);
  const top = readTop(sheet, { name, variables: new Set(variables.names) });
  const result = new Sheet(root, 'the workflow', problems);
  const definition: WorkflowDefinition = {
    format: 2,
    name,
    version: sheet.text('version') ?? DEFAULTS.version,
    description: sheet.text('description') ?? '',
    ...top,
    ...(retention === null ? {} : { retention }),
    ...(limits === null ? {} : { budget: limits }),
    ...(evidence === null ? {} : { evidence }),
    ...(states === null ? {} : { states }),
    result: result.value('result'),
    variables: variables.values,
    steps: drafts.map((draft) => draft.definition),
  };
  checkSteps(drafts, { variables: variables.names, input: top.input, result: result.uses, problems });
  return { definition, calls: callsOf(drafts) };
}

type Top = Pick<WorkflowDefinition, 'input' | 'output' | 'timeout' | 'max_concurrent_steps' | 'concurrency'>;

interface Naming {
  readonly name: string;
  readonly variables: ReadonlySet<string>;
}

function readTop(sheet: Sheet, naming: Naming): Top {
  const timeout = sheet.duration('timeout');
  const node = sheet.fields.node('timeout');
  if (node !== null) usesAtStart(node, 'timeout', { ...naming, problems: sheet.problems });
  return {
    input: sheet.schema('input'),
    output: sheet.schema('output'),
    timeout,
    max_concurrent_steps: sheet.number('max_concurrent_steps', { from: 1, to: WORKFLOW_LIMITS.items }),
    concurrency: readConcurrency(sheet, naming),
  };
}

/** A bare number counts the runs of this workflow. */
function readConcurrency(sheet: Sheet, { name, variables }: Naming): WorkflowDefinition['concurrency'] {
  const node = sheet.fields.node('concurrency');
  if (node === null) return null;
  const limits = { from: 1, to: WORKFLOW_LIMITS.runs };
  if (node.kind !== 'map') {
    const wanted = 'the number of runs that may be under way, or a map with "key" and "limit"';
    if (node.kind !== 'scalar' || typeof node.value !== 'number') return sheet.fields.refuse('concurrency', wanted);
    const limit = sheet.number('concurrency', limits);
    return limit === null ? null : { key: keyOfRuns(name), limit };
  }
  const inner = new Sheet(node, 'the concurrency of the workflow', sheet.problems);
  inner.fields.only({ known: ['key', 'limit'], meant: { group: 'key', max: 'limit', name: 'key' } });
  inner.need('limit', 'Say how many runs with the same key may be under way.');
  const key = inner.fields.text('key');
  if (key !== null) usesAtStart(key, 'concurrency', { variables, problems: sheet.problems });
  const limit = inner.number('limit', limits);
  return limit === null ? null : { key: key?.value ?? keyOfRuns(name), limit };
}

/** Nothing could ever be the evidence. */
function needVerify({ fields }: Sheet, drafts: readonly StepDraft[]): void {
  for (const { type } of allSteps(drafts.map(({ definition }) => definition))) if (type === 'verify') return;
  fields.refuse(
    'evidence',
    'left out of a workflow without a step of type "verify"',
    'Add such a step, behind the last change.',
  );
}

function readRetention({ fields }: Sheet): Retention | null {
  const wanted = 'a duration such as "12h" or "30d", up to 365 days, or "forever"';
  const node = fields.scalar('retention', wanted);
  if (node === null) return null;
  if (node.value === 'forever') return 'forever';
  const ms = millisecondsOf(node.value);
  if (ms !== null && Math.round(ms) >= 1 && ms <= WORKFLOW_LIMITS.timeoutMs) return Math.round(ms) / 1_000;
  return fields.refuse('retention', wanted, node.value === 'never' ? 'To keep runs for ever, say "forever".' : null);
}

const NO_DEFAULTS: ReadContext['defaults'] = { retries: null, fallback: [] };

/** What steps that ask a persona do about errors when they say nothing themselves. */
function readDefaults(outer: Sheet, context: ReadContext): ReadContext['defaults'] {
  const node = outer.fields.map('error_handling', 'a map with "strategy", "max_retries" and "fallback_agents"');
  if (node === null) return NO_DEFAULTS;
  const sheet = new Sheet(node, 'the error_handling of the workflow', outer.problems);
  sheet.fields.only({
    known: ['strategy', 'max_retries', 'fallback_agents'],
    meant: { fallback: 'fallback_agents', retries: 'max_retries', retry_count: 'max_retries' },
  });
  const strategy = sheet.word('strategy', ERROR_STRATEGIES) ?? 'retry_with_fallback';
  const count = sheet.number('max_retries', { from: 0, to: WORKFLOW_LIMITS.retries });
  const agents = sheet.texts('fallback_agents', 'personas');
  for (const agent of agents) checkPersona(agent, sheet, context);
  const retries: Retries | null = count === null ? null : { ...NO_RETRIES, count };
  return {
    retries: strategy === 'retry_with_fallback' || strategy === 'retry' ? retries : null,
    fallback:
      strategy === 'retry_with_fallback' || strategy === 'fallback'
        ? [...new Set(agents.map(({ value }) => value))]
        : [],
  };
}

/** The steps, and behind them those for failures. */
function readLists(sheet: Sheet, context: ReadContext): readonly StepDraft[] {
  const { fields, problems } = sheet;
  sheet.need('steps', 'A workflow needs at least one step: "steps:" and below it "- id: …".');
  const list = sheet.steps('steps');
  const failures = sheet.steps('on_failure');
  if (list?.items.length === 0) problems.add('wrong-type', list, 'the workflow has no steps', 'Add at least one step.');
  if (fields.has('steps') && tooMany([list, failures], problems)) return [];
  return [
    ...(list === null ? [] : readSteps(list, context)),
    ...(failures === null ? [] : readSteps(failures, context, { onFailure: true })),
  ];
}

/** Counts before reading, so that a huge file is refused with its number. */
function tooMany(lists: readonly (ListNode | null)[], problems: Problems): boolean {
  const steps = lists.flatMap((list) => list?.items ?? []);
  const extra = steps[WORKFLOW_LIMITS.steps];
  if (extra === undefined) return false;
  const counts = `${String(steps.length)} steps, more than ${String(WORKFLOW_LIMITS.steps)}`;
  problems.add('too-large', { start: extra.start, end: extra.start + 1 }, `the workflow has ${counts}`);
  return true;
}

function readName({ fields, problems }: Sheet): string | null {
  const name = fields.text('name');
  if (name === null) return null;
  if (/^[^\p{Cc}\p{Cf}\p{Cs}]{1,100}$/u.test(name.value) && name.value.trim() !== '') return name.value;
  const message = `${quoted(name.value)} cannot be the name of a workflow`;
  problems.add('wrong-type', name, message, 'A name is one line of up to 100 visible characters.');
  return null;
}

/** `workflows/hotfix.yml` is `hotfix`. */
function nameOfFile(file: string): string {
  const base = file.split(/[\\/]/).at(-1) ?? '';
  return base.replace(/\.(?:ya?ml|json|m?[jt]s)$/i, '') || 'workflow';
}

function callsOf(drafts: readonly StepDraft[]): readonly Located<string>[] {
  return drafts.flatMap(({ definition, fields, lists }) => {
    const inside = lists.flatMap(({ steps }) => callsOf(steps));
    const place = fields.get('workflow');
    if (definition.type !== 'workflow' || place === undefined) return inside;
    const { workflow } = definition;
    return workflow === '' || hasHoles(workflow) ? inside : [{ value: workflow, ...place }, ...inside];
  });
}
