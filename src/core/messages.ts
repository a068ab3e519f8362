/**
 * What a run is started with and the messages of its inbox, as `docs/protocol.md` documents them. What enters from outside
 * is parsed with these schemas, once, at the edge.
 */
import { z } from 'zod';
import { type PersonaReply, usedSchema, type Workspace, workspaceSchema } from './exchange.js';
import { type JsonObject, jsonObjectSchema, jsonValueSchema } from './json.js';
import type { LockAnswer } from './lock-port.js';
import { ERROR_CLASSES } from './statuses.js';
import type { SteeringMessage } from './steering.js';

/** The step that a run works for, when it is a run inside another one. */
export interface RunParent {
  readonly run: string;
  readonly step: string;
  /** Token of the step's attempt; the outcome is told with it. */
  readonly token: string;
}

/** What a run that was forked shares with another one. */
export interface RunPast {
  readonly run: string;
  /** The step that it begins with. */
  readonly step: string;
  readonly by: string;
  /** Records of the steps that stand before it, by path. */
  readonly steps: Readonly<Record<string, JsonObject>>;
}

/** What a run is started with. Never changes afterwards. */
export interface RunInput {
  readonly task: JsonObject;
  readonly workspace: Workspace | null;
  readonly parent: RunParent | null;
  /** Left out of a run that was not forked. */
  readonly past?: RunPast | undefined;
}

export const runInputSchema = z.strictObject({
  task: jsonObjectSchema,
  workspace: workspaceSchema.nullable(),
  parent: z.strictObject({ run: z.string(), step: z.string(), token: z.string() }).nullable(),
  past: z
    .strictObject({ run: z.string(), step: z.string(), by: z.string(), steps: z.record(z.string(), jsonObjectSchema) })
    .optional(),
}) satisfies z.ZodType<RunInput>;

/** Who holds an attempt: written by `begin`, moved on by `beat`, cleared by `reply`. Times are the store's, in ms. */
export interface Claim {
  readonly worker: string;
  readonly begunAt: number;
  readonly beatAt: number;
  /** Last line of progress the persona reported; empty for none. */
  readonly progress: string;
  /** How often the partition had been restored from a backup when the claim was made; left out: never. */
  readonly incarnation?: number | undefined;
}

export const claimSchema = z.strictObject({
  worker: z.string(),
  begunAt: z.number(),
  beatAt: z.number(),
  progress: z.string(),
  incarnation: z.number().optional(),
}) satisfies z.ZodType<Claim>;

/** What the store says of a reply when it puts it into the inbox; the reply itself is the worker's word. */
export const replyHeadSchema = z.strictObject({
  step: z.string(),
  attempt: z.number(),
  token: z.string(),
  worker: z.string(),
  begunAt: z.number(),
});

export const cancelBodySchema = z.strictObject({ reason: z.string().max(2_000), by: z.string().max(200) });

/** Largest JSON text of a signal or an answer, in bytes: a run keeps signals in its record. Larger things belong in files. */
export const MESSAGE_LIMIT_BYTES = 64 * 1024;

/** What a client tells a run. Nothing in it is trusted before it is parsed. */
export const signalBodySchema = z.strictObject({
  name: z.string().min(1).max(200),
  data: jsonValueSchema,
  by: z.string().max(200),
});

export const decideBodySchema = z.strictObject({
  step: z.string().max(1_000),
  /** The question that is answered; null for whatever the step asks now. */
  token: z.string().max(1_200).nullable(),
  choice: z.string().max(200),
  data: jsonValueSchema,
  by: z.string().max(200),
  /** What it changes in the draft that it was shown: a JSON merge patch. */
  edits: jsonValueSchema.optional(),
  /** Where it was answered. */
  from: z.string().max(200).optional(),
});

/** What an operator tells a run: to go on with the definition of this hash. */
export const migrateBodySchema = z.strictObject({
  definition: z.string().regex(/^[0-9a-f]{64}$/),
  by: z.string().max(200),
});

/** What a run tells the run it works for: that it has ended, or that it waits, or goes on. */
export const innerRunBodySchema = z.strictObject({
  step: z.string(),
  token: z.string(),
  run: z.string(),
  status: z.enum(['waiting', 'running', 'completed', 'failed', 'canceled']),
  result: jsonValueSchema,
  error: z.strictObject({ class: z.enum(ERROR_CLASSES), message: z.string() }).nullable(),
  head: z.string().nullable(),
  /** What its attempts have used, once it is over; left out when none has said. */
  used: usedSchema.optional(),
});
export type InnerRunOutcome = Readonly<z.infer<typeof innerRunBodySchema>>;

/**
 * `queue`: no worker began. `wait`: the time that a step waits for. `deadline`: the run's own time is over. `nudge`: people are
 * told again. `lock`: it is asked for again.
 */
export const TIMER_KINDS = ['heartbeat', 'timeout', 'retry', 'queue', 'wait', 'deadline', 'nudge', 'lock'] as const;
export type TimerKind = (typeof TIMER_KINDS)[number];

/** What the names of `lock` timers begin with: nobody works on such a step. */
export const LOCK_TIMER = 'lock|';

export interface StepTimer {
  readonly kind: TimerKind;
  readonly run: string;
  /** Path of the step; empty for a timer of the run itself. */
  readonly step: string;
  readonly attempt: number;
}

/** A timer's name in the sorted set; `parseTimer` is its inverse. */
export function timerId(timer: StepTimer): string {
  return `${timer.kind}|${timer.run}|${timer.step}|${String(timer.attempt)}`;
}

export function parseTimer(id: string): StepTimer | null {
  const [kind, run, step, attempt, ...rest] = id.split('|');
  const known = TIMER_KINDS.find((candidate) => candidate === kind);
  if (known === undefined || run === undefined || step === undefined || attempt === undefined || rest.length > 0)
    return null;
  return /^[1-9]\d*$/.test(attempt) ? { kind: known, run, step, attempt: Number(attempt) } : null;
}

/** A message to a run, as the fold takes it. `id` and `at` are the inbox entry's: `at` is the store's time in ms. */
export type Message = Readonly<{ id: string; at: number }> &
  (
    | Readonly<{ kind: 'start' }>
    | Readonly<{ kind: 'reply'; step: string; token: string; worker: string; begunAt: number; reply: PersonaReply }>
    | Readonly<{
        kind: 'timer';
        timer: StepTimer;
        claim: Claim | null;
        /** What came of asking for the lock, of a `lock` timer alone. */
        lock?: LockAnswer;
      }>
    | Readonly<{
        kind: 'cancel';
        reason: string;
        by: string;
        /** Who works on what, by step: their attempts end with it. */
        claims: ReadonlyMap<string, Claim>;
      }>
    | (Readonly<{ kind: 'signal' }> & Readonly<z.infer<typeof signalBodySchema>>)
    | (Readonly<{ kind: 'decide' }> & Readonly<z.infer<typeof decideBodySchema>>)
    | (Readonly<{ kind: 'migrate' }> & Readonly<z.infer<typeof migrateBodySchema>>)
    | SteeringMessage
    | Readonly<{ kind: 'inner-run'; outcome: InnerRunOutcome }>
  );
