/**
 * What a worker does about those of its machine that died before it: ends what they left running, and has the store know
 * that what they held is lost, so that their runs go on at once. Should this not get through, missed heartbeats say it.
 */
import { messageOf } from '../core/errors.js';
import { partitionOf } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import type { AttemptFiles } from './attempt-files.js';
import { errorReply } from './runner.js';
import type { Report } from './worker-events.js';

interface Burying {
  readonly store: Pick<Store, 'requests' | 'namespace'>;
  readonly partitions: number;
  readonly files: AttemptFiles;
  readonly heartbeatMs: number;
  readonly isDead?: (worker: string) => boolean;
  readonly report: Report;
}

export async function buryDead(burying: Burying): Promise<void> {
  await giveUpAttempts(burying);
  const { store, partitions, isDead, report } = burying;
  if (isDead === undefined) return;
  try {
    // What was held in memory alone left no files; the store knows of it.
    for (const { worker, personas } of await store.namespace.listWorkers()) {
      if (!isDead(worker)) continue;
      for (let partition = 0; partition < partitions; partition++)
        await store.requests.bury({ partition, worker, personas });
      await store.namespace.forgetWorker(worker);
    }
  } catch (error) {
    report({ type: 'trouble', doing: 'bury', message: messageOf(error) });
  }
}

/** Replies on behalf of the dead that their attempts are lost. */
async function giveUpAttempts({ store, partitions, files, heartbeatMs, report }: Burying): Promise<void> {
  for (const { run, step, attempt, token, worker } of files.reap()) {
    report({ type: 'reaped', run, step, attempt });
    const key = { partition: partitionOf(run, partitions), run, step, attempt, token, worker: worker.id };
    const reply = errorReply('WORKER_LOST', `worker ${worker.id} died while it worked`);
    try {
      // One that was never begun is nobody's loss: its delivery is inherited.
      if ((await store.requests.beat(key, { heartbeatMs, progress: '' })) === 'stop') continue;
      await store.requests.reply(key, { body: JSON.stringify({ ...reply, commit: null }) });
    } catch (error) {
      report({ type: 'trouble', doing: 'reap', message: messageOf(error) });
    }
  }
}
