/** What `coord doctor` says of a namespace: losses that nobody has acknowledged, a restore that waits, endpoints in trouble. */
import { Operator } from '../coordinator/client-operator.js';
import type { BreakerState } from '../core/breaker-port.js';
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
    const broken = await store.breakers.all();
    const now = await store.namespace.time();
    return [
      ...broken.flatMap((breaker) => breakerFinding(breaker, now)),
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

/** Of what failed long ago nobody knows how it is now. */
const FORGOTTEN_MS = 24 * 3_600_000;

function breakerFinding(breaker: BreakerState, now: number): readonly Finding[] {
  const { persona, endpoint, state, failures, message, lastAt, retryAt } = breaker;
  if (state === 'closed' || now - lastAt > FORGOTTEN_MS) return [];
  const left = retryAt === null ? 0 : Math.ceil((retryAt - now) / 1_000);
  const again = left > 0 ? `in ${String(left)} s` : state === 'open' ? 'with the next request' : 'now';
  const failed = `${endpoint} has failed ${String(failures)} times in a row (${message})`;
  return [
    {
      level: 'warning',
      subject: 'endpoint',
      message: `persona ${persona}: ${failed}; tried again ${again}`,
      cure: `coord persona check ${persona}`,
    },
  ];
}

function bad(message: string, cure: string): Finding {
  return { level: 'error', subject: 'history', message, cure };
}
