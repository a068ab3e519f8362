/**
 * One worker's part in the circuit breakers: no attempt begins whose persona's endpoint is in trouble, and no request of such a
 * persona is taken, until the endpoint is tried again. Which worker tries it is the store's word, so that it is one of all.
 */
import type { BreakerAnswer, BreakerPolicy, BreakerPort } from '../core/breaker-port.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { RawReply } from './runner.js';
import type { Redaction } from './secrets.js';
import type { Slots } from './slots.js';
import type { Report } from './worker-events.js';

export const BREAKER_POLICY: BreakerPolicy = {
  failures: 5,
  windowMs: 5 * 60_000,
  coolDownMs: 30_000,
  longestMs: 10 * 60_000,
  probeMs: 15_000,
};

/** Longest time between two looks whether others have found that it works again, ms. */
const LOOK_MS = 1_000;

/** The right of one attempt to call. */
export interface Passage {
  /** Tells what came of it; only the first time counts. */
  over(reply: Pick<RawReply, 'endpoint' | 'error' | 'resumeInMs'> | null): Promise<void>;
}

export interface BreakersParams {
  readonly port: BreakerPort;
  readonly clock: Clock;
  readonly worker: string;
  /** Of the personas that have one. */
  readonly endpoints: ReadonlyMap<string, string>;
  readonly slots: Slots;
  readonly policy: BreakerPolicy;
  readonly report: Report;
  readonly redaction: Redaction;
  /** Aborted when the worker takes nothing any more. */
  readonly signal: AbortSignal;
}

const FREE: Passage = { over: async () => undefined };

export class Breakers {
  readonly #params: BreakersParams;
  /** Personas that are not taken requests for as always. */
  readonly #held = new Set<string>();
  /** Personas whose one call is made by an attempt of this worker. */
  readonly #probing = new Set<string>();
  /** Until when, by this process's clock, the right to the one call waits for a request. */
  readonly #waiting = new Map<string, number>();

  constructor(params: BreakersParams) {
    this.#params = params;
  }

  /** Null: not now. Never rejects: a store that does not answer stops no call. */
  async enter(persona: string): Promise<Passage | null> {
    const endpoint = this.#params.endpoints.get(persona);
    if (endpoint === undefined) return FREE;
    const answer = await this.#ask(persona);
    if (answer === 'probe') {
      // Another attempt of this worker has the one call.
      if (this.#probing.has(persona)) return null;
      this.#probing.add(persona);
      this.#waiting.delete(persona);
      return this.#passage(persona, true);
    }
    if (answer === 'go') {
      this.#free(persona);
      return this.#passage(persona, false);
    }
    this.#hold(persona, answer.wait);
    return null;
  }

  async #ask(persona: string): Promise<BreakerAnswer> {
    const { port, worker, policy, endpoints } = this.#params;
    const name = { persona, endpoint: endpoints.get(persona) ?? '' };
    try {
      return await port.enter({ ...name, worker, probeMs: policy.probeMs });
    } catch (error) {
      this.#trouble(error);
      return 'go';
    }
  }

  #passage(persona: string, probe: boolean): Passage {
    const { clock, policy } = this.#params;
    const done = new AbortController();
    const renew = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(policy.probeMs / 3, done.signal);
        if (done.signal.aborted) return;
        await this.#ask(persona);
      }
    };
    if (probe) void renew();
    return {
      over: async (reply) => {
        if (done.signal.aborted) return;
        done.abort();
        await this.#tell({ persona, probe, reply });
        if (probe) this.#probing.delete(persona);
      },
    };
  }

  async #tell({
    persona,
    probe,
    reply,
  }: {
    readonly persona: string;
    readonly probe: boolean;
    readonly reply: Parameters<Passage['over']>[0];
  }): Promise<void> {
    const { port, worker, policy, endpoints, redaction } = this.#params;
    const outcome: 'failed' | 'ok' | 'unknown' = reply?.endpoint ?? 'unknown';
    if (outcome === 'unknown' && !probe) return;
    const endpoint = endpoints.get(persona) ?? '';
    const said = { message: redaction.text(reply?.error?.message ?? ''), waitMs: reply?.resumeInMs ?? 0 };
    try {
      const answer = await port.told({ persona, endpoint, worker, probe, policy, outcome, ...said });
      if (answer === 'go') this.#free(persona);
      else this.#hold(persona, answer.wait);
    } catch (error) {
      this.#trouble(error);
    }
  }

  #free(persona: string): void {
    if (!this.#held.delete(persona)) return;
    this.#params.slots.limit(persona, null);
    this.#params.report({ type: 'breaker', persona, state: 'closed' });
  }

  #hold(persona: string, waitMs: number): void {
    this.#params.slots.limit(persona, 0);
    if (this.#held.has(persona)) return;
    this.#held.add(persona);
    this.#params.report({ type: 'breaker', persona, state: 'open' });
    void this.#watch(persona, waitMs);
  }

  /** Until it is closed: asks for the one call when it is time and there is a place for it. */
  async #watch(persona: string, firstMs: number): Promise<void> {
    const { clock, slots, signal, policy, report } = this.#params;
    for (let waitMs = firstMs; ; ) {
      await clock.sleep(Math.max(1, Math.min(waitMs, LOOK_MS)), signal);
      if (signal.aborted || !this.#held.has(persona)) return;
      waitMs = LOOK_MS;
      const waits = clock.monotonic() < (this.#waiting.get(persona) ?? 0);
      if (waits || this.#probing.has(persona) || !slots.hasPlace(persona)) continue;
      const answer = await this.#ask(persona);
      if (answer === 'go') this.#free(persona);
      else if (answer === 'probe') {
        report({ type: 'breaker', persona, state: 'half-open' });
        // The next request is the one; when there is none, the right to it is over in a while, and asked for again.
        this.#waiting.set(persona, clock.monotonic() + policy.probeMs);
        slots.limit(persona, 1);
      } else {
        if (!this.#probing.has(persona)) slots.limit(persona, 0);
        waitMs = answer.wait;
      }
    }
  }

  #trouble(error: unknown): void {
    this.#params.report({ type: 'trouble', doing: 'breaker', message: messageOf(error) });
  }
}
