/** Schedules on Redis: one hash for the whole namespace. See `SchedulePort`. */
import type { SchedulePort } from '../core/schedule-port.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, pairsOf, textOf } from './replies.js';

export function redisSchedules({ connection, keys }: { connection: Connection; keys: Keys }): SchedulePort {
  const key = keys.schedules;
  return {
    mark: async () => Number(textOf(await connection.read('HGET', [key, 'mark'])) ?? 0),
    all: async () => {
      const fields = pairsOf(await connection.read('HGETALL', [key]));
      const schedules = [...fields]
        .filter(([field]) => field.startsWith('s:'))
        .map(([field, text]) => ({ name: field.slice(2), version: Number(fields.get(`v:${field.slice(2)}`)), text }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      return { mark: Number(fields.get('mark') ?? 0), schedules };
    },
    get: async (name) => {
      const [version = null, text = null] = entriesOf(
        await connection.read('HMGET', [key, `v:${name}`, `s:${name}`]),
      ).map(textOf);
      return version === null || text === null ? null : { name, version: Number(version), text };
    },
    write: async ({ name, expected, text }) => {
      const [reply, version] = await connection.script('schedule', [key], [name, expected, text ?? '']);
      return reply === 'OK' ? { outcome: 'ok', version: Number(version) } : { outcome: 'stale' };
    },
  };
}
