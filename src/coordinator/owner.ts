/**
 * Owns one partition: takes its lease, keeps it, fires its timers, and turns its inbox until it loses the lease, is to
 * give it up or is stopped. If it dies here, the lease runs out and the next owner begins with what was committed last.
 */
import type { Clock } from '../core/clock.js';
import type { Ids } from '../core/ids.js';
import type { InboxEntry, Lease, NamespacePort, PartitionPort } from '../core/ports.js';
import { Loop } from '../core/service.js';
import type { WatermarkPort } from '../core/watch-ports.js';
import type { Report } from './events.js';
import { LeaseKeeper } from './lease-keeper.js';
import type { Share } from './share.js';
import type { Turn } from './turn.js';

export interface OwnerParams {
  readonly partition: number;
  readonly partitions: PartitionPort;
  readonly namespace: Pick<NamespacePort, 'owners'>;
  readonly watermarks: Pick<WatermarkPort, 'check'>;
  readonly share: Share;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly report: Report;
  /** Prefix of the owner's name, for people: where it runs. A nonce is added once. */
  readonly name: string;
  readonly leaseMs: number;
  /** Whether an owner of this name is known to be dead: its lease is then not waited for. */
  readonly isDead: (owner: string) => boolean;
  /** What goes on beside it while it holds the lease, and ends soon after `until` is aborted; the lease does not wait for it. */
  readonly beside?: ((until: AbortSignal) => void) | undefined;
}

/** A message may kill its coordinator this often before it is set aside. */
export const MAX_SUSPICIONS = 3;
const BATCH = 256;
/** Timers can be armed by workers too, so nobody sleeps longer than this beside them. */
const LONGEST_WAIT_MS = 500;
const AFTER_ERROR_MS = 200;

export class PartitionOwner extends Loop {
  readonly #params: OwnerParams;
  /** One name for as long as this process lives, so that it need not wait for its own lease after a lost connection. */
  readonly #owner: string;
  #lived = false;
  /** Counted before an evaluation that was interrupted and outlived, and not taken back yet. */
  #outlived: readonly string[] = [];

  constructor(params: OwnerParams) {
    super();
    this.#params = params;
    this.#owner = `${params.name}:${params.ids.nonce()}`;
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    const { partition, clock, report, turn, share } = this.#params;
    while (!signal.aborted) {
      await this.#untilRoom(signal);
      if (signal.aborted) return;
      try {
        const lease = await this.#acquire();
        if ('retryMs' in lease) {
          share.letGo(partition);
          await this.#pause(lease.retryMs, { signal, early: (over) => share.roll(over) });
        } else {
          await this.#hold(lease, signal);
        }
      } catch (error) {
        // Whatever was sent and not answered may have happened or not; the store knows, so everything is read again.
        report({ type: 'partition.interrupted', partition, error });
        await clock.sleep(AFTER_ERROR_MS, signal);
      } finally {
        share.letGo(partition);
      }
      turn.forget();
    }
  }

  /** Whoever has its share already leaves what is free to others for a moment; what they leave lying is taken all the same. */
  async #untilRoom(signal: AbortSignal): Promise<void> {
    const { share, partition, leaseMs, clock } = this.#params;
    const until = clock.monotonic() + leaseMs / 4;
    while (!signal.aborted) {
      const leftMs = until - clock.monotonic();
      if (share.reserve(partition, { evenIfFull: leftMs <= 0 })) return;
      await this.#pause(leftMs, { signal, early: (over) => share.room(over) });
    }
  }

  async #pause(
    ms: number,
    { signal, early }: { signal: AbortSignal; early: (signal: AbortSignal) => Promise<void> },
  ): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.#params.clock.sleep(ms, either), early(either)]);
    over.abort();
  }

  /** The lease, or when to ask again. */
  async #acquire(): Promise<Lease | { readonly retryMs: number }> {
    const { partition, partitions, report, leaseMs, isDead } = this.#params;
    const answer = await partitions.acquire({ partition, owner: this.#owner, leaseMs });
    if (answer.outcome === 'acquired') {
      report({ type: 'partition.acquired', partition, epoch: answer.lease.epoch });
      return answer.lease;
    }
    if (answer.outcome === 'on_hold') {
      report({ type: 'partition.on-hold', partition, reason: answer.reason });
      return { retryMs: leaseMs };
    }
    report({ type: 'partition.held', partition, owner: answer.owner, remainingMs: answer.remainingMs });
    if (isDead(answer.owner) && (await this.#releaseFor(answer.owner))) return this.#acquire();
    return { retryMs: Math.min(answer.remainingMs + 10, leaseMs / 4) };
  }

  /** Gives the partition up on behalf of an owner that has died. */
  async #releaseFor(owner: string): Promise<boolean> {
    const { partition, partitions, namespace } = this.#params;
    const held = (await namespace.owners()).find((one) => one.partition === partition && one.owner === owner);
    return held !== undefined && (await partitions.release(held)) === 'ok';
  }

  async #hold(lease: Lease, signal: AbortSignal): Promise<void> {
    const { partitions, clock, report, leaseMs, watermarks, share, beside } = this.#params;
    const { partition, epoch } = lease;
    const over = new AbortController();
    const keeper = new LeaseKeeper({ lease, leaseMs, partitions, clock });
    share.hold(partition, () => keeper.giveUp());
    const until = AbortSignal.any([signal, keeper.over]);
    keeper.start();
    try {
      const lost = await watermarks.check(partition, this.#owner);
      if (lost !== null) report({ type: 'partition.rolled-back', partition, from: lost.from, to: lost.to });
      await this.#takeBack(lease);
      beside?.(AbortSignal.any([until, over.signal]));
      await this.#turn(lease, until);
    } finally {
      over.abort();
      await keeper.stop();
    }
    // Given up at once, so that the next owner need not wait for the lease to run out.
    const released = await partitions.release(lease);
    report({ type: released === 'ok' ? 'partition.released' : 'partition.fenced', partition, epoch });
  }

  /** Until `until` is aborted or the store says that the lease is somebody else's. */
  async #turn(lease: Lease, until: AbortSignal): Promise<void> {
    const { partitions, clock } = this.#params;
    const { partition } = lease;
    let cursor = '0';
    let fireAt = 0;
    // What lies in the inbox when a process takes over may be what killed the one before: it is counted before it is
    // evaluated. After a mere interruption this process lives, so nothing in there has killed it.
    let careful = !this.#lived;
    this.#lived = true;
    while (!until.aborted) {
      if (clock.monotonic() >= fireAt) {
        const fired = await partitions.fire(lease, BATCH);
        if (fired.outcome === 'fenced') return;
        fireAt =
          clock.monotonic() +
          (fired.fired === BATCH ? 0 : Math.min(fired.nextInMs ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS));
      }
      const waitMs = careful ? 1 : Math.max(1, fireAt - clock.monotonic());
      const entries = await partitions.read({ partition, after: cursor, limit: BATCH, waitMs, signal: until });
      if (entries.length === 0) {
        careful = false;
        continue;
      }
      const done = await this.#evaluate(lease, entries, careful);
      if (done === 'fenced') return;
      if (done === 'again') {
        cursor = '0';
        continue;
      }
      cursor = done.cursor;
      if (done.nextTimerMs !== null) fireAt = Math.min(fireAt, clock.monotonic() + done.nextTimerMs);
    }
  }

  async #evaluate(
    lease: Lease,
    entries: readonly InboxEntry[],
    careful: boolean,
  ): Promise<'fenced' | 'again' | { cursor: string; nextTimerMs: number | null }> {
    const { partitions, turn } = this.#params;
    let batch = entries;
    if (careful) {
      const answer = await partitions.suspect(
        lease,
        entries.map((entry) => entry.id),
      );
      if (answer.outcome === 'fenced') return 'fenced';
      batch = entries.slice(0, answer.counts.length);
      const [first] = batch;
      const count = answer.counts[0] ?? 0;
      if (first !== undefined && count > MAX_SUSPICIONS) {
        const outcome = await turn.setAside(lease, first, count - 1);
        return outcome === 'fenced' ? 'fenced' : { cursor: first.id, nextTimerMs: null };
      }
    }
    const outcome = await this.#run(lease, batch, careful);
    if (outcome.outcome !== 'ok') return outcome.outcome;
    return { cursor: batch.at(-1)?.id ?? '0', nextTimerMs: outcome.nextTimerMs };
  }

  async #run(lease: Lease, batch: readonly InboxEntry[], careful: boolean): ReturnType<Turn['run']> {
    try {
      return await this.#params.turn.run(lease, batch, { careful });
    } catch (error) {
      // This process lives: whatever went wrong, it did not die of these messages.
      if (careful) {
        this.#outlived = batch.map(({ id }) => id);
        await this.#takeBack(lease).catch(() => undefined);
      }
      throw error;
    }
  }

  async #takeBack(lease: Lease): Promise<void> {
    const outlived = this.#outlived;
    if (outlived.length > 0 && (await this.#params.partitions.absolve(lease, outlived)) === 'ok') this.#outlived = [];
  }
}
