/**
 * Random workflows of every kind of step with every policy, and a driver that lets anything happen to such a run that may:
 * answers, timers on time and too late, people, signals, inner runs, cancels, and messages that come twice.
 */
import fc from 'fast-check';
import type { PersonaReply, Usage } from '../../src/core/exchange.js';
import type { JsonValue } from '../../src/core/json.js';
import type { Message, TimerKind } from '../../src/core/messages.js';
import { parseTimer } from '../../src/core/messages.js';
import { runHasEnded } from '../../src/core/statuses.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import type { StepRecord } from '../../src/machines/records.js';
import { planned } from '../../src/machines/instances.js';
import { conditional, decision, emit, forEach, inner, loop, parallel, planning, step, wait } from './definitions.js';
import { type Bench, BROKEN, FAIL, passing } from './fold-bench.js';

interface Seed {
  readonly type: number;
  readonly links: readonly number[];
  readonly size: number;
  readonly trait: number;
  readonly when: number;
  readonly policy: number;
  readonly time: boolean;
  readonly undo: number;
}

const seed: fc.Arbitrary<Seed> = fc.record({
  type: fc.nat(19),
  links: fc.array(fc.nat(40), { maxLength: 3 }),
  size: fc.nat(3),
  trait: fc.nat(23),
  when: fc.nat(11),
  policy: fc.nat(5),
  time: fc.boolean(),
  undo: fc.nat(7),
});

/** Lists of steps in normal form, valid by construction but for expressions that fail when they are evaluated. */
export function anySteps(most: number): fc.Arbitrary<readonly StepDefinition[]> {
  return fc
    .array(seed, { minLength: 1, maxLength: most, size: 'max' })
    .map((seeds) => new Maker(seeds).list(0, seeds.length));
}

class Maker {
  readonly #seeds: readonly Seed[];
  #next = 0;

  constructor(seeds: readonly Seed[]) {
    this.#seeds = seeds;
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
    // What waits for all ordinary steps cannot be waited for by one.
    const known = before.filter(({ when, dependencies: behind }) => when === 'on_success' || behind.length > 0);
    const dependencies = [
      ...new Set(known.length === 0 ? [] : given.links.map((link) => known[link % known.length]?.id ?? '')),
    ];
    const first = dependencies[0];
    const common = {
      dependencies,
      when: given.when === 1 ? 'always' : given.when === 2 ? 'on_failure' : 'on_success',
      on_error: given.policy === 1 ? 'continue' : given.policy === 2 ? 'ask' : 'fail',
      condition:
        first === undefined
          ? null
          : given.trait === 1
            ? `steps.${first}.status !== 'skipped'`
            : given.trait === 2
              ? `steps.${first}.result.no.thing === 1`
              : null,
      timeout: given.time ? 60 : null,
      compensate: given.undo === 0 && depth < 3 ? this.list(depth + 1, 1 + (given.size % 2)) : [],
    } as const;
    const inside = depth < 3 && given.type < 10 ? this.list(depth + 1, given.size + 1) : [];
    if (inside.length === 0) return this.#leaf(given, id, common);
    switch (given.type) {
      case 0:
        return conditional(
          id,
          first === undefined ? 'true' : `steps.${first}.status === 'pass'`,
          { then: inside, else: this.list(depth + 1, given.size) },
          unconditional(common),
        );
      case 1:
      case 2:
        return parallel(id, inside, { ...common, wait_for: 'any' });
      case 3:
        return parallel(id, inside, { ...common, wait_for: Math.min(2, inside.length) });
      case 4:
      case 5:
        return loop(id, inside, {
          ...common,
          ...(given.trait % 4 === 0
            ? { while: `steps.${inside.at(-1)?.id ?? ''}.status !== 'pass'` }
            : {
                until: given.trait === 3 ? 'loop.previous.no.thing' : `steps.${inside[0]?.id ?? ''}.status === 'pass'`,
              }),
          max_rounds: given.trait === 5 ? "{{ task.none ?? 'x' }}" : 2,
          on_limit: given.trait % 3 === 0 ? 'ask' : 'fail',
        });
      case 6:
      case 7:
        return forEach(id, inside, {
          ...common,
          items: given.trait === 7 ? '{{ task.none ?? 3 }}' : [1, 2, 3, 4].slice(0, given.size + 1),
          concurrency: [null, 1, 2, null][given.trait % 4] ?? null,
        });
      default:
        return parallel(id, inside, common);
    }
  }

  #leaf(given: Seed, id: string, common: Partial<StepDefinition>): StepDefinition {
    const { timeout = null, ...rest } = common;
    const retries = given.trait === 8 ? '{{ task.none ?? "x" }}' : given.trait % 3;
    switch (given.type) {
      case 10:
        return wait(id, { ...rest, duration: 60 });
      case 11:
        return wait(id, { ...rest, timeout, signal: given.trait % 2 === 0 ? 'go' : 'other' });
      case 12:
        return decision(id, { ...rest, timeout });
      case 13:
        return emit(id, 'told', { ...rest, data: { of: given.trait === 9 ? '{{ task.none.x }}' : 1 } });
      case 14:
      case 15:
        return inner(id, 'other', { ...rest, timeout, retries });
      case 16:
        return planning(id, { ...rest, timeout, retries });
      default:
        return step(id, {
          ...rest,
          timeout,
          retries,
          queue_timeout: given.trait % 5 === 0 ? 30 : null,
          fallback: given.trait % 7 === 0 ? ['other'] : [],
          ...(given.trait % 6 === 1 && { budget: { tokens: 50 } }),
          ...(given.trait % 14 === 0 && { on_quota: 'fallback' }),
          ...(given.trait % 4 === 1 && { resume_from: 'attempt' }),
        });
    }
  }
}

function unconditional<T extends { condition: unknown }>({ condition, ...rest }: T): Omit<T, 'condition'> {
  void condition;
  return rest;
}

/** Whatever order the records are held in. */
function inOrder(bench: Bench): readonly (readonly [string, StepRecord])[] {
  return [...bench.state.steps].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** More than one attempt has this much left of the budget that some steps have. */
const USED: Usage = { inputTokens: 30, costUsd: 0 };
const QUOTA: PersonaReply = {
  ...BROKEN,
  error: { class: 'QUOTA', message: 'the window is used up' },
  resumeInMs: 60_000,
  usage: USED,
};

/** A plan that a persona may answer with. */
const PLANS: readonly JsonValue[] = [
  {
    steps: [
      { id: 'x', persona: 'worker' },
      { id: 'y', persona: 'worker', dependencies: ['x'] },
    ],
  },
  {
    steps: [
      {
        id: 'l',
        type: 'loop',
        max_rounds: 2,
        until: "steps.q.status === 'pass'",
        steps: [{ id: 'q', persona: 'worker', on_error: 'continue' }],
      },
    ],
  },
  {
    steps: [
      { id: 'e', type: 'for_each', items: [1, 2], steps: [{ id: 'q', persona: 'worker', retries: 1 }] },
      { id: 'z', persona: 'worker', when: 'always' },
    ],
  },
  { steps: [{ id: 'a', persona: 'nobody', dependencies: ['none'] }] },
];

/** A run with what lies around it: its timers, and the messages that were sent before. */
export class World {
  readonly bench: Bench;
  /** Timers that are armed now. */
  readonly armed = new Set<string>();
  /** Timers that were armed once: each may lie in the inbox although it was disarmed meanwhile. */
  readonly everArmed: string[] = [];
  readonly sent: Message[] = [];
  readonly innerRuns: { run: string; path: string; token: string; open: boolean }[] = [];
  /** Signals, cancels and stale messages that are left to be sent, so that a run comes to its end. */
  noise: number;

  constructor(bench: Bench, noise: number) {
    this.bench = bench;
    this.noise = noise;
  }

  send(message: Message): void {
    this.sent.push(message);
    const { bench } = this;
    const before = new Set(this.armed);
    bench.send(message);
    const { last } = bench;
    if (last === null) return;
    for (const id of last.disarm) this.armed.delete(id);
    for (const { id } of last.arm) {
      this.armed.add(id);
      if (!before.has(id)) this.everArmed.push(id);
    }
    for (const { run, input } of last.starts) {
      const { parent } = JSON.parse(input) as { parent: { step: string; token: string } };
      this.innerRuns.push({ run, path: parent.step, token: parent.token, open: true });
    }
  }

  start(): void {
    this.send({ ...this.bench.stamp(), kind: 'start' });
  }

  /** As a worker begins an attempt. */
  begin(path: string, withTimeout: boolean): void {
    const { attempt } = this.bench.step(path);
    for (const kind of withTimeout ? ['heartbeat', 'timeout'] : ['heartbeat']) {
      const id = `${kind}|test-1|${path}|${String(attempt)}`;
      this.armed.add(id);
      this.everArmed.push(id);
    }
  }

  reply(path: string, reply: Parameters<Bench['replyMessage']>[1]): void {
    const { attempt } = this.bench.step(path);
    for (const kind of ['heartbeat', 'timeout']) this.armed.delete(`${kind}|test-1|${path}|${String(attempt)}`);
    this.send(this.bench.replyMessage(path, reply));
  }

  fire(id: string): void {
    this.armed.delete(id);
    const timer = parseTimer(id);
    if (timer === null) throw new Error(`"${id}" is no timer`);
    const stamp = this.bench.stamp();
    const claimed = timer.kind === 'heartbeat' || timer.kind === 'timeout';
    const claim = claimed ? { worker: 'w1', begunAt: stamp.at - 200, beatAt: stamp.at, progress: '' } : null;
    this.send({ ...stamp, kind: 'timer', timer, claim });
  }

  pause(): void {
    this.send({ ...this.bench.stamp(), kind: 'pause', reason: 'not now', by: 'ada' });
  }

  resume(): void {
    this.send({ ...this.bench.stamp(), kind: 'resume', by: 'ada' });
  }

  endInner(at: number, status: 'waiting' | 'running' | 'completed' | 'failed' | 'canceled'): void {
    const run = this.innerRuns[at];
    if (run === undefined) return;
    if (status !== 'waiting' && status !== 'running') run.open = false;
    const { path: ofStep, token, run: id } = run;
    const error = status === 'failed' ? ({ class: 'REJECTED', message: 'no' } as const) : null;
    const outcome = { step: ofStep, token, run: id, status, result: { of: ofStep }, error, head: null };
    this.send({ ...this.bench.stamp(), kind: 'inner-run', outcome });
  }
}

export interface Happening {
  readonly name: string;
  /** Whether the run waits for it; else it is noise. */
  readonly awaited: boolean;
  readonly happen: (world: World) => void;
}

/** Everything that may happen now, what the run waits for first. */
export function mayHappen(world: World, { bad, noise }: { bad: boolean; noise: boolean }): readonly Happening[] {
  const { bench } = world;
  const found: Happening[] = [];
  const add = (name: string, happen: (to: World) => void): void => void found.push({ name, awaited: true, happen });
  const more = (name: string, happen: (to: World) => void): void =>
    void found.push({
      name,
      awaited: false,
      happen: (to) => {
        to.noise--;
        happen(to);
      },
    });
  if (!runHasEnded(bench.state.record.status)) awaited(world, bad, add);
  if (!noise || world.noise <= 0) return found;
  for (const id of world.everArmed.slice(-6))
    more(`late ${id}`, (to) => {
      to.fire(id);
    });
  for (const id of [...world.armed].slice(0, 6))
    more(`timer ${id}`, (to) => {
      to.fire(id);
    });
  for (const message of world.sent.slice(-3)) {
    if (message.kind === 'start' && runHasEnded(bench.state.record.status)) continue;
    more(`again ${message.kind}`, (to) => {
      to.send({ ...message, ...to.bench.stamp() });
    });
  }
  for (const [path, record] of inOrder(bench).slice(-4)) {
    if (record.status === 'queued' && !world.armed.has(`heartbeat|test-1|${path}|${String(record.attempt)}`)) {
      const { definition } = planned({ plan: bench.state.plan, step: (at) => bench.step(at) }, path);
      more(`begin ${path}`, (to) => {
        to.begin(path, definition.timeout !== null);
      });
    }
    more(`forged reply ${path}`, (to) => {
      to.send({
        ...to.bench.stamp(),
        kind: 'reply',
        step: path,
        token: 'forged',
        worker: 'w9',
        begunAt: 1,
        reply: passing(1),
      });
    });
    more(`forged answer ${path}`, (to) => {
      to.send({
        ...to.bench.stamp(),
        kind: 'decide',
        step: path,
        token: null,
        choice: 'continue',
        data: null,
        by: 'eve',
      });
    });
  }
  for (const [at] of world.innerRuns.entries()) {
    more(`inner run ${String(at)} again`, (to) => {
      to.endInner(at, 'completed');
    });
    for (const status of ['waiting', 'running'] as const)
      more(`inner run ${String(at)} is ${status}`, (to) => {
        to.endInner(at, status);
      });
  }
  more('signal', (to) => {
    to.send({ ...to.bench.stamp(), kind: 'signal', name: 'go', data: 1, by: 'ada' });
  });
  more('pause', (to) => {
    to.pause();
  });
  more('cancel', (to) => {
    to.send({ ...to.bench.stamp(), kind: 'cancel', reason: 'enough', by: 'ada', claims: new Map() });
  });
  return found;
}

function awaited(world: World, bad: boolean, add: (name: string, happen: (to: World) => void) => void): void {
  const { bench } = world;
  const run = { plan: bench.state.plan, step: (path: string) => bench.step(path) };
  if (bench.status === 'paused')
    add('resume', (to) => {
      to.resume();
    });
  for (const [path, record] of inOrder(bench)) {
    const { status, more } = record;
    const timer = (kind: TimerKind): string => `${kind}|test-1|${path}|${String(Math.max(1, record.attempt))}`;
    if (status === 'queued') {
      const { definition } = planned(run, path);
      const plans = definition.type === 'plan' ? PLANS : [{ of: path }];
      for (const result of bad ? plans : plans.slice(0, 3))
        add(`pass ${path}`, (to) => {
          to.reply(path, { ...passing(result), usage: USED });
        });
      if (!bad) continue;
      add(`fail ${path}`, (to) => {
        to.reply(path, FAIL);
      });
      add(`error ${path}`, (to) => {
        to.reply(path, BROKEN);
      });
      add(`quota ${path}`, (to) => {
        to.reply(path, QUOTA);
      });
      add(`used up ${path}`, (to) => {
        to.reply(path, { ...BROKEN, usage: USED, session: `s-${path}` });
      });
      add(`lost ${path}`, (to) => {
        to.fire(timer('heartbeat'));
      });
    } else if (status === 'retrying' && more.due !== true) {
      add(`retry ${path}`, (to) => {
        to.fire(timer('retry'));
      });
    } else if (status === 'waiting' && more.waitsFor?.kind === 'time') {
      add(`time ${path}`, (to) => {
        to.fire(timer('wait'));
      });
    } else if (status === 'waiting' && more.waitsFor?.kind === 'signal') {
      const { name } = more.waitsFor;
      add(`signal ${path}`, (to) => {
        to.send({ ...to.bench.stamp(), kind: 'signal', name, data: null, by: 'ada' });
      });
    } else if (status === 'waiting' && more.waitsFor?.kind === 'decision') {
      const { choices, about } = more.waitsFor.question;
      // The last one ends it, so that a run whose choices are used up comes to its end.
      const first = about === 'step' || about === 'budget';
      const data = about === 'budget' ? { tokens: 1_000 } : null;
      for (const { id } of bad ? choices.toReversed() : first ? choices.slice(0, 1) : choices.slice(-1))
        add(`decide ${path} ${id}`, (to) => {
          to.send({ ...to.bench.stamp(), kind: 'decide', step: path, token: null, choice: id, data, by: 'ada' });
        });
    }
  }
  for (const [at, { path, token }] of world.innerRuns.entries()) {
    const { status, token: now, more } = bench.step(path);
    const open = status === 'working' || (status === 'waiting' && more.waitsFor?.kind === 'run');
    if (!open || now !== token) continue;
    for (const end of bad ? (['completed', 'failed', 'canceled'] as const) : (['completed'] as const))
      add(`inner ${path} ${end}`, (to) => {
        to.endInner(at, end);
      });
  }
}
