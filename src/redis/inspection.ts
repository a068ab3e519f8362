/** What is stored in Redis, as it is. See `InspectionPort`. */
import { UNMARKED_RUN_FORMAT } from '../core/formats.js';
import type { InspectedRun, InspectionPort } from '../core/inspection-port.js';
import { RUN_STATUSES } from '../core/statuses.js';
import { keysUnder } from './collecting.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { redisOverview } from './overview.js';
import { entriesOf, pairsOf, streamEntries } from './replies.js';

const PAGE = 1_000;

export function redisInspection({
  connection,
  keys: all,
}: {
  readonly connection: Connection;
  readonly keys: Keys;
}): InspectionPort {
  return {
    ...redisOverview(connection, all),
    names: async (partition) => {
      const keys = all.partition(partition);
      const stored = await Promise.all(
        [keys.run(''), keys.history('')].map((prefix) => namesUnder(connection, prefix)),
      );
      const listed = await connection.readAll(
        RUN_STATUSES.map((status) => ['ZRANGE', keys.runs(status), 0, -1] as const),
      );
      return [...new Set([...stored.flat(), ...listed.flatMap((list) => entriesOf(list).map(String))])];
    },
    inspect: async (partition, run) => {
      const keys = all.partition(partition);
      const lists = RUN_STATUSES.map((status) => keys.runs(status));
      const [, fields, listed] = await connection.script('inspect', [keys.run(run), ...lists], [run]);
      const places = entriesOf(listed).map((place) => RUN_STATUSES[Number(place) - 2]);
      return { run: inspected(pairsOf(fields)), listed: places.filter((status) => status !== undefined) };
    },
    timers: async (partition) => {
      const { timers } = all.partition(partition);
      const found = [...pairsOf(await connection.read('ZRANGE', [timers, 0, -1, 'WITHSCORES']))];
      return found.map(([id, due]) => ({ id, dueAt: Number(due) }));
    },
    waiting: async (partition) => {
      const { inbox } = all.partition(partition);
      const counts = new Map<string, number>();
      for (let after = '-'; ; ) {
        const page = streamEntries(await connection.read('XRANGE', [inbox, after, '+', 'COUNT', PAGE]));
        for (const { fields } of page) {
          const run = fields.get('run') ?? '';
          counts.set(run, (counts.get(run) ?? 0) + 1);
        }
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) return counts;
        after = `(${last.id}`;
      }
    },
  };
}

async function namesUnder(connection: Connection, prefix: string): Promise<readonly string[]> {
  return (await keysUnder(connection, prefix)).map((key) => key.slice(prefix.length));
}

function inspected(fields: ReadonlyMap<string, string>): InspectedRun['run'] {
  if (fields.size === 0) return null;
  const ofSteps = (kind: string): Map<string, string> =>
    new Map([...fields].filter(([field]) => field.startsWith(kind)).map(([field, text]) => [field.slice(2), text]));
  const text = (field: string): string => fields.get(field) ?? '';
  return {
    format: Number(fields.get('format') ?? UNMARKED_RUN_FORMAT),
    version: Number(fields.get('version') ?? Number.NaN),
    status: text('status'),
    chain: text('chain'),
    definition: text('definition'),
    input: text('input'),
    record: text('record'),
    quarantined: fields.get('quarantined') ?? null,
    steps: ofSteps('s:'),
    tokens: ofSteps('t:'),
    delivered: ofSteps('d:'),
    claimed: [...ofSteps('c:').keys()],
  };
}
