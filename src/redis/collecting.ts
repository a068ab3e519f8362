/** What lies in Redis and may go when its time is over. See `CollectPort`. */
import type { CollectPort, Reader, RunHead, Stored } from '../core/keep-ports.js';
import { RUN_STATUSES } from '../core/statuses.js';
import { RETENTION_MS } from './admission.js';
import type { Connection } from './connection.js';
import type { Keys, PartitionKeys } from './keys.js';
import { entriesOf, pairsOf, streamEntries, textOf } from './replies.js';
import { GROUP } from './requests.js';
import type { RedisWatermarks } from './watermarks.js';

export interface KeepMeans {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly watermarks: RedisWatermarks;
}

const PAGE = 500;

export function redisCollecting({ connection, keys: all, watermarks }: KeepMeans): CollectPort {
  const sweep = async (key: string, idleMs: number): Promise<'removed' | 'touched' | 'gone'> => {
    const [reply] = await connection.script('sweep', [key], [Math.ceil(idleMs / 1_000)]);
    return reply === 'OK' ? 'removed' : reply === 'GONE' ? 'gone' : 'touched';
  };
  return {
    runIds: async ({ partition, statuses, createdBefore }) => {
      const keys = all.partition(partition);
      const until = Number.isFinite(createdBefore) ? `(${String(createdBefore)}` : '+inf';
      const lists = await connection.readAll(
        statuses.map((status) => ['ZRANGEBYSCORE', keys.runs(status), '-inf', until] as const),
      );
      return lists.flatMap((ids) => entriesOf(ids).map(String));
    },
    heads: async (partition, runs) => {
      const keys = all.partition(partition);
      const fields = ['version', 'status', 'definition', 'record', 'quarantined'] as const;
      const rows = await connection.readAll(runs.map((run) => ['HMGET', keys.run(run), ...fields] as const));
      return rows.flatMap((row, index) => headOf(runs[index] ?? '', entriesOf(row).map(textOf)));
    },
    bytesOf: async (partition, run) => {
      const keys = all.partition(partition);
      const bytes = await Promise.all([keys.run(run), keys.history(run)].map((key) => bytesAt(connection, key)));
      return bytes.reduce((sum, one) => sum + one, 0);
    },
    remove: async ({ partition, run, version, status }) => {
      const keys = all.partition(partition);
      const list = keys.runs(RUN_STATUSES.find((known) => known === status) ?? 'failed');
      const [reply, ...where] = await connection.script(
        'remove',
        [keys.run(run), keys.history(run), list, keys.lease, keys.inbox],
        [run, version, status],
      );
      watermarks.noteReply(partition, where);
      return reply === 'OK' ? 'removed' : 'stale';
    },
    mentions: ({ partition, without }) => mentionsIn(connection, all.partition(partition), without),
    artifacts: async (partition) => {
      const { everyArtifact } = all.partition(partition);
      return storedUnder(connection, everyArtifact);
    },
    sweepArtifact: ({ partition, hash, idleMs }) => sweep(all.partition(partition).artifact(hash), idleMs),
    definitions: () => storedUnder(connection, all.everyDefinition),
    sweepDefinition: ({ hash, idleMs }) => sweep(all.definition(hash), idleMs),
    expiredKeys: async (partition) => {
      const { admissionTimes } = all.partition(partition);
      const [seconds] = entriesOf(await connection.readAt(admissionTimes, 'TIME', []));
      const until = Number(seconds) * 1_000 - RETENTION_MS;
      return Number(await connection.read('ZCOUNT', [admissionTimes, '-inf', until]));
    },
    forgetKeys: async (partition, limit) => {
      const keys = all.partition(partition);
      const [, forgotten] = await connection.script(
        'expire',
        [keys.admitted, keys.admissionTimes],
        [RETENTION_MS, limit],
      );
      return Number(forgotten);
    },
    idleReaders: async (partition, idleMs) => {
      const { everyRequests } = all.partition(partition);
      const readers: Reader[] = [];
      for (const stream of await keysUnder(connection, everyRequests)) {
        for (const reader of await consumersOf(connection, stream)) {
          if (Number(reader.get('pending')) > 0 || Number(reader.get('idle')) < idleMs) continue;
          readers.push({ persona: stream.slice(everyRequests.length), worker: reader.get('name') ?? '' });
        }
      }
      return readers;
    },
  };
}

function headOf(
  run: string,
  [version, status, definition, record, quarantined]: readonly (string | null)[],
): readonly RunHead[] {
  if (typeof version !== 'string' || typeof status !== 'string') return [];
  return [
    {
      run,
      version: Number(version),
      status,
      definition: definition ?? '',
      record: record ?? '',
      quarantined: quarantined ?? null,
    },
  ];
}

/** Dead letters before the inbox and once more at the end, the inbox before the runs: so do messages move. */
async function* mentionsIn(
  connection: Connection,
  keys: PartitionKeys,
  without: ReadonlySet<string>,
): AsyncGenerator<string> {
  yield* textsOf(connection, keys.dead);
  yield* textsOf(connection, keys.inbox);
  for (const stream of await keysUnder(connection, keys.everyRequests)) yield* textsOf(connection, stream);
  const lists = await connection.readAll(RUN_STATUSES.map((status) => ['ZRANGE', keys.runs(status), 0, -1] as const));
  for (const run of new Set(lists.flatMap((ids) => entriesOf(ids).map(String)))) {
    if (without.has(run)) continue;
    yield* pairsOf(await connection.read('HGETALL', [keys.run(run)])).values();
    yield* textsOf(connection, keys.history(run));
  }
  yield* textsOf(connection, keys.dead);
}

/** Every field of a stream's entries. */
async function* textsOf(connection: Connection, stream: string): AsyncGenerator<string> {
  for (let after = '-'; ; ) {
    const page = streamEntries(await connection.read('XRANGE', [stream, after, '+', 'COUNT', PAGE]));
    for (const { fields } of page) yield* fields.values();
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = `(${last.id}`;
  }
}

/** What is there by content; looking at it does not touch it. */
async function storedUnder(connection: Connection, prefix: string): Promise<readonly Stored[]> {
  const found: Stored[] = [];
  const keys = await keysUnder(connection, prefix);
  for (let from = 0; from < keys.length; from += PAGE) {
    const page = keys.slice(from, from + PAGE);
    const idle = await connection.readAll(page.map((key) => ['OBJECT', 'IDLETIME', key] as const));
    const bytes = await Promise.all(page.map((key) => bytesAt(connection, key)));
    for (const [index, key] of page.entries()) {
      const seconds = idle[index];
      // Deleted meanwhile.
      if (typeof seconds !== 'number') continue;
      found.push({ hash: key.slice(prefix.length), idleMs: seconds * 1_000, bytes: bytes[index] ?? 0 });
    }
  }
  return found;
}

async function bytesAt(connection: Connection, key: string): Promise<number> {
  return Number(await connection.read('MEMORY', ['USAGE', key, 'SAMPLES', 5]));
}

/** All keys that begin so. They share a hash tag, so one server holds them. */
export async function keysUnder(connection: Connection, prefix: string): Promise<readonly string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const match = `${prefix.replace(/[\\*?[\]]/g, String.raw`\$&`)}*`;
    const page = await connection.readAt(prefix, 'SCAN', [cursor, 'MATCH', match, 'COUNT', 1_000]);
    const [next, keys] = entriesOf(page);
    cursor = String(next);
    for (const key of entriesOf(keys)) found.add(String(key));
  } while (cursor !== '0');
  return [...found];
}

export async function consumersOf(
  connection: Connection,
  stream: string,
): Promise<readonly ReadonlyMap<string, string>[]> {
  try {
    return entriesOf(await connection.read('XINFO', ['CONSUMERS', stream, GROUP])).map(pairsOf);
  } catch (error) {
    // A stream that a restart without a group has left, or that is gone.
    if (error instanceof Error && /NOGROUP|no such key/.test(error.message)) return [];
    throw error;
  }
}
