/**
 * A transition that comes from neither the owner nor a message: what a tool of an operator does that moves a run on under
 * the owner's own lease, for example to another version of its definition. The owner must notice that it is behind.
 */
import { commitOf, stateOf } from '../../src/coordinator/codec.js';
import { Plans } from '../../src/coordinator/plans.js';
import type { Store } from '../../src/core/ports.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { fold } from '../../src/machines/fold.js';
import type { MemoryContents } from '../../src/memory/contents.js';

/** A record that somebody has spoiled. */
export const DAMAGED = '{"broken":true}';

export async function editRun(
  store: Store,
  { contents, partition, run }: { contents: MemoryContents; partition: number; run: string },
): Promise<void> {
  const stored = await store.runs.load(partition, run);
  const { owner, epoch } = contents.at(partition).lease;
  if (stored === null || owner === null || stored.quarantined !== null || stored.record === DAMAGED) return;
  const state = stateOf(stored, await new Plans(store.namespace).get(stored.definition));
  if (runHasEnded(state.record.status)) return;
  const genesis = stored.version === 0 ? stored.record : null;
  await store.partitions.commit(
    { partition, owner, epoch },
    commitOf(state, fold(state, []), { messages: [], genesis, definition: null }),
  );
}
