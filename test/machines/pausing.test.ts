import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runHasEnded } from '../../src/core/statuses.js';
import { compilePlan } from '../../src/definition/plan.js';
import { listsOf, type StepDefinition } from '../../src/definition/steps.js';
import { decision, forEach, inner, loop, planning, step, wait, workflow } from '../harness/definitions.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { foldMigration } from '../../src/machines/migrate.js';
import { applyFold } from '../../src/machines/state.js';
import { Bench, BROKEN, FAIL, passing } from '../harness/fold-bench.js';
import { anySteps, mayHappen, World } from '../harness/random-runs.js';

class Paused extends Bench {
  pause(by = 'ada'): this {
    return this.send({ ...this.stamp(), kind: 'pause', reason: 'not now', by });
  }

  resume(by = 'ada'): this {
    return this.send({ ...this.stamp(), kind: 'resume', by });
  }
}

const chain = [step('a'), step('b', { dependencies: ['a'] })];

describe('a paused run', () => {
  test('takes the reply of what is in work, begins nothing, and goes on where it was', () => {
    const bench = new Paused(chain).start().pause();
    expect(bench.status).toBe('paused');
    expect(bench.facts.at(-1)).toMatchObject({ type: 'run.paused', reason: 'not now', by: 'ada' });
    bench.pass('a');
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'pending' });
    expect(bench.asked).toEqual([]);
    bench.reload().resume();
    expect(bench.facts.some((fact) => fact.type === 'run.resumed' && fact.by === 'ada')).toBe(true);
    expect(bench.status).toBe('running');
    expect(bench.asked).toEqual(['b']);
    expect(bench.pass('b').status).toBe('completed');
  });

  test('ends only when it is resumed', () => {
    const bench = new Paused([step('a')]).start().pause().pass('a');
    expect(bench.status).toBe('paused');
    expect(bench.reload().resume().status).toBe('completed');
  });

  test('keeps what is due meanwhile: a retry, a lost worker, a fallback, a time, a signal, an answer', () => {
    const steps = [
      step('again', { retries: 1 }),
      step('lost'),
      step('other', { fallback: ['second'] }),
      wait('time', { duration: 60 }),
      wait('go', { signal: 'go' }),
      decision('ok'),
      step('end', { dependencies: ['again', 'lost', 'other', 'time', 'go', 'ok'] }),
    ];
    const bench = new Paused(steps).start();
    bench.reply('again', BROKEN).pause();
    bench.timer('retry', 'again').timer('heartbeat', 'lost').reply('other', BROKEN);
    bench.timer('wait', 'time').signal('go').decide('ok', 'approve');
    expect(bench.statuses).toMatchObject({ again: 'retrying', lost: 'retrying', other: 'retrying', time: 'succeeded' });
    expect(bench.asked).toEqual([]);
    expect(bench.last?.arm).toEqual([]);
    bench.reload().resume();
    expect(bench.asked).toEqual(['again', 'lost', 'other']);
    expect(bench.requests.slice(-3).map(({ persona, attempt }) => [persona, attempt])).toEqual([
      ['worker', 2],
      ['worker', 2],
      ['second', 2],
    ]);
    expect(bench.pass('again', 'lost', 'other', 'end').status).toBe('completed');
  });

  test('goes on with the rounds, items and planned steps that came up meanwhile', () => {
    const steps = [
      loop('l', [step('q', { on_error: 'continue' })], { until: "steps.q.status === 'pass'", max_rounds: 3 }),
      forEach('e', [step('i')], { items: [1, 2, 3], concurrency: 1 }),
      planning('p'),
    ];
    const bench = new Paused(steps).start().pause();
    bench
      .reply('l[1]/q', FAIL)
      .pass('e[0]/i')
      .reply('p', passing({ steps: [{ id: 'x', persona: 'worker' }] }));
    expect(bench.asked).toEqual([]);
    bench.reload().resume();
    expect(bench.asked.toSorted()).toEqual(['e[1]/i', 'l[2]/q', 'p[1]/x']);
    expect(bench.pass('e[1]/i', 'e[2]/i', 'l[2]/q', 'p[1]/x').status).toBe('completed');
  });

  test('that fails meanwhile does what deals with failures, and undoes, when it is resumed', () => {
    const steps = [
      step('done', { compensate: [step('undo')] }),
      step('a', { dependencies: ['done'] }),
      step('clean', { when: 'on_failure' }),
    ];
    const bench = new Paused(steps).start().pass('done').pause().reply('a', FAIL);
    expect(bench.asked).toEqual([]);
    bench.resume();
    expect(bench.asked).toEqual(['clean']);
    bench.pause().pass('clean');
    expect(bench.status).toBe('paused');
    bench.resume();
    expect(bench.status).toBe('compensating');
    expect(bench.pass('done[compensate]/undo').status).toBe('failed');
  });

  test('can be canceled, which undoes at once', () => {
    const bench = new Paused([step('done', { compensate: [step('undo')] }), step('a', { dependencies: ['done'] })]);
    bench.start().pass('done').pause().cancel();
    expect(bench.status).toBe('compensating');
    expect(bench.pass('done[compensate]/undo').status).toBe('canceled');
  });

  test('that goes on with another definition begins nothing of it before it is resumed', () => {
    const bench = new Paused(chain, { timeout: 10 }).start().pause().pass('a');
    const definition = workflow([...chain, step('new')], { timeout: 20 });
    const plan = compilePlan(definition, definitionHash(definition));
    const { id, at } = bench.stamp();
    const message = { id, at, kind: 'migrate', definition: plan.hash, by: 'ada' } as const;
    const { state, result } = foldMigration(bench.state, message, plan);
    expect(result.facts.map(({ type }) => type)).toEqual(['run.migrated']);
    expect([result.requests, result.arm]).toEqual([[], []]);
    bench.state = applyFold(state, result, '');
    bench.resume();
    expect(bench.asked).toEqual(['b', 'new']);
    expect(bench.last?.arm.map((timer) => timer.id)).toContain('deadline|test-1||1');
    expect(bench.pass('b', 'new').status).toBe('completed');
  });

  test('can be canceled when only its end was held back', () => {
    expect(new Paused([step('a')]).start().pause().pass('a').cancel().status).toBe('canceled');
    expect(new Paused([step('a')]).start().pause().reply('a', FAIL).cancel().status).toBe('canceled');
  });

  test('its own time stands still, however long it is', () => {
    const bench = new Paused([step('a')], { timeout: 10 }).start().pause();
    expect(bench.last?.disarm).toEqual(['deadline|test-1||1']);
    const year = 365 * 24 * 3_600_000;
    const { at } = bench.stamp();
    // One that had fired before changes nothing.
    bench.send({
      id: 'd-1',
      at,
      kind: 'timer',
      timer: { kind: 'deadline', run: 'test-1', step: '', attempt: 1 },
      claim: null,
    });
    expect(bench.status).toBe('paused');
    bench.send({ id: 'r-1', at: at + year, kind: 'resume', by: 'ada' });
    // 100 ms from its start to the pause are gone.
    expect(bench.last?.arm).toEqual([{ id: 'deadline|test-1||1', afterMs: 9_900 }]);
  });

  test('tells the runs inside, and resumes only those that it has paused', () => {
    const bench = new Paused([inner('in', 'other')]).start().pause();
    const { run = '' } = bench.step('in').more;
    expect(bench.last?.sends).toEqual([{ run, kind: 'pause', body: '{"reason":"not now","by":"run test-1"}' }]);
    bench.resume();
    expect(bench.last?.sends).toEqual([{ run, kind: 'resume', body: '{"by":"run test-1"}' }]);
    const inside = new Paused(chain);
    inside.state = {
      ...inside.state,
      input: { ...inside.state.input, parent: { run: 'outer', step: 'in', token: 't' } },
    };
    inside.start().pause('ada').resume('run outer');
    expect(inside.status).toBe('paused');
    expect(inside.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind: 'resume' });
    expect(inside.resume('bob').status).toBe('running');
    expect(inside.pause('run outer').resume('run outer').status).toBe('running');
  });

  test.each<[string, (bench: Paused) => Paused, 'pause' | 'resume', string]>([
    ['pending', (b) => b, 'pause', 'the run is pending, and only one that is running or waiting can be paused'],
    [
      'paused',
      (b) => b.start().pause(),
      'pause',
      'the run is paused, and only one that is running or waiting can be paused',
    ],
    ['running', (b) => b.start(), 'resume', 'the run is running, and only one that is paused can be resumed'],
    ['completed', (b) => b.start().pass('a', 'b'), 'pause', 'the run is completed'],
  ])('a %s run does not take what makes no sense, and says why', (_status, before, kind, reason) => {
    const bench = before(new Paused(chain));
    const { record } = bench.state;
    bench[kind]();
    expect(bench.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind, reason });
    expect(bench.state.record).toEqual(record);
  });
});

/** Steps of which the order of arrival does not matter: a parallel waits for all of its own. */
function steady(steps: readonly StepDefinition[]): readonly StepDefinition[] {
  return steps.map((one) => {
    const lists = Object.fromEntries(listsOf(one).map(({ key, steps: inside }) => [key, steady(inside)]));
    return { ...one, ...lists, ...(one.type === 'parallel' ? { wait_for: 'all' } : {}) };
  });
}

/** Lets everything go well, and pauses the run before the messages of these numbers, for as many messages as it says. */
function play(steps: readonly StepDefinition[], pauses: readonly number[]): Bench {
  const world = new World(new Bench(steps), 0);
  world.start();
  let left = 0;
  for (let turn = 0; turn < 2_000 && !runHasEnded(world.bench.state.record.status); turn++) {
    const wanted = pauses[turn] ?? 0;
    if (wanted > 0 && world.bench.status !== 'paused') {
      world.pause();
      left = wanted;
    }
    const open = mayHappen(world, { bad: false, noise: false });
    // Each as it goes first: a persona plans the same whenever it is asked.
    const names = open.map(({ name }) => name);
    const others = open.filter(({ name }, at) => name !== 'resume' && names.indexOf(name) === at);
    const next = world.bench.status === 'paused' && left > 0 && others.length > 0 ? others.at(-1) : open[0];
    left--;
    next?.happen(world);
  }
  return world.bench;
}

test('a run that was paused here and there comes to the same as one that was not', { timeout: 120_000 }, () => {
  let compared = 0;
  fc.assert(
    fc.property(anySteps(25), fc.array(fc.nat(4), { maxLength: 60, size: 'max' }), (drawn, pauses) => {
      const steps = steady(drawn);
      const plain = play(steps, []);
      if (plain.status !== 'completed' || Object.values(plain.statuses).includes('failed')) return;
      const paused = play(steps, pauses);
      expect(paused.status).toBe('completed');
      expect(paused.state.record.result).toEqual(plain.state.record.result);
      const byPath = (bench: Bench): unknown =>
        Object.fromEntries([...bench.state.steps].map(([path, { status, result }]) => [path, { status, result }]));
      expect(byPath(paused)).toEqual(byPath(plain));
      compared++;
    }),
    { numRuns: 400 },
  );
  expect(compared).toBeGreaterThan(100);
});
