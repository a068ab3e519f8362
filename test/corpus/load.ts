/** Recorded runs, and how they are put back into a Redis key by key: DUMP and RESTORE do not go from one version of Redis to another. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import type { JsonValue } from '../../src/core/json.js';
import type { PersonaReply } from '../../src/core/exchange.js';
import type { RunStatus } from '../../src/core/statuses.js';
import type { RunView } from '../../src/core/views.js';

type Fields = Readonly<Record<string, string>>;

interface Stream {
  readonly lastId: string;
  readonly entries: Readonly<Record<string, Fields>>;
  readonly groups: Readonly<
    Record<string, { readonly lastId: string; readonly readers: readonly string[]; readonly pending: Fields }>
  >;
}

type Value = { readonly ttlMs?: number } & (
  | { readonly hash: Fields }
  | { readonly string: string }
  | { readonly zset: Readonly<Record<string, number>> }
  | { readonly stream: Stream }
);

/** How the runs come to their end from where they were recorded; scenarios.mjs says more. */
interface GoOn {
  readonly workers?: 'alive' | 'dead';
  readonly due?: readonly string[];
  readonly replies?: Readonly<Record<string, readonly PersonaReply[]>>;
  readonly answers?: Readonly<Record<string, { readonly choice: string; readonly data: JsonValue }>>;
  readonly signals?: Readonly<Record<string, JsonValue>>;
  readonly end: Readonly<Record<string, { readonly status: RunStatus; readonly result: JsonValue } | null>>;
}

export interface Recorded {
  readonly format: number;
  readonly scenario: string;
  readonly about: string;
  readonly namespace: string;
  readonly recordedAt: number;
  readonly partitions: number;
  /** By the names that the scenario gave them. */
  readonly runs: Readonly<Record<string, { readonly run: string; readonly view: RunView }>>;
  readonly goOn: GoOn;
  readonly keys: Readonly<Record<string, Value>>;
}

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

export function recordedRuns(): readonly Recorded[] {
  const folders = readdirSync(FOLDER).filter((name) => name.startsWith('format-'));
  return folders.flatMap((folder) =>
    readdirSync(`${FOLDER}${folder}`).map(
      (name) => JSON.parse(readFileSync(`${FOLDER}${folder}/${name}`, 'utf8')) as Recorded,
    ),
  );
}

/** What a hash held when it was recorded. */
export function hashOf(recorded: Recorded, key: string): Fields {
  const value = recorded.keys[key];
  return value !== undefined && 'hash' in value ? value.hash : {};
}

/** Facts of a run's history as it lies there: one entry per fact, or a list of them per transition. */
export function factsOf(recorded: Recorded, run: string): readonly unknown[] {
  const history = Object.entries(recorded.keys).find(([key]) => key.endsWith(`:history:${run}`))?.[1];
  if (history === undefined || !('stream' in history)) return [];
  return Object.values(history.stream.entries).flatMap(({ fact, facts }) =>
    fact === undefined ? (JSON.parse(facts ?? '[]') as unknown[]) : [JSON.parse(fact)],
  );
}

/** Replaces all that is in the Redis. Leases and timers are as far away as they were; those of a kind in `due` are due. */
export async function restore(redis: Redis, { keys, recordedAt, goOn }: Recorded): Promise<void> {
  await redis.flushall();
  const [seconds] = await redis.time();
  const aged = Number(seconds) * 1_000 - recordedAt;
  for (const [key, value] of Object.entries(keys)) {
    if ('hash' in value) await redis.hset(key, agedLease(value.hash, aged));
    else if ('string' in value) await redis.set(key, value.string);
    else if ('stream' in value) await restoreStream(redis, key, value.stream);
    else {
      for (const [member, score] of Object.entries(value.zset)) {
        const due = goOn.due?.some((kind) => member.startsWith(`${kind}|`)) === true;
        await redis.zadd(key, key.endsWith(':timers') ? (due ? 0 : score + aged) : score, member);
      }
    }
    if (value.ttlMs !== undefined) await redis.pexpire(key, value.ttlMs);
  }
}

/** A lease runs as long as it did, whenever that is. */
function agedLease(fields: Fields, aged: number): Fields {
  const { until } = fields;
  return until === undefined ? fields : { ...fields, until: String(Number(until) + aged) };
}

async function restoreStream(redis: Redis, key: string, { lastId, entries, groups }: Stream): Promise<void> {
  for (const [id, fields] of Object.entries(entries)) await redis.xadd(key, id, ...Object.entries(fields).flat());
  if (Object.keys(entries).at(-1) !== lastId) {
    // What was there last has been deleted since: ids go on from it all the same.
    await redis.xadd(key, lastId, 'gone', '');
    await redis.xdel(key, lastId);
  }
  for (const [group, { lastId: delivered, readers, pending }] of Object.entries(groups)) {
    await redis.xgroup('CREATE', key, group, delivered);
    for (const reader of readers) await redis.xgroup('CREATECONSUMER', key, group, reader);
    for (const [id, reader] of Object.entries(pending))
      await redis.xclaim(key, group, reader, 0, id, 'FORCE', 'JUSTID');
  }
}
