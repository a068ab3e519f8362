/** Corners of the fold: late timers, steps that end while people are asked, lists that fail in their last step, and the limits of one run. */
import { describe, expect, test } from 'vitest';
import { viewOf } from '../../src/coordinator/view.js';
import type { Message } from '../../src/core/messages.js';
import { emit, forEach, inner, loop, parallel, planning, step, wait } from '../harness/definitions.js';
import { Bench, BROKEN, FAIL, passing } from '../harness/fold-bench.js';

const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });
const one = step('a');

function innerEnd(bench: Bench, path: string, status: 'completed' | 'failed' | 'canceled'): Message {
  const { token, more } = bench.step(path);
  return {
    ...bench.stamp(),
    kind: 'inner-run',
    outcome: { step: path, token: token ?? '', run: more.run ?? '', status, result: 1, error: null, head: null },
  };
}

describe('a throw out of the fold', () => {
  test('retries that are a template which gives no number', () => {
    const run = new Bench([step('a', { retries: '{{ task.n }}' })], { task: { n: 'many' } }).start();
    run.reply('a', BROKEN);
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { class: 'EXPRESSION' } });
  });

  test('a workflow timeout that is no duration', () => {
    const run = new Bench([one], { timeout: '{{ task.t }}', task: { t: 'soon' } }).start();
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { class: 'EXPRESSION' } });
  });

  test('a timeout of an inner run that arrives when people are asked about it already', () => {
    const run = new Bench([inner('a', 'x', { timeout: 60, on_error: 'ask', retries: 1 })]).start();
    run.send(innerEnd(run, 'a', 'canceled'));
    expect(run.status).toBe('waiting');
    run.timer('timeout', 'a');
    expect(run.status).toBe('waiting');
    expect(run.facts.at(-1)).toMatchObject({ type: 'message.ignored' });
  });

  test('the timeout of a loop that arrives when people are asked about its limit already', () => {
    const run = new Bench([
      loop('l', [one], { until: 'false', max_rounds: 1, on_limit: 'ask', timeout: 60, on_error: 'ask' }),
    ]).start();
    run.pass('l[1]/a');
    expect(run.status).toBe('waiting');
    run.timer('timeout', 'l');
    expect(run.step('l').status).toBe('waiting');
  });

  test('the timeout of a block', () => {
    const run = new Bench([parallel('p', [one, step('b')], { timeout: 60, on_error: 'ask' })]).start();
    run.timer('timeout', 'p');
    expect(run.step('p').status).toBe('waiting');
    run.timer('timeout', 'p');
    run.decide('p', 'continue');
    expect(run.status).toBe('completed');
  });

  test('a loop that throws after ask', () => {
    const run = new Bench([loop('l', [one], { while: 'task.x.y === 1', max_rounds: 1, on_error: 'ask' })]).start();
    expect(run.step('l').status).toBe('waiting');
    run.decide('l', 'continue');
    expect(run.status).toBe('completed');
  });
});

describe('stuck', () => {
  test('a for_each whose lists begin with an always step', () => {
    const run = new Bench([
      forEach('each', [step('a', { when: 'always' })], { items: [1, 2, 3], concurrency: 1 }),
    ]).start();
    run.reply('each[0]/a', FAIL);
    expect(run.status).toBe('failed');
  });

  test('an item that never began runs its always step', () => {
    const run = new Bench([
      forEach('each', [step('x'), step('c', { when: 'always' })], { items: [1, 2, 3], concurrency: 1 }),
    ]).start();
    run.pass('each[0]/x').reply('each[0]/c', FAIL);
    expect(run.asked).toEqual([]);
    expect(run.status).toBe('failed');
  });
});

describe('starts after a failure', () => {
  test('a plan that is answered when its list has failed', () => {
    const run = new Bench([planning('p'), step('b')]).start();
    run.reply('b', FAIL);
    run.reply('p', passing({ steps: [{ id: 'x', persona: 'worker' }] }));
    expect(run.asked).toEqual([]);
    expect(run.status).toBe('failed');
  });

  test('what depends on a failed step in a parallel that waits for any', () => {
    const run = new Bench([parallel('p', [step('a'), step('b', after('a')), step('c')], { wait_for: 'any' })]).start();
    run.reply('a', FAIL);
    expect(run.step('b').status).toBe('skipped');
  });

  test('an always step makes an any succeed all of whose steps failed', () => {
    const run = new Bench([parallel('p', [step('a'), step('b', { when: 'always' })], { wait_for: 'any' })]).start();
    run.reply('a', FAIL).pass('b');
    expect(run.step('p').status).toBe('failed');
  });
});

describe('order of the store', () => {
  test('two that wait for one signal since the same time', () => {
    const make = (): Bench => new Bench([wait('b', { signal: 'go' }), wait('a', { signal: 'go' })]).start();
    const kept = make().signal('go');
    const taken = make();
    taken.state = { ...taken.state, steps: new Map([...taken.state.steps].toReversed()) };
    taken.signal('go');
    expect(taken.statuses).toEqual(kept.statuses);
  });
});

describe('timers', () => {
  test('a loop that people let go on keeps its time', () => {
    const run = new Bench([loop('l', [one], { until: 'false', max_rounds: 1, on_limit: 'ask', timeout: 60 })]).start();
    run.pass('l[1]/a').decide('l', 'more');
    expect(run.last?.arm.map(({ id }) => id)).toContain('timeout|test-1|l|1');
  });

  test('a wait whose time is up asks people where it says so', () => {
    const run = new Bench([wait('w', { signal: 'go', timeout: 60, on_error: 'ask' })]).start();
    run.timer('timeout', 'w');
    expect(run.status).toBe('waiting');
    run.decide('w', 'continue');
    expect(run.status).toBe('completed');
  });

  test('a run whose time is up tells of it with on_failure', () => {
    const run = new Bench([one, step('tell', { when: 'on_failure' })], { timeout: 60 }).start();
    run.timer('deadline', '');
    expect(run.asked).toEqual(['tell']);
  });

  test('a run whose time is up does not stop what deals with its failure already', () => {
    const run = new Bench([one, step('tell', { when: 'on_failure' })], { timeout: 60 }).start();
    run.reply('a', FAIL).timer('deadline', '');
    expect(run.asked).toEqual(['tell']);
  });
});

describe('limits', () => {
  test('people who say retry do not make more be under way than may', () => {
    const run = new Bench([step('a', { on_error: 'ask' }), step('b')], { max_concurrent_steps: 1 }).start();
    run.reply('a', FAIL);
    expect(run.asked).toEqual(['b']);
    run.decide('a', 'retry');
    expect(run.asked).toEqual(['b']);
    run.pass('b');
    expect(run.asked).toEqual(['a']);
  });

  test('a compensation inside a compensation is not undone itself', () => {
    const run = new Bench([
      step('a', { compensate: [parallel('u', [step('x', { compensate: [step('y')] })])] }),
      step('b', after('a')),
    ]).start();
    run.pass('a').reply('b', FAIL).pass('a[compensate]/x');
    expect(run.status).toBe('failed');
  });

  test('artifacts of a step far before are in sight', () => {
    const artifact = { name: 'plan', sha256: 'a'.repeat(64), size: 1, type: 'text/plain' };
    const chain = Array.from({ length: 60 }, (_, at) =>
      step(`s${String(at)}`, {
        dependencies: at === 0 ? [] : [`s${String(at - 1)}`],
        ...(at === 59 ? { params: { plan: "{{ artifacts['plan'].size }}" } } : {}),
      }),
    );
    const run = new Bench(chain).start();
    run.reply('s0', { ...passing(1), artifacts: [artifact] });
    for (let at = 1; at < 60; at++) run.pass(`s${String(at)}`);
    expect(run.status).toBe('completed');
  });
});

describe('limits', () => {
  const items = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

  test('rounds inside rounds come to an end', () => {
    const inside = loop('m', [emit('e', 'x')], { until: 'false', max_rounds: 1_000, on_error: 'continue' });
    const run = new Bench([loop('l', [inside], { until: 'false', max_rounds: 1_000 })]).start();
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { class: 'LIMIT' } });
    expect(run.state.steps.size).toBeLessThanOrEqual(100_002);
  }, 60_000);

  test('items of items are refused before they are made', () => {
    const inside = forEach('m', [step('x')], { items: items(10_000) });
    const run = new Bench([forEach('l', [inside], { items: items(10_000) })]).start();
    for (let turn = 0; run.asked.length > 0 && turn < 3; turn++) run.pass(run.asked[0] ?? '');
    expect(run.requests.length).toBeLessThanOrEqual(100_000);
  }, 60_000);

  test('values that grow deeper round by round are refused', () => {
    const data = { p: '{{ loop.previous?.e.result ?? null }}' };
    const run = new Bench([loop('l', [emit('e', 'x', { data })], { until: 'false', max_rounds: 1_000 })]).start();
    expect(run.state.record.failure).toMatchObject({
      class: 'EXPRESSION',
      step: expect.stringMatching(/^l\[\d+\]\/e$/),
    });
  });

  test('one commit asks for as much as can be sent at once; the rest follows as there is room', () => {
    const run = new Bench([step('m'), forEach('two', [step('f')], { items: items(1_000), ...after('m') })]).start();
    run.reply('m', passing('x'.repeat(60_000)));
    const first = run.asked.length;
    expect(first).toBeLessThan(200);
    run.reload();
    for (let path = run.asked[0]; path !== undefined; path = run.asked[0]) {
      run.pass(path);
      expect(run.last?.requests.length).toBeLessThan(200);
    }
    expect(run.status).toBe('completed');
  }, 60_000);
});

describe('the view', () => {
  test('what undoes a step is open until it is done', () => {
    const run = new Bench([
      step('a', { compensate: [step('u'), step('v', after('u'))] }),
      step('b', after('a')),
    ]).start();
    run.pass('a').reply('b', FAIL);
    const stored = {
      format: 3,
      chain: '',
      version: 1,
      definition: run.state.plan.hash,
      input: JSON.stringify(run.state.input),
      record: JSON.stringify(run.state.record),
      steps: new Map([...run.state.steps].map(([path, record]) => [path, JSON.stringify(record)])),
      claims: new Map(),
      quarantined: null,
    };
    const statuses = Object.fromEntries(viewOf(stored, run.state.plan).steps.map(({ id, status }) => [id, status]));
    expect(statuses).toMatchObject({ 'a[compensate]/u': 'queued', 'a[compensate]/v': 'pending' });
  });
});

test('a plan cannot run workflows, whose definitions nobody has pinned', () => {
  const run = new Bench([planning('p', { allow: { types: ['workflow'], personas: null } })]).start();
  run.reply('p', passing({ steps: [{ id: 'x', type: 'workflow', workflow: 'y' }] }));
  expect(run.last?.starts).toEqual([]);
  expect(run.state.record.failure).toMatchObject({ class: 'INVALID_REPLY' });
});
