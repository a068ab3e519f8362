/** Runs that people take up again: retry, skip, restart. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { stepIsSettled } from '../../src/core/statuses.js';
import { loadWorkflow } from '../../src/definition/load.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { conditional, decision, forEach, inner, loop, parallel, planning, step, wait } from '../harness/definitions.js';
import { Bench, BROKEN, FAIL, passing } from '../harness/fold-bench.js';
import { restart, retry, skip } from '../harness/steered.js';

const chain = [step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'] })];

describe('retry', () => {
  test('goes on from the failed step, with all results that there are', () => {
    const bench = new Bench(chain).start().reply('a', passing('first')).reply('b', FAIL);
    expect(bench.status).toBe('failed');
    bench.reload();
    expect(retry(bench)).toBeNull();
    expect(
      bench.facts.some((fact) => fact.type === 'run.retried' && fact.by === 'ada' && fact.reason === 'because'),
    ).toBe(true);
    expect(bench.status).toBe('running');
    expect(bench.state.record).toMatchObject({ failure: null, endedAt: null });
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'queued', c: 'pending' });
    expect(bench.step('b').attempt).toBe(2);
    expect(bench.step('a').result).toBe('first');
    expect(bench.pass('b', 'c').status).toBe('completed');
    expect(bench.facts.filter((fact) => fact.type === 'step.failed')).toHaveLength(1);
  });

  test('tries everything again that failed or was given up for it, in blocks too, and nothing that succeeded', () => {
    const steps = [
      parallel('p', [step('x'), step('y')]),
      forEach('e', [step('i')], { items: [1, 2, 3], concurrency: 2 }),
      loop('l', [step('q', { on_error: 'continue' }), step('r')], {
        until: "steps.q.status === 'pass'",
        max_rounds: 3,
      }),
      conditional('c', 'true', { then: [step('t'), step('u', { dependencies: ['t'] })], else: [] }),
      step('end', { dependencies: ['p', 'e', 'l', 'c'] }),
    ];
    const bench = new Bench(steps).start();
    bench.pass('x', 'e[0]/i').reply('l[1]/q', FAIL).pass('l[1]/r').pass('t');
    bench.reply('y', FAIL).pass('e[1]/i', 'e[2]/i', 'l[2]/q', 'l[2]/r');
    bench.reply('u', FAIL);
    expect(bench.status).toBe('failed');
    expect(retry(bench.reload())).toBeNull();
    expect(bench.asked.toSorted()).toEqual(['u', 'y']);
    expect(bench.statuses).toMatchObject({
      x: 'succeeded',
      'e[0]/i': 'succeeded',
      p: 'working',
      c: 'working',
      t: 'succeeded',
    });
    bench.pass('u', 'y');
    expect(bench.statuses).toMatchObject({
      p: 'succeeded',
      c: 'succeeded',
      l: 'succeeded',
      e: 'succeeded',
      end: 'queued',
    });
    expect(bench.pass('end').status).toBe('completed');
  });

  test('undoes nothing twice: what was undone runs again, and what waited for it', () => {
    const steps = [
      step('a', { compensate: [step('undo')] }),
      step('b', { dependencies: ['a'] }),
      step('c', { dependencies: ['b'] }),
    ];
    const bench = new Bench(steps).start().pass('a', 'b').reply('c', FAIL).pass('a[compensate]/undo');
    expect(bench.status).toBe('failed');
    expect(retry(bench)).toBeNull();
    expect(bench.asked).toEqual(['a']);
    expect(bench.pass('a', 'b').reply('c', FAIL).status).toBe('compensating');
    expect(bench.step('a[compensate]/undo').attempt).toBe(2);
    expect(bench.pass('a[compensate]/undo').status).toBe('failed');
  });

  test('also of a run that was canceled; what deals with failures runs at its end again', () => {
    const bench = new Bench([...chain, step('clean', { when: 'always' })]).start().pass('a').cancel();
    expect(bench.statuses).toMatchObject({ b: 'canceled', c: 'canceled' });
    expect(retry(bench)).toBeNull();
    expect(bench.asked).toEqual(['b']);
    expect(bench.pass('b', 'c', 'clean').status).toBe('completed');
  });

  test('begins a run inside anew, and asks people anew', () => {
    const bench = new Bench([inner('in', 'other'), decision('ok')]).start();
    const { run = '' } = bench.step('in').more;
    const outcome = {
      step: 'in',
      token: bench.step('in').token ?? '',
      run,
      status: 'failed',
      result: null,
      error: null,
      head: null,
    } as const;
    bench.decide('ok', 'reject').send({ ...bench.stamp(), kind: 'inner-run', outcome });
    expect(bench.status).toBe('failed');
    expect(retry(bench)).toBeNull();
    expect(bench.last?.starts).toHaveLength(1);
    expect(bench.step('in').more.run).not.toBe(run);
    expect(bench.step('ok').more.waitsFor).toMatchObject({ question: { token: 'ok?2' } });
  });

  test('has the whole time of the run again', () => {
    const bench = new Bench([step('a')], { timeout: 10 }).start().reply('a', FAIL);
    retry(bench);
    expect(bench.last?.arm).toContainEqual({ id: 'deadline|test-1||1', afterMs: 10_000 });
  });

  test.each<[string, (bench: Bench) => unknown, string]>([
    ['running', (b) => b.start(), 'the run is running, and only one that is failed or canceled can be tried again'],
    [
      'completed',
      (b) => b.start().pass('a', 'b', 'c'),
      'the run is completed, and only one that is failed or canceled can be tried again',
    ],
    ['pending and canceled', (b) => b.cancel(), 'it has never begun; start another one'],
  ])('is refused of a run that is %s, and nothing is changed', (_name, before, reason) => {
    const bench = new Bench(chain);
    before(bench);
    const { record, steps } = bench.state;
    expect(retry(bench)).toBe(reason);
    expect(bench.state.record).toEqual(record);
    expect(bench.state.steps).toEqual(steps);
  });

  test('is refused of a run inside that has ended, and gives back the place that it was given', () => {
    const bench = new Bench(chain);
    const parent = { run: 'outer', step: 'in', token: 't' };
    const slot = { key: 'k', limit: 1 };
    bench.state = { ...bench.state, input: { ...bench.state.input, parent }, record: { ...bench.state.record, slot } };
    bench.start().reply('a', FAIL);
    expect(retry(bench)).toContain('it worked for step in of run outer');
    expect(bench.last?.release).toBe('k');
  });
});

describe('skip', () => {
  test.each<[string, readonly StepDefinition[], (bench: Bench) => unknown]>([
    ['pending', [step('a'), step('s', { dependencies: ['a'] })], () => undefined],
    ['queued', [step('a'), step('s')], () => undefined],
    ['retrying', [step('a'), step('s', { retries: 1 })], (b) => b.reply('s', BROKEN)],
    ['waiting', [step('a'), wait('s', { signal: 'go' })], () => undefined],
    ['waiting', [step('a'), decision('s')], () => undefined],
    ['working', [step('a'), inner('s', 'other')], () => undefined],
    ['working', [step('a'), loop('s', [step('q')], { until: 'true' })], () => undefined],
  ])('counts a step that is %s as skipped, and its token is void', (status, steps, before) => {
    const bench = new Bench([...steps, step('z', { dependencies: ['s'] })]).start();
    before(bench);
    expect(bench.step('s').status).toBe(status);
    expect(skip(bench.reload(), 's')).toBeNull();
    expect(bench.step('s')).toMatchObject({ status: 'skipped', token: null });
    expect(bench.facts.find((fact) => fact.type === 'step.skipped')).toMatchObject({ by: 'ada', reason: 'because' });
    expect(bench.asked).toContain('z');
    expect(bench.pass('a', 'z').status).toBe('completed');
  });

  test('lets a failed run go on without the step, also when it is tried again later', () => {
    const bench = new Bench(chain).start().pass('a').reply('b', FAIL);
    expect(skip(bench, 'b')).toBeNull();
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'skipped', c: 'queued' });
    bench.reply('c', FAIL);
    expect(retry(bench)).toBeNull();
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'skipped', c: 'queued' });
    expect(bench.pass('c').status).toBe('completed');
  });

  test.each<[string, string, string]>([
    ['that is over', 'a', 'step a is over already: it is succeeded'],
    ['that nobody knows', 'bb', 'there is no step "bb". Did you mean "b"?'],
    ['of a block that is not open', 'q', 'step q cannot be skipped, since step p around it is pending'],
  ])('is refused of a step %s', (_name, path, reason) => {
    const bench = new Bench([...chain, parallel('p', [step('q')], { dependencies: ['c'] })]).start().pass('a');
    expect(skip(bench, path)).toBe(reason);
  });
});

describe('restart', () => {
  test('runs the step and all that depends on it again, and keeps the rest', () => {
    const bench = new Bench([...chain, step('other', { dependencies: ['a'] })]).start().pass('a', 'b', 'other', 'c');
    expect(bench.status).toBe('completed');
    expect(restart(bench.reload(), 'b')).toBeNull();
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'queued', c: 'pending', other: 'succeeded' });
    expect(bench.facts.find((fact) => fact.type === 'run.restarted')).toMatchObject({
      from: 'b',
      steps: ['b', 'c'],
      by: 'ada',
    });
    expect(bench.pass('b', 'c').status).toBe('completed');
    expect([bench.step('a').attempt, bench.step('b').attempt, bench.step('c').attempt]).toEqual([1, 2, 2]);
  });

  test('of a running run takes what is in work out of its worker’s hands', () => {
    const bench = new Bench(chain).start().pass('a');
    const { token } = bench.step('b');
    expect(restart(bench, 'a')).toBeNull();
    expect(bench.facts.some((fact) => fact.type === 'step.canceled' && fact.step === 'b')).toBe(true);
    expect(bench.asked).toEqual(['a']);
    expect(bench.step('a').token).not.toBe(token);
    expect(bench.pass('a', 'b', 'c').status).toBe('completed');
  });

  test('of a paused run begins nothing before it is resumed', () => {
    const bench = new Bench(chain).start().pass('a');
    bench.send({ ...bench.stamp(), kind: 'pause', reason: 'not now', by: 'ada' });
    expect(restart(bench, 'a')).toBeNull();
    expect([bench.status, bench.asked]).toEqual(['paused', []]);
    bench.send({ ...bench.stamp(), kind: 'resume', by: 'ada' });
    expect(bench.asked).toEqual(['a']);
  });

  test('inside a loop goes on with that round, inside a for_each with that item, in a branch with that branch', () => {
    const steps = [
      loop('l', [step('q', { on_error: 'continue' })], { until: "steps.q.status === 'pass'", max_rounds: 3 }),
      forEach('e', [step('i')], { items: [1, 2], concurrency: 1 }),
      conditional('c', 'true', { then: [step('t')], else: [] }),
      planning('p'),
      step('end', { dependencies: ['l'] }),
    ];
    const bench = new Bench(steps).start();
    bench.reply('l[1]/q', FAIL).reply('l[2]/q', FAIL).pass('l[3]/q', 'e[0]/i', 'e[1]/i', 't');
    bench.reply('p', passing({ steps: [{ id: 'x', persona: 'worker' }] })).pass('p[1]/x', 'end');
    expect(bench.status).toBe('completed');
    for (const [from, again] of [
      ['l[2]/q', ['l[2]/q']],
      ['e[0]/i', ['e[0]/i', 'l[2]/q']],
      ['t', ['e[0]/i', 'l[2]/q', 't']],
      ['p[1]/x', ['e[0]/i', 'l[2]/q', 'p[1]/x', 't']],
    ] as const) {
      expect(restart(bench.reload(), from)).toBeNull();
      expect(bench.asked.toSorted()).toEqual(again);
    }
    bench.reply('l[2]/q', FAIL).pass('l[3]/q', 'e[0]/i', 't', 'p[1]/x', 'end');
    expect(bench.status).toBe('completed');
    expect(bench.step('l[3]/q').attempt).toBe(2);
    expect(bench.step('l[1]/q').attempt).toBe(1);
  });

  test.each<[string, string, string]>([
    ['that has not begun', 'c', 'step c has not begun, so there is nothing to restart from'],
    ['that nobody knows', 'zz', 'there is no step "zz".'],
  ])('is refused from a step %s', (_name, path, reason) => {
    expect(restart(new Bench(chain).start(), path)).toBe(reason);
  });
});

/** What runs again when `workflows/project-loop.yml` is restarted from each of its steps. */
describe('project-loop', async () => {
  const { definition } = await loadWorkflow('project-loop', {
    directories: [fileURLToPath(new URL('../../workflows', import.meta.url))],
    personas: null,
  });
  const order = ['planning', 'plan-evaluation', 'implementation', 'qa', 'code-review', 'security-review'];
  const all = (bench: Bench): Bench => bench.pass(...order.filter((id) => !stepIsSettled(bench.step(id).status)));

  test.each([
    ['planning', order],
    ['plan-evaluation', order.slice(1)],
    ['implementation', order.slice(2)],
    ['qa', order.slice(3)],
    ['code-review', ['code-review']],
    ['security-review', ['security-review']],
  ])('from %s', (from, again) => {
    const bench = all(new Bench(definition.steps, definition).start());
    expect(bench.status).toBe('completed');
    const kept = new Map(order.filter((id) => !again.includes(id)).map((id) => [id, bench.step(id)]));
    expect(restart(bench, from)).toBeNull();
    for (const [id, record] of kept) expect(bench.step(id)).toEqual(record);
    expect(all(bench).status).toBe('completed');
    expect(order.filter((id) => bench.step(id).attempt === 2)).toEqual(again);
    for (const [id, record] of kept) expect(bench.step(id)).toEqual(record);
  });
});
