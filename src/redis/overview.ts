/** How much there is of what on Redis. See `OverviewPort`. */
import { LINE_SHOWN, type OverviewPort } from '../core/overview-port.js';
import { RUN_STATUSES, type RunStatus } from '../core/statuses.js';
import { consumersOf } from './collecting.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, pairsOf, streamEntries, textOf } from './replies.js';

const HOLDER = 'r:';

export function redisOverview(connection: Connection, all: Keys): OverviewPort {
  return {
    look: async (partition) => {
      const keys = all.partition(partition);
      const [hold, messages, ...counts] = await connection.readAll([
        ['HGET', keys.lease, 'hold'],
        ['XLEN', keys.inbox],
        ...RUN_STATUSES.map((status) => ['ZCARD', keys.runs(status)] as const),
      ]);
      const runs = Object.fromEntries(RUN_STATUSES.map((status, index) => [status, Number(counts[index])])) as Record<
        RunStatus,
        number
      >;
      return { hold: textOf(hold ?? null), runs, messages: Number(messages) };
    },
    queue: async (partition, persona) => {
      const stream = all.partition(partition).requests(persona);
      const [length, first] = await connection.readAll([
        ['XLEN', stream],
        ['XRANGE', stream, '-', '+', 'COUNT', 1],
      ]);
      const [oldest] = streamEntries(first ?? null);
      const readers = (await consumersOf(connection, stream)).map((reader) => ({
        worker: reader.get('name') ?? '',
        idleMs: Number(reader.get('idle')),
      }));
      const oldestAt = oldest === undefined ? null : Number(oldest.id.split('-')[0]);
      return { requests: Number(length), oldestAt, readers };
    },
    slot: async (partition, key) => {
      const keys = all.partition(partition);
      const [slot, line] = await connection.readAll([
        ['HGETALL', keys.slot(key)],
        ['ZRANGE', keys.slotLine(key), 0, LINE_SHOWN - 1],
      ]);
      const fields = pairsOf(slot ?? null);
      const limit = fields.get('limit');
      return {
        limit: limit === undefined ? null : Number(limit),
        holders: [...fields.keys()].filter((field) => field.startsWith(HOLDER)).map((field) => field.slice(2)),
        line: entriesOf(line ?? null).map(String),
      };
    },
  };
}
