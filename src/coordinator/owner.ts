/**
 * Owns one partition: takes its lease, keeps it, fires its timers, and turns its inbox until it loses the lease or is
 * stopped. If it dies here, the lease runs out and the next owner begins with what was committed last.
 */
import type { Clock } from '../core/clock.js';
import type { Ids } from '../core/ids.js';
import type { InboxEntry, Lease, PartitionPort } from '../core/ports.js';
import { Loop } from '../core/service.js';
import type { Report } from './events.js';
import type { Turn } from './turn.js';

export interface OwnerParams {
  readonly partition: number;
  readonly partitions: PartitionPort;
  readonly turn: Turn;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly report: Report;
  /** Prefix of the owner's name, for people: where it runs. A nonce is added once. */
  readonly name: string;
  readonly leaseMs: number;
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

  constructor(params: OwnerParams) {
    super();
    this.#params = params;
    this.#owner = `${params.name}:${params.ids.nonce()}`;
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    const { partition, clock, report, turn } = this.#params;
    while (!signal.aborted) {
      try {
        const lease = await this.#acquire(signal);
        if (lease !== null) await this.#hold(lease, signal);
      } catch (error) {
        // Whatever was sent and not answered may have happened or not; the store knows, so everything is read again.
        report({ type: 'partition.interrupted', partition, error });
        await clock.sleep(AFTER_ERROR_MS, signal);
      }
      turn.forget();
    }
  }

  async #acquire(signal: AbortSignal): Promise<Lease | null> {
    const { partition, partitions, clock, report, leaseMs } = this.#params;
    const answer = await partitions.acquire({ partition, owner: this.#owner, leaseMs });
    if (answer.outcome === 'acquired') {
      report({ type: 'partition.acquired', partition, epoch: answer.lease.epoch });
      return answer.lease;
    }
    report({ type: 'partition.held', partition, owner: answer.owner, remainingMs: answer.remainingMs });
    await clock.sleep(Math.min(answer.remainingMs + 10, leaseMs / 4), signal);
    return null;
  }

  async #hold(lease: Lease, signal: AbortSignal): Promise<void> {
    const { partitions, clock, report, leaseMs } = this.#params;
    const { partition, epoch } = lease;
    let cursor = '0';
    let renewAt = clock.now() + leaseMs / 3;
    let fireAt = 0;
    // What lies in the inbox when a process takes over may be what killed the one before: it is counted before it is
    // evaluated. After a mere interruption this process lives, so nothing in there has killed it.
    let careful = !this.#lived;
    this.#lived = true;
    while (!signal.aborted) {
      if (clock.now() >= renewAt) {
        if ((await partitions.renew(lease, leaseMs)) === 'fenced') break;
        renewAt = clock.now() + leaseMs / 3;
      }
      if (clock.now() >= fireAt) {
        const fired = await partitions.fire(lease, BATCH);
        if (fired.outcome === 'fenced') break;
        fireAt =
          clock.now() + (fired.fired === BATCH ? 0 : Math.min(fired.nextInMs ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS));
      }
      const waitMs = careful ? 1 : Math.max(1, Math.min(renewAt, fireAt) - clock.now());
      const entries = await partitions.read({ partition, after: cursor, limit: BATCH, waitMs, signal });
      if (entries.length === 0) {
        careful = false;
        continue;
      }
      const done = await this.#evaluate(lease, entries, careful);
      if (done === 'fenced') break;
      if (done === 'again') {
        cursor = '0';
        continue;
      }
      cursor = done.cursor;
      if (done.nextTimerMs !== null) fireAt = Math.min(fireAt, clock.now() + done.nextTimerMs);
    }
    // Given up at once, so that the next owner need not wait for the lease to run out.
    const released = await partitions.release(lease);
    report({ type: released === 'ok' ? 'partition.released' : 'partition.fenced', partition, epoch });
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
    const outcome = await turn.run(lease, batch);
    if (outcome.outcome !== 'ok') return outcome.outcome;
    return { cursor: batch.at(-1)?.id ?? '0', nextTimerMs: outcome.nextTimerMs };
  }
}
