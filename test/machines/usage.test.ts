/** What attempts have used, what the next one is told of those before it, and when it begins. */
import { describe, expect, test } from 'vitest';
import type { PersonaReply, Usage } from '../../src/core/exchange.js';
import type { ErrorClass } from '../../src/core/statuses.js';
import { inner, parallel, step } from '../harness/definitions.js';
import { Bench, BROKEN, FAIL, PASS } from '../harness/fold-bench.js';
import { restart } from '../harness/steered.js';

const used = (inputTokens: number, costUsd = 0): { readonly usage: Usage } => ({ usage: { inputTokens, costUsd } });
const failing = (errorClass: ErrorClass, more: Partial<PersonaReply> = {}): PersonaReply => ({
  ...PASS,
  status: 'error',
  error: { class: errorClass, message: 'no' },
  ...more,
});
const HOUR = 3_600_000;

describe('usage', () => {
  test('is told with the end of each attempt, and added up over all of them', () => {
    const run = new Bench([step('a', { retries: 1 }), step('b')]).start();
    run.reply('a', { ...BROKEN, ...used(100, 0.1) }).timer('retry', 'a');
    run.reply('a', { ...PASS, usage: { inputTokens: 5, outputTokens: 6, costUsd: 0.2, turns: 2 } });
    expect(run.state.record.used).toEqual({ tokens: 111, costUsd: 0.3, turns: 2 });
    expect(run.step('a').more.used).toEqual({ tokens: 111, costUsd: 0.3, turns: 2 });
    const told = run.facts.filter(({ type }) => type === 'step.retrying' || type === 'step.succeeded');
    expect(told).toMatchObject([{ usage: { inputTokens: 100 } }, { usage: { turns: 2 } }]);
    run.reply('b', { ...FAIL, ...used(9) });
    expect(run.facts.find(({ type }) => type === 'step.failed')).toMatchObject({ usage: { inputTokens: 9 } });
    expect(run.state.record.used?.tokens).toBe(120);
  });

  test('is not there in a run in which nobody says anything', () => {
    const run = new Bench([step('a', { retries: 1 })]).start().timer('timeout', 'a').timer('retry', 'a').reply('a');
    expect(run.status).toBe('completed');
    expect(run.state.record).not.toHaveProperty('used');
    expect(run.step('a').more).not.toHaveProperty('used');
    expect(JSON.stringify(run.facts)).not.toContain('usage');
  });

  test('is marked as not all when an attempt ended without a word, before or after', () => {
    const steps = [step('a', { retries: 1 }), step('b')];
    const before = new Bench(steps)
      .start()
      .timer('timeout', 'a')
      .reply('b', { ...PASS, ...used(1) });
    const after = new Bench(steps)
      .start()
      .reply('b', { ...PASS, ...used(1) })
      .timer('timeout', 'a');
    for (const run of [before, after]) expect(run.state.record.used).toMatchObject({ tokens: 1, unknown: true });
    const partly = new Bench(steps).start().reply('b', { ...PASS, usage: { inputTokens: 1 } });
    expect(partly.state.record.used).toMatchObject({ unknown: true });
  });

  test('goes on counting when the run is restarted', () => {
    const run = new Bench([step('a'), step('b', { dependencies: ['a'] })]).start();
    run.reply('a', { ...PASS, ...used(10) });
    expect(restart(run, 'a')).toBeNull();
    run.reply('a', { ...PASS, ...used(7) });
    expect(run.state.record.used).toMatchObject({ tokens: 17 });
    expect(run.step('a').more.used).toMatchObject({ tokens: 17 });
  });

  test('of a run inside is added when that is over', () => {
    const run = new Bench([inner('a', 'other')]).start();
    const { token } = run.step('a');
    const outcome = { step: 'a', token: token ?? '', run: 'x', result: null, error: null, head: null } as const;
    run.send({ ...run.stamp(), kind: 'inner-run', outcome: { ...outcome, status: 'waiting' } });
    expect(run.state.record.used).toBeUndefined();
    const spent = { tokens: 40, costUsd: 1, turns: 3 };
    run.send({ ...run.stamp(), kind: 'inner-run', outcome: { ...outcome, status: 'completed', used: spent } });
    expect(run.state.record.used).toEqual(spent);
  });
});

describe('a request', () => {
  test('says what its result must look like, and its token does not depend on it', () => {
    const output = { type: 'object' };
    const strict = new Bench([step('a', { output })]).start();
    const without = new Bench([step('a')]).start();
    expect(strict.requests[0]?.output).toEqual(output);
    expect(without.requests[0]).not.toHaveProperty('output');
    expect(strict.requests[0]?.token).toBe(without.requests[0]?.token);
  });

  test('names the conversation of the same persona on the step, and no other', () => {
    const run = new Bench([step('a', { retries: 1, fallback: ['other'] }), step('b', { retries: 1 })]).start();
    run.reply('a', { ...BROKEN, session: 's-1' }).timer('retry', 'a');
    expect(run.requests.at(-1)).toMatchObject({ persona: 'worker', session: 's-1' });
    run.reply('a', { ...BROKEN, session: 's-2' });
    expect(run.requests.at(-1)).toMatchObject({ persona: 'other', attempt: 3 });
    expect(run.requests.at(-1)).not.toHaveProperty('session');
    run.reply('b', BROKEN).timer('retry', 'b');
    expect(run.requests.at(-1)).not.toHaveProperty('session');
  });

  test('hands over the last attempt of each persona, oldest first', () => {
    const run = new Bench([step('a', { retries: 1, fallback: ['other'] })]).start();
    expect(run.requests[0]).not.toHaveProperty('handover');
    const ref = { name: 'plan.md', sha256: 'a'.repeat(64), size: 3, type: 'text/markdown' };
    run.reply('a', { ...BROKEN, result: 1 }).timer('retry', 'a');
    expect(run.requests.at(-1)?.handover).toMatchObject([{ persona: 'worker', attempt: 1, result: 1 }]);
    run.reply('a', { ...BROKEN, result: 2, artifacts: [ref] });
    const first = { persona: 'worker', attempt: 2, error: BROKEN.error, result: 2, artifacts: [ref] };
    expect(run.requests.at(-1)?.handover).toEqual([first]);
    run.reload().timer('timeout', 'a').timer('retry', 'a');
    const second = { persona: 'other', attempt: 3, error: { class: 'TIMEOUT' }, result: null };
    expect(run.requests.at(-1)?.handover).toMatchObject([first, second]);
  });

  test('hands over what was asked, without an error, and leaves out what is too large', () => {
    const run = new Bench([step('a', { retries: 1 })]).start();
    const questions = [{ id: 'x', ask: 'What?', type: 'text' as const }];
    run.reply('a', { ...PASS, status: 'needs_input', result: 'half', questions }).decide('a', 'skip');
    expect(run.requests.at(-1)?.handover).toMatchObject([{ error: null, result: 'half' }]);
    run.reply('a', { ...BROKEN, result: 'x'.repeat(70_000) }).timer('retry', 'a');
    expect(run.requests.at(-1)?.handover).toMatchObject([{ error: BROKEN.error, result: null }]);
  });

  test('of a run from before that says what it said then', () => {
    const run = new Bench([step('a', { retries: 1 })]);
    const { since: _since, ...record } = run.state.record;
    run.state = { ...run.state, record };
    run.start().reply('a', BROKEN).timer('retry', 'a');
    expect(run.requests.at(-1)).not.toHaveProperty('handover');
  });
});

describe('a persona without quota', () => {
  const quota = (more: Partial<PersonaReply> = {}): PersonaReply => failing('QUOTA', { resumeInMs: HOUR, ...more });

  test('is waited for until it says, and no retry is used up', () => {
    const run = new Bench([step('a', { retries: 1 })]).start();
    for (let times = 1; times <= 3; times++) {
      run.reply('a', quota());
      expect(run.step('a')).toMatchObject({ status: 'retrying', failures: 0, more: { parked: { times } } });
      expect(run.last?.arm).toMatchObject([{ id: `retry|test-1|a|${String(times)}`, afterMs: HOUR }]);
      expect(run.facts.at(-1)).toMatchObject({ type: 'step.retrying', delayMs: HOUR, parked: true });
      run.reload().timer('retry', 'a');
    }
    run.reply('a', BROKEN);
    expect(run.step('a')).toMatchObject({ status: 'retrying', failures: 1 });
    expect(run.step('a').more.parked).toBeUndefined();
  });

  test('counts as failed when it does not say when, when the step does not try again for it, or after twenty times', () => {
    const plain = new Bench([step('a')]).start().reply('a', failing('QUOTA'));
    expect(plain.status).toBe('failed');
    const retries = { count: 1, backoff: [1], retry_on: ['TIMEOUT'] as const };
    expect(new Bench([step('a', { retries })]).start().reply('a', quota()).status).toBe('failed');
    const run = new Bench([step('a')]).start();
    for (let times = 0; times < 20; times++) run.reply('a', quota()).timer('retry', 'a');
    expect(run.step('a').status).toBe('queued');
    expect(run.reply('a', quota()).status).toBe('failed');
  });

  test('gives way to the next one at once where the step says so, and the last one is waited for', () => {
    const run = new Bench([step('a', { retries: 3, fallback: ['other'], on_quota: 'fallback' })]).start();
    run.reply('a', quota());
    expect(run.requests.at(-1)).toMatchObject({ persona: 'other', attempt: 2 });
    run.reply('a', quota());
    expect(run.step('a')).toMatchObject({ status: 'retrying', more: { parked: { times: 1 } } });
  });

  test('is not asked while the run is paused; canceling ends the waiting', () => {
    const run = new Bench([step('a')]).start().reply('a', quota());
    run.send({ ...run.stamp(), kind: 'pause', reason: 'wait', by: 'ada' }).timer('retry', 'a');
    expect(run.step('a')).toMatchObject({ status: 'retrying', more: { due: true } });
    run.send({ ...run.stamp(), kind: 'resume', by: 'ada' });
    expect(run.step('a').status).toBe('queued');
    const other = new Bench([step('a')]).start().reply('a', quota()).cancel();
    expect(other.status).toBe('canceled');
    expect(other.last?.disarm).toContain('retry|test-1|a|1');
  });
});

describe('the next attempt starts', () => {
  const HEAD = 'b'.repeat(40);
  const WORK = 'c'.repeat(40);
  const start = (change: Parameters<typeof step>[1], reply: PersonaReply): string | undefined => {
    const run = new Bench([step('a', { fallback: ['other'], ...change })]);
    const workspace = { repo: '/r', base: HEAD, branch: 'coord/x' };
    run.state = { ...run.state, input: { ...run.state.input, workspace } };
    run.start().reply('a', { ...reply, commit: WORK });
    if (run.step('a').status === 'retrying') run.timer('retry', 'a');
    return run.requests.at(-1)?.workspace?.commit;
  };

  test.each([
    ['where the run stands, after an error', {}, BROKEN, HEAD],
    ['where the run stands, when it is tried again', { retries: 1 }, failing('TIMEOUT'), HEAD],
    ['from what was done, when another persona takes over from one that was interrupted', {}, failing('TIMEOUT'), WORK],
    ['from what was done, when the step says so', { retries: 1, resume_from: 'attempt' }, BROKEN, WORK],
    ['where the run stands, when the step says so', { resume_from: 'clean' }, failing('TIMEOUT'), HEAD],
    ['from what was done, when it was parked', {}, failing('QUOTA', { resumeInMs: HOUR }), WORK],
  ] as const)('%s', (_, change, reply, commit) => {
    expect(start(change, reply)).toBe(commit);
  });

  test('and the run stands where it stood before', () => {
    const run = new Bench([parallel('p', [step('a', { retries: 1, resume_from: 'attempt' }), step('b')])]).start();
    run.reply('a', { ...BROKEN, commit: WORK });
    expect(run.state.record.head).toBeNull();
  });
});
