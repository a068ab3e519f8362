/** Schedules in memory. See `SchedulePort`. */
import type { SchedulePort } from '../core/schedule-port.js';
import type { MemoryContents } from './contents.js';

export function memorySchedules(contents: MemoryContents): SchedulePort {
  const { schedules } = contents;
  return {
    mark: async () => contents.scheduleMark,
    all: async () => ({
      mark: contents.scheduleMark,
      schedules: [...schedules.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    }),
    get: async (name) => schedules.get(name) ?? null,
    write: async ({ name, expected, text }) => {
      if ((schedules.get(name)?.version ?? 0) !== expected) return { outcome: 'stale' };
      contents.scheduleMark += 1;
      const version = contents.scheduleMark;
      if (text === null) schedules.delete(name);
      else schedules.set(name, { name, version, text });
      return { outcome: 'ok', version };
    },
  };
}
