import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fact } from '../../src/core/facts.js';
import { RUN_FORMAT } from '../../src/core/formats.js';
import { parseTimer } from '../../src/core/messages.js';
import { runHasEnded, stepIsSettled } from '../../src/core/statuses.js';
import { stateOf } from '../../src/coordinator/codec.js';
import { viewOf } from '../../src/coordinator/view.js';
import { isAsking, type StepDefinition } from '../../src/definition/steps.js';
import { listOf, planned, type Run } from '../../src/machines/instances.js';
import { runState } from '../../src/machines/state.js';
import { Bench } from '../harness/fold-bench.js';
import { anySteps, mayHappen, World } from '../harness/random-runs.js';

const MOST = 3_000;
const RUNS = Number(process.env['RUNS'] ?? 200);

const runOf = (bench: Bench): Run => ({ plan: bench.state.plan, step: (path) => bench.step(path) });

/** What must be true of a run after every message. */
function check(
  world: World,
  before: { ends: boolean; paused: boolean; facts: number },
  names: readonly string[],
): void {
  const { bench } = world;
  const { record, steps } = bench.state;
  const run = runOf(bench);
  const at = (): string => names.slice(-12).join('\n');
  let active = 0;
  let waiting = 0;
  for (const [path, { status, token, more, attempt }] of steps) {
    const { definition, templates } = planned(run, path);
    const works =
      status === 'working' && (definition.type === 'workflow' || (isAsking(definition) && more.block === undefined));
    if (status === 'queued' || status === 'retrying' || works) active++;
    if (status === 'waiting') waiting++;
    const heldUp = status === 'waiting' && more.waitsFor?.kind === 'run';
    const awaitsAnswer = status === 'queued' || (definition.type === 'workflow' && (status === 'working' || heldUp));
    expect(token !== null, `token of ${path}, which is ${status}\n${at()}`).toBe(awaitsAnswer);
    // What ends it is armed.
    const armed = (kind: string): boolean => world.armed.has(`${kind}|test-1|${path}|${String(Math.max(1, attempt))}`);
    const own =
      status === 'waiting' &&
      more.waitsFor?.kind !== 'time' &&
      (more.waitsFor?.kind !== 'decision' || more.waitsFor.question.about === 'step');
    const timed = templates['timeout'] !== undefined && !isAsking(definition) && (status === 'working' || own);
    if (timed && (definition.type !== 'wait' || own))
      expect(armed('timeout') || world.sent.at(-1)?.kind === 'timer', `timeout of ${path}, ${status}\n${at()}`).toBe(
        true,
      );
    if (status === 'retrying' && more.due !== true) expect(armed('retry'), `retry of ${path}\n${at()}`).toBe(true);
    if (status === 'waiting' && more.waitsFor?.kind === 'time')
      expect(armed('wait'), `wait of ${path}\n${at()}`).toBe(true);
  }
  must(
    record.active === active && record.waiting === waiting,
    () => `counts ${String(active)} ${String(waiting)}\n${at()}`,
  );
  const limit = bench.state.plan.definition.max_concurrent_steps;
  // A run inside that goes on does not ask for its place anew.
  must(limit === null || active <= limit + world.innerRuns.length, at);
  const ended = runHasEnded(record.status);
  if (ended) {
    const open = [...steps].filter(([, { status }]) => !stepIsSettled(status)).map(([path]) => path);
    must(open.length === 0, () => `open: ${open.join(' ')}\n${at()}`);
  } else if (record.status !== 'pending') {
    expect(
      mayHappen(world, { bad: false, noise: false }).length,
      `stuck: ${JSON.stringify(bench.statuses)}\n${at()}`,
    ).toBeGreaterThan(0);
    must(
      record.status === 'compensating' ||
        record.status === 'paused' ||
        (record.status === 'waiting') === (active === 0),
      at,
    );
  }
  for (const id of world.armed) {
    const timer = parseTimer(id);
    if (timer === null) throw new Error(id);
    if (timer.kind === 'deadline') expect(ended, `${id}\n${at()}`).toBe(false);
    else {
      const { status, attempt } = bench.step(timer.step);
      expect(stepIsSettled(status), `${id} is armed, ${timer.step} is ${status}\n${at()}`).toBe(false);
      expect(timer.attempt, `${id}\n${at()}`).toBe(Math.max(1, attempt));
    }
  }
  if (before.paused && record.status === 'paused') {
    const { requests, starts } = bench.last ?? { requests: [], starts: [] };
    must(requests.length + starts.length === 0, () => `begun while it is paused\n${at()}`);
  }
  // Nothing new starts but what deals with failures.
  if (before.ends) {
    for (const fact of bench.facts.slice(before.facts)) {
      if (fact.type !== 'step.queued' && fact.type !== 'step.opened') continue;
      let deals = false;
      for (let path: string | null = fact.step; path !== null; path = listOf(run, path).owner)
        deals ||= planned(run, path).definition.when !== 'on_success' || listOf(run, path).list.key === 'compensate';
      expect(deals, `${fact.type} of ${fact.step} after the run failed\n${at()}`).toBe(true);
    }
  }
}

/** Fails with what was seen, which is made up only then. */
function must(holds: boolean, seen: () => string): void {
  if (!holds) throw new Error(seen());
}

/** Settled once, nothing afterwards, one request per attempt, one end. */
function checkStory(facts: readonly Fact[]): void {
  const settled = new Set<string>();
  const queued = new Set<string>();
  let ends = 0;
  for (const fact of facts) {
    if (fact.type === 'message.ignored') continue;
    expect(ends, 'a fact after the end').toBe(0);
    if (fact.type === 'run.completed' || fact.type === 'run.failed' || fact.type === 'run.canceled') ends++;
    if (!('step' in fact) || typeof fact.step !== 'string' || !fact.type.startsWith('step.')) continue;
    expect(settled.has(fact.step), `${fact.type} of ${fact.step} after it settled`).toBe(false);
    if (fact.type === 'step.queued') {
      const name = `${fact.step} ${String(fact.attempt)}`;
      must(!queued.has(name), () => `${name} is queued twice`);
      queued.add(name);
    }
    if (['step.succeeded', 'step.failed', 'step.skipped', 'step.canceled'].includes(fact.type)) settled.add(fact.step);
  }
  expect(ends).toBe(1);
}

function stored(bench: Bench, order: 'kept' | 'turned'): Parameters<typeof stateOf>[0] {
  const steps = [...bench.state.steps].map(([path, step]): [string, string] => [path, JSON.stringify(step)]);
  return {
    format: RUN_FORMAT,
    chain: '',
    version: bench.state.version,
    definition: bench.state.plan.hash,
    input: JSON.stringify(bench.state.input),
    record: JSON.stringify(bench.state.record),
    steps: new Map(order === 'kept' ? steps : steps.toReversed()),
    claims: new Map(),
    quarantined: null,
  };
}

interface Game {
  readonly steps: readonly StepDefinition[];
  readonly choices: readonly number[];
  readonly limit: number;
  readonly timed: boolean;
}

const game: fc.Arbitrary<Game> = fc.record({
  steps: anySteps(40),
  choices: fc.array(fc.nat(1_000), { maxLength: 60, size: 'max' }),
  limit: fc.nat(3),
  timed: fc.boolean(),
});

function play(
  { steps, choices, limit, timed }: Game,
  { reload, checked }: { reload: boolean; checked: boolean },
): World {
  const bench = new Bench(steps, { max_concurrent_steps: limit === 0 ? null : limit, timeout: timed ? 3_600 : null });
  const world = new World(bench, 25);
  const names: string[] = ['start'];
  world.start();
  for (let turn = 0; turn < MOST; turn++) {
    const open = mayHappen(world, { bad: turn < choices.length, noise: turn < choices.length });
    const chosen = open[(choices[turn] ?? 0) % Math.max(1, open.length)];
    if (chosen === undefined || (runHasEnded(bench.state.record.status) && turn >= choices.length)) return world;
    const before = {
      ends: bench.state.record.failure !== null || bench.state.record.canceled !== null,
      paused: bench.status === 'paused',
      facts: bench.facts.length,
    };
    names.push(chosen.name);
    chosen.happen(world);
    if (checked) {
      check(world, before, names);
      viewOf(stored(bench, 'kept'), bench.state.plan);
    }
    if (reload) {
      // As the store gives them: parsed, and in whatever order.
      const read = stateOf(stored(bench, 'turned'), bench.state.plan);
      bench.state = runState(read);
    }
  }
  throw new Error(`not over after ${String(MOST)} messages\n${names.slice(-20).join('\n')}`);
}

describe('random runs', () => {
  test('whatever happens, counts, timers and tokens fit, and the run comes to one end', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(game, (given) => {
        const world = play(given, { reload: false, checked: true });
        checkStory(world.bench.facts);
        expect([...world.armed]).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });

  test('a run that is read from the store after every message goes on as one that is not', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(game, (given) => {
        const kept = play(given, { reload: false, checked: false });
        const taken = play(given, { reload: true, checked: false });
        expect(taken.bench.facts).toEqual(kept.bench.facts);
        expect(taken.bench.statuses).toEqual(kept.bench.statuses);
        expect(taken.bench.state.record).toEqual(kept.bench.state.record);
      }),
      { numRuns: RUNS },
    );
  });
});
