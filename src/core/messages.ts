/**
 * The two messages between a run and a persona, and the messages of a run's inbox: what `docs/protocol.md`
 * documents. Everything that enters from outside is parsed with these schemas, once, at the edge.
 */
import { z } from 'zod';
import { type Asked, askedListSchema } from './asked.js';
import { type JsonObject, type JsonValue, jsonObjectSchema, jsonValueSchema } from './json.js';
import type { LockAnswer } from './lock-port.js';
import { ENGINE_CLASSES, type ErrorClass, ERROR_CLASSES, type Verdict, VERDICTS } from './statuses.js';
import type { SteeringMessage } from './steering.js';

export const PROTOCOL_VERSION = 1;

/** A named output, stored by content: the same bytes are stored once, and storing again is harmless. */
export interface ArtifactRef {
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Media type, for example `text/markdown`. */
  readonly type: string;
}

export const artifactRefSchema = z.strictObject({
  name: z.string().min(1).max(200),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits'),
  size: z.int().nonnegative(),
  type: z.string().min(1).max(200),
});

/** Where a run works: its own branch of a repository, started at the commit `base`. */
export interface Workspace {
  /** Absolute path of the repository's top folder. */
  readonly repo: string;
  /** Commit that the run's branch starts from. */
  readonly base: string;
  /** Branch that the run leaves behind, for example `coord/project-loop-7k2m9x4h0q`. */
  readonly branch: string;
}

export const workspaceSchema = z.strictObject({
  repo: z.string().min(1),
  base: z.string().regex(/^[0-9a-f]{40,64}$/),
  branch: z.string().min(1).max(200),
});

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

/** The outcome of an earlier step, as later personas see it. */
export interface StepOutcome {
  readonly status: Verdict;
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
}

/** One attempt of one step, asked of a persona. JSON on the persona's stream and on a command's stdin. */
export interface PersonaRequest {
  readonly protocol: typeof PROTOCOL_VERSION;
  readonly run: string;
  readonly workflow: string;
  readonly step: string;
  readonly name: string;
  readonly persona: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** Names this attempt and its input; the same for a redelivery. Hand it to outside systems as idempotency key. */
  readonly token: string;
  readonly params: JsonObject;
  readonly task: JsonObject;
  /** Outcomes of the steps this one depends on, directly or not; nearest first up to `RESULTS_LIMIT`, the rest are named in `omitted`. */
  readonly results: { readonly [step: string]: StepOutcome };
  readonly omitted: readonly string[];
  readonly workspace:
    | (Workspace & { /** Commit to start from: what the steps before left behind. */ readonly commit: string })
    | null;
  /** Milliseconds the attempt may take, counted from `begin`; null for no limit. */
  readonly timeoutMs: number | null;
  /** What people have answered to what the attempts before had asked; left out when nothing was asked. */
  readonly answers?: readonly InputAnswer[] | undefined;
}

/** `answer` is null when people went on without one. */
export interface InputAnswer {
  readonly id: string;
  readonly ask: string;
  readonly answer: JsonValue;
}

export const personaRequestSchema = z.strictObject({
  protocol: z.literal(PROTOCOL_VERSION),
  run: z.string(),
  workflow: z.string(),
  step: z.string(),
  name: z.string(),
  persona: z.string(),
  attempt: z.int().positive(),
  token: z.string(),
  params: jsonObjectSchema,
  task: jsonObjectSchema,
  results: z.record(
    z.string(),
    z.strictObject({ status: z.enum(VERDICTS), result: jsonValueSchema, artifacts: z.array(artifactRefSchema) }),
  ),
  omitted: z.array(z.string()),
  workspace: workspaceSchema.extend({ commit: z.string() }).nullable(),
  timeoutMs: z.number().positive().nullable(),
  answers: z.array(z.strictObject({ id: z.string(), ask: z.string(), answer: jsonValueSchema })).optional(),
}) satisfies z.ZodType<PersonaRequest>;

/** Most steps, and most bytes of JSON, that `results` of a request carries. */
export const RESULTS_LIMIT = { steps: 20, bytes: 64 * 1024 } as const;

/** Why an attempt did not pass. */
export interface AttemptError {
  readonly class: ErrorClass;
  readonly message: string;
}

/** `needs_input`: it cannot go on before people have told it something. */
export const REPLY_STATUSES = [...VERDICTS, 'needs_input'] as const;

/** What a worker answers for one attempt. `error` is null exactly when `status` is `pass` or `needs_input`. */
export interface PersonaReply {
  readonly status: (typeof REPLY_STATUSES)[number];
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
  readonly error: AttemptError | null;
  /** Commit that the run's branch stands at after the attempt; null when it has no workspace. */
  readonly commit: string | null;
  /** With `needs_input`: what people are asked, and what it is about. */
  readonly questions?: readonly Asked[] | undefined;
  readonly prompt?: string | undefined;
}

export const personaReplySchema = z
  .strictObject({
    status: z.enum(REPLY_STATUSES),
    result: jsonValueSchema.default(null),
    artifacts: z.array(artifactRefSchema).max(200).default([]),
    error: z
      .strictObject({ class: z.enum(ERROR_CLASSES), message: z.string().max(8_192) })
      .nullable()
      .default(null),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .nullable()
      .default(null),
    questions: askedListSchema.optional(),
    prompt: z.string().max(8_192).optional(),
  })
  .superRefine((reply, context) => {
    const asks = reply.status === 'needs_input';
    if ((reply.status === 'pass' || asks) && reply.error !== null)
      context.addIssue({ code: 'custom', path: ['error'], message: `must be null when status is "${reply.status}"` });
    if (asks && (reply.questions ?? []).length === 0)
      context.addIssue({ code: 'custom', path: ['questions'], message: 'are needed when status is "needs_input"' });
    for (const key of ['questions', 'prompt'] as const)
      if (!asks && reply[key] !== undefined)
        context.addIssue({ code: 'custom', path: [key], message: 'goes with status "needs_input" only' });
    const rejected = reply.error?.class === 'REJECTED';
    if (reply.error !== null && rejected !== (reply.status === 'fail'))
      context.addIssue({
        code: 'custom',
        path: ['error', 'class'],
        message: 'is "REJECTED" exactly when status is "fail"',
      });
    if (reply.error !== null && ENGINE_CLASSES.includes(reply.error.class))
      context.addIssue({
        code: 'custom',
        path: ['error', 'class'],
        message: `is "${reply.error.class}" only in the engine`,
      });
    if (reply.status !== 'pass' && !asks && reply.error === null)
      context.addIssue({ code: 'custom', path: ['error'], message: `is required when status is "${reply.status}"` });
  });

/** Largest JSON text of a reply, in bytes; larger outputs are artifacts. */
export const REPLY_LIMIT_BYTES = 256 * 1024;
/** Largest artifact, in bytes. */
export const ARTIFACT_LIMIT_BYTES = 16 * 1024 * 1024;

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
