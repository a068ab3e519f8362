/**
 * The two messages between a run and a persona, a request and its reply: what `docs/protocol.md` documents. What enters
 * from outside is parsed with these schemas, once, at the edge.
 */
import { z } from 'zod';
import { type Asked, askedListSchema } from './asked.js';
import { type JsonObject, type JsonValue, jsonObjectSchema, jsonValueSchema } from './json.js';
import { ENGINE_CLASSES, type ErrorClass, ERROR_CLASSES, type Verdict, VERDICTS } from './statuses.js';

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

/** Why an attempt did not pass. */
export interface AttemptError {
  readonly class: ErrorClass;
  readonly message: string;
}

const attemptErrorSchema = z.strictObject({ class: z.enum(ERROR_CLASSES), message: z.string().max(8_192) });

/** What an attempt has used, as far as its persona knows; what it does not know is left out and counts as its ceiling. */
export interface Usage {
  /** The model that has answered. */
  readonly model?: string | undefined;
  /** Tokens read, those from a cache included. */
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly costUsd?: number | undefined;
  /** Answers of the model. */
  readonly turns?: number | undefined;
  /** Calls of tools that were denied. */
  readonly denied?: number | undefined;
}

const countSchema = z.int().nonnegative().optional();

export const usageSchema = z.strictObject({
  model: z.string().min(1).max(200).optional(),
  inputTokens: countSchema,
  outputTokens: countSchema,
  costUsd: z.number().nonnegative().optional(),
  turns: countSchema,
  denied: countSchema,
}) satisfies z.ZodType<Usage>;

/** What a step or a run has used so far. */
export interface Used {
  /** Tokens read and written. */
  readonly tokens: number;
  readonly costUsd: number;
  readonly turns: number;
  /** Some attempts have not said all that they used, so it is more than this. */
  readonly unknown?: true | undefined;
}

export const usedSchema = z.strictObject({
  tokens: z.int().nonnegative(),
  costUsd: z.number().nonnegative(),
  turns: z.int().nonnegative(),
  unknown: z.literal(true).optional(),
}) satisfies z.ZodType<Used>;

/** What an attempt may use at most; what is left out has no limit. */
export interface Ceiling {
  /** Tokens read and written. */
  readonly tokens?: number | undefined;
  readonly costUsd?: number | undefined;
  readonly turns?: number | undefined;
}

export const ceilingSchema = z.strictObject({
  tokens: z.int().positive().optional(),
  costUsd: z.number().positive().optional(),
  turns: z.int().positive().optional(),
}) satisfies z.ZodType<Ceiling>;

/** What an attempt before this one came to, for whoever goes on with its work. */
export interface Handover {
  readonly persona: string;
  readonly attempt: number;
  /** Null: it has asked people. */
  readonly error: AttemptError | null;
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
}

export const handoverSchema = z.strictObject({
  persona: z.string(),
  attempt: z.int().positive(),
  error: attemptErrorSchema.nullable(),
  result: jsonValueSchema,
  artifacts: z.array(artifactRefSchema).readonly(),
}) satisfies z.ZodType<Handover>;

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
  /** What a pass's `result` must look like: JSON Schema. No part of what the token names, since the workflow is pinned. */
  readonly output?: JsonObject | undefined;
  /** Names the conversation in which the same persona has worked on this step before, as its last reply said. */
  readonly session?: string | undefined;
  /** What was tried on this step before: the last attempt of each persona, oldest first; left out of a first attempt. */
  readonly handover?: readonly Handover[] | undefined;
  readonly ceiling?: Ceiling | undefined;
  /** Whether a reply that is no pass is to name a commit of what was done so far: the next attempt starts from there. */
  readonly keep?: true | undefined;
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
  output: jsonObjectSchema.optional(),
  session: z.string().optional(),
  handover: z.array(handoverSchema).optional(),
  ceiling: ceilingSchema.optional(),
  keep: z.literal(true).optional(),
}) satisfies z.ZodType<PersonaRequest>;

/** Most steps, and most bytes of JSON, that `results` of a request carries. */
export const RESULTS_LIMIT = { steps: 20, bytes: 64 * 1024 } as const;

/** `needs_input`: it cannot go on before people have told it something. */
export const REPLY_STATUSES = [...VERDICTS, 'needs_input'] as const;

/** What a worker answers for one attempt. `error` is null exactly when `status` is `pass` or `needs_input`. */
export interface PersonaReply {
  readonly status: (typeof REPLY_STATUSES)[number];
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
  readonly error: AttemptError | null;
  /** Commit that the run's branch stands at after the attempt; of an error, what it has done so far. Null when it has no workspace. */
  readonly commit: string | null;
  /** The files of that commit, as git names them. */
  readonly tree?: string | undefined;
  /** With `needs_input`: what people are asked, and what it is about. */
  readonly questions?: readonly Asked[] | undefined;
  readonly prompt?: string | undefined;
  readonly usage?: Usage | undefined;
  /** Names the conversation, so that the next attempt of the same persona on the step can go on in it. */
  readonly session?: string | undefined;
  /** With RATE_LIMIT or QUOTA: ms from now, before which there is no use in trying again. */
  readonly resumeInMs?: number | undefined;
}

/** Longest time that a reply may ask to wait for: 8 days, since the widest usage window is a week. */
export const RESUME_LIMIT_MS = 8 * 24 * 3_600_000;

export const personaReplySchema = z
  .strictObject({
    status: z.enum(REPLY_STATUSES),
    result: jsonValueSchema.default(null),
    artifacts: z.array(artifactRefSchema).max(200).default([]),
    error: attemptErrorSchema.nullable().default(null),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .nullable()
      .default(null),
    tree: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/)
      .optional(),
    questions: askedListSchema.optional(),
    prompt: z.string().max(8_192).optional(),
    usage: usageSchema.optional(),
    session: z.string().min(1).max(200).optional(),
    resumeInMs: z.int().positive().max(RESUME_LIMIT_MS).optional(),
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
    if (reply.resumeInMs !== undefined && reply.error?.class !== 'QUOTA' && reply.error?.class !== 'RATE_LIMIT')
      context.addIssue({
        code: 'custom',
        path: ['resumeInMs'],
        message: 'goes with the classes RATE_LIMIT and QUOTA only',
      });
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
