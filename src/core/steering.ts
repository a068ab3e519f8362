/**
 * Steering: what people tell a run besides answers and signals. Each is a message like all others, and says who and why;
 * in which status of a run each is taken stands here once, for whoever sends one and for whoever folds it.
 */
import { z } from 'zod';
import { runHasEnded, type RunStatus } from './statuses.js';

const by = z.string().max(200);
const reason = z.string().max(2_000);
/** Path of a step. */
const step = z.string().min(1).max(1_000);

/** `by` of a message that a run sends to a run inside it is `run <id>`. */
export const steeringSchemas = {
  pause: z.strictObject({ reason, by }),
  resume: z.strictObject({ by }),
  retry: z.strictObject({ reason, by }),
  skip: z.strictObject({ step, reason, by }),
  restart: z.strictObject({ step, reason, by }),
} as const;

export type SteeringKind = keyof typeof steeringSchemas;

export const STEERING_KINDS = Object.keys(steeringSchemas) as readonly SteeringKind[];

export type SteeringMessage = {
  readonly [K in SteeringKind]: Readonly<{ kind: K }> & Readonly<z.infer<(typeof steeringSchemas)[K]>>;
}[SteeringKind];

/** Statuses of a run in which each is taken; in all others it is refused. `docs/lifecycles.md` holds the table. */
export const TAKEN_WHILE: Readonly<Record<SteeringKind, readonly RunStatus[]>> = {
  pause: ['running', 'waiting'],
  resume: ['paused'],
  retry: ['failed', 'canceled'],
  skip: ['running', 'waiting', 'paused', 'failed'],
  restart: ['running', 'waiting', 'paused', 'completed', 'failed', 'canceled'],
};

const WHAT: Readonly<Record<SteeringKind, string>> = {
  pause: 'be paused',
  resume: 'be resumed',
  retry: 'be tried again',
  skip: 'go on without a step',
  restart: 'be restarted from a step',
};

/** Why a run in this status does not take it, or null when it does. */
export function refusedWhile(status: RunStatus, kind: SteeringKind): string | null {
  const statuses = TAKEN_WHILE[kind];
  if (statuses.includes(status)) return null;
  const which = statuses.length === 1 ? statuses[0] : `${statuses.slice(0, -1).join(', ')} or ${statuses.at(-1) ?? ''}`;
  return `the run is ${status}, and only one that is ${which ?? ''} can ${WHAT[kind]}`;
}

export function isSteering(kind: string): kind is SteeringKind {
  return Object.hasOwn(steeringSchemas, kind);
}

/** Whether it is a transition of its own, since it takes the run up from its records. */
export function standsAlone(kind: string): boolean {
  return isSteering(kind) && kind !== 'pause' && kind !== 'resume';
}

/** Whether it may come to a run that has ended. */
export function mayReopen(kind: SteeringKind): boolean {
  return TAKEN_WHILE[kind].some(runHasEnded);
}

/** What came in as a message of this kind. Throws what zod throws. */
export function parseSteering(kind: SteeringKind, body: unknown): SteeringMessage {
  return { kind, ...steeringSchemas[kind].parse(body) } as SteeringMessage;
}
