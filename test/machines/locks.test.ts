import { describe, expect, test } from 'vitest';
import type { LockAnswer, LockParty } from '../../src/core/lock-port.js';
import type { LockStep } from '../../src/definition/steps.js';
import { loop, lock, parallel, step, unlock } from '../harness/definitions.js';
import { Bench, FAIL } from '../harness/fold-bench.js';
import { restart, retry, skip } from '../harness/steered.js';

const ANN: LockParty = { kind: 'command', id: 'c1', by: 'ann', host: 'laptop', pid: 7, command: 'vim ticket.md' };
const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });
const task = { ticket: 7 };

/** The lock's timer has run out, and the store has answered. */
function answered(run: Bench, path: string, answer: LockAnswer): Bench {
  const attempt = Math.max(1, run.step(path).attempt);
  const timer = { kind: 'lock', run: 'test-1', step: path, attempt } as const;
  return run.send({ ...run.stamp(), kind: 'timer', timer, claim: null, lock: answer });
}

function waiting(change: Partial<LockStep> = {}): Bench {
  const steps = [lock('take', 'ticket/{{ task.ticket }}', change), step('work', after('take'))];
  return new Bench(steps, { task }).start();
}

describe('lock', () => {
  test('waits for the lock by its rendered name, and asks for it at once', () => {
    const run = waiting();
    expect(run.status).toBe('waiting');
    expect(run.step('take').more.waitsFor).toEqual({ kind: 'lock', name: 'ticket/7' });
    expect(run.last?.arm).toEqual([{ id: 'lock|test-1|take|1', afterMs: 0 }]);
    expect(run.asked).toEqual([]);
  });

  test('passes with the lock once it is granted; the run holds it from then on', () => {
    const run = answered(waiting(), 'take', { granted: 3 });
    expect(run.step('take')).toMatchObject({ status: 'succeeded', result: { lock: 'ticket/7' } });
    expect(run.state.record.locks).toEqual([{ name: 'ticket/7', step: 'take', grant: 3, since: expect.any(Number) }]);
    expect(run.asked).toEqual(['work']);
    expect(run.last?.disarm).toContain('lock|test-1|take|1');
  });

  test('says who holds it when it is refused first, and asks again', () => {
    const run = answered(waiting(), 'take', { granted: null, holder: ANN });
    expect(run.step('take')).toMatchObject({ status: 'waiting', more: { waitsFor: { holder: ANN } } });
    expect(run.facts.at(-1)).toMatchObject({ type: 'step.waiting', waitsFor: { name: 'ticket/7', holder: ANN } });
    expect(run.last?.arm).toEqual([{ id: 'lock|test-1|take|1', afterMs: 500 }]);
    expect(answered(run, 'take', { granted: 4 }).asked).toEqual(['work']);
  });

  test('fails when the lock is not free in time, and what is granted too late is not held', () => {
    const run = waiting({ timeout: 5 }).timer('timeout', 'take');
    expect(run.step('take').error).toMatchObject({
      class: 'TIMEOUT',
      message: expect.stringMatching(/^lock "ticket\/7" was not free within/),
    });
    expect(run.status).toBe('failed');
    const tolerant = waiting({ timeout: 5, on_error: 'continue' }).timer('timeout', 'take');
    expect(answered(tolerant, 'take', { granted: 3 }).state.record.locks).toBeUndefined();
    expect(tolerant.facts.at(-1)).toMatchObject({ type: 'message.ignored', kind: 'timer' });
  });

  test('passes at once when the run holds the lock already', () => {
    const steps = [lock('a', 'x'), lock('b', 'x', after('a')), step('work', after('b'))];
    const run = answered(new Bench(steps).start(), 'a', { granted: 1 });
    expect(run.statuses).toMatchObject({ a: 'succeeded', b: 'succeeded', work: 'queued' });
    expect(run.state.record.locks).toHaveLength(1);
  });

  test('two steps that wait for the same lock at the same time both get it', () => {
    const run = new Bench([parallel('both', [lock('a', 'x'), lock('b', 'x')])]).start();
    answered(answered(run, 'both/a' in run.statuses ? 'both/a' : 'a', { granted: 1 }), 'b', { granted: 2 });
    expect(run.status).toBe('completed');
  });

  test.each([
    ['an empty name', '{{ task.none || "" }}'],
    ['two lines', 'a{{ "\\n" }}b'],
    ['a name that is too long', '{{ task.long }}'],
  ])('fails by its name: %s', (_, name) => {
    const run = new Bench([lock('take', name)], { task: { long: 'x'.repeat(201) } }).start();
    expect(run.step('take').error).toMatchObject({ class: 'EXPRESSION' });
    expect(run.status).toBe('failed');
  });
});

describe('unlock', () => {
  test('gives the lock back', () => {
    const run = new Bench([lock('a', 'x'), unlock('z', 'x', after('a')), step('more', after('z'))]).start();
    answered(run, 'a', { granted: 1 });
    expect(run.step('z')).toMatchObject({ status: 'succeeded', result: { lock: 'x' }, reason: null });
    expect(run.state.record.locks).toBeUndefined();
  });

  test('passes with a reason when the run does not hold it', () => {
    const run = new Bench([unlock('z', 'x')]).start();
    expect(run.step('z')).toMatchObject({ status: 'succeeded', reason: 'the run does not hold lock "x"' });
    expect(run.status).toBe('completed');
  });

  test('a loop takes and gives back in every round', () => {
    const steps = [lock('a', 'x'), step('work', after('a')), unlock('z', 'x', after('work'))];
    const run = new Bench([loop('l', steps, { until: 'false', max_rounds: 2 })]).start();
    for (const [round, grant] of [
      [1, 5],
      [2, 6],
    ] as const) {
      answered(run, `l[${String(round)}]/a`, { granted: grant });
      expect(run.state.record.locks).toMatchObject([{ grant }]);
      run.pass(`l[${String(round)}]/work`);
      expect(run.state.record.locks).toBeUndefined();
    }
    expect(run.status).toBe('failed');
  });
});

const held = (): Bench => answered(waiting(), 'take', { granted: 3 });

describe('a run that ends', () => {
  test('what undoes it still happens under the lock', () => {
    const steps = [
      lock('take', 'x'),
      step('work', { ...after('take'), compensate: [step('undo')] }),
      step('qa', after('work')),
    ];
    const run = answered(new Bench(steps).start(), 'take', { granted: 3 }).pass('work').reply('qa', FAIL);
    expect(run.status).toBe('compensating');
    expect(run.state.record.locks).toHaveLength(1);
    run.pass('work[compensate]/undo');
    expect(run.status).toBe('failed');
  });
});

describe('a run that is taken up again', () => {
  test('begins nothing before it holds again what it held when it ended', () => {
    const run = held().reply('work', FAIL).reload();
    expect(run.status).toBe('failed');
    expect(retry(run)).toBeNull();
    expect(run.state.record.locks).toMatchObject([{ name: 'ticket/7', step: 'take', grant: null }]);
    expect(run.last?.arm).toEqual([{ id: 'lock|test-1|take|1', afterMs: 0 }]);
    expect(run.facts.at(-1)).toMatchObject({ type: 'step.waiting', step: 'take', waitsFor: { name: 'ticket/7' } });
    expect(run.asked).toEqual([]);
    expect(answered(run.reload(), 'take', { granted: 9 }).asked).toEqual(['work']);
    expect(run.state.record.locks).toMatchObject([{ grant: 9 }]);
    expect(run.step('take').attempt).toBe(1);
    expect(run.pass('work').status).toBe('completed');
  });

  test('takes the lock by its step when that runs again too, and holds what it needs no more for nothing', () => {
    const run = held().reply('work', FAIL);
    expect(restart(run, 'take')).toBeNull();
    expect(run.state.record.locks).toBeUndefined();
    expect(run.step('take')).toMatchObject({ status: 'waiting', attempt: 2 });
    expect(answered(run, 'take', { granted: 9 }).asked).toEqual(['work']);
  });

  test('waits for nothing any more when it is canceled meanwhile', () => {
    const run = held().reply('work', FAIL);
    retry(run);
    expect(run.cancel().status).toBe('canceled');
    expect(run.state.record.locks).toBeUndefined();
    expect(run.last?.disarm).toContain('lock|test-1|take|1');
    expect(answered(run, 'take', { granted: 9 }).state.record.locks).toBeUndefined();
  });

  test('may end by it: the end is drawn when it holds the lock, or when its time is up', () => {
    const ends = (): Bench => {
      const run = answered(
        new Bench([lock('take', 'x'), step('work', after('take'))], { timeout: 60 }).start(),
        'take',
        {
          granted: 3,
        },
      ).reply('work', FAIL);
      expect(skip(run, 'work')).toBeNull();
      expect(run.status).toBe('running');
      return run;
    };
    expect(answered(ends(), 'take', { granted: 4 }).status).toBe('completed');
    expect(ends().timer('deadline', '').status).toBe('failed');
    expect(ends().cancel().status).toBe('canceled');
  });

  test('is not moved on by being paused and resumed meanwhile', () => {
    const run = held().reply('work', FAIL);
    retry(run);
    run.send({ ...run.stamp(), kind: 'pause', reason: 'r', by: 'ada' });
    expect(run.status).toBe('paused');
    run.send({ ...run.stamp(), kind: 'resume', by: 'ada' });
    expect(run.asked).toEqual([]);
    run.send({ ...run.stamp(), kind: 'pause', reason: 'r', by: 'ada' });
    expect(answered(run, 'take', { granted: 4 }).asked).toEqual([]);
    run.send({ ...run.stamp(), kind: 'resume', by: 'ada' });
    expect(run.asked).toEqual(['work']);
  });

  test('a running one keeps its lock when it is restarted', () => {
    const run = held();
    expect(restart(run, 'take')).toBeNull();
    expect(run.step('take')).toMatchObject({ status: 'succeeded' });
    expect(run.state.record.locks).toMatchObject([{ grant: 3 }]);
  });
});
