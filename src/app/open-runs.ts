/** What somebody must be there for: runs that have not ended and are not set aside, and schedules that start some. */
import { isAwake } from '../coordinator/client-schedules.js';
import type { RunRow, Store } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded } from '../core/statuses.js';

const UNFINISHED = RUN_STATUSES.filter((status) => !runHasEnded(status));
/** Enough to know whether there are any, with some that are set aside among them. */
const LOOKED_AT = 500;

/** Some of them; empty when there are none. */
export async function openRuns({
  store,
  partitions,
}: {
  store: Store;
  partitions: number;
}): Promise<readonly RunRow[]> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const want = { statuses: UNFINISHED, limit: LOOKED_AT };
  const rows = await Promise.all(numbers.map((partition) => store.runs.list({ partition, ...want })));
  return rows.flat().filter((row) => row.quarantined === null);
}

/** Whether there are schedules that start runs by themselves. */
export async function awakeSchedules({ store }: { store: Store }): Promise<boolean> {
  const [{ schedules }, now] = await Promise.all([store.schedules.all(), store.namespace.time()]);
  return schedules.some((stored) => isAwake(stored, now));
}
