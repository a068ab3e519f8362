/** How much there is of what in memory. See `OverviewPort`. */
import { LINE_SHOWN, type OverviewPort } from '../core/overview-port.js';
import { RUN_STATUSES, type RunStatus } from '../core/statuses.js';
import type { MemoryPartition } from './partition.js';

export function memoryOverview(at: (partition: number) => MemoryPartition): OverviewPort {
  return {
    look: async (partition) => {
      const { lease, runs: stored, inbox } = at(partition);
      const runs = Object.fromEntries(RUN_STATUSES.map((status) => [status, 0])) as Record<RunStatus, number>;
      for (const { status } of stored.values()) runs[status]++;
      return { hold: lease.hold, runs, messages: inbox.size };
    },
    queue: async (partition, persona) => {
      const place = at(partition);
      const requests = [...(place.requests.get(persona)?.keys() ?? [])];
      const oldest = requests[0];
      const readers = [...(place.readers.get(persona) ?? [])].map(([worker, heardAt]) => ({
        worker,
        idleMs: place.now() - heardAt,
      }));
      const oldestAt = oldest === undefined ? null : Number(oldest.split('-')[0]);
      return { requests: requests.length, oldestAt, readers };
    },
    slot: async (partition, key) => {
      const slot = at(partition).slots.copy().get(key);
      return {
        limit: slot?.limit ?? null,
        holders: [...(slot?.holders ?? [])],
        line: [...(slot?.line ?? [])].slice(0, LINE_SHOWN),
      };
    },
  };
}
