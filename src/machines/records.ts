/**
 * What is stored of a run and of each of its steps, in format 2. Every field is always present, but for `more`, which
 * holds what only some types of steps have; times are the store's, in ms. `parse…` accept what `JSON.stringify` of a
 * record gave and throw RUN_UNREADABLE for all else, so that a damaged record sets one run aside instead of moving it
 * somewhere wrong.
 */
import { z } from 'zod';
import { askedListSchema } from '../core/asked.js';
import { CoordError, messageOf } from '../core/errors.js';
import { RUN_FORMAT } from '../core/formats.js';
import { jsonObjectSchema, jsonValueSchema } from '../core/json.js';
import { lockPartySchema } from '../core/lock-port.js';
import { artifactRefSchema, ceilingSchema, handoverSchema, usedSchema } from '../core/exchange.js';
import { ERROR_CLASSES, RUN_STATUSES, STEP_STATUSES, VERDICTS } from '../core/statuses.js';
import { stepsSchema } from '../definition/stored.js';

const RECORD_FORMAT = 2;

const failureSchema = z.strictObject({ class: z.enum(ERROR_CLASSES), message: z.string() });
const listFailureSchema = failureSchema.extend({ step: z.string().nullable() });
/** Why a list of steps fails, and which step was the first. */
export type ListFailure = Readonly<z.infer<typeof listFailureSchema>>;

const amountsSchema = z.strictObject({ tokens: z.number(), costUsd: z.number(), turns: z.number() });

const runBudgetSchema = z.strictObject({
  /** Set aside for attempts that are under way. */
  reserved: amountsSchema.optional(),
  /** Granted by people besides. */
  raised: amountsSchema.optional(),
  /** Whether people were told that it will soon be used up. */
  warned: z.literal(true).optional(),
  /** The step that has asked people last for more of it. */
  asked: z.string().optional(),
});

const steeredSchema = z.strictObject({
  /** Why nothing new begins, who said so, and since when; null when it is not paused. */
  paused: z.strictObject({ reason: z.string(), by: z.string(), at: z.number() }).nullable(),
  /** Since when the run's own time counts, ms: later than its start by the time that it was paused. */
  timeFrom: z.number().nullable(),
});

export const runRecordSchema = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  id: z.string(),
  workflow: z.string(),
  status: z.enum(RUN_STATUSES),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** Attempts and inner runs under way, and retries that are due later. */
  active: z.int().nonnegative(),
  /** Steps that wait for people, signals or a time. */
  waiting: z.int().nonnegative(),
  /** Steps settled so far: numbers them in order of completion. */
  settled: z.int().nonnegative(),
  /** Steps that have had to wait for a free place so far: numbers them. */
  queued: z.int().nonnegative(),
  /** Steps of the lists that were opened so far, each round and item counted. */
  opened: z.int().nonnegative(),
  /** The first step that failed: from then on nothing new starts but what deals with failures. */
  failure: listFailureSchema.nullable(),
  canceled: z.strictObject({ reason: z.string(), by: z.string() }).nullable(),
  /** Commit that the run's branch stands at; null without a workspace. */
  head: z.string().nullable(),
  result: jsonValueSchema,
  slot: z.strictObject({ key: z.string(), limit: z.int().positive() }).nullable(),
  parent: z.strictObject({ run: z.string(), step: z.string() }).nullable(),
  /** Signals that no step has waited for yet, oldest first. */
  signals: z.array(z.strictObject({ name: z.string(), data: jsonValueSchema, by: z.string() })).readonly(),
  /** The state of what it works on; left out before any step has entered one. */
  state: z.string().optional(),
  /**
   * Locks that it holds; left out when there are none. Of a run that has ended: those that it held then, which it takes again
   * first when it is taken up again.
   */
  locks: z
    .array(
      z.strictObject({
        name: z.string(),
        /** The step that has taken it. */
        step: z.string(),
        /** Null: it held it when it ended, and waits for it again. */
        grant: z.int().positive().nullable(),
        since: z.number(),
      }),
    )
    .readonly()
    .optional(),
  /** What people have done to it besides; left out of a run that nobody has steered. */
  steered: steeredSchema.optional(),
  /** What its attempts have used; left out when none has said. */
  used: usedSchema.optional(),
  /** How its budget stands; left out before anything was counted against it. */
  budget: runBudgetSchema.optional(),
  /** The format of runs when it was started; left out of those from before 6, which are folded as they were then. */
  since: z.int().optional(),
});
export type RunRecord = Readonly<z.infer<typeof runRecordSchema>>;

const blockSchema = z.strictObject({
  /** Of a conditional. */
  branch: z.enum(['then', 'else']).optional(),
  /** Of a loop: the round under way, from 1. */
  round: z.int().nonnegative().optional(),
  /** Of a loop: rounds that it may take in all. */
  rounds: z.int().positive().optional(),
  /** Of a for_each. */
  items: z.array(jsonValueSchema).readonly().optional(),
  /** Of a for_each: items under way at the same time. */
  width: z.int().positive().optional(),
  /** Of a for_each that has stopped beginning items: how many it had begun. */
  begun: z.int().nonnegative().optional(),
  /** Of a plan: the steps that were planned, in normal form. */
  steps: stepsSchema.optional(),
  failure: listFailureSchema.optional(),
  /** Why it is winding down although nothing inside has failed. */
  stopped: z.string().optional(),
});
export type BlockRecord = Readonly<z.infer<typeof blockSchema>>;

const questionSchema = z.strictObject({
  token: z.string(),
  about: z.enum(['step', 'failure', 'limit', 'input', 'budget']),
  prompt: z.string(),
  choices: z.array(z.strictObject({ id: z.string(), label: z.string() })).readonly(),
  context: jsonObjectSchema,
  assignees: z.array(z.string()).readonly(),
  asked: askedListSchema.optional(),
  draft: jsonValueSchema.optional(),
  edited: z.boolean().optional(),
  rejects: z.array(z.string()).readonly().optional(),
  due: z.number().optional(),
  otherwise: z.string().optional(),
  nudges: z
    .array(z.strictObject({ at: z.number(), to: z.array(z.string()).readonly().optional() }))
    .readonly()
    .optional(),
  quorum: z.int().positive().optional(),
  votes: z
    .array(z.strictObject({ by: z.string(), choice: z.string(), data: jsonValueSchema, at: z.number() }))
    .readonly()
    .optional(),
  at: z.number().optional(),
});

const waitsForSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('time'), until: z.number() }),
  z.strictObject({ kind: z.literal('signal'), name: z.string() }),
  z.strictObject({ kind: z.literal('decision'), question: questionSchema }),
  z.strictObject({ kind: z.literal('run'), run: z.string() }),
  z.strictObject({ kind: z.literal('lock'), name: z.string(), holder: lockPartySchema.nullable().optional() }),
]);

const moreSchema = z.strictObject({
  block: blockSchema.optional(),
  waitsFor: waitsForSchema.optional(),
  /** Questions asked so far, so that each has a token of its own. */
  questions: z.int().positive().optional(),
  /** How often the persona has asked people so far, and what they have answered. */
  inputs: z.int().positive().optional(),
  answers: z
    .array(z.strictObject({ id: z.string(), ask: z.string(), answer: jsonValueSchema }))
    .readonly()
    .optional(),
  /** The state of the run's work that it has entered. */
  entered: z.string().optional(),
  /** The run inside. */
  run: z.string().optional(),
  /** Its failure is dealt with: dependents go on, its list does not fail. */
  tolerated: z.literal(true).optional(),
  /** How undoing it goes. */
  undo: z.enum(['running', 'done', 'failed']).optional(),
  /** Place in the line of steps that wait for a free place under `max_concurrent_steps`. */
  place: z.int().positive().optional(),
  /** Place among `persona` and `fallback` of the one that is asked; the first when it is left out. */
  asked: z.int().positive().optional(),
  /** Of a step that is `retrying`: the time for its next attempt came while the run was paused. */
  due: z.literal(true).optional(),
  /** People have said that the run goes on without it; it stays so when the run is tried again. */
  passedOver: z.literal(true).optional(),
  /** What its attempts have used; left out when none has said. */
  used: usedSchema.optional(),
  /** Set aside for the attempt that is under way, and granted by people besides. */
  reserved: ceilingSchema.optional(),
  raised: amountsSchema.optional(),
  /** How often in a row it was parked, and until when it is, or was last. */
  parked: z.strictObject({ until: z.number(), times: z.int().positive() }).optional(),
  /** Commit that the next attempt starts from: what the last one had done before it ended. */
  work: z.string().optional(),
  /** The files that its commit holds, as git names them. */
  tree: z.string().optional(),
  /** By persona: the conversation to go on with. */
  sessions: z.record(z.string(), z.string()).optional(),
  /** What the personas came to that were asked before the one that is asked now: the last attempt of each. */
  tried: z.array(handoverSchema).readonly().optional(),
  /** Another run has done it, which this one was forked from: it is not this one's to undo. */
  past: z.literal(true).optional(),
});
export type StepMore = Readonly<z.infer<typeof moreSchema>>;

export const stepRecordSchema = z.strictObject({
  status: z.enum(STEP_STATUSES),
  attempt: z.int().nonnegative(),
  /** Attempts that count against `retries`, of the persona that is asked now. */
  failures: z.int().nonnegative(),
  /** Attempts whose worker vanished: not the step's fault, so counted apart. */
  losses: z.int().nonnegative(),
  /** Token of the outstanding attempt; a reply with any other changes nothing. */
  token: z.string().nullable(),
  queuedAt: z.number().nullable(),
  begunAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  worker: z.string().nullable(),
  verdict: z.enum(VERDICTS).nullable(),
  /** What the persona said. The value of a block is not stored but put together from its steps. */
  result: jsonValueSchema,
  error: failureSchema.nullable(),
  reason: z.string().nullable(),
  artifacts: z.array(artifactRefSchema).readonly(),
  commit: z.string().nullable(),
  /** Place in the order of completion; null before. */
  order: z.int().nonnegative().nullable(),
  more: moreSchema,
});
export type StepRecord = Readonly<z.infer<typeof stepRecordSchema>>;

/** A step that nothing has happened to yet; not stored. */
export const PENDING_STEP: StepRecord = {
  status: 'pending',
  attempt: 0,
  failures: 0,
  losses: 0,
  token: null,
  queuedAt: null,
  begunAt: null,
  endedAt: null,
  worker: null,
  verdict: null,
  result: null,
  error: null,
  reason: null,
  artifacts: [],
  commit: null,
  order: null,
  more: {},
};

export function newRunRecord(start: {
  id: string;
  workflow: string;
  createdAt: number;
  head: string | null;
  slot: RunRecord['slot'];
  parent: RunRecord['parent'];
}): RunRecord {
  return {
    format: RECORD_FORMAT,
    id: start.id,
    workflow: start.workflow,
    status: 'pending',
    createdAt: start.createdAt,
    startedAt: null,
    endedAt: null,
    active: 0,
    waiting: 0,
    settled: 0,
    queued: 0,
    opened: 0,
    failure: null,
    canceled: null,
    head: start.head,
    result: null,
    slot: start.slot,
    parent: start.parent,
    signals: [],
    since: RUN_FORMAT,
  };
}

export function parseRecord<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CoordError('RUN_UNREADABLE', `${what} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = safely(schema, value, what);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CoordError(
    'RUN_UNREADABLE',
    `${what} is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
  );
}

/** Checking goes as deep as the value, so one that is too deep ends in a RangeError. */
function safely<T>(schema: z.ZodType<T>, value: unknown, what: string): ReturnType<typeof schema.safeParse> {
  try {
    return schema.safeParse(value);
  } catch (error) {
    throw new CoordError('RUN_UNREADABLE', `${what} cannot be checked: ${messageOf(error)}`, { cause: error });
  }
}
