/**
 * What is stored of a schedule: what it asks for, how far it has come, what waits to be started, and what it did last. Times
 * are the store's, in ms. A record of a newer format is left alone.
 */
import { z } from 'zod';
import { CoordError } from '../core/errors.js';
import { SCHEDULE_FORMAT } from '../core/formats.js';
import type { Rhythm } from '../core/instants.js';
import { isJsonObject, jsonObjectSchema, jsonValueSchema } from '../core/json.js';
import type { StoredSchedule } from '../core/schedule-port.js';
import { CATCH_UPS, OVERLAPS } from '../definition/schedule.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const specSchema = z.strictObject({
  workflow: z.string(),
  /** Content hashes of the pinned definition, and of those that it runs. */
  definition: hash,
  inner: z.array(hash).readonly(),
  task: jsonObjectSchema,
  /** Repository that its runs work on, from the commit that is checked out when one is started; null: none. */
  repo: z.string().nullable(),
  trigger: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cron'), cron: z.string(), zone: z.string() }),
    z.strictObject({ kind: z.literal('every'), everyMs: z.int().positive() }),
    z.strictObject({ kind: z.literal('event'), event: z.string() }),
    z.strictObject({ kind: z.literal('branch'), branch: z.string() }),
    z.strictObject({ kind: z.literal('files'), files: z.string(), folder: z.string() }),
  ]),
  overlap: z.enum(OVERLAPS),
  catchUp: z.enum(CATCH_UPS),
  /** How many missed starts are made up for at most, with `all`. */
  catchUpLimit: z.int().positive(),
  jitterMs: z.int().nonnegative(),
  startsAt: z.number().nullable(),
  endsAt: z.number().nullable(),
});
/** What a schedule asks for: a change of it is a new revision. */
export type ScheduleSpec = Readonly<z.infer<typeof specSchema>>;

/** Why a run is started. `late`: its instant passed while nobody looked. `hand`: somebody asked for it. */
const REASONS = ['time', 'late', 'event', 'change', 'hand'] as const;

const eventSchema = z.strictObject({
  name: z.string(),
  run: z.string(),
  step: z.string(),
  data: jsonValueSchema,
});

const changeSchema = z.strictObject({
  /** The branch and what it stood and stands at; or the files that came, went or are others, some of them when there are many. */
  branch: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  files: z.array(z.string()).readonly(),
});
export type Change = Readonly<z.infer<typeof changeSchema>>;

const queuedSchema = z.strictObject({
  /** With the name of the schedule and the revision: the idempotency key of the start. */
  id: z.string(),
  revision: z.int().positive(),
  /** The instant, or when the event was emitted. */
  at: z.number(),
  /** When it is started at the earliest. */
  due: z.number(),
  reason: z.enum(REASONS),
  event: eventSchema.nullable(),
  change: changeSchema.nullable(),
});
/** A start that is decided and not known to have happened. */
export type Queued = Readonly<z.infer<typeof queuedSchema>>;

const firingSchema = z.strictObject({
  at: z.number(),
  decidedAt: z.number(),
  reason: z.enum(REASONS),
  /** `missed`: nobody looked in time, and it is not made up for. `skipped`: the run before was not over. */
  outcome: z.enum(['started', 'skipped', 'missed', 'failed']),
  /** How many it stands for, at least: those that were missed are told together, at the instant of the last. */
  count: z.int().positive(),
  run: z.string().nullable(),
  /** Of what failed. */
  error: z.string().nullable(),
});
export type Firing = Readonly<z.infer<typeof firingSchema>>;

const recordSchema = z.strictObject({
  format: z.literal(SCHEDULE_FORMAT),
  name: z.string(),
  revision: z.int().positive(),
  spec: specSchema,
  changedAt: z.number(),
  changedBy: z.string(),
  paused: z.strictObject({ at: z.number(), by: z.string() }).nullable(),
  /** Where the instants of an interval begin. */
  anchor: z.number(),
  /** All instants up to here are decided. */
  cursor: z.number(),
  /** For events: up to where each partition's feed was read. */
  feeds: z.record(z.string(), z.string()),
  /** Of what it watches, the last that was seen, by name; null: nothing yet. And how often it was another. */
  seen: z.record(z.string(), z.string()).nullable(),
  changes: z.int().nonnegative(),
  /** In the order in which they are started. */
  queue: z.array(queuedSchema).readonly(),
  /** Runs that it started and that are not known to have ended. */
  open: z.array(z.string()).readonly(),
  /** Newest first. */
  recent: z.array(firingSchema).readonly(),
});
export type ScheduleRecord = Readonly<z.infer<typeof recordSchema>>;

/** Firings that are remembered. */
export const RECENT_KEPT = 20;

/** Throws FORMAT_UNKNOWN for a newer format, SCHEDULE_UNREADABLE for what is none. */
export function parseSchedule({ name, text }: StoredSchedule): ScheduleRecord {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Refused below.
  }
  const format = isJsonObject(value) ? value['format'] : null;
  if (typeof format === 'number' && format > SCHEDULE_FORMAT)
    throw new CoordError(
      'FORMAT_UNKNOWN',
      `schedule ${name} has format ${String(format)}, this coord knows up to ${String(SCHEDULE_FORMAT)}; upgrade coord`,
    );
  const parsed = recordSchema.safeParse(value);
  if (parsed.success && parsed.data.name === name) return parsed.data;
  const why = parsed.success ? 'it is the record of another one' : z.prettifyError(parsed.error);
  throw new CoordError(
    'SCHEDULE_UNREADABLE',
    `schedule ${name} cannot be read: ${why}; take it out (coord schedule remove ${name}) and add it again`,
  );
}

/** The instants that it makes; null for one that events start. */
export function rhythmOf({
  spec: { trigger },
  anchor,
}: {
  readonly spec: Pick<ScheduleSpec, 'trigger'>;
  readonly anchor: number;
}): Rhythm | null {
  if (trigger.kind === 'cron') return trigger;
  return trigger.kind === 'every' ? { kind: 'every', everyMs: trigger.everyMs, anchor } : null;
}

/** Every run that is started by a schedule has this key, so that none is started twice. */
export function startKey(name: string, { revision, id }: Pick<Queued, 'revision' | 'id'>): string {
  return `schedule:${name}:${String(revision)}:${id}`;
}
