/**
 * What is stored of a run and of each of its steps, in format 1. Every field is always present; times are the
 * store's, in ms. `parse…` accept what `JSON.stringify` of a record gave and throw RUN_UNREADABLE for all else,
 * so that a damaged record sets one run aside instead of moving it somewhere wrong.
 */
import { z } from 'zod';
import { CoordError, messageOf } from '../core/errors.js';
import { jsonValueSchema } from '../core/json.js';
import { artifactRefSchema } from '../core/messages.js';
import { ERROR_CLASSES, RUN_STATUSES, STEP_STATUSES, VERDICTS } from '../core/statuses.js';

const RECORD_FORMAT = 1;

const failureSchema = z.strictObject({ class: z.enum(ERROR_CLASSES), message: z.string() });

export const runRecordSchema = z.strictObject({
  format: z.literal(RECORD_FORMAT),
  id: z.string(),
  workflow: z.string(),
  status: z.enum(RUN_STATUSES),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  /** Steps that are not settled yet; 0 ends the run. */
  unsettled: z.int().nonnegative(),
  /** The first step that failed: from then on nothing new starts. */
  failure: failureSchema.extend({ step: z.string() }).nullable(),
  canceled: z.strictObject({ reason: z.string(), by: z.string() }).nullable(),
  /** Commit that the run's branch stands at; null without a workspace. */
  head: z.string().nullable(),
});
export type RunRecord = Readonly<z.infer<typeof runRecordSchema>>;

export const stepRecordSchema = z.strictObject({
  status: z.enum(STEP_STATUSES),
  attempt: z.int().nonnegative(),
  /** Attempts that count against `retries`. */
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
  result: jsonValueSchema,
  error: failureSchema.nullable(),
  reason: z.string().nullable(),
  artifacts: z.array(artifactRefSchema).readonly(),
  commit: z.string().nullable(),
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
};

export function newRunRecord(start: {
  id: string;
  workflow: string;
  steps: number;
  createdAt: number;
  head: string | null;
}): RunRecord {
  return {
    format: RECORD_FORMAT,
    id: start.id,
    workflow: start.workflow,
    status: 'pending',
    createdAt: start.createdAt,
    startedAt: null,
    endedAt: null,
    unsettled: start.steps,
    failure: null,
    canceled: null,
    head: start.head,
  };
}

export function parseRecord<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CoordError('RUN_UNREADABLE', `${what} is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new CoordError(
    'RUN_UNREADABLE',
    `${what} is damaged: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
  );
}
