/**
 * Time, handed in. Nothing outside this file reads the machine's clock or arms a timer of its own,
 * so a test can stand in a manual clock and never sleeps. The time of record (history, leases,
 * due timers) is the store's clock; this one only measures how long this process waits.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from some moment on; never goes back or jumps when somebody sets the machine's clock. For how long something took. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds, or at once when `signal` is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` once after `ms` milliseconds; the returned function takes it back. */
  after(ms: number, callback: () => void): () => void;
}

/** Node's timers count in 31 bits: a longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    let left = ms;
    do {
      if (signal?.aborted) return;
      const part = Math.min(left, LONGEST_TIMER_MS);
      await delay(part, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      left -= part;
    } while (left > 0);
  },
  after: (ms, callback) => {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      const part = Math.min(left, LONGEST_TIMER_MS);
      timer = setTimeout(() => (left > part ? arm(left - part) : callback()), part);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** A clock that stands still until `advance` is called; due callbacks run in due order. */
export class ManualClock implements Clock {
  #now: number;
  readonly #pending = new Set<{ due: number; run: () => void }>();

  constructor(startAt = 1_700_000_000_000) {
    this.#now = startAt;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve();
        return;
      }
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.after(ms, end);
      signal?.addEventListener('abort', end);
    });
  }

  after(ms: number, callback: () => void): () => void {
    const entry = { due: this.#now + ms, run: callback };
    this.#pending.add(entry);
    return () => this.#pending.delete(entry);
  }

  /** Moves time forward and runs what became due, in due order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#pending].filter((entry) => entry.due <= until).toSorted((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.due);
      next.run();
    }
    this.#now = until;
  }
}
