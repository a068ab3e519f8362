/** All partitions of a namespace, each with its owner: what `coord daemon` runs beside its workers. */
import type { Clock } from '../core/clock.js';
import type { Ids } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import type { Service } from '../core/service.js';
import type { Report } from './events.js';
import { PartitionOwner } from './owner.js';
import { Plans } from './plans.js';
import { Turn } from './turn.js';

export interface CoordinatorParams {
  readonly store: Pick<Store, 'partitions' | 'namespace'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly name: string;
  readonly report: Report;
  /** How long a partition stays owned after its owner fell silent: the longest pause after a kill. Default 3 s. */
  readonly leaseMs?: number;
  readonly runsCached?: number;
}

export class Coordinator implements Service {
  readonly #owners: readonly PartitionOwner[];

  constructor(params: CoordinatorParams) {
    const { store, partitions, clock, ids, name, report, leaseMs = 3_000, runsCached = 1_000 } = params;
    const plans = new Plans(store.namespace);
    this.#owners = Array.from({ length: partitions }, (_, partition) => {
      const turn = new Turn({ partitions: store.partitions, plans, report, runsCached });
      return new PartitionOwner({ partition, partitions: store.partitions, turn, clock, ids, report, name, leaseMs });
    });
  }

  start(): void {
    for (const owner of this.#owners) owner.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#owners.map((owner) => owner.stop()));
  }
}
