/** What workers have in hand: read from the runs that are under way, since that is where it is written. */
import type { Clock } from '../core/clock.js';
import type { Store } from '../core/ports.js';
import type { InHand } from '../core/causes.js';

/** Runs of a partition that are looked at, newest first, and how long, ms: an answer in time says more than all of it later. */
const RUNS = 200;
const WITHIN_MS = 800;
const AT_ONCE = 16;

/** As far as it is found in time. */
export async function attemptsInHand({
  store,
  partitions,
  clock,
}: {
  readonly store: Pick<Store, 'runs'>;
  readonly partitions: number;
  readonly clock: Clock;
}): Promise<readonly InHand[]> {
  const until = clock.monotonic() + WITHIN_MS;
  const found: InHand[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const rows = await store.runs.list({ partition, statuses: ['running', 'compensating', 'paused'], limit: RUNS });
    for (let at = 0; at < rows.length && clock.monotonic() < until; at += AT_ONCE) {
      const stored = await Promise.all(
        rows.slice(at, at + AT_ONCE).map(async ({ run }) => ({ run, stored: await store.runs.load(partition, run) })),
      );
      for (const one of stored)
        for (const [step, { worker, begunAt, progress }] of one.stored?.claims ?? [])
          found.push({ run: one.run, step, worker, begunAt, progress });
    }
  }
  return found;
}
