/** What a test says: the words of a test file in their normal form, whatever file or program they came from. */
import type { Asked } from '../core/asked.js';
import type { Usage } from '../core/exchange.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import type { ErrorClass, RunStatus } from '../core/statuses.js';
import type { WorkflowDefinition } from '../definition/workflow.js';

/**
 * What a persona does with a request. `asks` needs to know something from people first, `hang` never answers, `lose_worker`
 * dies, `no_worker` is not there at all.
 */
export const REPLY_KINDS = ['pass', 'fail', 'error', 'garbage', 'asks', 'hang', 'lose_worker', 'no_worker'] as const;
export type ReplyKind = (typeof REPLY_KINDS)[number];

export interface ScriptedReply {
  readonly kind: ReplyKind;
  readonly result: JsonValue;
  /** Contents by name. */
  readonly artifacts: Readonly<Record<string, string>>;
  /** Why it did not pass; of `garbage` what it says instead of a reply. */
  readonly message: string;
  /** Of `error`. */
  readonly class: ErrorClass;
  /** Of `asks`: what people are asked. */
  readonly questions: readonly Asked[];
  /** How long the persona works, ms. */
  readonly afterMs: number;
  /** What it says that it has used, and what its conversation is called. */
  readonly usage?: Usage;
  readonly session?: string;
  /** Of `error` with the classes RATE_LIMIT and QUOTA: when it can go on, ms. */
  readonly resumeInMs?: number;
}

export const PASS: ScriptedReply = {
  kind: 'pass',
  result: {},
  artifacts: {},
  message: '',
  class: 'PERSONA_ERROR',
  questions: [{ id: 'answer', ask: 'What is to be done?', type: 'text' }],
  afterMs: 0,
};

/** By occurrence, the last repeats; each with the variants that a property tries. */
export type ReplyList = readonly (readonly ScriptedReply[])[];

export interface ScriptedSignal {
  readonly name: string;
  readonly data: JsonValue;
  /** Ms after the start; null: when a step waits for it. */
  readonly atMs: number | null;
}

export interface ScriptedDecision {
  readonly choice: string;
  readonly data: JsonValue;
  readonly by: string;
  /** What the person changes in the draft, as a JSON merge patch. */
  readonly edits?: JsonValue;
  /** How long the person takes, ms. */
  readonly afterMs: number;
}

export interface Scenario {
  readonly task: JsonObject;
  /** By path, step id, `@persona`, or `*` for all other requests. */
  readonly replies: ReadonlyMap<string, ReplyList>;
  /** Whether a request that nothing is written for fails the test; else it passes with an empty result. */
  readonly strict: boolean;
  readonly signals: readonly ScriptedSignal[];
  /** By path or step id; by occurrence, with variants. */
  readonly decisions: ReadonlyMap<string, readonly (readonly ScriptedDecision[])[]>;
  readonly cancel: { readonly atMs: number; readonly reason: string } | null;
}

export const EMPTY_SCENARIO: Scenario = {
  task: {},
  replies: new Map(),
  strict: false,
  signals: [],
  decisions: new Map(),
  cancel: null,
};

/** Texts of the form `/…/` are patterns; maps match when all that is written matches. */
export interface Expectation {
  readonly status: RunStatus | null;
  /** All steps that were started, in this order. */
  readonly path: readonly string[] | null;
  /** Steps that were started in this order, others between them. */
  readonly pathIncludes: readonly string[];
  /** Steps that must not start. */
  readonly never: readonly string[];
  /** By path or step id (then the last instance). */
  readonly steps: ReadonlyMap<string, JsonObject>;
  readonly state: JsonObject;
  readonly result: { readonly value: JsonValue } | null;
  readonly requests: ReadonlyMap<string, { readonly count: number | null; readonly values: JsonObject }>;
  readonly elapsed: { readonly atLeastMs: number; readonly atMostMs: number } | null;
  readonly error: JsonObject | null;
  /** Types of facts, or names of emitted events. */
  readonly events: readonly string[];
  /** By name: a text that the artifact contains. */
  readonly artifacts: ReadonlyMap<string, string>;
  /** Code of the error with which the start is refused. */
  readonly refused: string | null;
}

interface Written {
  readonly name: string;
  /** From 1. */
  readonly line: number;
  readonly environment: string | null;
}

export interface WorkflowTest extends Written {
  readonly scenario: Scenario;
  readonly expect: Expectation;
}

export interface WorkflowProperty extends Written {
  readonly scenario: Scenario;
  /** Expressions that must never, always and at the end be true. */
  readonly never: string | null;
  readonly always: string | null;
  readonly finally: string | null;
  /** Orders of events that are tried at most. */
  readonly interleavings: number;
}

export interface TestFile {
  readonly file: string;
  /** Name, or path relative to the file. */
  readonly workflow: string;
  readonly tests: readonly WorkflowTest[];
  readonly properties: readonly WorkflowProperty[];
}

/** A workflow as it is tested: with the workflows that its steps run. */
export interface TestedWorkflow {
  readonly definition: WorkflowDefinition;
  readonly inner: readonly WorkflowDefinition[];
}
