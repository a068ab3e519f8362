import { describe, expect, test } from 'vitest';
import type { PersonaRequest } from '../../src/core/exchange.js';
import {
  conditional,
  decision,
  emit,
  forEach,
  git,
  inner,
  loop,
  parallel,
  planning,
  step,
  wait,
} from '../harness/definitions.js';
import { Bench, BROKEN, FAIL, PASS, passing } from '../harness/fold-bench.js';

const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });

describe('conditional', () => {
  const bench = (ok: boolean): Bench =>
    new Bench([
      step('qa'),
      conditional(
        'route',
        'steps.qa.result.ok',
        { then: [step('ship'), step('tell', after('ship'))], else: [step('repair')] },
        after('qa'),
      ),
      step('end', {
        ...after('route'),
        params: { shipped: '{{ steps.ship.status }}', value: '{{ steps.route.result }}' },
      }),
    ])
      .start()
      .reply('qa', passing({ ok }));

  test('runs the one branch, and the steps after it can read both', () => {
    const yes = bench(true);
    expect(yes.asked).toEqual(['ship']);
    yes.pass('ship').reply('tell', passing('told'));
    expect(yes.requests.at(-1)).toMatchObject({ step: 'end', params: { shipped: 'pass', value: 'told' } });
    expect(yes.pass('end').status).toBe('completed');
    const no = bench(false).reply('repair', passing('repaired'));
    expect(no.requests.at(-1)).toMatchObject({ step: 'end', params: { shipped: 'skipped', value: 'repaired' } });
    expect(no.facts).toContainEqual(expect.objectContaining({ type: 'step.opened', detail: { branch: 'else' } }));
  });

  test('fails with the step inside, and names it', () => {
    const failed = bench(true).reply('ship', FAIL);
    expect(failed.statuses).toMatchObject({ ship: 'failed', tell: 'skipped', route: 'failed', end: 'skipped' });
    expect(failed.state.record.failure).toMatchObject({ step: 'ship', class: 'REJECTED' });
  });

  test('an empty branch is over at once', () => {
    const run = new Bench([conditional('maybe', 'task.no === true', { then: [step('x')] })], { task: { no: false } });
    expect(run.start().status).toBe('completed');
  });
});

describe('parallel', () => {
  const three = [step('a'), step('b'), step('c')];

  test('all: waits for every one, and gives their results by name', () => {
    const run = new Bench([
      parallel('group', three),
      step('sum', { ...after('group'), params: { got: '{{ steps.group.result }}' } }),
    ]).start();
    run.reply('c', passing(3)).reply('a', passing(1)).reply('b', passing(2));
    expect(run.requests.at(-1)?.params).toEqual({ got: { a: 1, b: 2, c: 3 } });
  });

  test('any: the first to succeed ends it and cancels the others', () => {
    const run = new Bench([parallel('group', three, { wait_for: 'any' })])
      .start()
      .reply('a', FAIL)
      .reply('b', passing(2));
    expect(run.statuses).toMatchObject({ a: 'failed', b: 'succeeded', c: 'canceled', group: 'succeeded' });
    expect(run.step('c').token).toBeNull();
    expect(run.status).toBe('completed');
    expect(run.state.record.result).toEqual({ b: 2 });
  });

  test('N: fails as soon as too few can still succeed', () => {
    const run = new Bench([parallel('group', three, { wait_for: 2 })]).start().reply('a', FAIL);
    expect(run.step('group').status).toBe('working');
    run.reply('b', FAIL);
    expect(run.status).toBe('running');
    run.pass('c');
    expect(run.statuses).toMatchObject({ group: 'failed' });
    expect(run.state.record.failure).toMatchObject({ step: 'b' });
  });

  test('its time covers the whole group', () => {
    const run = new Bench([parallel('group', three, { timeout: 60 })]).start();
    expect(run.last?.arm).toContainEqual({ id: 'timeout|test-1|group|1', afterMs: 60_000 });
    run.timer('timeout', 'group');
    expect(run.statuses).toEqual({ group: 'failed', a: 'canceled', b: 'canceled', c: 'canceled' });
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { class: 'TIMEOUT' }, active: 0 });
  });
});

describe('loop', () => {
  const fixing = (change: object = {}): Bench =>
    new Bench([
      loop(
        'fix',
        [
          step('work', { params: { round: '{{ loop.round }}', found: '{{ loop.previous?.check.result ?? null }}' } }),
          step('check', { ...after('work'), on_error: 'continue' }),
        ],
        { until: "steps.check.status === 'pass'", max_rounds: 3, ...change },
      ),
      step('ship', { ...after('fix'), params: { last: '{{ steps.check.result }}' } }),
    ]).start();

  test('goes round until it holds, each round on its own, and tells of the one before', () => {
    const run = fixing()
      .pass('fix[1]/work')
      .reply('fix[1]/check', { ...FAIL, result: 'bug' });
    expect(run.requests.at(-1)).toMatchObject({ step: 'fix[2]/work', params: { round: 2, found: 'bug' } });
    run.pass('fix[2]/work').reply('fix[2]/check', passing('fine'));
    expect(run.requests.at(-1)).toMatchObject({ step: 'ship', params: { last: 'fine' } });
    expect(run.step('fix[1]/check').status).toBe('failed');
    expect(run.pass('ship').status).toBe('completed');
  });

  test('used up rounds are a failure, never a pass', () => {
    const run = fixing({ max_rounds: 2 });
    for (const round of [1, 2]) run.pass(`fix[${String(round)}]/work`).reply(`fix[${String(round)}]/check`, FAIL);
    expect(run.state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'LIMIT', step: 'fix', message: `"steps.check.status === 'pass'" does not hold after 2 rounds` },
    });
  });

  test('or people are asked: another round, as it is, or not at all', () => {
    const asked = (): Bench => {
      const run = fixing({ max_rounds: 1, on_limit: 'ask' }).pass('fix[1]/work').reply('fix[1]/check', FAIL);
      expect(run.status).toBe('waiting');
      return run;
    };
    expect(asked().decide('fix', 'more').asked).toEqual(['fix[2]/work']);
    expect(asked().decide('fix', 'accept').asked).toEqual(['ship']);
    expect(asked().decide('fix', 'fail').state.record).toMatchObject({ status: 'failed', failure: { class: 'LIMIT' } });
    const wrong = asked().decide('fix', 'mroe');
    expect(wrong.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind: 'decide' });
    expect(wrong.facts.at(-1)).toHaveProperty('reason', expect.stringContaining('Did you mean "more"?'));
  });

  test('while looks before each round, so it may not run at all', () => {
    const none = new Bench([loop('again', [step('x')], { while: 'task.go === true' })], {
      task: { go: false },
    }).start();
    expect(none.status).toBe('completed');
    expect(none.requests).toEqual([]);
  });
});

describe('for_each', () => {
  const items = ['a', 'b', 'c', 'd'];

  test('runs as many at a time as it may, and gives the results in order', () => {
    const run = new Bench([
      forEach(
        'each',
        [step('check', { params: { item: '{{ loop.item }}', at: '{{ loop.index }}/{{ loop.count }}' } })],
        {
          items,
          concurrency: 2,
        },
      ),
    ]).start();
    expect(run.asked).toEqual(['each[0]/check', 'each[1]/check']);
    expect(run.requests[1]?.params).toEqual({ item: 'b', at: '1/4' });
    run.reply('each[1]/check', passing('B'));
    expect(run.asked).toEqual(['each[0]/check', 'each[2]/check']);
    run.reload().reply('each[2]/check', passing('C'));
    expect(run.asked).toEqual(['each[0]/check', 'each[3]/check']);
    run.reload().reply('each[3]/check', passing('D')).reply('each[0]/check', passing('A'));
    expect(run.state.record).toMatchObject({ status: 'completed', result: ['A', 'B', 'C', 'D'] });
  });

  test('a failing item stops the beginning of others; what is under way goes on', () => {
    const run = new Bench([forEach('each', [step('x'), step('y', after('x'))], { items, concurrency: 2 })]).start();
    run.reply('each[0]/x', FAIL);
    expect(run.statuses).toMatchObject({ 'each[0]/y': 'skipped', 'each[1]/x': 'queued', 'each[1]/y': 'skipped' });
    run.pass('each[1]/x');
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { step: 'each[0]/x' } });
    expect(run.step('each[2]/x').status).toBe('pending');
  });

  test('items may come from a template, and none is fine', () => {
    const from = (list: string[]): Bench =>
      new Bench([forEach('each', [step('x')], { items: '{{ task.list }}' })], { task: { list } }).start();
    expect(from(['q']).asked).toEqual(['each[0]/x']);
    expect(from([]).state.record).toMatchObject({ status: 'completed', result: [] });
    const wrong = new Bench([forEach('each', [step('x')], { items: '{{ task.list }}' })], {
      task: { list: 3 },
    }).start();
    expect(wrong.state.record.failure).toMatchObject({ class: 'EXPRESSION', step: 'each' });
  });

  test('nests in itself', () => {
    const run = new Bench([
      forEach('outer', [forEach('in', [step('x', { params: { i: '{{ loop.item }}' } })], { items: [1, 2] })], {
        items: ['a', 'b'],
        concurrency: 1,
      }),
    ]).start();
    expect(run.asked).toEqual(['outer[0]/in[0]/x', 'outer[0]/in[1]/x']);
    run.reply('outer[0]/in[0]/x', passing('a1')).reply('outer[0]/in[1]/x', passing('a2'));
    run.reply('outer[1]/in[1]/x', passing('b2')).reply('outer[1]/in[0]/x', passing('b1'));
    expect(run.state.record.result).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
    ]);
  });
});

describe('when, on_error, fallback, limits', () => {
  test('always and on_failure steps deal with a failure; without one on_failure is skipped', () => {
    const steps = [
      step('build'),
      step('ship', after('build')),
      step('clean', { when: 'always' }),
      step('tell', { when: 'on_failure' }),
    ];
    const bad = new Bench(steps).start().reply('build', FAIL);
    expect(bad.statuses).toEqual({ build: 'failed', ship: 'skipped', clean: 'queued', tell: 'queued' });
    expect(bad.status).toBe('running');
    expect(bad.pass('clean', 'tell').state.record).toMatchObject({ status: 'failed', failure: { step: 'build' } });
    const good = new Bench(steps).start().pass('build', 'ship');
    expect(good.statuses).toMatchObject({ clean: 'queued', tell: 'skipped' });
    expect(good.pass('clean').status).toBe('completed');
  });

  test('a step that deals with a failure is itself tried again', () => {
    const run = new Bench([step('build'), step('tell', { when: 'on_failure', retries: 1 })])
      .start()
      .reply('build', FAIL);
    run.reply('tell', BROKEN);
    expect(run.step('tell').status).toBe('retrying');
    expect(run.timer('retry', 'tell').pass('tell').status).toBe('failed');
  });

  test('continue: what depends on it goes on and can see the verdict', () => {
    const run = new Bench([
      step('lint', { on_error: 'continue' }),
      step('build', { ...after('lint'), params: { lint: '{{ steps.lint.status }}' } }),
    ]).start();
    run.reply('lint', FAIL);
    expect(run.requests.at(-1)?.params).toEqual({ lint: 'fail' });
    expect(run.pass('build').status).toBe('completed');
  });

  test('ask: people choose to try again, to go on, or to let it fail', () => {
    const asked = (): Bench =>
      new Bench([step('a', { on_error: 'ask' }), step('b', after('a'))]).start().reply('a', FAIL);
    const run = asked();
    expect(run.status).toBe('waiting');
    expect(run.step('a').more.waitsFor).toMatchObject({ kind: 'decision', question: { about: 'failure' } });
    expect(run.decide('a', 'retry').asked).toEqual(['a']);
    expect(run.status).toBe('running');
    expect(run.pass('a', 'b').status).toBe('completed');
    expect(asked().decide('a', 'continue').asked).toEqual(['b']);
    expect(asked().decide('a', 'fail').state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'REJECTED' },
    });
  });

  test('fallback personas are asked in order, each with its own retries; a verdict asks nobody else', () => {
    const steps = [step('a', { persona: 'claude', fallback: ['goose', 'aider'], retries: 1 })];
    const run = new Bench(steps).start().reply('a', BROKEN).timer('retry', 'a').reply('a', BROKEN);
    expect(run.requests.map(({ persona, attempt }) => [persona, attempt])).toEqual([
      ['claude', 1],
      ['claude', 2],
      ['goose', 3],
    ]);
    run.reply('a', BROKEN).timer('retry', 'a').reply('a', BROKEN).reply('a', PASS);
    expect(run.requests.at(-1)?.persona).toBe('aider');
    expect(run.status).toBe('completed');
    expect(new Bench(steps).start().reply('a', FAIL).status).toBe('failed');
  });

  test('retries: a list of delays, a curve with a cap, jitter that is drawn the same every time, and chosen classes', () => {
    const delays = (
      backoff: readonly number[] | { initial: number; factor: number; max: number; jitter: number },
    ): number[] => {
      const run = new Bench([step('a', { retries: { count: 4, backoff, retry_on: null } })]).start();
      return [1, 2, 3, 4].map(() => {
        run.reply('a', BROKEN);
        const delay = run.last?.arm[0]?.afterMs ?? -1;
        run.timer('retry', 'a');
        return delay;
      });
    };
    expect(delays([1, 2, 4])).toEqual([1_000, 2_000, 4_000, 4_000]);
    expect(delays({ initial: 1, factor: 3, max: 5, jitter: 0 })).toEqual([1_000, 3_000, 5_000, 5_000]);
    const drawn = delays({ initial: 10, factor: 1, max: 10, jitter: 0.5 });
    expect(drawn).toEqual(delays({ initial: 10, factor: 1, max: 10, jitter: 0.5 }));
    expect(new Set(drawn).size).toBeGreaterThan(1);
    for (const delay of drawn) expect(delay).toSatisfy((ms: number) => ms >= 5_000 && ms <= 10_000);
    const only = new Bench([
      step('a', { retries: { count: 3, backoff: [1], retry_on: ['RATE_LIMIT', 'TIMEOUT'] } }),
    ]).start();
    only.reply('a', { ...BROKEN, error: { class: 'RATE_LIMIT', message: '429' } });
    expect(only.step('a').status).toBe('retrying');
    expect(only.timer('retry', 'a').reply('a', BROKEN).status).toBe('failed');
  });

  test('a request that nobody begins in time is an error of its own', () => {
    const run = new Bench([step('a', { queue_timeout: 30, fallback: ['other'] })]).start();
    expect(run.last?.arm).toEqual([{ id: 'queue|test-1|a|1', afterMs: 30_000 }]);
    run.timer('queue', 'a');
    expect(run.requests.at(-1)).toMatchObject({ persona: 'other', attempt: 2 });
    expect(run.timer('queue', 'a').state.record.failure).toMatchObject({ class: 'QUEUE_TIMEOUT' });
  });

  test('as many steps at a time as the workflow says; the others wait, also across a reload', () => {
    const run = new Bench([step('a'), step('b'), step('c'), step('d', after('a'))], {
      max_concurrent_steps: 2,
    }).start();
    expect(run.asked).toEqual(['a', 'b']);
    run.reload().pass('a');
    expect(run.asked).toEqual(['b', 'c']);
    run.reload().pass('b');
    expect(run.asked).toEqual(['c', 'd']);
    expect(run.pass('c', 'd').status).toBe('completed');
  });

  test('the time of the whole run', () => {
    const run = new Bench([step('a'), step('b', after('a')), step('clean', { when: 'always' })], {
      timeout: '1h',
    }).start();
    expect(run.last?.arm).toEqual([{ id: 'deadline|test-1||1', afterMs: 3_600_000 }]);
    run.timer('deadline', '');
    expect(run.statuses).toEqual({ a: 'canceled', b: 'skipped', clean: 'queued' });
    expect(run.pass('clean').state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'TIMEOUT', step: null },
    });
  });
});

describe('compensation', () => {
  const steps = [
    step('book', { compensate: [step('unbook')] }),
    step('pay', { ...after('book'), compensate: [step('refund', { params: { paid: '{{ steps.pay.result }}' } })] }),
    step('ship', after('pay')),
  ];

  test('undoes what succeeded, last first, one at a time', () => {
    const run = new Bench(steps).start().pass('book').reply('pay', passing(12)).reply('ship', FAIL);
    expect(run.status).toBe('compensating');
    expect(run.requests.at(-1)).toMatchObject({ step: 'pay[compensate]/refund', params: { paid: 12 } });
    run.reload().pass('pay[compensate]/refund');
    expect(run.asked).toEqual(['book[compensate]/unbook']);
    run.pass('book[compensate]/unbook');
    expect(run.state.record).toMatchObject({ status: 'failed', failure: { step: 'ship' } });
    expect(run.step('pay').more.undo).toBe('done');
  });

  test('also after a cancel, and goes on when undoing one of them fails', () => {
    const run = new Bench(steps).start().pass('book', 'pay').cancel();
    expect(run.status).toBe('compensating');
    run.reply('pay[compensate]/refund', FAIL).pass('book[compensate]/unbook');
    expect(run.status).toBe('canceled');
    expect(run.step('pay').more.undo).toBe('failed');
  });

  test('nothing is undone when all went well', () => {
    expect(new Bench(steps).start().pass('book', 'pay', 'ship').status).toBe('completed');
  });
});

describe('waiting', () => {
  test('for a time: the run waits, and a day passes with one timer', () => {
    const run = new Bench([wait('night', { duration: '1d' }), step('a', after('night'))]).start();
    expect(run.status).toBe('waiting');
    const at = expect.any(Number);
    expect(run.last?.arm).toEqual([{ id: 'wait|test-1|night|1', afterMs: 86_400_000, at }]);
    expect(run.timer('wait', 'night').asked).toEqual(['a']);
    expect(run.status).toBe('running');
  });

  test('until a time that has passed: not at all', () => {
    const run = new Bench([wait('past', { until: '{{ task.at }}' })], { task: { at: '1970-01-01T00:00:01Z' } }).start();
    expect(run.status).toBe('completed');
  });

  test('for a signal, which may have come before; without one in time it fails', () => {
    const steps = [step('a'), wait('go', { ...after('a'), signal: 'approved', timeout: 60 })];
    const early = new Bench(steps).start().signal('approved', { by: 'ada' }).pass('a');
    expect(early.state.record).toMatchObject({ status: 'completed', result: { by: 'ada' }, signals: [] });
    const late = new Bench(steps).start().pass('a').signal('other').signal('approved', 1);
    expect(late.state.record).toMatchObject({ status: 'completed', result: 1 });
    const never = new Bench(steps).start().pass('a').timer('timeout', 'go');
    expect(never.state.record).toMatchObject({ status: 'failed', failure: { class: 'TIMEOUT', step: 'go' } });
  });

  test('for a decision: its answer is the result, a rejection fails it, a form is kept', () => {
    const steps = [decision('ok', { form: { type: 'object', properties: { why: { type: 'string' } } } })];
    const run = new Bench(steps).start();
    expect(run.status).toBe('waiting');
    run.decide('ok', 'approve', { why: 3 });
    expect(run.status).toBe('waiting');
    expect(run.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind: 'decide' });
    run.decide('ok', 'approve', { why: 'fine' });
    expect(run.state.record).toMatchObject({
      status: 'completed',
      result: { choice: 'approve', data: { why: 'fine' }, by: 'ada' },
    });
    expect(new Bench(steps).start().decide('ok', 'reject').state.record.failure).toMatchObject({ class: 'REJECTED' });
  });

  test('emit tells of an event and goes on', () => {
    const run = new Bench([emit('e', 'phase.{{ task.p }}', { data: { score: '{{ task.n }}' } })], {
      task: { p: 'completed', n: 90 },
    }).start();
    expect(run.facts).toContainEqual(
      expect.objectContaining({ type: 'event.emitted', event: 'phase.completed', data: { score: 90 } }),
    );
    expect(run.status).toBe('completed');
  });
});

describe('runs inside, planned steps, git', () => {
  const outcome = { result: 7, error: null, head: null } as const;
  const end = (run: Bench, status: 'completed' | 'failed' | 'canceled'): Bench => {
    const { token, more } = run.step('deploy');
    const told = { ...outcome, step: 'deploy', token: token ?? '', run: more.run ?? '', status };
    return run.send({ ...run.stamp(), kind: 'inner-run', outcome: told });
  };

  test('a workflow step starts a run in the same commit, and takes over what it came to', () => {
    const run = new Bench(
      [inner('deploy', 'hotfix', { definition: 'd'.repeat(64), task: { env: '{{ task.env }}' } })],
      {
        task: { env: 'prod' },
      },
    ).start();
    const [start] = run.last?.starts ?? [];
    expect(start).toMatchObject({ run: expect.stringMatching(/^test-1\.[a-z0-9]{8}$/), definition: 'd'.repeat(64) });
    expect(JSON.parse(start?.input ?? '')).toMatchObject({
      task: { env: 'prod' },
      parent: { run: 'test-1', step: 'deploy' },
    });
    expect(end(run, 'completed').state.record).toMatchObject({ status: 'completed', result: 7 });
  });

  test('its failure comes up, after its retries; cancel goes down', () => {
    const run = new Bench([inner('deploy', 'hotfix', { retries: 1 })]).start();
    const first = run.step('deploy').more.run;
    end(run, 'failed').timer('retry', 'deploy');
    expect(run.step('deploy').more.run).not.toBe(first);
    expect(end(run, 'failed').state.record.failure).toMatchObject({ class: 'RUN_FAILED' });
    const canceled = new Bench([inner('deploy', 'hotfix')]).start().cancel();
    expect(canceled.last?.sends).toMatchObject([{ kind: 'cancel', run: canceled.step('deploy').more.run }]);
    expect(canceled.status).toBe('canceled');
  });

  test('a run tells the run around of its end', () => {
    const run = new Bench([step('a')]);
    run.state = { ...run.state, input: { ...run.state.input, parent: { run: 'outer', step: 'deploy', token: 't' } } };
    run.start().reply('a', passing(5));
    const [told] = run.last?.sends ?? [];
    expect(told).toMatchObject({ run: 'outer', kind: 'inner-run' });
    expect(JSON.parse(told?.body ?? '')).toMatchObject({ step: 'deploy', token: 't', status: 'completed', result: 5 });
  });

  test('an outer run waits while its inner run does, and its time goes on', () => {
    const run = new Bench([inner('deploy', 'hotfix', { timeout: 60 })]).start();
    const { token, more } = run.step('deploy');
    const told = (status: 'waiting' | 'running'): Bench => {
      const outcomeNow = { ...outcome, result: null, step: 'deploy', token: token ?? '', run: more.run ?? '', status };
      return run.send({ ...run.stamp(), kind: 'inner-run', outcome: outcomeNow });
    };
    told('waiting');
    expect(run.status).toBe('waiting');
    expect(run.step('deploy').more.waitsFor).toEqual({ kind: 'run', run: more.run });
    expect(run.last?.arm).toEqual([{ id: 'timeout|test-1|deploy|1', afterMs: 59_900 }]);
    told('running');
    expect(run.status).toBe('running');
    told('waiting');
    expect(end(run, 'completed').state.record).toMatchObject({ status: 'completed', result: 7, active: 0, waiting: 0 });
  });

  test('a run inside says when it waits and when it goes on', () => {
    const run = new Bench([wait('w', { signal: 'go' }), step('a', after('w'))]);
    run.state = { ...run.state, input: { ...run.state.input, parent: { run: 'outer', step: 'deploy', token: 't' } } };
    const said = (): unknown[] =>
      (run.last?.sends ?? []).map(({ body }) => (JSON.parse(body) as { status: string }).status);
    run.start();
    expect(said()).toEqual(['waiting']);
    run.signal('go');
    expect(said()).toEqual(['running']);
    run.pass('a');
    expect(said()).toEqual(['completed']);
  });

  test('a plan is checked and then run; what cannot be run is an invalid reply', () => {
    const plan = {
      steps: [
        { id: 'one', persona: 'worker' },
        { id: 'two', persona: 'worker', dependencies: ['one'] },
      ],
    };
    const run = new Bench([planning('think'), step('end', after('think'))]).start().reply('think', passing(plan));
    expect(run.asked).toEqual(['think[1]/one']);
    run.reload().pass('think[1]/one', 'think[1]/two');
    expect(run.statuses).toMatchObject({ think: 'succeeded', end: 'queued' });
    const bad = new Bench([planning('think')])
      .start()
      .reply('think', passing({ steps: [{ id: 'x', type: 'workflow' }] }));
    expect(bad.state.record.failure).toMatchObject({ class: 'INVALID_REPLY' });
    expect(bad.state.record.failure?.message).toContain('workflow');
  });

  test('a git operation is asked of the persona git with its rendered arguments', () => {
    const run = new Bench([git('save', { operation: 'commit', message: 'feat: {{ task.title }}' })], {
      task: { title: 'cart' },
    }).start();
    expect(run.requests[0]).toMatchObject({
      persona: 'git',
      params: { operation: 'commit', message: 'feat: cart', branch: null },
    } satisfies Partial<PersonaRequest>);
  });
});

describe('schemas', () => {
  const schema = { type: 'object', properties: { score: { type: 'number' } }, required: ['score'] };

  test("a step's result that does not fit is an invalid reply, and is tried again", () => {
    const run = new Bench([step('review', { output: schema, retries: 1 })])
      .start()
      .reply('review', passing({ score: 'high' }));
    expect(run.step('review')).toMatchObject({ status: 'retrying', error: { class: 'INVALID_REPLY' } });
    expect(run.timer('retry', 'review').reply('review', passing({ score: 81 })).status).toBe('completed');
  });

  test('the task at the start, and the result at the end', () => {
    expect(new Bench([step('a')], { input: schema }).start().state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'INVALID_INPUT', step: null },
    });
    const result = { score: '{{ steps.a.result.score }}' };
    const run = (score: number | string): Bench =>
      new Bench([step('a')], { output: schema, result }).start().reply('a', passing({ score }));
    expect(run(80).state.record).toMatchObject({ status: 'completed', result: { score: 80 } });
    expect(run('x').state.record).toMatchObject({ status: 'failed', failure: { class: 'INVALID_OUTPUT' } });
  });

  test('artifacts of earlier steps are read by name', () => {
    const ref = { name: 'plan.md', sha256: 'a'.repeat(64), size: 3, type: 'text/markdown' };
    const run = new Bench([
      step('a'),
      step('b', { ...after('a'), params: { hash: "{{ artifacts['plan.md'].sha256 }}" } }),
    ]);
    run.start().reply('a', { ...PASS, artifacts: [ref] });
    expect(run.requests[1]?.params).toEqual({ hash: ref.sha256 });
  });
});
