/** Watches how long a program has printed nothing: told of after one time, ended after another. */
import type { Clock } from '../core/clock.js';

export interface SilenceLimits {
  readonly warnMs: number;
  readonly killMs: number;
}

export class Silence {
  readonly #clock: Clock;
  readonly #limits: SilenceLimits;
  readonly #tell: (ms: number) => void;
  readonly #end: () => void;
  #heardAt: number;
  #told = 0;
  #cancel: (() => void) | null = null;

  /** `tell` is called at `warnMs` and again each time as much has passed; `end` once, at `killMs`. */
  constructor(
    clock: Clock,
    limits: SilenceLimits,
    on: { readonly tell: (ms: number) => void; readonly end: () => void },
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tell = on.tell;
    this.#end = on.end;
    this.#heardAt = clock.monotonic();
    this.#arm();
  }

  /** Cheap: called for each piece of output. The timer that is armed finds out by itself. */
  heard(): void {
    this.#heardAt = this.#clock.monotonic();
    this.#told = 0;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    const { warnMs, killMs } = this.#limits;
    const next = Math.min((this.#told + 1) * warnMs, killMs);
    const left = this.#heardAt + next - this.#clock.monotonic();
    this.#cancel = this.#clock.after(Math.max(1, left), () => this.#look());
  }

  #look(): void {
    const { warnMs, killMs } = this.#limits;
    const silent = this.#clock.monotonic() - this.#heardAt;
    if (silent >= killMs) {
      this.#cancel = null;
      this.#end();
      return;
    }
    const times = Math.floor(silent / warnMs);
    if (times > this.#told) {
      this.#told = times;
      this.#tell(times * warnMs);
    }
    this.#arm();
  }
}
