/** What a run and its steps may use: what is set aside, what follows when nothing is left, and that it holds whatever happens. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PersonaReply } from '../../src/core/exchange.js';
import { parallel, step } from '../harness/definitions.js';
import { Bench, BROKEN, PASS } from '../harness/fold-bench.js';
import { retry } from '../harness/steered.js';

const using = (inputTokens: number, reply: PersonaReply = PASS): PersonaReply => ({
  ...reply,
  usage: { inputTokens, costUsd: 0 },
});
const ids = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `s${String(index)}`);
const ceilings = (run: Bench): readonly (number | undefined)[] => run.requests.map(({ ceiling }) => ceiling?.tokens);

describe('a request', () => {
  test('says what is left of the run, and of the step over all its attempts', () => {
    const steps = [step('a', { retries: 2, budget: { tokens: 50 } }), step('b', { dependencies: ['a'] })];
    const run = new Bench(steps, { budget: { tokens: 100, turns: 7 } }).start();
    expect(run.requests[0]?.ceiling).toEqual({ tokens: 50, turns: 7 });
    run.reply('a', using(20, BROKEN)).timer('retry', 'a').reply('a', using(5));
    expect(ceilings(run)).toEqual([50, 30, 75]);
    expect(new Bench([step('a')]).start().requests[0]).not.toHaveProperty('ceiling');
  });
});

describe('what is set aside', () => {
  test('is not there for others until the attempt is over', () => {
    const steps = ids(3).map((id) => step(id, { budget: { tokens: 60 } }));
    const run = new Bench([parallel('p', steps)], { budget: { tokens: 100 } }).start();
    expect(ceilings(run)).toEqual([60, 40]);
    expect(run.asked).toEqual(['s0', 's1']);
    run.reload().reply('s0', using(10));
    expect(ceilings(run)).toEqual([60, 40, 50]);
    run.pass('s2').reply('s1', using(40));
    expect(run.status).toBe('completed');
    // s2 has said nothing, so it has used all that was set aside for it.
    expect(run.state.record).toMatchObject({ used: { tokens: 100, unknown: true }, budget: {} });
    expect(run.state.record.budget).not.toHaveProperty('reserved');
  });

  test('is used up by an attempt that ends without a word, and given back when no worker had begun', () => {
    const steps = [step('a', { retries: 1, budget: { tokens: 60 }, queue_timeout: 5 })];
    const lost = new Bench(steps, { budget: { tokens: 100 } }).start().timer('timeout', 'a');
    expect(lost.state.record.used).toMatchObject({ tokens: 60, unknown: true });
    const queued = new Bench(steps, { budget: { tokens: 100 } }).start().timer('queue', 'a');
    expect(queued.state.record.used).toBeUndefined();
    expect(queued.timer('retry', 'a').requests.at(-1)?.ceiling).toEqual({ tokens: 60 });
  });
});

describe('when nothing is left', () => {
  const spent = (more: object = {}): Bench => {
    const steps = [
      step('a'),
      step('b', { dependencies: ['a'], fallback: ['other'] }),
      step('c', { dependencies: ['a'] }),
    ];
    return new Bench(steps, { budget: { tokens: 100, ...more } }).start().reply('a', using(100));
  };

  test('one step asks people, and the others wait with it', () => {
    const run = spent();
    expect(run.status).toBe('waiting');
    expect(run.statuses).toMatchObject({ b: 'waiting', c: 'pending' });
    const { waitsFor } = run.step('b').more;
    expect(waitsFor).toMatchObject({
      question: {
        about: 'budget',
        prompt: 'The run has used up its budget: 100 of 100 tokens. Step b would be next.',
        choices: [{ id: 'raise' }, { id: 'fallback' }, { id: 'stop' }],
      },
    });
    run.reload().decide('b', 'raise');
    expect(run.facts.at(-1)).toMatchObject({ type: 'message.ignored', reason: expect.stringContaining('tokens') });
    run.decide('b', 'raise', { tokens: 30 });
    expect(run.asked).toEqual(['b', 'c']);
    expect(ceilings(run).slice(1)).toEqual([30, 30]);
    expect(run.pass('b', 'c').status).toBe('completed');
  });

  test('the next persona can be asked instead', () => {
    const run = spent().decide('b', 'fallback', { tokens: 1 });
    expect(run.requests.filter(({ step: path }) => path === 'b').map(({ persona }) => persona)).toEqual(['other']);
    expect(run.facts.some((fact) => fact.type === 'step.fallback' && fact.to === 'other')).toBe(true);
  });

  test('people can stop the run, which a retry takes up with the same question', () => {
    const run = spent().decide('b', 'stop');
    expect(run.status).toBe('failed');
    expect(run.state.record.failure).toMatchObject({ class: 'LIMIT', step: 'b' });
    expect(retry(run)).toBeNull();
    expect(run.step('b').more.waitsFor).toMatchObject({ question: { about: 'budget' } });
    run.decide('b', 'raise', { tokens: 1 });
    expect(run.asked).toContain('b');
  });

  test('a retry asks as well, and so does what a worker has lost', () => {
    const run = new Bench([step('a', { retries: 1 })], { budget: { tokens: 10 } }).start();
    run.reply('a', using(10, BROKEN)).reload().timer('retry', 'a');
    expect(run.step('a')).toMatchObject({ status: 'waiting', failures: 1 });
    run.decide('a', 'raise', { tokens: 5 });
    expect(run.requests.at(-1)).toMatchObject({ attempt: 2, ceiling: { tokens: 5 } });
    const lost = new Bench([step('a', { budget: { tokens: 9 } })]).start().timer('heartbeat', 'a');
    expect(lost.step('a').status).toBe('retrying');
    lost.timer('retry', 'a');
    expect(lost.step('a').more.waitsFor).toMatchObject({
      question: { prompt: expect.stringContaining('Step a has used') },
    });
  });

  test('a budget of a step stops that step alone', () => {
    const steps = [step('a', { retries: 1, budget: { tokens: 10 }, on_error: 'continue' }), step('b')];
    const run = new Bench(steps).start().reply('a', using(10, BROKEN)).timer('retry', 'a');
    expect(run.statuses).toMatchObject({ a: 'waiting', b: 'queued' });
    run.decide('a', 'stop').pass('b');
    expect(run.state.record.failure).toMatchObject({ class: 'LIMIT' });
  });

  test('nobody waits for a question that is gone', () => {
    const steps = [step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['a'] })];
    const run = new Bench(
      [parallel('p', steps, { wait_for: 1 }), step('end', { dependencies: ['p'], when: 'always' })],
      {
        budget: { tokens: 10 },
      },
    ).start();
    run.reply('a', using(10));
    expect(run.statuses).toMatchObject({ p: 'succeeded', end: 'waiting' });
  });
});

test('people are warned once, at the soft limit', () => {
  const run = new Bench(
    ids(3).map((id) => step(id)),
    { budget: { tokens: 100, soft: 0.5 } },
  ).start();
  run.reply('s0', using(49));
  expect(run.facts.some(({ type }) => type === 'budget.warned')).toBe(false);
  run.reply('s1', using(2)).reply('s2', using(2));
  const warned = run.facts.filter(({ type }) => type === 'budget.warned');
  expect(warned).toMatchObject([{ used: { tokens: 51 }, limits: { tokens: 100 } }]);
});

describe('fifty steps at the same time', () => {
  const reply = fc.record({ used: fc.integer({ min: 0, max: 60 }), says: fc.boolean(), passes: fc.boolean() });
  const course = fc.array(fc.tuple(fc.nat(49), reply), { minLength: 50, maxLength: 200 });

  test('that keep to their ceilings never use more than the budget', () => {
    fc.assert(
      fc.property(course, fc.integer({ min: 10, max: 900 }), (replies, tokens) => {
        const steps = ids(50).map((id) => step(id, { retries: 2, on_error: 'continue', budget: { tokens: 40 } }));
        const run = new Bench([parallel('p', steps)], { budget: { tokens } }).start();
        for (const [pick, { used, says, passes }] of replies) {
          const path = run.asked[pick % Math.max(1, run.asked.length)];
          if (path === undefined) break;
          const ceiling = run.requests.findLast(({ step: of }) => of === path)?.ceiling?.tokens ?? 0;
          const answer = passes ? PASS : BROKEN;
          run.reply(path, says ? using(Math.min(used, ceiling), answer) : answer);
          const { used: sum, budget } = run.state.record;
          expect((sum?.tokens ?? 0) + (budget?.reserved?.tokens ?? 0)).toBeLessThanOrEqual(tokens);
        }
        const set = [...run.state.steps.values()].reduce((sum, { more }) => sum + (more.reserved?.tokens ?? 0), 0);
        expect(run.state.record.budget?.reserved?.tokens ?? 0).toBe(set);
        // Something is under way, or people are asked, or it is over: never does it just stand.
        const asks = [...run.state.steps.values()].some(({ status }) => status === 'waiting' || status === 'retrying');
        expect(run.asked.length > 0 || asks || run.status === 'completed').toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('without budgets of their own use at most as much more as was under way', () => {
    fc.assert(
      fc.property(course, fc.integer({ min: 10, max: 900 }), (replies, tokens) => {
        const run = new Bench(
          [
            parallel(
              'p',
              ids(50).map((id) => step(id)),
            ),
          ],
          {
            budget: { tokens },
            max_concurrent_steps: 5,
          },
        ).start();
        for (const [pick, { used }] of replies) {
          const path = run.asked[pick % Math.max(1, run.asked.length)];
          if (path === undefined) break;
          run.reply(path, using(used));
        }
        expect(run.state.record.used?.tokens ?? 0).toBeLessThan(tokens + 5 * 60);
      }),
      { numRuns: 60 },
    );
  });
});
