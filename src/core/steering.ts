/**
 * Steering: what people tell a run besides answers and signals. Each is a message like all others, and says who and why;
 * in which status of a run each is taken stands here once, for whoever sends one and for whoever folds it.
 */
import { z } from 'zod';
import type { RunStatus } from './statuses.js';

const by = z.string().max(200);
const reason = z.string().max(2_000);

/** `by` of a message that a run sends to a run inside it is `run <id>`. */
export const steeringSchemas = {
  pause: z.strictObject({ reason, by }),
  resume: z.strictObject({ by }),
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
};

const PARTICIPLES: Readonly<Record<SteeringKind, string>> = {
  pause: 'paused',
  resume: 'resumed',
};

/** Why a run in this status does not take it, or null when it does. */
export function refusedWhile(status: RunStatus, kind: SteeringKind): string | null {
  const statuses = TAKEN_WHILE[kind];
  if (statuses.includes(status)) return null;
  const which = statuses.length === 1 ? statuses[0] : `${statuses.slice(0, -1).join(', ')} or ${statuses.at(-1) ?? ''}`;
  return `the run is ${status}, and only one that is ${which ?? ''} can be ${PARTICIPLES[kind]}`;
}

export function isSteering(kind: string): kind is SteeringKind {
  return Object.hasOwn(steeringSchemas, kind);
}

/** What came in as a message of this kind. Throws what zod throws. */
export function parseSteering(kind: SteeringKind, body: unknown): SteeringMessage {
  return { kind, ...steeringSchemas[kind].parse(body) } as SteeringMessage;
}
