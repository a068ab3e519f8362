/**
 * A namespace copied out of Redis and written back, key by key as Redis dumps them. See `BackupPort`. While a restored
 * partition is on hold its persona streams lie under other names, so that no worker begins anything; releasing renames them.
 */
import type { BackupItem, BackupPort, PartitionCut } from '../core/backup-port.js';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { RUN_STATUSES, type RunStatus } from '../core/statuses.js';
import { keysUnder } from './collecting.js';
import type { Connection } from './connection.js';
import type { Keys, PartitionKeys } from './keys.js';
import { entriesOf, pairsOf, textOf } from './replies.js';

/** A large partition is copied in one piece, so that takes longer than other commands. */
const CUT_MS = 120_000;
const AT_ONCE = 64;
/** Who is there: nothing that is true of another time. */
const PRESENT: ReadonlySet<string> = new Set(['breakers', 'workers', 'coordinators', 'roll', 'meta']);
const REQUESTS = 'requests:';

export function redisBackup({
  connection,
  keys: all,
  clock,
}: {
  connection: Connection;
  keys: Keys;
  clock: Clock;
}): BackupPort {
  const nameOf = (partition: number | null, key: string): string =>
    `${partition === null ? all.every : all.partition(partition).every}${key}`;

  async function copyOne(partition: number | null, key: string): Promise<BackupItem | null> {
    const name = nameOf(partition, key);
    const [dump, type, ttl] = await Promise.all([
      connection.readBuffer('DUMP', [name]),
      connection.read('TYPE', [name]),
      connection.read('PTTL', [name]),
    ]);
    return dump === null ? null : { partition, key, type: String(type), dump, ttlMs: ttlOf(ttl) };
  }

  async function writeOne({ partition, key, dump, ttlMs }: BackupItem): Promise<void> {
    await connection.write('RESTORE', [
      nameOf(partition, keyOnHold(partition, key)),
      ttlMs ?? 0,
      Buffer.from(dump),
      'REPLACE',
    ]);
  }

  return {
    look: async () => {
      const meta = pairsOf(await connection.read('HGETALL', [all.meta]));
      const partitions = meta.has('partitions') ? Number(meta.get('partitions')) : null;
      const numbers = Array.from({ length: partitions ?? 0 }, (_, partition) => partition);
      const now = Number(entriesOf(await connection.readAt(all.meta, 'TIME', []))[0]) * 1_000;
      const leases = await connection.readAll(
        numbers.map((partition) => ['HMGET', all.partition(partition).lease, 'owner', 'until'] as const),
      );
      const owners = leases.flatMap((lease) => {
        const [owner = null, until = null] = entriesOf(lease).map(textOf);
        return owner === null || Number(until) <= now ? [] : [owner];
      });
      const runs = await Promise.all(
        numbers.map((partition) => keysUnder(connection, all.partition(partition).run(''))),
      );
      return {
        partitions,
        format: Number(meta.get('format') ?? 0),
        incarnation: meta.get('incarnation') ?? '',
        used: runs.some((found) => found.length > 0),
        restoring: meta.get('restoring') ?? null,
        owners,
      };
    },
    cut: (partition) => cut(connection, { partition, keys: all.partition(partition), clock }),
    namespaceKeys: async () => {
      const names = (await keysUnder(connection, all.every)).map((key) => key.slice(all.every.length));
      return names.filter((name) => !PRESENT.has(name));
    },
    copy: (partition, keys) => inTurn(keys, (key) => copyOne(partition, key)),
    begin: async ({ mark, partitions, hold }) => {
      const before = Number(textOf(await connection.read('HGET', [all.meta, 'partitions'])) ?? 0);
      await connection.write('HSET', [all.meta, 'restoring', mark]);
      // Whoever has it open hears that it is gone.
      await connection.write('HDEL', [all.meta, 'incarnation']);
      for (let partition = 0; partition < Math.max(before, partitions); partition++) {
        const keys = all.partition(partition);
        await connection.script('hold', [keys.lease], [hold]);
        const kept = partition < partitions ? keys.lease : '';
        await remove(
          connection,
          (await keysUnder(connection, keys.every)).filter((key) => key !== kept),
        );
      }
      await remove(
        connection,
        (await keysUnder(connection, all.every)).filter((key) => key !== all.meta),
      );
    },
    write: async (items) => {
      await inTurn(items, writeOne);
    },
    drop: async (partition, runs) => {
      const keys = all.partition(partition);
      for (const status of RUN_STATUSES)
        if (runs.length > 0) await connection.write('ZREM', [keys.runs(status), ...runs]);
    },
    finish: async ({ partitions, format, incarnation }) => {
      for (let partition = 0; partition < partitions; partition++) {
        const { lease, savedLease } = all.partition(partition);
        await connection.script('settle', [lease, savedLease], []);
      }
      await connection.write('HSET', [
        all.meta,
        'partitions',
        partitions,
        'format',
        format,
        'incarnation',
        incarnation,
      ]);
      await connection.write('HDEL', [all.meta, 'restoring']);
    },
    waiting: async (partition) => {
      const keys = all.partition(partition);
      const [seconds] = entriesOf(await connection.readAt(keys.lease, 'TIME', []));
      const streams = [
        ...(await keysUnder(connection, keys.everyHeld)),
        ...(await keysUnder(connection, keys.everyRequests)),
      ];
      const [hold, messages, timers, due, ...rest] = await connection.readAll([
        ['HGET', keys.lease, 'hold'],
        ['XLEN', keys.inbox],
        ['ZCARD', keys.timers],
        ['ZCOUNT', keys.timers, '-inf', Number(seconds) * 1_000],
        ...RUN_STATUSES.map((status) => ['ZCARD', keys.runs(status)] as const),
        ...streams.map((stream) => ['XLEN', stream] as const),
      ]);
      const counts = rest.map(Number);
      const runs: Partial<Record<RunStatus, number>> = {};
      for (const [index, status] of RUN_STATUSES.entries())
        if ((counts[index] ?? 0) > 0) runs[status] = counts[index] ?? 0;
      const requests = counts.slice(RUN_STATUSES.length).reduce((sum, one) => sum + one, 0);
      return {
        partition,
        hold: textOf(hold ?? null),
        runs,
        messages: Number(messages),
        requests,
        timers: Number(timers),
        due: Number(due),
      };
    },
    release: async (partition) => {
      const keys = all.partition(partition);
      for (const held of await keysUnder(connection, keys.everyHeld))
        await connection.write('RENAME', [held, `${keys.every}${held.slice(keys.everyHeld.length)}`]);
      return Number(await connection.write('HDEL', [keys.lease, 'hold'])) === 1;
    },
  };
}

/** The name that a key is written under: not the one that is in use while the partition is on hold. */
function keyOnHold(partition: number | null, key: string): string {
  if (partition === null) return key;
  if (key === 'lease') return 'saved-lease';
  return key.startsWith(REQUESTS) ? `held-${key}` : key;
}

async function cut(
  connection: Connection,
  { partition, keys, clock }: { partition: number; keys: PartitionKeys; clock: Clock },
): Promise<PartitionCut> {
  const ended = (['completed', 'failed', 'canceled'] as const).map((status) => keys.runs(status));
  const pattern = `${keys.every.replace(/[\\*?[\]]/g, String.raw`\$&`)}*`;
  const asked = clock.monotonic();
  const [, position, micros, copied, later] = await connection.scriptBytes('cut', {
    keys: [keys.lease, ...ended],
    args: [pattern, keys.every],
    extraMs: CUT_MS,
  });
  // Newer servers stop their clock while a script runs: then it is known only how long the answer took.
  const blockedMs = Number(micros) > 0 ? Number(micros) / 1_000 : clock.monotonic() - asked;
  const flat = entriesOf(copied);
  const items: BackupItem[] = [];
  for (let at = 0; at + 3 < flat.length; at += 4) {
    const dump = flat[at + 2];
    if (!Buffer.isBuffer(dump)) throw new CoordError('REDIS_SCRIPT', 'script cut.lua: a dump is not there');
    items.push({ partition, key: String(flat[at]), type: String(flat[at + 1]), dump, ttlMs: ttlOf(flat[at + 3]) });
  }
  return { position: Number(position), blockedMs, items, later: entriesOf(later).map(String) };
}

function ttlOf(reply: unknown): number | null {
  const ms = Number(reply);
  return ms > 0 ? ms : null;
}

/** Some at a time, answers in order. */
async function inTurn<T, R>(list: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < list.length; from += AT_ONCE)
    done.push(...(await Promise.all(list.slice(from, from + AT_ONCE).map(work))));
  return done;
}

async function remove(connection: Connection, keys: readonly string[]): Promise<void> {
  await inTurn(keys, (key) => connection.write('UNLINK', [key]));
}
