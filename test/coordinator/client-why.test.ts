/** What a run waits for as a whole, each cause built for real over a memory store: the answer must name the right one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Observer } from '../../src/coordinator/client-observer.js';
import { steer } from '../../src/coordinator/client-steer.js';
import { Plans } from '../../src/coordinator/plans.js';
import { systemClock } from '../../src/core/clock.js';
import { childRunId, countedIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { newRunRecord } from '../../src/machines/records.js';
import { decision, forEach, inner, step, wait, workflow } from '../harness/definitions.js';
import { codesAt, FAIL, rootOf, WhyScene } from './why-scene.js';

let scene: WhyScene;
let hall: WhyScene['hall'];
let observer: WhyScene['observer'];
beforeEach(() => {
  scene = new WhyScene();
  ({ hall, observer } = scene);
});
afterEach(() => hall.close());

describe('a run as a whole', () => {
  test('whose start nobody applies waits for a coordinator', async () => {
    scene.withoutCoordinator();
    const run = await scene.started(workflow([step('a')]));
    const answer = await observer.why(run);
    expect(codesAt(answer, null)).toEqual(['start-not-applied', 'no-coordinator']);
    expect(rootOf(answer)).toMatchObject({ partition: 0, run });
  });

  test('that nobody moves any more names the coordinator besides what its steps wait for', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    scene.withoutCoordinator();
    const answer = await observer.why(run);
    expect(rootOf(answer)?.code).toBe('no-coordinator');
    expect(codesAt(answer, 'ask')).toEqual(['decision']);
  });

  test('on a partition that is on hold says why', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    scene.withoutCoordinator();
    hall.contents.at(0).lease.hold = 'restored from backup.tar';
    expect(rootOf(await observer.why(run))).toMatchObject({
      code: 'partition-on-hold',
      hold: 'restored from backup.tar',
    });
  });

  test('that waits for its slot names who holds it, and what that one waits for', async () => {
    const slotted = workflow([decision('ask')], { concurrency: { key: 'deploy', limit: 1 } });
    const first = await scene.started(slotted);
    await scene.settled(first, 'waiting');
    const second = await scene.started(slotted);
    const third = await scene.started(slotted);
    const answer = await observer.why(third);
    expect(codesAt(answer, null)).toEqual(['slot', 'decision']);
    expect(answer.waits[0]?.[0]).toMatchObject({ key: 'deploy', limit: 1, holders: [first], ahead: 1 });
    expect((await observer.why(second)).waits[0]?.[0]).toMatchObject({ ahead: 0 });
  });

  test('whose slot is held by a run that is gone is a defect', async () => {
    const slotted = workflow([decision('ask')], { concurrency: { key: 'deploy', limit: 1 } });
    const first = await scene.started(slotted);
    await scene.settled(first, 'waiting');
    const second = await scene.started(slotted);
    hall.contents.at(0).runs.delete(first);
    expect(codesAt(await observer.why(second), null)).toEqual(['slot', 'slot-leaked']);
  });

  test('that is set aside says why', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    const stored = hall.contents.at(0).runs.get(run);
    if (stored !== undefined) stored.quarantined = 'the record of step ask is damaged';
    expect((await observer.why(run)).waits).toMatchObject([
      [{ code: 'quarantined', why: 'the record of step ask is damaged' }],
    ]);
  });

  test('whose definition is gone, that a newer coord wrote, or that is damaged cannot be read', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    const stored = hall.contents.at(0).runs.get(run);
    if (stored === undefined) throw new Error('no run');
    const { definition, format, record } = stored;
    stored.definition = 'f'.repeat(64);
    expect(rootOf(await observer.why(run))?.code).toBe('definition-missing');
    stored.definition = definition;
    stored.format = 99;
    const newer = await observer.why(run);
    expect(rootOf(newer)?.code).toBe('newer-format');
    expect(newer.status).toBeNull();
    stored.format = format;
    stored.record = record.slice(0, 20);
    expect(rootOf(await observer.why(run))?.code).toBe('unreadable');
  });

  test('that has ended says how', async () => {
    const run = await scene.started(workflow([step('a')]));
    const { key, begin } = await hall.take('w');
    await begin();
    await hall.store.requests.reply(key, { body: FAIL });
    await hall.untilEnded(run);
    expect((await observer.why(run)).waits).toMatchObject([
      [{ code: 'ended', status: 'failed', failure: { step: 'a', message: '2 of 5 tests failed' } }],
    ]);
  });

  test('that is canceled says by whom', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    await hall.client.cancel(run, { reason: 'enough', by: 'ada' });
    await hall.untilEnded(run);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'ended', canceled: { by: 'ada', reason: 'enough' } });
  });

  test('that waits for nothing is a defect', async () => {
    const run = await scene.started(workflow([step('a'), step('b', { dependencies: ['a'] })]));
    await scene.settled(run);
    scene.withoutCoordinator();
    const place = hall.contents.at(0);
    // The step is over by its record, and what follows was never started.
    const record = place.runs.get(run)?.steps.get('a');
    if (record === undefined || record.record === null) throw new Error('no record');
    record.record = JSON.stringify({ ...(JSON.parse(record.record) as object), status: 'succeeded', token: null });
    record.token = null;
    hall.coordinator('second');
    await hall.until('it is owned', async () => (await hall.client.owners()).length > 0);
    expect(codesAt(await observer.why(run), 'b')).toEqual(['stuck']);
  });

  test('that moves while it is looked at is no defect', async () => {
    scene.withoutCoordinator();
    const run = await scene.started(workflow([step('a')]));
    const { store, clock, client } = hall;
    let looks = 0;
    const inspection = new Proxy(store.inspection, {
      get: (real, name: keyof Store['inspection']) =>
        // As if the message had been applied just before.
        name === 'waiting' && looks++ === 0 ? async () => new Map() : real[name].bind(real),
    });
    const own = new Observer({ store: { ...store, inspection }, partitions: 1, clock, client });
    expect(rootOf(await own.why(run))?.code).toBe('no-coordinator');
    expect(looks).toBe(2);
  });

  test('that is paused says so, besides what its steps wait for', async () => {
    const run = await scene.started(workflow([decision('ask')]));
    await scene.settled(run, 'waiting');
    const { store } = hall;
    const means = { store, partitions: 1, plans: new Plans(store.namespace), clock: systemClock, ids: countedIds('p') };
    await steer(means, run, { kind: 'pause', reason: 'tea', by: 'ann' });
    await scene.settled(run, 'paused');
    const answer = await observer.why(run);
    expect(codesAt(answer, null)).toEqual(['paused']);
    expect(answer.waits.flat()).toContainEqual(
      expect.objectContaining({
        code: 'paused',
        paused: expect.objectContaining({ reason: 'tea', by: 'ann' }) as object,
      }),
    );
    expect(codesAt(answer, 'ask')).toEqual(['decision']);
  });

  test('that is not there is an error with what was meant', async () => {
    const run = await scene.started(workflow([step('a')]));
    await expect(observer.why(`${run}x`)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});

test('runs that wait for each other through a slot and a run inside are a deadlock', async () => {
  const deploys = workflow([decision('ask')], { name: 'deploys' });
  const outer = workflow([inner('sub', 'deploys', { definition: definitionHash(deploys) })], {
    concurrency: { key: 'deploy', limit: 1 },
  });
  scene.withoutCoordinator();
  const run = await scene.started(outer, { inside: [deploys] });
  const child = childRunId(run, 'sub', 1);
  // As if runs inside waited for slots of their own.
  await hall.store.admission.admit({
    kind: 'start',
    partition: 0,
    run: child,
    idempotencyKey: 'k',
    requestHash: 'h',
    definition: definitionHash(deploys),
    input: JSON.stringify({ task: {}, workspace: null, parent: null }),
    record: JSON.stringify(
      newRunRecord({
        id: child,
        workflow: 'deploys',
        createdAt: hall.clock.now(),
        head: null,
        slot: { key: 'deploy', limit: 1 },
        parent: { run, step: 'sub' },
      }),
    ),
    slot: { key: 'deploy', limit: 1 },
  });
  hall.coordinator('second');
  await scene.settled(run);
  const answer = await observer.why(run);
  expect(codesAt(answer, 'sub')).toEqual(['inner-run', 'slot', 'deadlock']);
  expect(rootOf(answer)).toMatchObject({ cycle: [run, child] });
  expect(codesAt(await observer.why(child), null)).toEqual(['slot', 'inner-run', 'deadlock']);
});

test('the answer for a long workflow beside many busy runs comes within 2 s', async () => {
  const steps = Array.from({ length: 3_000 }, (_, at) =>
    step(`s${String(at)}`, { dependencies: at === 0 ? [] : [`s${String(at - 1)}`] }),
  );
  const run = await scene.started(workflow(steps, { name: 'long' }));
  for (let others = 0; others < 200; others++) await scene.started(workflow([step('a')]));
  await scene.stepIs(run, 's0', 'queued');
  await scene.announce(1);
  const begunAt = systemClock.monotonic();
  const answer = await observer.why(run);
  expect(systemClock.monotonic() - begunAt).toBeLessThan(2_000);
  expect(answer.waits.every((chain) => chain.at(-1)?.code === 'workers-busy' && chain.length <= 60)).toBe(true);
  expect(answer.waits.length + answer.more).toBe(3_000);
});

test('the answer for ten thousand items that wait comes within 2 s', async () => {
  const items = Array.from({ length: 10_000 }, (_, item) => item);
  const run = await scene.started(workflow([forEach('each', [wait('merged', { signal: 'pr-merged' })], { items })]));
  await scene.settled(run, 'waiting');
  const begunAt = systemClock.monotonic();
  const answer = await observer.why(run);
  expect(systemClock.monotonic() - begunAt).toBeLessThan(2_000);
  expect(rootOf(answer)).toMatchObject({ code: 'signal', step: 'each[0]/merged' });
  expect(answer.waits.length + answer.more).toBe(10_001);
});
