/**
 * Many seeds, one after another: which of them fail, whether each goes the same way twice (some are tried), and a table of
 * what went wrong against what the protocol answered, so that a sweep that met too little fails as well.
 */
import type { Violation } from '../invariants/violation.js';
import { ANSWERS } from './answers.js';
import { FAULT_KINDS } from './faults.js';
import { hasFault, simulate, type Simulated } from './simulation.js';

export interface Swept {
  readonly seeds: number;
  readonly failed: readonly { readonly seed: number; readonly violations: readonly Violation[] }[];
  readonly table: string;
  /** Faults and answers, or pairs of them, that never came up. */
  readonly missing: readonly string[];
  readonly words: string;
}

/** One in so many seeds is run twice. */
const TWICE_EVERY = 100;
/** From so many seeds on every fault must have met every answer; below that, each must have come up. */
const PAIRS_FROM = 1_000;

export async function sweep(want: {
  readonly from: number;
  readonly count: number;
  readonly keepGoing: boolean;
  readonly tell: (line: string) => void;
  readonly twiceEvery?: number;
  /** Only seeds that draw one of these faults; all by default. */
  readonly focus?: readonly string[];
}): Promise<Swept> {
  const { from, count, keepGoing, tell, twiceEvery = TWICE_EVERY, focus = [] } = want;
  const failed: { seed: number; violations: readonly Violation[] }[] = [];
  const met = new Meetings();
  const sums = { virtualMs: 0, transitions: 0, runs: 0, faults: 0, steps: 0 };
  let seeds = 0;
  for (let seed = from; seeds < count; seed++) {
    if (focus.length > 0 && !hasFault(seed, focus)) continue;
    const result = await simulate(seed);
    const violations = [...result.violations];
    if (seed % twiceEvery === 0 && (await simulate(seed)).hash !== result.hash)
      violations.push({ invariant: 'I16', what: 'it does not go the same way twice' });
    if (violations.length > 0) {
      failed.push({ seed, violations });
      tell(`seed ${String(seed)} fails: ${violations[0]?.invariant ?? ''} ${violations[0]?.what ?? ''}`);
    }
    met.add(result);
    seeds++;
    sums.virtualMs += result.virtualMs;
    sums.transitions += result.transitions;
    sums.runs += result.runs;
    sums.faults += result.fired.size;
    sums.steps += result.steps;
    if (seeds % 100 === 0) tell(`${String(seeds)} seeds, ${String(failed.length)} failed`);
    if (failed.length > 0 && !keepGoing) break;
  }
  const hours = (sums.virtualMs / 3_600_000).toFixed(1);
  const words = `${String(seeds)} seeds, ${hours} simulated hours, ${String(sums.runs)} runs, ${String(sums.transitions)} transitions, ${String(sums.faults)} faults, ${String(sums.steps)} steps`;
  return { seeds, failed, table: met.table(), missing: met.missing(seeds >= PAIRS_FROM), words };
}

/** How often which fault was followed by which answer in the same simulation. */
class Meetings {
  readonly #pairs = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly #answers = new Map<string, number>();

  add({ faults, fired, answers }: Simulated): void {
    for (const [answer, { times }] of answers) this.#count(this.#answers, answer, times.length);
    for (const { id, kind } of faults) {
      const at = fired.get(id);
      if (at === undefined) continue;
      this.#count(this.#faults, kind, 1);
      for (const [answer, { times }] of answers)
        if (times.some((time) => time >= at)) this.#count(this.#pairs, `${kind} / ${answer}`, 1);
    }
  }

  missing(pairs: boolean): readonly string[] {
    const none = [
      ...FAULT_KINDS.filter((kind) => !this.#faults.has(kind)),
      ...ANSWERS.filter((answer) => !this.#answers.has(answer)),
    ];
    if (!pairs) return none;
    const never = FAULT_KINDS.flatMap((kind) => ANSWERS.map((answer) => `${kind} / ${answer}`));
    return [...none, ...never.filter((pair) => !this.#pairs.has(pair))];
  }

  table(): string {
    const width = Math.max(...ANSWERS.map(({ length }) => length));
    const head = FAULT_KINDS.map(
      (kind, index) => `  ${String(index + 1).padStart(2)} ${kind} (${String(this.#faults.get(kind) ?? 0)})`,
    );
    const numbers = FAULT_KINDS.map((_kind, index) => String(index + 1).padStart(5)).join('');
    const rows = ANSWERS.map((answer) => {
      const cells = FAULT_KINDS.map((kind) => String(this.#pairs.get(`${kind} / ${answer}`) ?? 0).padStart(5)).join('');
      return `${answer.padEnd(width)}${String(this.#answers.get(answer) ?? 0).padStart(7)}${cells}`;
    });
    return [...head, `${''.padEnd(width)}    all${numbers}`, ...rows].join('\n');
  }

  #count(map: Map<string, number>, key: string, by: number): void {
    map.set(key, (map.get(key) ?? 0) + by);
  }
}
