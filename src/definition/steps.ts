/**
 * The steps of a workflow in their one normal form: plain JSON with every field present, keys spelled as in the file.
 * Whatever a file, a program or a persona wrote is turned into this before anything else looks at it.
 */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { Asking, AskPolicy, GitOperation } from './ask-policy.js';
import type { Retries } from './retry-policy.js';

export { type AskPolicy, BRANCH_OPERATIONS, GIT_OPERATIONS, type GitOperation } from './ask-policy.js';
export {
  type BackoffCurve,
  type BackoffList,
  DEFAULT_BACKOFF,
  NO_RETRIES,
  type Retries,
} from './retry-policy.js';

/** A JSON Schema: an object, or true for anything. */
export type JsonSchema = JsonObject | true;

/** Seconds above 0, or template text that gives seconds or a duration such as `5m`; null for no limit. */
export type Duration = number | string;

export const STEP_TYPES = [
  'persona-request',
  'git-operation',
  'verify',
  'conditional',
  'parallel',
  'loop',
  'for_each',
  'workflow',
  'decision',
  'wait',
  'emit',
  'end',
  'lock',
  'unlock',
  'plan',
] as const;
export type StepType = (typeof STEP_TYPES)[number];

/** `on_success` steps are skipped once something before them has failed; the others are what is done about it. */
export const WHENS = ['on_success', 'always', 'on_failure'] as const;
export type When = (typeof WHENS)[number];

/** What a step's failure means: its list fails, its list goes on, or a person chooses. */
export const ON_ERRORS = ['fail', 'continue', 'ask'] as const;
export type OnError = (typeof ON_ERRORS)[number];

/** How many steps of a `parallel` must succeed, where that is no number. */
export const JOINS = ['all', 'any'] as const;
export type Join = (typeof JOINS)[number];

/** What follows when the rounds of a loop are used up: it fails, or a person chooses. Never a pass. */
export const ON_LIMITS = ['fail', 'ask'] as const;
export type OnLimit = (typeof ON_LIMITS)[number];

/** What every step has. */
export interface StepBase {
  /** Unique in the whole file, nested lists included. */
  readonly id: string;
  /** Template text. */
  readonly name: string;
  readonly description: string;
  /** Ids of steps of the same list. */
  readonly dependencies: readonly string[];
  /** An expression, or null: always. A false one skips the step. Of a `conditional` it chooses the branch instead. */
  readonly condition: string | null;
  readonly when: When;
  /** How long one attempt, or a whole block, may take. */
  readonly timeout: Duration | null;
  readonly on_error: OnError;
  /** Steps that undo this one, run when the run fails or is canceled after it succeeded. */
  readonly compensate: readonly StepDefinition[];
  /** The state of the run's work that begins with it. */
  readonly enters?: string | undefined;
}

export interface PersonaRequestStep extends StepBase, Asking {
  readonly type: 'persona-request';
  /** What the result must look like; null for anything. */
  readonly output: JsonSchema | null;
}

/** A persona that answers with a list of steps (`result.steps`), which are checked and then run. */
export interface PlanStep extends StepBase, Asking {
  readonly type: 'plan';
  readonly allow: {
    /** Types that the steps may have. */
    readonly types: readonly StepType[];
    /** Personas they may ask; null for all. */
    readonly personas: readonly string[] | null;
  };
  /** Most steps that it may plan, nested ones included. */
  readonly max_steps: number;
}

/** Done by the built-in persona `git` in the run's worktree. All texts but `operation` are templates. */
export interface GitOperationStep extends StepBase, AskPolicy {
  readonly type: 'git-operation';
  readonly operation: GitOperation;
  /** branch, switch: the branch to make or go to; push, sync: the remote's branch; merge, rebase: the other side. */
  readonly branch: string | null;
  /** Where a new branch starts. */
  readonly from: string | null;
  readonly message: string | null;
  readonly remote: string | null;
}

/** Done by the built-in persona `verify` in a clean worktree of its own, at the commit where the run stands. */
export interface VerifyStep extends StepBase, AskPolicy {
  readonly type: 'verify';
  /** Commands, each a program and its arguments; texts may be templates. All must exit with 0. */
  readonly run: readonly (readonly string[])[];
  /** What must be there besides. */
  readonly expect?: { readonly tests: { readonly min: number } } | undefined;
  /** Globs of files that must be as they were when the run started. */
  readonly protect?: readonly string[] | undefined;
}

export interface ConditionalStep extends StepBase {
  readonly type: 'conditional';
  readonly condition: string;
  readonly then_steps: readonly StepDefinition[];
  readonly else_steps: readonly StepDefinition[];
}

export interface ParallelStep extends StepBase {
  readonly type: 'parallel';
  readonly steps: readonly StepDefinition[];
  /** How many must succeed; the others are canceled then. */
  readonly wait_for: Join | number;
}

export interface LoopStep extends StepBase {
  readonly type: 'loop';
  readonly steps: readonly StepDefinition[];
  /** Looked at after each round; true ends the loop well. Exactly one of `until` and `while` is there. */
  readonly until: string | null;
  /** Looked at before each round; false ends the loop well. */
  readonly while: string | null;
  readonly max_rounds: number | string;
  readonly on_limit: OnLimit;
}

export interface ForEachStep extends StepBase {
  readonly type: 'for_each';
  /** A list whose texts may be templates, or a template that gives a list. */
  readonly items: string | readonly JsonValue[];
  readonly steps: readonly StepDefinition[];
  /** Items under way at the same time; null for no limit. */
  readonly concurrency: number | string | null;
}

/** A run inside the run. */
export interface WorkflowStep extends StepBase {
  readonly type: 'workflow';
  readonly workflow: string;
  /** Content hash of its definition; null until the loader has found it. */
  readonly definition: string | null;
  /** Texts may be templates; null hands over the task of the outer run. */
  readonly task: JsonObject | null;
  readonly retries: Retries;
}

export interface Choice {
  readonly id: string;
  readonly label: string;
}

/** Asks people. The result is `{ choice, data, by }`. */
export interface DecisionStep extends StepBase {
  readonly type: 'decision';
  /** Template text. */
  readonly prompt: string;
  readonly choices: readonly Choice[];
  /** Choices that fail the step. */
  readonly reject: readonly string[];
  /** What the data of an answer must look like; null for none. */
  readonly form: JsonSchema | null;
  /** What to judge by; texts may be templates. */
  readonly context: JsonObject;
  readonly assignees: readonly string[];
  /** Template text that gives what is asked one by one, or the list itself. */
  readonly questions?: string | readonly JsonValue[] | undefined;
  /** What is judged and may be edited, and what it must look like then. */
  readonly draft?: { readonly value: JsonValue; readonly schema: JsonSchema | null } | undefined;
  /** The choice that is taken when the time is up, or `fail`. There exactly when there is a `timeout`, but in older definitions. */
  readonly on_timeout?: string | undefined;
  /** When people are told again, after it was asked. */
  readonly remind?: readonly Duration[] | undefined;
  readonly escalate?: readonly Escalation[] | undefined;
  /** People who must choose the same; a choice that rejects needs one. */
  readonly quorum?: number | undefined;
}

/** After so long, these people are asked too. */
export interface Escalation {
  readonly after: Duration;
  readonly to: readonly string[];
}

/** Exactly one of `duration`, `until` and `signal` is there. A signal that does not come in `timeout` fails the step. */
export interface WaitStep extends StepBase {
  readonly type: 'wait';
  readonly duration: Duration | null;
  /** Template text that gives a time: ISO 8601. */
  readonly until: string | null;
  readonly signal: string | null;
}

export interface EmitStep extends StepBase {
  readonly type: 'emit';
  /** Template text. */
  readonly event: string;
  readonly data: JsonObject;
}

export const END_STATUSES = ['canceled', 'failed', 'completed'] as const;

/** Ends the run at once. */
export interface EndStep extends StepBase {
  readonly type: 'end';
  readonly status: (typeof END_STATUSES)[number];
  /** Template text. */
  readonly reason: string | null;
}

/** Waits until the run holds the lock. One that is not free in `timeout` fails the step. */
export interface LockStep extends StepBase {
  readonly type: 'lock';
  /** Template text: the name of the lock. */
  readonly lock: string;
}

/** Gives a lock back before the run ends. */
export interface UnlockStep extends StepBase {
  readonly type: 'unlock';
  /** Template text: the name of the lock. */
  readonly lock: string;
}

export type StepDefinition =
  | PersonaRequestStep
  | GitOperationStep
  | VerifyStep
  | ConditionalStep
  | ParallelStep
  | LoopStep
  | ForEachStep
  | WorkflowStep
  | DecisionStep
  | WaitStep
  | EmitStep
  | EndStep
  | LockStep
  | UnlockStep
  | PlanStep;

/** What `on_timeout` says of a step that fails when nobody decides in time. */
export const EXPIRED = 'fail';

/** What a decision offers when the file does not say. */
export const APPROVAL: readonly Choice[] = [
  { id: 'approve', label: 'Approve' },
  { id: 'reject', label: 'Reject' },
];

/** The choices that fail a decision when the file does not say. */
export function rejectsByDefault(choices: readonly Choice[]): readonly string[] {
  return choices.map(({ id }) => id).filter((id) => id === 'reject');
}

/** What a planned step may be when the file does not say: nothing that acts outside of the run or plans again. */
export const PLANNED_TYPES: readonly StepType[] = ['persona-request', 'conditional', 'parallel', 'loop', 'for_each'];

/** Other values that stand in the normal form for what a file does not say. */
export const DEFAULTS = {
  type: 'persona-request',
  when: 'on_success',
  on_error: 'fail',
  wait_for: 'all',
  on_limit: 'fail',
  max_steps: 50,
  version: '0.0.0',
} as const;

/** Steps that are answered by a persona, attempt by attempt. */
export type AskingStep = PersonaRequestStep | GitOperationStep | VerifyStep | PlanStep;
/** Steps that hold lists of steps. What a `plan` holds is known only when its persona has answered. */
export type BlockStep = ConditionalStep | ParallelStep | LoopStep | ForEachStep;
export const BLOCK_TYPES: readonly StepType[] = ['conditional', 'parallel', 'loop', 'for_each'];

/** Personas of coord's own: who answers `git-operation` and `verify`. */
const BUILT_IN = { 'git-operation': 'git', verify: 'verify' } as const;

/** Keys whose value is a list of steps. */
export const STEP_LIST_KEYS = ['steps', 'then_steps', 'else_steps', 'compensate'] as const;

export function isListKey(key: string): key is StepList['key'] {
  return (STEP_LIST_KEYS as readonly string[]).includes(key);
}

/** One list of steps inside a step: the steps in it start together and wait for each other by `dependencies`. */
export interface StepList {
  readonly key: (typeof STEP_LIST_KEYS)[number];
  readonly steps: readonly StepDefinition[];
}

/** The lists written inside a step, `compensate` last. */
export function listsOf(step: StepDefinition): readonly StepList[] {
  const lists: StepList[] = [];
  switch (step.type) {
    case 'conditional':
      lists.push({ key: 'then_steps', steps: step.then_steps }, { key: 'else_steps', steps: step.else_steps });
      break;
    case 'parallel':
    case 'loop':
    case 'for_each':
      lists.push({ key: 'steps', steps: step.steps });
      break;
    default:
  }
  if (step.compensate.length > 0) lists.push({ key: 'compensate', steps: step.compensate });
  return lists;
}

/** Every step of a list and of the lists inside, outer ones first. Without recursion over siblings; nesting is bounded. */
export function* allSteps(steps: readonly StepDefinition[]): Generator<StepDefinition> {
  for (const step of steps) {
    yield step;
    for (const list of listsOf(step)) yield* allSteps(list.steps);
  }
}

/** Steps whose persona is named in the file; others ask one of coord's own, or none. */
export function hasPersona(step: StepDefinition): step is PersonaRequestStep | PlanStep {
  return step.type === 'persona-request' || step.type === 'plan';
}

export function isAsking(step: StepDefinition): step is AskingStep {
  return hasPersona(step) || step.type === 'git-operation' || step.type === 'verify';
}

/** The personas that a step asks, in turn. */
export function personasOf(step: AskingStep): readonly string[] {
  return hasPersona(step) ? [step.persona, ...step.fallback] : [BUILT_IN[step.type]];
}
