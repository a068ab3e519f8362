/**
 * Which of several possible things happens next: the oldest by default, or as a list of choices says, so that one
 * order of events can be played again and another one tried.
 */

export interface Choices {
  /** Whether every possible order is of interest, also unlikely ones such as a timer that beats a quick reply. */
  readonly exploring: boolean;
  /** Index into `options`, which are never empty; their words are for people. */
  pick(options: readonly string[]): number;
}

export const oldestFirst: Choices = { exploring: false, pick: () => 0 };

export interface Chosen {
  readonly option: string;
  readonly index: number;
  readonly count: number;
}

/** Plays a list of choices, then goes on with `draw`; keeps what was chosen. A choice of one is none and is not kept. */
export class PlayedChoices implements Choices {
  readonly exploring = true;
  readonly chosen: Chosen[] = [];
  readonly #plan: readonly number[];
  readonly #draw: (count: number) => number;

  constructor(plan: readonly number[], draw: (count: number) => number = () => 0) {
    this.#plan = plan;
    this.#draw = draw;
  }

  pick(options: readonly string[]): number {
    if (options.length === 1) return 0;
    const wanted = this.#plan[this.chosen.length] ?? this.#draw(options.length);
    const index = Math.min(wanted, options.length - 1);
    this.chosen.push({ option: options[index] ?? '', index, count: options.length });
    return index;
  }
}

/** Numbers from 0 to below `count`, the same for the same seed (mulberry32). */
export function drawsOf(seed: number): (count: number) => number {
  let state = seed >>> 0;
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count);
  };
}
