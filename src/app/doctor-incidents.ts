/** What `coord doctor` says of a namespace's past: losses that nobody has acknowledged, and a restore that waits. */
import { Operator } from '../coordinator/client-operator.js';
import type { GlobalOptions } from '../cli/application.js';
import type { Finding } from '../core/finding.js';
import { type Address } from '../redis/address.js';
import { openRedisStore } from '../redis/store.js';
import type { Means } from './connect.js';

/** Creates no namespace where there is none. */
export async function incidentFindings(
  address: Address,
  { options, means }: { readonly options: GlobalOptions; readonly means: Means },
): Promise<readonly Finding[]> {
  const { clock, ids, failpoints } = means;
  const store = await openRedisStore({ address, namespace: options.namespace, clock, ids, failpoints });
  try {
    const { partitions, restoring } = await store.backup.look();
    if (restoring !== null)
      return [bad(`a restore from ${restoring} is not finished, so nothing can be done here`, 'coord restore <file>')];
    if (partitions === null) return [];
    const incidents = await new Operator({ store, partitions, clock, ids }).incidents();
    const lost = incidents.reduce((sum, { from, to }) => sum + to - from + 1, 0);
    const waiting = await Promise.all(Array.from({ length: partitions }, (_, at) => store.backup.waiting(at)));
    const holds = waiting.flatMap(({ hold }) => (hold === null ? [] : [hold]));
    const held = holds[0];
    return [
      ...(incidents.length === 0
        ? []
        : [bad(`history rolled back by ${lost === 1 ? '1 change' : `${String(lost)} changes`}`, 'coord incidents')]),
      ...(held === undefined
        ? []
        : [
            {
              level: 'warning',
              subject: 'restore',
              message: `${String(holds.length)} of ${String(partitions)} partitions are on hold: ${held}`,
              cure: 'coord restore --release',
            } as const,
          ]),
    ];
  } finally {
    await store.close();
  }
}

function bad(message: string, cure: string): Finding {
  return { level: 'error', subject: 'history', message, cure };
}
