/**
 * A coordinator's share of the partitions of a namespace, each with its owner: what `coord daemon` runs beside its workers.
 * It says all the time that it is there, hears of the others, and takes or gives up partitions as they come and go.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Failpoints } from '../core/failpoints.js';
import type { Ids } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { Loop } from '../core/service.js';
import type { Roll } from '../core/watch-ports.js';
import type { Report } from './events.js';
import { PartitionOwner } from './owner.js';
import { Plans } from './plans.js';
import { RunLocks } from './run-locks.js';
import type { Scheduler } from './scheduler.js';
import { quotaOf, Share } from './share.js';
import { Turn } from './turn.js';
import { Undertaker } from './undertaker.js';

export interface CoordinatorParams {
  readonly store: Pick<Store, 'partitions' | 'namespace' | 'roll' | 'watermarks' | 'requests' | 'locks'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly name: string;
  readonly report: Report;
  /** How long a partition stays owned after its owner fell silent: the longest pause after a kill. Default 2 s. */
  readonly leaseMs?: number;
  /** How long a worker may say nothing before it is taken for dead, ms. Default 5 s. */
  readonly workerSilentMs?: number;
  readonly runsCached?: number;
  /** Works while this coordinator owns partition 0; left out, nothing is started by schedules here. */
  readonly scheduler?: Pick<Scheduler, 'own' | 'settled'>;
  /** Whether an owner or worker of this name is known to be dead, so that nobody waits for it. */
  readonly isDead?: (name: string) => boolean;
  readonly failpoints?: Failpoints;
}

export class Coordinator extends Loop {
  readonly #params: CoordinatorParams;
  readonly #leaseMs: number;
  readonly #name: string;
  readonly #owners: readonly PartitionOwner[];
  readonly #undertaker: Undertaker;
  readonly #share: Share;

  constructor(params: CoordinatorParams) {
    super();
    const { store, partitions, clock, ids, name, report, runsCached = 1_000, failpoints } = params;
    const { leaseMs = 2_000, workerSilentMs = 5_000, isDead = () => false, scheduler } = params;
    this.#params = params;
    this.#leaseMs = leaseMs;
    this.#name = `${name}:${ids.nonce()}`;
    // Until it has heard of others it takes nothing: it may be one of many that start together.
    this.#share = new Share();
    const plans = new Plans(store.namespace);
    const locks = new RunLocks({ locks: store.locks, partitions });
    this.#owners = Array.from({ length: partitions }, (_, partition) => {
      const turnParams = { partitions: store.partitions, plans, locks, report, runsCached };
      const turn = new Turn(failpoints === undefined ? turnParams : { ...turnParams, failpoints });
      const { namespace, watermarks } = store;
      const means = { partitions: store.partitions, namespace, watermarks, share: this.#share, clock, ids, report };
      const beside = partition === 0 ? scheduler?.own.bind(scheduler) : undefined;
      return new PartitionOwner({ partition, ...means, turn, name, leaseMs, isDead, beside });
    });
    this.#undertaker = new Undertaker({
      namespace: store.namespace,
      requests: store.requests,
      partitions,
      clock,
      report,
      isDead,
      silentMs: workerSilentMs,
    });
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    for (const owner of this.#owners) owner.start();
    this.#undertaker.start();
    const gone = await this.#answerRoll(signal);
    await this.#undertaker.stop();
    await Promise.all(this.#owners.map((owner) => owner.stop()));
    await this.#params.scheduler?.settled();
    if (gone) this.#params.report({ type: 'namespace.gone' });
    else await this.#sayGoodbye();
  }

  /** Until it is stopped, or the namespace is not there any more: then true. */
  async #answerRoll(signal: AbortSignal): Promise<boolean> {
    const { store, clock, report } = this.#params;
    const everyMs = this.#leaseMs / 4;
    let mark: string | null = null;
    while (!signal.aborted) {
      try {
        const roll = await store.roll.announce({ coordinator: this.#name, aliveMs: this.#leaseMs, tell: false });
        if (roll === 'gone') return true;
        const coordinators = await this.#withoutDead(roll);
        if (roll.mark !== mark || coordinators.length < roll.coordinators.length) await this.#take(coordinators);
        ({ mark } = roll);
        await store.roll.changed({ mark, waitMs: everyMs, signal });
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        report({ type: 'roll.interrupted', error });
        await clock.sleep(everyMs, signal);
      }
    }
    return false;
  }

  /** Strikes off those that are known to be dead, so that nobody waits until they have been silent for long enough. */
  async #withoutDead({ coordinators }: Roll): Promise<readonly string[]> {
    const { store, isDead = () => false } = this.#params;
    const dead = coordinators.filter((name) => name !== this.#name && isDead(name));
    for (const name of dead) await store.roll.forget(name);
    return coordinators.filter((name) => !dead.includes(name));
  }

  /** Takes or gives up what the new roll says; whoever is to get it hears of it. */
  async #take(coordinators: readonly string[]): Promise<void> {
    const { store, partitions, report } = this.#params;
    const quota = quotaOf({ coordinators, name: this.#name, partitions });
    if (quota !== this.#share.quota) report({ type: 'roll.changed', coordinators: coordinators.length, quota });
    if ((await this.#share.set(quota)) === 0) return;
    await store.roll.announce({ coordinator: this.#name, aliveMs: this.#leaseMs, tell: true });
  }

  async #sayGoodbye(): Promise<void> {
    try {
      await this.#params.store.roll.forget(this.#name);
    } catch (error) {
      // The others find out by themselves when nothing is heard of it.
      this.#params.report({ type: 'roll.interrupted', error });
    }
  }
}
