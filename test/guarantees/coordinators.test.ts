/** Coordinators that meet, and that were away for long. Rows of `docs/guarantees.md` that no other test is about. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { MAX_LOSSES } from '../../src/machines/attempts.js';
import { step, wait, workflow } from '../harness/definitions.js';
import { Hall } from './hall.js';

let hall: Hall;
beforeEach(() => {
  hall = new Hall();
});
afterEach(() => hall.close());

const PASS = '{"status":"pass"}';
const OWNS = /^partition\.(acquired|released)$/;
const HOUR_MS = 3_600_000;

test('two coordinators of the same name are two owners, one at a time, and the other takes over when that one dies', async () => {
  const both = [hall.coordinator('same'), hall.coordinator('same')];
  const told = (type: CoordinatorEvent['type']): number =>
    both.reduce((sum, { events }) => sum + events.filter((event) => event.type === type).length, 0);
  await hall.until('one owns', () => told('partition.acquired') > 0);
  const { run } = await hall.client.start({ definition: workflow([step('a')]), task: {}, workspace: null });
  const { key, begin } = await hall.take('w');
  expect(await begin(HOUR_MS)).toBe('go');
  const until = hall.clock.now() + 20_000;
  await hall.until('ten leases have passed', () => hall.clock.now() >= until);
  // It may have moved once, when the second one came; nobody was ever in the way of anybody.
  expect(told('partition.acquired')).toBeLessThanOrEqual(2);
  expect(told('partition.fenced')).toBe(0);
  const owner = both.find(
    ({ events }) => events.findLast(({ type }) => OWNS.test(type))?.type === 'partition.acquired',
  );
  const acquired = told('partition.acquired');
  owner?.kill();
  await hall.store.requests.reply(key, { body: PASS });
  await hall.untilEnded(run);
  expect(told('partition.acquired')).toBe(acquired + 1);
  expect((await hall.client.get(run)).status).toBe('completed');
});

test('after a day without any process every overdue timer fires once, in the order they were due', async () => {
  // More than are fired in one go, and in the file in another order than they are due.
  const minutes = Array.from({ length: 600 }, (_, index) => ((index * 7) % 600) + 1);
  const steps = minutes.map((minute) => wait(`m${String(minute)}`, { duration: `${String(minute)}m` }));
  const first = hall.coordinator();
  const { run } = await hall.client.start({ definition: workflow(steps), task: {}, workspace: null });
  await hall.until('it waits', async () => (await hall.facts(run, 'step.waiting')).length === minutes.length);
  await hall.during(first.coordinator.stop());
  hall.clock.advance(24 * HOUR_MS);
  expect(await hall.facts(run, 'step.succeeded')).toEqual([]);
  hall.coordinator();
  await hall.untilEnded(run);
  const fired = (await hall.facts(run, 'step.succeeded')).map((fact) => fact.step);
  expect(fired).toEqual(minutes.toSorted((a, b) => a - b).map((minute) => `m${String(minute)}`));
});

test('a request that nobody takes for a day waits: no time of the attempt runs, and nothing is tried again', async () => {
  hall.coordinator();
  const asked = step('a', { timeout: '1h', retries: 3 });
  const { run } = await hall.client.start({ definition: workflow([asked]), task: {}, workspace: null });
  await hall.until('it is asked', async () => (await hall.facts(run, 'step.queued')).length === 1);
  hall.clock.advance(24 * HOUR_MS);
  const { key, request, begin } = await hall.take('w');
  expect(request.attempt).toBe(1);
  expect(await begin()).toBe('go');
  await hall.store.requests.reply(key, { body: PASS });
  await hall.untilEnded(run);
  expect((await hall.client.get(run)).status).toBe('completed');
  expect(await hall.facts(run, 'step.retrying')).toEqual([]);
});

test('a request that kills every worker that begins it fails its step, and workers go on with others', async () => {
  hall.coordinator();
  const start = (name: string): Promise<{ run: string }> =>
    hall.client.start({ definition: workflow([step('a')], { name }), task: {}, workspace: null });
  const { run: poison } = await start('poison');
  for (let death = 0; death <= MAX_LOSSES; death++) {
    const { key, begin } = await hall.take(`victim-${String(death)}`);
    expect(key.run).toBe(poison);
    expect(await begin()).toBe('go');
  }
  await hall.untilEnded(poison);
  expect((await hall.client.get(poison)).failure).toMatchObject({ step: 'a', class: 'WORKER_LOST' });
  const { run: fine } = await start('fine');
  const { key, begin } = await hall.take('w');
  expect(key.run).toBe(fine);
  await begin();
  await hall.store.requests.reply(key, { body: PASS });
  await hall.untilEnded(fine);
});

test('a request that somebody deleted is asked again when its time to be taken is over', async () => {
  hall.coordinator();
  const asked = step('a', { queue_timeout: '10m', retries: 1 });
  const { run } = await hall.client.start({ definition: workflow([asked]), task: {}, workspace: null });
  await hall.until('it is asked', async () => (await hall.facts(run, 'step.queued')).length === 1);
  hall.contents.at(0).requestsOf('worker').clear();
  hall.clock.advance(HOUR_MS / 4);
  const again = await hall.take('w');
  expect(again.key.attempt).toBe(2);
  expect(await again.begin()).toBe('go');
  await hall.store.requests.reply(again.key, { body: PASS });
  await hall.untilEnded(run);
  expect(await hall.facts(run, 'step.retrying')).toMatchObject([{ error: { class: 'QUEUE_TIMEOUT' } }]);
});
