/**
 * What a persona says while it works. A line is told at once, lines that come fast at most four times a second: of those
 * the last one, since whoever watches wants to know how things stand, and a persona may print thousands.
 */
import type { Clock } from '../core/clock.js';

const EVERY_MS = 250;

export class Progress {
  readonly #clock: Clock;
  readonly #tell: () => Promise<void>;
  readonly #shown: (line: string) => string;
  #latest = '';
  #told = '';
  #toldAt = Number.NEGATIVE_INFINITY;
  #telling = false;
  #cancel: (() => void) | null = null;

  /** `tell` sends what `take` gives; `shown` is what may be seen of a line. */
  constructor(clock: Clock, tell: () => Promise<void>, shown: (line: string) => string = (line) => line) {
    this.#clock = clock;
    this.#tell = tell;
    this.#shown = shown;
  }

  say(line: string): void {
    this.#latest = line;
    this.#plan();
  }

  /** The last line, for whoever sends it. */
  take(): string {
    if (this.#latest !== this.#told) this.#toldAt = this.#clock.monotonic();
    this.#told = this.#latest;
    return this.#shown(this.#latest);
  }

  /** Tells now what still waits for its turn: nothing more is going to be said. */
  end(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#latest !== this.#told) void this.#tell();
  }

  #plan(): void {
    if (this.#latest === this.#told || this.#telling || this.#cancel !== null) return;
    const wait = this.#toldAt + EVERY_MS - this.#clock.monotonic();
    if (wait <= 0) void this.#now();
    else this.#cancel = this.#clock.after(wait, () => void this.#now());
  }

  /** One at a time: a store that answers slowly is not asked more and more. */
  async #now(): Promise<void> {
    this.#cancel = null;
    this.#telling = true;
    const before = this.#told;
    await this.#tell();
    this.#telling = false;
    // Who does not take it never will: the attempt is over.
    if (this.#told !== before) this.#plan();
  }
}
