/** Those who wait for something that comes, is found to be hopeless, or is given up when their time is over. */
import type { Clock } from '../core/clock.js';

export class Waiters {
  readonly #clock: Clock;
  readonly #all = new Set<{ readonly come: () => void; readonly refuse: (error: Error) => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Rejects after `ms` with what `late` gives; resolves then when that is null. */
  async wait(ms: number, late: () => Error | null): Promise<void> {
    let forget = (): void => undefined;
    await new Promise<void>((resolve, reject) => {
      const waiter = { come: resolve, refuse: reject };
      this.#all.add(waiter);
      const cancel = this.#clock.after(ms, () => {
        const error = late();
        if (error === null) resolve();
        else reject(error);
      });
      forget = () => {
        cancel();
        this.#all.delete(waiter);
      };
    }).finally(() => forget());
  }

  release(): void {
    for (const { come } of this.#all) come();
  }

  refuse(error: Error): void {
    for (const { refuse } of this.#all) refuse(error);
  }
}
