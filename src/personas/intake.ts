/**
 * One worker's requests of one partition: takes them, only as many as there are free places, takes over what other
 * workers left lying, and hands them on. Whoever serves several partitions keeps no place free in any while it waits.
 */
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Delivery, RequestPort } from '../core/request-port.js';
import type { Reservation, Slots } from './slots.js';
import type { Report } from './worker-events.js';

export interface IntakeParams {
  readonly requests: RequestPort;
  readonly partition: number;
  /** How many partitions the namespace has. */
  readonly partitions: number;
  readonly worker: string;
  readonly personas: readonly string[];
  /** Shared with the intakes of the other partitions. */
  readonly slots: Slots;
  readonly clock: Clock;
  readonly report: Report;
  readonly isDead?: (worker: string) => boolean;
  /** Whether the delivery is in hand already, or not for this worker. */
  readonly isKnown: (delivery: Delivery) => boolean;
  /** Its place is taken; `slots.release` gives it back. */
  readonly accept: (delivery: Delivery) => void;
}

/** Not for long, since nobody looks for what others left lying meanwhile. */
const WAIT_MS = 1_000;
const SWEEP_EVERY_MS = 1_000;
const ABANDONED_AFTER_MS = 10_000;
const BACKOFF_MS = 500;

export class Intake {
  readonly #params: IntakeParams;

  constructor(params: IntakeParams) {
    this.#params = params;
  }

  /** Until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, slots, accept } = this.#params;
    if (!(await this.#join(signal))) return;
    let recover = true;
    // Of one recovery: what could not be begun lies there still, and would come again and again before everything else.
    const recovered = new Set<string>();
    let sweptAt = clock.monotonic();
    while (!signal.aborted) {
      const reservation = slots.reserve();
      if (reservation === null) {
        await slots.change(signal);
        continue;
      }
      const keeps = this.#mayKeep(reservation);
      let fresh: readonly Delivery[] = [];
      let failed = false;
      try {
        if (clock.monotonic() - sweptAt >= SWEEP_EVERY_MS) {
          sweptAt = clock.monotonic();
          fresh = this.#fresh(await this.#claimAbandoned(reservation), reservation);
        }
        if (fresh.length === 0 && !signal.aborted) {
          const taken = await this.#take({ reservation, recover, waitMs: keeps ? WAIT_MS : 0, signal });
          const deliveries = taken.deliveries.filter((delivery) => !recovered.has(nameOf(delivery)));
          fresh = this.#fresh(deliveries, reservation);
          if (recover) for (const delivery of fresh) recovered.add(nameOf(delivery));
          // Own unfinished deliveries come in portions; an aborted read may have left some behind.
          recover = taken.aborted || (recover && fresh.length > 0);
          if (!recover) recovered.clear();
        }
      } catch (error) {
        recover = true;
        recovered.clear();
        failed = true;
        this.#trouble('take', error);
      }
      slots.settle(
        reservation,
        fresh.map(({ persona }) => persona),
      );
      for (const delivery of fresh) accept(delivery);
      if (failed) await clock.sleep(BACKOFF_MS, signal);
      else if (!keeps && !recover && fresh.length === 0) await this.#arrival(reservation, signal);
    }
  }

  /** Whether places may be kept while a request is waited for: nobody else wants them, and each persona has one. */
  #mayKeep({ total, personas }: Reservation): boolean {
    return this.#params.partitions === 1 && total >= personas.length;
  }

  async #join(signal: AbortSignal): Promise<boolean> {
    const { requests, partition, personas, worker, clock, isDead, report } = this.#params;
    const want = { partition, worker, personas };
    while (!signal.aborted) {
      try {
        await requests.join(want);
        if (isDead !== undefined) await requests.inherit({ ...want, isDead });
        report({ type: 'joined', partition });
        return true;
      } catch (error) {
        this.#trouble('join', error);
        await clock.sleep(BACKOFF_MS, signal);
      }
    }
    return false;
  }

  /** Asks for requests, and waits for them with the reserved places kept. */
  async #take(want: {
    readonly reservation: Reservation;
    readonly recover: boolean;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<{ deliveries: readonly Delivery[]; aborted: boolean }> {
    const { reservation, recover, waitMs, signal } = want;
    const { personas, limit, total } = reservation;
    const { requests, partition, worker, report } = this.#params;
    const ask = (early: AbortSignal): Promise<readonly Delivery[]> =>
      requests.take({ partition, worker, personas, limit, total, recover, waitMs, signal: early });
    if (waitMs === 0) return { deliveries: await ask(signal), aborted: signal.aborted };
    if (!recover) report({ type: 'waiting', partition, personas });
    return this.#unlessMore(reservation, signal, async (early) => {
      try {
        return { deliveries: await ask(early), aborted: early.aborted };
      } catch (error) {
        if (early.aborted) return { deliveries: [], aborted: true };
        throw error;
      }
    });
  }

  /** Waits without a place until there may be a request for one. */
  async #arrival(reservation: Reservation, signal: AbortSignal): Promise<void> {
    const { requests, partition, worker, clock, report } = this.#params;
    const { personas } = reservation;
    report({ type: 'waiting', partition, personas });
    await this.#unlessMore(reservation, signal, async (early) => {
      try {
        await requests.arrival({ partition, worker, personas, waitMs: WAIT_MS, signal: early });
      } catch (error) {
        if (early.aborted) return;
        this.#trouble('take', error);
        await clock.sleep(BACKOFF_MS, signal);
      }
    });
  }

  /** The wait ends early when the worker stops, or a place becomes free that the reservation does not offer. */
  async #unlessMore<T>(
    reservation: Reservation,
    signal: AbortSignal,
    wait: (early: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const early = new AbortController();
    const abort = (): void => early.abort();
    const look = (): void => {
      if (this.#params.slots.couldTakeMore(reservation)) abort();
    };
    const forget = this.#params.slots.onChange(look);
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    else look();
    try {
      return await wait(early.signal);
    } finally {
      signal.removeEventListener('abort', abort);
      forget();
    }
  }

  async #claimAbandoned(reservation: Reservation): Promise<readonly Delivery[]> {
    const { requests, partition, worker } = this.#params;
    const claimed: Delivery[] = [];
    for (const persona of reservation.personas) {
      const limit = Math.min(reservation.limit, reservation.total - claimed.length);
      if (limit <= 0) break;
      const want = { partition, worker, persona, idleMs: ABANDONED_AFTER_MS, limit };
      claimed.push(...(await requests.claimAbandoned(want)));
    }
    return claimed;
  }

  /** Without what is in hand already, and never more than was reserved. */
  #fresh(deliveries: readonly Delivery[], reservation: Reservation): readonly Delivery[] {
    const left = new Map(reservation.personas.map((persona) => [persona, reservation.limit]));
    const fresh = deliveries.filter((delivery) => {
      const places = left.get(delivery.persona) ?? 0;
      if (places === 0 || this.#params.isKnown(delivery)) return false;
      left.set(delivery.persona, places - 1);
      return true;
    });
    return fresh.slice(0, reservation.total);
  }

  #trouble(doing: 'take' | 'join', error: unknown): void {
    this.#params.report({ type: 'trouble', doing, message: messageOf(error) });
  }
}

function nameOf({ persona, entry }: Delivery): string {
  return `${persona} ${entry}`;
}
