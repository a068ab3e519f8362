/**
 * Virtual time: a line of things that are due, of which the earliest happens next, and of several that are due at the
 * same time the one that the seed says. Between two of them everything runs that promises have made ready, so that no
 * order depends on the machine.
 */
import type { Draw } from './draw.js';

interface Due {
  readonly time: number;
  readonly tie: number;
  run: (() => void) | null;
}

export class Schedule {
  /** Milliseconds since the simulation began. */
  now = 0;
  /** How many things have happened. */
  steps = 0;
  readonly #draw: Draw;
  /** A binary heap by time, then by tie. */
  readonly #heap: Due[] = [];

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** Calls `run` once after `ms`; the returned function takes it back. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { time: this.now + Math.max(0, ms), tie: this.#draw.next(), run };
    this.#push(due);
    return () => {
      due.run = null;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Lets things happen until `over`, or until nothing is due before `limit`; tells whether it is over. */
  async run(over: () => boolean, limit: number): Promise<boolean> {
    await settled();
    while (!over()) {
      const next = this.#heap[0];
      if (next === undefined || next.time > limit) return false;
      this.#pop();
      if (next.run === null) continue;
      this.now = next.time;
      this.steps++;
      next.run();
      await settled();
    }
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(due, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const below = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.time < b.time || (a.time === b.time && a.tie < b.tie);
}

/** Resolves when all promises that can go on have gone on. Nothing in a simulation waits for the machine. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
