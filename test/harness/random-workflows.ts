/** Random workflows of every kind of step, and a driver that answers whatever such a run waits for. */
import fc from 'fast-check';
import type { JsonValue } from '../../src/core/json.js';
import { runHasEnded } from '../../src/core/statuses.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { conditional, decision, emit, forEach, loop, parallel, step, wait } from './definitions.js';
import { type Bench, BROKEN, FAIL, passing } from './fold-bench.js';

export interface RandomStyle {
  /** Most steps in all. */
  readonly steps: number;
  /** Whether anything may go wrong that stops others: with it the order of arrival decides who is stopped. */
  readonly failures: boolean;
}

/** What one generated step is made from; small numbers that a list of them can be drawn and shrunk by. */
interface Seed {
  readonly type: number;
  readonly links: readonly number[];
  readonly size: number;
  readonly trait: number;
}

const seed: fc.Arbitrary<Seed> = fc.record({
  type: fc.nat(11),
  links: fc.array(fc.nat(40), { maxLength: 3 }),
  size: fc.nat(3),
  trait: fc.nat(20),
});

/** Lists of steps in normal form, valid by construction. */
export function randomSteps(style: RandomStyle): fc.Arbitrary<readonly StepDefinition[]> {
  return fc.array(seed, { minLength: 1, maxLength: style.steps }).map((seeds) => {
    const maker = new Maker(seeds, style);
    return maker.list(0, seeds.length);
  });
}

class Maker {
  readonly #seeds: readonly Seed[];
  readonly #style: RandomStyle;
  #next = 0;

  constructor(seeds: readonly Seed[], style: RandomStyle) {
    this.#seeds = seeds;
    this.#style = style;
  }

  list(depth: number, most: number): readonly StepDefinition[] {
    const made: StepDefinition[] = [];
    while (made.length < most && this.#next < this.#seeds.length) {
      const given = this.#seeds[this.#next++];
      if (given !== undefined) made.push(this.#step(given, made, depth));
    }
    return made;
  }

  #step(given: Seed, before: readonly StepDefinition[], depth: number): StepDefinition {
    const id = `s${String(this.#next)}`;
    // What waits for all ordinary steps of its list cannot be waited for by one of them.
    const open = before.filter(({ when, dependencies: own }) => when === 'on_success' || own.length > 0);
    const dependencies = [
      ...new Set(open.length === 0 ? [] : given.links.map((link) => open[link % open.length]?.id ?? '')),
    ];
    const first = dependencies[0];
    const common = { dependencies, ...this.#traits(given, first) };
    const inside = depth < 3 ? this.list(depth + 1, given.size + 1) : [];
    if (inside.length === 0) return this.#leaf(given, id, { ...common });
    switch (given.type) {
      case 0:
        return conditional(
          id,
          first === undefined ? 'true' : `steps.${first}.status === 'pass'`,
          {
            then: inside,
            else: this.list(depth + 1, given.size),
          },
          { dependencies },
        );
      case 1:
        return parallel(id, inside, {
          ...common,
          wait_for: this.#style.failures && given.trait % 3 === 0 ? 'any' : 'all',
        });
      case 2:
        return loop(id, inside, { ...common, until: 'loop.round >= 2', max_rounds: 3 });
      case 3:
        return forEach(id, inside, {
          ...common,
          items: [1, 2, 3].slice(0, given.size),
          concurrency: given.trait % 2 === 0 ? null : 1,
        });
      default:
        return parallel(id, inside, common);
    }
  }

  #leaf(given: Seed, id: string, common: Partial<StepDefinition>): StepDefinition {
    const { dependencies = [], condition = null } = common;
    if (given.type === 8) return wait(id, { dependencies, condition, duration: 60 });
    if (given.type === 9) return wait(id, { dependencies, condition, signal: 'go' });
    if (given.type === 10) return decision(id, { dependencies, condition, reject: [] });
    if (given.type === 11) return emit(id, 'told', { dependencies, condition });
    const { failures } = this.#style;
    const compensate = failures && given.trait % 5 === 0 ? [step(`${id}-undo`)] : [];
    return step(id, {
      dependencies,
      condition,
      compensate,
      when: failures && given.trait === 7 ? 'always' : failures && given.trait === 8 ? 'on_failure' : 'on_success',
      on_error: failures && given.trait % 4 === 1 ? (given.trait === 9 ? 'ask' : 'continue') : 'fail',
      retries: given.trait % 3,
    });
  }

  #traits(given: Seed, first: string | undefined): { condition?: string } {
    if (first === undefined || given.trait % 6 !== 0) return {};
    return { condition: `steps.${first}.status !== 'skipped'` };
  }
}

/** Something that can happen to a run now. */
interface Happening {
  readonly name: string;
  readonly happen: (bench: Bench) => void;
}

/** What a run waits for, by name; empty only when it has ended. `bad`: attempts may go wrong too. */
export function happenings(bench: Bench, bad: boolean): readonly Happening[] {
  if (runHasEnded(bench.state.record.status)) return [];
  const found: Happening[] = [];
  for (const [path, record] of bench.state.steps) {
    const { more } = record;
    if (record.status === 'queued') {
      const result: JsonValue = { of: path };
      found.push({ name: `pass ${path}`, happen: (to) => to.reply(path, passing(result)) });
      if (!bad) continue;
      found.push({ name: `fail ${path}`, happen: (to) => to.reply(path, FAIL) });
      found.push({ name: `error ${path}`, happen: (to) => to.reply(path, BROKEN) });
      found.push({ name: `lost ${path}`, happen: (to) => to.timer('heartbeat', path) });
    } else if (record.status === 'retrying') {
      found.push({ name: `retry ${path}`, happen: (to) => to.timer('retry', path) });
    } else if (record.status === 'waiting' && more.waitsFor?.kind === 'time') {
      found.push({ name: `time ${path}`, happen: (to) => to.timer('wait', path) });
    } else if (record.status === 'waiting' && more.waitsFor?.kind === 'signal') {
      found.push({ name: `signal for ${path}`, happen: (to) => to.signal('go') });
    } else if (record.status === 'waiting' && more.waitsFor?.kind === 'decision') {
      const { choices } = more.waitsFor.question;
      const choice = choices.at(-1)?.id ?? '';
      found.push({ name: `decide ${path}`, happen: (to) => to.decide(path, choice) });
    }
  }
  return found;
}
