/**
 * Keeps a lease alive beside the work that is done under it, so that a long turn does not lose it. An owner that could not
 * renew for as long as the lease lives (it was stalled, or the store was away) gives up by itself, before it is told.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Lease, PartitionPort } from '../core/ports.js';
import { Loop } from '../core/service.js';

export interface LeaseKeeperParams {
  /** Just acquired. */
  readonly lease: Lease;
  readonly leaseMs: number;
  readonly partitions: Pick<PartitionPort, 'renew'>;
  readonly clock: Clock;
}

export class LeaseKeeper extends Loop {
  readonly #params: LeaseKeeperParams;
  readonly #over = new AbortController();
  #heldUntil: number;

  constructor(params: LeaseKeeperParams) {
    super();
    this.#params = params;
    this.#heldUntil = params.clock.monotonic() + params.leaseMs;
  }

  /** Aborted when the lease is lost, or to be given up. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  giveUp(): void {
    this.#over.abort();
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    const { lease, leaseMs, partitions, clock } = this.#params;
    const until = AbortSignal.any([signal, this.#over.signal]);
    while (!until.aborted) {
      await clock.sleep(leaseMs / 4, until);
      if (until.aborted) return;
      const asked = clock.monotonic();
      try {
        if ((await partitions.renew(lease, leaseMs)) === 'ok') this.#heldUntil = asked + leaseMs;
        else this.giveUp();
      } catch (error) {
        // What went wrong is told by whoever works under the lease.
        if (!(error instanceof CoordError)) throw error;
      }
      if (clock.monotonic() >= this.#heldUntil) this.giveUp();
    }
  }
}
