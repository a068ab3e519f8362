/** What is stored in memory, as it is. See `InspectionPort`. */
import type { InspectionPort } from '../core/inspection-port.js';
import { memoryOverview } from './overview.js';
import type { MemoryPartition, MemoryStep } from './partition.js';
import { storedRun } from './partitions.js';

export function memoryInspection(at: (partition: number) => MemoryPartition): InspectionPort {
  return {
    ...memoryOverview(at),
    names: async (partition) => [...at(partition).runs.keys()],
    inspect: async (partition, id) => {
      const run = at(partition).runs.get(id);
      const stored = storedRun(run);
      if (run === undefined || stored === null) return { run: null, listed: [] };
      const { claims, ...rest } = stored;
      const ofSteps = (field: 'token' | 'delivered'): Map<string, string> =>
        new Map([...run.steps].flatMap(([path, step]) => pair(path, step[field])));
      const held = { tokens: ofSteps('token'), delivered: ofSteps('delivered'), claimed: [...claims.keys()] };
      // A run is listed by its status, and nowhere else.
      return { run: { ...rest, ...held, status: run.status }, listed: [run.status] };
    },
    timers: async (partition) => [...at(partition).timers].map(([id, dueAt]) => ({ id, dueAt })),
    waiting: async (partition) => {
      const counts = new Map<string, number>();
      for (const { run } of at(partition).inbox.values()) counts.set(run, (counts.get(run) ?? 0) + 1);
      return counts;
    },
  };
}

function pair(path: string, text: MemoryStep['token']): readonly (readonly [string, string])[] {
  return text === null ? [] : [[path, text]];
}
