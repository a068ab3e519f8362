/** Why a run waits for a lock, built for real over a memory store: who holds it, what that waits for, and who waits for itself. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Locks } from '../../src/coordinator/client-locks.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { countedIds } from '../../src/core/ids.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { decision, inner, lock, step, wait, workflow } from '../harness/definitions.js';
import { codesAt, rootOf, WhyScene } from './why-scene.js';

let scene: WhyScene;
let hall: WhyScene['hall'];
let observer: WhyScene['observer'];
beforeEach(() => {
  scene = new WhyScene();
  ({ hall, observer } = scene);
});
afterEach(() => hall.close());

const after = (...dependencies: string[]): { dependencies: string[] } => ({ dependencies });

test('names the run that holds it, with its step and since when, and what that one waits for', async () => {
  const holder = await scene.started(workflow([lock('take', 'repo'), decision('ask', after('take'))]));
  await scene.stepIs(holder, 'ask', 'waiting');
  const run = await scene.started(workflow([lock('get', 'repo'), step('work', after('get'))]));
  await scene.settled(run, 'waiting');
  await hall.until('it is in the line', async () => (await hall.store.locks.get('repo'))?.line.length === 1);
  const answer = await observer.why(run);
  expect(codesAt(answer, 'get')).toEqual(['lock', 'decision']);
  expect(codesAt(answer, 'work')).toEqual(['dependencies', 'lock', 'decision']);
  expect(answer.waits[0]?.[0]).toMatchObject({
    name: 'repo',
    holder: { kind: 'run', id: holder, step: 'take' },
    heldSince: expect.any(Number),
    ahead: 0,
  });
  expect(rootOf(answer)).toMatchObject({ run: holder, step: 'ask' });
});

test('names the person that holds it', async () => {
  const locks = new Locks({ store: hall.store, partitions: 1, clock: hall.clock, ids: countedIds('l') });
  const never = new AbortController().signal;
  const held = await locks.hold({ name: 'repo', by: 'ann', command: 'vim', waitMs: 0, until: never });
  const run = await scene.started(workflow([lock('get', 'repo')]));
  await scene.settled(run, 'waiting');
  const answer = await observer.why(run);
  expect(codesAt(answer, 'get')).toEqual(['lock']);
  expect(rootOf(answer)).toMatchObject({ holder: { kind: 'command', by: 'ann' } });
  await hall.during(held.release());
  await scene.settled(run, 'completed');
});

test('two runs that take two locks in opposite order are a deadlock', async () => {
  const opposite = (one: string, other: string): ReturnType<typeof workflow> =>
    workflow([
      lock('first', one),
      wait('both', { ...after('first'), signal: 'go' }),
      lock('second', other, after('both')),
    ]);
  const left = await scene.started(opposite('x', 'y'));
  const right = await scene.started(opposite('y', 'x'));
  for (const run of [left, right]) {
    await scene.stepIs(run, 'both', 'waiting');
    await hall.during(hall.client.signal(run, { name: 'go', by: 'ada' }));
    await scene.stepIs(run, 'second', 'waiting');
  }
  const answer = await observer.why(left);
  expect(codesAt(answer, 'second')).toEqual(['lock', 'lock', 'deadlock']);
  expect(rootOf(answer)).toMatchObject({ cycle: [left, right] });
});

test('a run inside that wants what the run around it holds is a deadlock', async () => {
  const inside = workflow([lock('get', 'x')], { name: 'inside' });
  const outer = workflow([
    lock('take', 'x'),
    inner('sub', 'inside', { ...after('take'), definition: definitionHash(inside) }),
  ]);
  const run = await scene.started(outer, { inside: [inside] });
  await scene.stepIs(run, 'sub', 'waiting');
  expect(codesAt(await observer.why(run), 'sub')).toEqual(['inner-run', 'lock', 'deadlock']);
});

test('a run that is taken up again waits for what it held', async () => {
  const run = await scene.started(workflow([lock('take', 'x'), step('work', after('take'))]));
  await scene.stepIs(run, 'work', 'queued');
  await hall.during(hall.client.cancel(run, { reason: 'no', by: 'ada' }));
  await scene.settled(run, 'canceled');
  const other = await scene.started(workflow([lock('take', 'x'), decision('ask', after('take'))]));
  await scene.stepIs(other, 'ask', 'waiting');
  const means = { store: hall.store, partitions: 1, clock: hall.clock, ids: countedIds('o') };
  await hall.during(new Operator(means).steer(run, { kind: 'restart', step: 'work', reason: 'again', by: 'ada' }));
  await scene.settled(run, 'running');
  const answer = await observer.why(run);
  expect(codesAt(answer, 'take')).toEqual(['lock', 'decision']);
});
