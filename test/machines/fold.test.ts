import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/core/json.js';
import type { Message } from '../../src/core/messages.js';
import { runHasEnded, stepIsSettled } from '../../src/core/statuses.js';
import { MAX_LOSSES } from '../../src/machines/attempts.js';
import { fold } from '../../src/machines/fold.js';
import { step } from '../harness/definitions.js';
import { Bench, BROKEN, FAIL, PASS } from '../harness/fold-bench.js';

describe('fold', () => {
  test('a start dispatches every step that depends on nothing', () => {
    const bench = new Bench([step('a'), step('b'), step('c', { dependencies: ['a', 'b'] })]).start();
    expect(bench.statuses).toEqual({ a: 'queued', b: 'queued', c: 'pending' });
    expect(bench.requests.map((request) => [request.step, request.attempt])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
    expect(bench.state.record).toMatchObject({ status: 'running', startedAt: 1_100, active: 2 });
    bench.start();
    expect(bench.facts.at(-1)).toMatchObject({ type: 'message.ignored', reason: 'the run has started already' });
  });

  test('steps with the same dependency run at the same time, and a join waits for both', () => {
    const bench = new Bench([
      step('qa'),
      step('x', { dependencies: ['qa'] }),
      step('y', { dependencies: ['qa'] }),
      step('join', { dependencies: ['x', 'y'] }),
    ]).start();
    bench.reply('qa', PASS);
    expect(bench.statuses).toMatchObject({ x: 'queued', y: 'queued', join: 'pending' });
    bench.reply('y', PASS);
    expect(bench.step('join').status).toBe('pending');
    bench.reply('x', PASS);
    expect(bench.step('join').status).toBe('queued');
    bench.reply('join', PASS);
    expect(bench.state.record).toMatchObject({ status: 'completed', active: 0 });
  });

  test('a later request carries the outcomes before it, nearest first', () => {
    const bench = new Bench([
      step('plan'),
      step('build', { dependencies: ['plan'] }),
      step('qa', { dependencies: ['build'] }),
    ]).start();
    bench.reply('plan', { ...PASS, result: { plan: 1 } }).reply('build', { ...PASS, result: { built: 2 } });
    expect(Object.entries(bench.requests[2]?.results ?? {})).toEqual([
      ['build', { status: 'pass', result: { built: 2 }, artifacts: [] }],
      ['plan', { status: 'pass', result: { plan: 1 }, artifacts: [] }],
    ]);
  });

  test('results and verdicts land in state under their names', () => {
    const condition = "context.state.get('qa_status') === 'pass' && context.state.get('qa_result').ok";
    const yes = new Bench([step('qa'), step('review', { dependencies: ['qa'], condition })]).start().reply('qa', PASS);
    expect(yes.statuses).toEqual({ qa: 'succeeded', review: 'queued' });
    const no = new Bench([step('qa'), step('review', { dependencies: ['qa'], condition })])
      .start()
      .reply('qa', { ...PASS, result: { ok: false } });
    expect(no.statuses).toEqual({ qa: 'succeeded', review: 'skipped' });
    expect(no.state.record.status).toBe('completed');
    expect(no.facts.at(-2)).toMatchObject({
      type: 'step.skipped',
      step: 'review',
      reason: `condition is false: ${condition}`,
    });
  });

  test('what stands behind a step that its own condition skipped still runs', () => {
    const bench = new Bench([step('a', { condition: "task.type === 'hotfix'" }), step('b', { dependencies: ['a'] })], {
      task: { type: 'feature' },
    }).start();
    expect(bench.statuses).toEqual({ a: 'skipped', b: 'queued' });
  });

  test('a fail verdict is final: no retry, the rest is skipped, the run fails there', () => {
    const bench = new Bench([
      step('qa', { retries: 5 }),
      step('x', { dependencies: ['qa'] }),
      step('y', { dependencies: ['x'] }),
    ])
      .start()
      .reply('qa', FAIL);
    expect(bench.statuses).toEqual({ qa: 'failed', x: 'skipped', y: 'skipped' });
    expect(bench.state.record).toMatchObject({
      status: 'failed',
      failure: { step: 'qa', class: 'REJECTED', message: '2 of 5 tests failed' },
    });
    expect(bench.step('qa')).toMatchObject({ verdict: 'fail', result: { ok: true }, token: null });
    expect(bench.step('y').reason).toBe('step qa failed');
  });

  test('after a failure what is in flight finishes and is recorded, and nothing new starts', () => {
    const bench = new Bench([step('a'), step('b'), step('c', { dependencies: ['b'] })]).start().reply('a', FAIL);
    expect(bench.statuses).toEqual({ a: 'failed', b: 'queued', c: 'skipped' });
    expect(bench.state.record.status).toBe('running');
    bench.reply('b', PASS);
    expect(bench.statuses).toEqual({ a: 'failed', b: 'succeeded', c: 'skipped' });
    expect(bench.state.record.status).toBe('failed');
  });

  test('an error is retried as often as the step says, later each time, with a new token', () => {
    const bench = new Bench([step('a', { retries: 2 })]).start();
    const first = bench.step('a').token;
    bench.reply('a', BROKEN);
    expect(bench.step('a')).toMatchObject({ status: 'retrying', token: null, failures: 1 });
    expect(bench.last?.arm).toEqual([{ id: 'retry|test-1|a|1', afterMs: 1_000 }]);
    bench.timer('retry', 'a');
    expect(bench.step('a')).toMatchObject({ status: 'queued', attempt: 2 });
    expect(bench.step('a').token).not.toBe(first);
    bench.reply('a', BROKEN);
    expect(bench.last?.arm).toEqual([{ id: 'retry|test-1|a|2', afterMs: 2_000 }]);
    bench.timer('retry', 'a').reply('a', BROKEN);
    expect(bench.statuses).toEqual({ a: 'failed' });
    expect(bench.state.record).toMatchObject({
      status: 'failed',
      failure: { class: 'PERSONA_ERROR', message: 'exit 1' },
    });
  });

  test('a lost worker costs no retry, but a step that loses every worker fails', () => {
    const bench = new Bench([step('a')]).start();
    for (let loss = 1; loss <= MAX_LOSSES; loss++) {
      bench.timer('heartbeat', 'a');
      expect(bench.step('a')).toMatchObject({ status: 'queued', attempt: loss + 1, losses: loss, failures: 0 });
    }
    bench.timer('heartbeat', 'a');
    expect(bench.state.record).toMatchObject({ status: 'failed', failure: { class: 'WORKER_LOST' } });
  });

  test('a timeout is an error of the attempt, and disarms its heartbeat', () => {
    const bench = new Bench([step('a', { retries: 1, timeout: 3 })]).start();
    expect(bench.requests[0]?.timeoutMs).toBe(3_000);
    bench.timer('timeout', 'a');
    expect(bench.step('a')).toMatchObject({
      status: 'retrying',
      error: { class: 'TIMEOUT', message: 'no reply within 0.3 s of work' },
    });
    expect(bench.last?.disarm).toContain('heartbeat|test-1|a|1');
  });

  test('a deadline that fires when the reply has arrived already changes nothing: the reply lies behind it', () => {
    const bench = new Bench([step('a', { timeout: 3 })]).start();
    const late = { run: 'test-1', step: 'a', attempt: 1 };
    bench.send({ ...bench.stamp(), kind: 'timer', timer: { ...late, kind: 'heartbeat' }, claim: null });
    bench.send({ ...bench.stamp(), kind: 'timer', timer: { ...late, kind: 'timeout' }, claim: null });
    expect(bench.facts.at(-1)).toMatchObject({
      type: 'message.ignored',
      reason: 'the reply of attempt 1 of step a is on its way',
    });
    bench.reply('a', PASS);
    expect(bench.state.record.status).toBe('completed');
  });

  test('a further attempt keeps nothing of the one before but its error', () => {
    const bench = new Bench([step('a', { retries: 1 })]).start().reply('a', { ...BROKEN, result: 'of attempt 1' });
    bench.timer('retry', 'a').timer('heartbeat', 'a').timer('timeout', 'a');
    expect(bench.step('a')).toMatchObject({ status: 'failed', attempt: 3, result: null });
  });

  test('an outcome too large for a request is named, and smaller ones still fit', () => {
    const bench = new Bench([
      step('small'),
      step('large', { dependencies: ['small'] }),
      step('last', { dependencies: ['large'] }),
    ]).start();
    bench.reply('small', PASS).reply('large', { ...PASS, result: 'x'.repeat(70_000) });
    expect(bench.requests[2]).toMatchObject({ omitted: ['large'], results: { small: { status: 'pass' } } });
  });

  test('a reply to an attempt that is over changes nothing and says why', () => {
    const bench = new Bench([step('a')]).start();
    const late = bench.replyMessage('a', PASS);
    bench.timer('heartbeat', 'a');
    const before = canonicalJson(JSON.parse(JSON.stringify([...bench.state.steps])) as JsonValue);
    bench.send(late);
    expect(canonicalJson(JSON.parse(JSON.stringify([...bench.state.steps])) as JsonValue)).toBe(before);
    expect(bench.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind: 'reply', step: 'a' });
  });

  test('a timer that comes after the attempt has ended changes nothing', () => {
    const bench = new Bench([step('a'), step('b', { dependencies: ['a'] })])
      .start()
      .reply('a', PASS)
      .timer('heartbeat', 'a', 1)
      .timer('retry', 'a', 1);
    expect(bench.facts.slice(-2)).toMatchObject([{ type: 'message.ignored' }, { type: 'message.ignored' }]);
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'queued' });
  });

  test('cancel ends every step that has not settled, with its token and timers', () => {
    const bench = new Bench([step('a'), step('b', { retries: 1 }), step('c', { dependencies: ['a'] })])
      .start()
      .reply('b', BROKEN);
    bench.cancel(new Map([['a', { worker: 'w7', begunAt: 1_150, beatAt: 1_160, progress: '' }]]));
    expect(bench.facts).toContainEqual(
      expect.objectContaining({ type: 'step.working', step: 'a', worker: 'w7', at: 1_150 }),
    );
    expect(bench.step('a').worker).toBe('w7');
    expect(bench.statuses).toEqual({ a: 'canceled', b: 'canceled', c: 'canceled' });
    expect(bench.state.record).toMatchObject({
      status: 'canceled',
      canceled: { reason: 'no longer needed', by: 'ada' },
    });
    expect(bench.last?.disarm.toSorted()).toEqual(['heartbeat|test-1|a|1', 'retry|test-1|b|1', 'timeout|test-1|a|1']);
    expect(bench.step('a').token).toBeNull();
    bench.cancel();
    expect(bench.facts.at(-1)).toMatchObject({ type: 'message.ignored', reason: 'the run is canceled' });
  });

  test('a condition or template that cannot be evaluated fails its step and names it', () => {
    const bench = new Bench([
      step('a', { params: { branch: '{{task.slug}}' } }),
      step('b', { dependencies: ['a'] }),
    ]).start();
    expect(bench.statuses).toEqual({ a: 'failed', b: 'skipped' });
    expect(bench.state.record.failure).toMatchObject({ step: 'a', class: 'EXPRESSION' });
    expect(bench.state.record.failure?.message).toContain('step "a", params');
    expect(bench.requests).toEqual([]);
  });

  test('templates give typed numbers and joined texts', () => {
    const bench = new Bench(
      [
        step('setup', {
          name: 'Setup {{variables.project}}',
          timeout: '{{variables.base}}',
          params: { branch: '{{variables.prefix}}{{task.slug}}', n: '{{variables.base}}' },
        }),
      ],
      {
        task: { project: 'shop', slug: 'cart' },
        variables: { project: '{{task.project}}', base: 1800, prefix: 'feat/' },
      },
    ).start();
    expect(bench.requests[0]).toMatchObject({
      name: 'Setup shop',
      timeoutMs: 1_800_000,
      params: { branch: 'feat/cart', n: 1800 },
    });
  });

  test('the branch of the run moves with every pass that made a commit', () => {
    const bench = new Bench([step('a'), step('b', { dependencies: ['a'] })])
      .start()
      .reply('a', { ...PASS, commit: 'c'.repeat(40) });
    expect(bench.state.record.head).toBe('c'.repeat(40));
    bench.reply('b', { ...FAIL, commit: null });
    expect(bench.state.record.head).toBe('c'.repeat(40));
  });

  test('a chain of two thousand skipped steps neither overflows nor loses the end', () => {
    const steps = Array.from({ length: 2_000 }, (_, index) =>
      step(`s${String(index)}`, { dependencies: index === 0 ? [] : [`s${String(index - 1)}`], condition: 'false' }),
    );
    expect(new Bench(steps).start().state.record).toMatchObject({ status: 'completed', active: 0 });
  });
});

describe('fold, whatever happens', () => {
  /** A random graph, and random things that happen to whatever is outstanding. */
  const graph = fc
    .array(
      fc.record({
        dependencies: fc.array(fc.nat(20), { maxLength: 3 }),
        retries: fc.nat(2),
        condition: fc.constantFrom(null, 'true', 'false'),
      }),
      { minLength: 1, maxLength: 8 },
    )
    .map((rows) =>
      rows.map((row, index) =>
        step(`s${String(index)}`, {
          retries: row.retries,
          condition: row.condition,
          dependencies: [...new Set(row.dependencies.filter((at) => at < index))].map((at) => `s${String(at)}`),
        }),
      ),
    );
  const happenings = fc.array(
    fc.record({
      which: fc.nat(7),
      what: fc.constantFrom('pass', 'fail', 'error', 'lost', 'timeout', 'retry', 'stale', 'cancel'),
    }),
    { maxLength: 60 },
  );

  function messageFor(bench: Bench, { which, what }: { which: number; what: string }): Message {
    const ids = bench.state.plan.root.steps;
    const id = ids[which % ids.length] ?? '';
    const { attempt } = bench.step(id);
    const claim = { worker: 'w', begunAt: 1, beatAt: 1, progress: '' };
    const timer = { run: 'test-1', step: id, attempt };
    switch (what) {
      case 'pass':
        return bench.replyMessage(id, PASS);
      case 'fail':
        return bench.replyMessage(id, FAIL);
      case 'error':
        return bench.replyMessage(id, BROKEN);
      case 'lost':
        return { ...bench.stamp(), kind: 'timer', timer: { ...timer, kind: 'heartbeat' }, claim };
      case 'timeout':
        return { ...bench.stamp(), kind: 'timer', timer: { ...timer, kind: 'timeout' }, claim };
      case 'retry':
        return { ...bench.stamp(), kind: 'timer', timer: { ...timer, kind: 'retry' }, claim: null };
      case 'stale':
        return { ...bench.stamp(), kind: 'reply', step: id, token: 'stale', worker: 'w', begunAt: 1, reply: PASS };
      default:
        return which === 0
          ? { ...bench.stamp(), kind: 'cancel', reason: 'r', by: 'b', claims: new Map() }
          : bench.replyMessage(id, PASS);
    }
  }

  test('no step settles twice, counters stay true, and an ended run has nothing outstanding', () => {
    fc.assert(
      fc.property(graph, happenings, (steps, events) => {
        const bench = new Bench(steps).start();
        const settled = new Set(
          Object.entries(bench.statuses).flatMap(([id, status]) => (stepIsSettled(status as 'failed') ? [id] : [])),
        );
        for (const event of events) {
          const before = bench.statuses;
          bench.send(messageFor(bench, event));
          const after = bench.statuses;
          for (const id of settled) expect(after[id]).toBe(before[id]);
          for (const [id, status] of Object.entries(after)) {
            if (stepIsSettled(status as 'failed')) settled.add(id);
          }
          expect(bench.state.record.settled).toBe(settled.size);
          const outstanding = [...bench.state.steps.values()].filter((row) => row.token !== null);
          const moving =
            outstanding.length > 0 || [...bench.state.steps.values()].some((row) => row.status === 'retrying');
          // A run that has not ended always waits for something: a reply, or a retry that is due.
          expect(moving).toBe(!runHasEnded(bench.state.record.status));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('folding messages one by one or all at once gives the same state and the same facts', () => {
    fc.assert(
      fc.property(graph, happenings, (steps, events) => {
        const single = new Bench(steps);
        const messages: Message[] = [{ ...single.stamp(), kind: 'start' }];
        single.send(...messages);
        for (const event of events) {
          const message = messageFor(single, event);
          messages.push(message);
          single.send(message);
        }
        const whole = new Bench(steps).send(...messages);
        expect(whole.facts).toEqual(single.facts);
        expect(whole.state.record).toEqual(single.state.record);
        expect(whole.state.steps).toEqual(single.state.steps);
        expect(whole.requests).toEqual(single.requests);
      }),
      { numRuns: 200 },
    );
  });

  test('the state under a fold is not changed', () => {
    const bench = new Bench([step('a'), step('b', { dependencies: ['a'] })]).start();
    const seen = (): string => JSON.stringify([bench.state.record, [...bench.state.steps], [...bench.state.counters]]);
    const before = seen();
    fold(bench.state, [bench.replyMessage('a', PASS)]);
    expect(seen()).toBe(before);
  });
});
