import { expect, test } from 'vitest';
import type { StepDefinition } from '../../src/definition/steps.js';
import { pastBefore } from '../../src/machines/forking.js';
import { forEach, loop, step, wait } from '../harness/definitions.js';
import { Bench, FAIL, passing } from '../harness/fold-bench.js';

/** A run that shares the past of this one, not started yet. */
function forked(source: Bench, steps: readonly StepDefinition[], from: string): Bench {
  const past = pastBefore(source.state, from);
  if ('refused' in past) throw new Error(past.refused);
  const bench = new Bench(steps);
  const shared = { run: 'source-1', step: from, by: 'ada', steps: past.steps };
  bench.state = { ...bench.state, input: { ...bench.state.input, past: shared } };
  return bench;
}

const chain = [
  step('a', { compensate: [step('undo')] }),
  step('b', { dependencies: ['a'] }),
  step('c', { dependencies: ['b'] }),
  step('other', { dependencies: ['a'] }),
];

test('a fork begins with the step, has the results before it, and leaves the other run as it was', () => {
  const source = new Bench(chain).start().reply('a', passing('first')).pass('b', 'other', 'c');
  const { record, steps } = source.state;
  const bench = forked(source, chain, 'b').start();
  expect([source.state.record, source.state.steps]).toEqual([record, steps]);
  expect(bench.statuses).toEqual({ a: 'succeeded', b: 'queued', c: 'pending', other: 'succeeded' });
  expect(bench.requests.at(-1)).toMatchObject({ step: 'b', attempt: 1, results: { a: { result: 'first' } } });
  expect(bench.facts[1]).toMatchObject({
    type: 'run.forked',
    from: 'source-1',
    step: 'b',
    by: 'ada',
    steps: ['a', 'other'],
  });
  expect(bench.reload().pass('b', 'c').status).toBe('completed');
});

test('a fork that fails undoes only what it has done itself', () => {
  const source = new Bench(chain).start().pass('a');
  const bench = forked(source, chain, 'b').start().pass('other').reply('b', FAIL);
  expect(bench.status).toBe('failed');
  const own = forked(source, chain, 'a').start().pass('a', 'other').reply('b', FAIL);
  expect(own.status).toBe('compensating');
});

test('what is under way, or has failed, in the other run begins anew', () => {
  const steps = [step('x'), wait('w', { signal: 'go' }), step('y'), step('z', { dependencies: ['x'] })];
  const source = new Bench(steps).start().pass('x').reply('y', FAIL);
  expect(forked(source, steps, 'z').start().asked.toSorted()).toEqual(['y', 'z']);
});

test('inside a loop it begins with that round, and inside a for_each with that item', () => {
  const steps = [
    loop('l', [step('q', { on_error: 'continue' })], { until: "steps.q.status === 'pass'", max_rounds: 3 }),
    forEach('e', [step('i')], { items: [1, 2], concurrency: 1 }),
  ];
  const source = new Bench(steps).start().reply('l[1]/q', FAIL).pass('l[2]/q', 'e[0]/i', 'e[1]/i');
  const round = forked(source, steps, 'l[2]/q').start();
  expect(round.asked).toEqual(['l[2]/q']);
  expect(round.reload().pass('l[2]/q').status).toBe('completed');
  const item = forked(source, steps, 'e[0]/i').start();
  expect(item.asked).toEqual(['e[0]/i']);
  expect(item.reload().pass('e[0]/i').status).toBe('completed');
});

test('what has no past has no fork', () => {
  const source = new Bench(chain).start();
  expect(pastBefore(source.state, 'c')).toEqual({
    refused: 'step c has not begun, so there is nothing to restart from',
  });
  expect(pastBefore(source.state, 'bb')).toEqual({ refused: 'there is no step "bb". Did you mean "b"?' });
});
