/**
 * Steps that a persona planned: read and checked as those of a file are, before anything of them runs. Nothing of it is
 * trusted, so every limit holds, and a problem is told with the path of what is wrong. Pure.
 */
import type { JsonValue } from '../core/json.js';
import { quoted } from '../expression/problem.js';
import { checkSteps } from './check/steps.js';
import { treeOfJson } from './json-tree.js';
import { Problems, type Range } from './problem.js';
import type { StepDraft } from './readers/draft.js';
import { respellSteps } from './respell.js';
import { readSteps } from './step-reader.js';
import { NO_RETRIES, type StepBase, type StepDefinition, type StepType } from './steps.js';
import type { ListNode } from './tree.js';
import { stateName, WORKFLOW_LIMITS } from './workflow.js';

export interface PlanningContext {
  /** Types that the steps may have. */
  readonly types: readonly StepType[];
  /** Personas that they may ask; null for all. */
  readonly personas: ReadonlySet<string> | null;
  /** Most steps, nested ones included. */
  readonly max_steps: number;
  /** Ids of the workflow that is being run, which no planned step may have. */
  readonly taken: ReadonlySet<string>;
  /** Ids among them whose state may be read: steps that have settled before. */
  readonly readable: readonly string[];
  readonly variables: readonly string[];
}

export type PlannedSteps =
  | { readonly ok: true; readonly steps: readonly StepDefinition[] }
  /** One text per problem, with the path of its place in the list: `[0].params: …`. */
  | { readonly ok: false; readonly problems: readonly string[] };

const NO_TYPES: ReadonlySet<string> = new Set();
const SHOWN = 50;

/** Never throws; a value of any shape and size is answered. */
export function parseSteps(value: JsonValue, context: PlanningContext): PlannedSteps {
  const json = treeOfJson(value);
  if (typeof json === 'string') return { ok: false, problems: [json] };
  const { tree, text, pathOf } = json;
  if (tree.kind !== 'list' || tree.items.length === 0)
    return { ok: false, problems: ['the plan must be a list with at least one step'] };
  const problems = new Problems(text, 'plan');
  const budget = { steps: WORKFLOW_LIMITS.steps };
  const drafts = readList(tree, { context, budget, problems });
  const count = WORKFLOW_LIMITS.steps - budget.steps;
  if (count > context.max_steps) {
    const counts = `${String(count)} steps, more than ${String(context.max_steps)}`;
    problems.add('too-large', { start: 0, end: 1 }, `the plan has ${counts}`);
  }
  const taken = new Set([...context.taken].map((id) => stateName(id, 'status')));
  for (const id of takenIds(drafts, taken))
    problems.add(
      'duplicate-id',
      id,
      `the step id ${quoted(id.value)} is there already in the workflow`,
      'Choose another.',
    );
  checkSteps(behindReadable(drafts, context.readable), {
    variables: context.variables,
    input: null,
    result: [],
    problems,
  });
  const errors = problems.list().filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return { ok: true, steps: drafts.map(({ definition }) => definition) };
  return {
    ok: false,
    problems: errors.slice(0, SHOWN).map(({ line, message, hint }) => {
      const path = pathOf(line);
      return `${path === '' ? '' : `${path}: `}${message}${hint === null ? '' : `. ${hint}`}`;
    }),
  };
}

function readList(
  list: ListNode,
  at: {
    readonly context: PlanningContext;
    readonly budget: { steps: number };
    readonly problems: Problems;
  },
): readonly StepDraft[] {
  const { context, budget, problems } = at;
  return readSteps(respellSteps(list, NO_TYPES, problems), {
    problems,
    personas: context.personas,
    types: new Map(),
    states: new Map(),
    allowed: context.types,
    defaults: { retries: null, fallback: [] },
    budget,
    depth: 0,
    readSteps,
  });
}

/** Ids that would share their names in `context.state` with a step that is there. */
function takenIds(drafts: readonly StepDraft[], taken: ReadonlySet<string>): readonly StepDraft['id'][] {
  return drafts.flatMap(({ id, lists }) => [
    ...(taken.has(stateName(id.value, 'status')) ? [id] : []),
    ...lists.flatMap(({ steps }) => takenIds(steps, taken)),
  ]);
}

/** What the plan stands in: a block behind every step that may be read, so that the checks of a file fit. */
function behindReadable(drafts: readonly StepDraft[], readable: readonly string[]): readonly StepDraft[] {
  const own = new Set(drafts.map(({ id }) => id.value));
  const before = readable.filter((id) => !own.has(id));
  const nowhere = { start: 0, end: 1 };
  const common = { node: nowhere, uses: [], inside: [], fields: new Map<string, Range>() };
  const dependencies = before.map((value) => ({ value, ...nowhere }));
  let block = 'plan';
  while (own.has(block) || readable.includes(block)) block += '-';
  return [
    ...before.map(
      (id): StepDraft => ({
        ...common,
        definition: anyStep(id),
        id: { value: id, ...nowhere },
        dependencies: [],
        lists: [],
      }),
    ),
    {
      ...common,
      definition: {
        ...baseOf(block, before),
        type: 'parallel',
        steps: drafts.map(({ definition }) => definition),
        wait_for: 'all',
      },
      id: { value: block, ...nowhere },
      dependencies,
      lists: [{ key: 'steps', steps: drafts }],
    },
  ];
}

/** A step of which nothing is known but that its state can be read, whatever it is. */
function anyStep(id: string): StepDefinition {
  return {
    ...baseOf(id, []),
    type: 'persona-request',
    on_error: 'continue',
    persona: 'any',
    fallback: [],
    params: {},
    queue_timeout: null,
    retries: NO_RETRIES,
    output: null,
  };
}

function baseOf(id: string, dependencies: readonly string[]): StepBase {
  return {
    id,
    name: id,
    description: '',
    dependencies,
    condition: null,
    when: 'on_success',
    timeout: null,
    on_error: 'fail',
    compensate: [],
  };
}
