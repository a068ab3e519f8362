/**
 * Asks several at once, again and again. A round does not wait for the slow ones, and does not give them up either: whoever
 * has not answered in one round is not asked once more, but heard in a later one. Else a far server would never be heard.
 */
import type { Clock } from '../core/clock.js';

export interface Patience {
  readonly clock: Clock;
  /** How long the others may take when one has answered. */
  readonly graceMs: number;
  /** How long a round takes at most. */
  readonly atMostMs: number;
}

export interface Heard<T> {
  readonly answers: readonly T[];
  readonly reasons: readonly unknown[];
}

export class Rounds<T> {
  readonly #patience: Patience;
  readonly #pending = new Map<string, Promise<T>>();

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** By name, how each is asked. */
  async ask(asked: ReadonlyMap<string, () => Promise<T>>): Promise<Heard<T>> {
    const { clock, graceMs, atMostMs } = this.#patience;
    const answers: T[] = [];
    const reasons: unknown[] = [];
    const over = new AbortController();
    let cancelGrace = (): void => undefined;
    const listening = [...asked].map(async ([name, how]) => {
      try {
        answers.push(await this.#once(name, how));
        if (answers.length === 1) cancelGrace = clock.after(graceMs, () => over.abort());
      } catch (error) {
        reasons.push(error);
      }
    });
    void Promise.all(listening).then(() => over.abort());
    await clock.sleep(atMostMs, over.signal);
    cancelGrace();
    return { answers: [...answers], reasons: [...reasons] };
  }

  #once(name: string, how: () => Promise<T>): Promise<T> {
    const pending = this.#pending.get(name);
    if (pending !== undefined) return pending;
    const begun = how().finally(() => this.#pending.delete(name));
    this.#pending.set(name, begun);
    return begun;
  }
}
