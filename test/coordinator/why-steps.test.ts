/** What the steps of a run wait for, each cause built for real over a memory store, and the way down to the root. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childRunId } from '../../src/core/ids.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { conditional, decision, forEach, inner, loop, parallel, step, wait, workflow } from '../harness/definitions.js';
import { codesAt, ERROR, FAIL, PASS, rootOf, WhyScene } from './why-scene.js';

let scene: WhyScene;
let hall: WhyScene['hall'];
let observer: WhyScene['observer'];
beforeEach(() => {
  scene = new WhyScene();
  ({ hall, observer } = scene);
});
afterEach(() => hall.close());

describe('a step that asks a persona', () => {
  const chain = workflow([
    step('code'),
    step('qa', { dependencies: ['code'] }),
    step('ship', { dependencies: ['qa'] }),
  ]);

  test('that nobody serves says so, to all that wait for it, with who was seen last', async () => {
    await hall.store.requests.join({ partition: 0, worker: 'host-3:7:w', personas: ['worker'] });
    const run = await scene.started(chain);
    await scene.stepIs(run, 'code', 'queued');
    hall.clock.advance(20_000);
    const answer = await observer.why(run);
    expect(codesAt(answer, 'code')).toEqual(['no-worker']);
    expect(codesAt(answer, 'qa')).toEqual(['dependencies', 'no-worker']);
    expect(codesAt(answer, 'ship')).toEqual(['dependencies', 'dependencies', 'no-worker']);
    expect(rootOf(answer)).toMatchObject({ persona: 'worker', step: 'code', lastSeen: { worker: 'host-3:7:w' } });
  });

  test('whose persona has used up its quota says until when it is parked', async () => {
    const run = await scene.started(workflow([step('code')]));
    const { key, begin } = await hall.take('host-3:7:w');
    await begin();
    const error = { class: 'QUOTA', message: 'no' };
    const body = JSON.stringify({ status: 'error', error, resumeInMs: 7_200_000 });
    await hall.store.requests.reply(key, { body });
    await scene.stepIs(run, 'code', 'retrying');
    const root = rootOf(await observer.why(run));
    expect(root).toMatchObject({ code: 'parked', persona: 'worker', error: { class: 'QUOTA' } });
    const { steps } = await hall.client.get(run);
    expect(root).toHaveProperty('until', steps[0]?.parkedUntil);
  });

  test('that waits for the budget is held up by the question about it', async () => {
    const run = await scene.started(
      workflow([step('code'), step('qa', { dependencies: ['code'] }), step('ship', { dependencies: ['code'] })], {
        budget: { tokens: 10 },
      }),
    );
    const { key, begin } = await hall.take('host-3:7:w');
    await begin();
    await hall.store.requests.reply(key, { body: JSON.stringify({ status: 'pass', usage: { inputTokens: 10 } }) });
    await scene.stepIs(run, 'qa', 'waiting');
    const answer = await observer.why(run);
    expect(codesAt(answer, 'qa')).toEqual(['decision']);
    expect(codesAt(answer, 'ship')).toEqual(['budget', 'decision']);
  });

  test('whose workers are busy names with what', async () => {
    const first = await scene.started(chain);
    const { begin } = await hall.take('host-3:7:w');
    await begin();
    const second = await scene.started(chain);
    await scene.stepIs(second, 'code', 'queued');
    await scene.announce(1);
    expect(rootOf(await observer.why(second))).toMatchObject({
      code: 'workers-busy',
      workers: ['host-3:7:w'],
      doing: [{ run: first, step: 'code', worker: 'host-3:7:w' }],
      requests: 1,
    });
  });

  test('that a free worker can take is just queued', async () => {
    const run = await scene.started(chain);
    await scene.stepIs(run, 'code', 'queued');
    await scene.announce(1, 'host-1:1:v');
    await scene.announce(0);
    expect(rootOf(await observer.why(run))?.code).toBe('queued');
  });

  test('whose request was deleted is a defect', async () => {
    const run = await scene.started(chain);
    await scene.stepIs(run, 'code', 'queued');
    await scene.announce(0);
    hall.contents.at(0).requests.get('worker')?.clear();
    expect(rootOf(await observer.why(run))?.code).toBe('request-missing');
  });

  test('that is worked on says by whom, since when, and what it reports', async () => {
    const run = await scene.started(chain);
    const { key, begin } = await hall.take('host-3:7:w');
    await begin();
    const begunAt = hall.clock.now();
    hall.clock.advance(2_000);
    await hall.store.requests.beat(key, { heartbeatMs: 15_000, progress: '3 of 5 tests' });
    await scene.announce(1);
    const answer = await observer.why(run);
    expect(rootOf(answer)).toMatchObject({
      code: 'working',
      worker: 'host-3:7:w',
      attempt: 1,
      since: begunAt,
      beatAt: begunAt + 2_000,
      progress: '3 of 5 tests',
    });
    expect(codesAt(answer, 'ship')).toEqual(['dependencies', 'dependencies', 'working']);
  });

  test('whose worker is silent says since when', async () => {
    const run = await scene.started(chain);
    const { begin } = await hall.take('host-3:7:w');
    await begin(60_000);
    hall.clock.advance(20_000);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'worker-silent', gone: true, worker: 'host-3:7:w' });
    await scene.announce(1);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'worker-silent', gone: false });
  });

  test('that is tried again says when, and after which error', async () => {
    const retries = { count: 3, backoff: { initial: 90, factor: 1, max: 90, jitter: 0 }, retry_on: null };
    const run = await scene.started(workflow([step('code', { retries })]));
    const { key, begin } = await hall.take('w');
    await begin();
    await hall.store.requests.reply(key, { body: ERROR });
    await scene.stepIs(run, 'code', 'retrying');
    const answer = await observer.why(run);
    expect(rootOf(answer)).toMatchObject({ code: 'retrying', error: { message: 'no tokens left' } });
    const root = rootOf(answer);
    expect(root?.code === 'retrying' ? (root.until ?? 0) - answer.now : 0).toBeGreaterThan(80_000);
  });

  test('whose answer nobody applies waits for a coordinator', async () => {
    const run = await scene.started(chain);
    const { key, begin } = await hall.take('w');
    await begin();
    scene.withoutCoordinator();
    await hall.store.requests.reply(key, { body: PASS });
    expect(codesAt(await observer.why(run), 'code')).toEqual(['message-not-applied', 'no-coordinator']);
  });

  test('that has no place under max_concurrent_steps waits for what is under way', async () => {
    const run = await scene.started(workflow([step('a'), step('b')], { max_concurrent_steps: 1 }));
    const { begin } = await hall.take('w');
    await begin();
    const answer = await observer.why(run);
    expect(codesAt(answer, 'b')).toEqual(['step-limit', 'working']);
    expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'step-limit', limit: 1, active: 1 }));
  });
});

test('of several steps that are waited for the one that needs somebody most is followed', async () => {
  const both = workflow([step('code'), decision('ask'), step('ship', { dependencies: ['code', 'ask'] })]);
  const run = await scene.started(both);
  const { begin } = await hall.take('w');
  await begin();
  const answer = await observer.why(run);
  expect(codesAt(answer, 'ship')).toEqual(['dependencies', 'decision']);
  expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'dependencies', open: ['code', 'ask'] }));
  expect(answer.waits.map((chain) => chain[0]?.step)).toEqual(['ask', 'ship', 'code']);
});

describe('a step that asks no persona', () => {
  test('waits for a time, and once that is over for whoever fires timers', async () => {
    const run = await scene.started(workflow([wait('pause', { duration: '10m' })]));
    await scene.settled(run, 'waiting');
    const answer = await observer.why(run);
    expect(rootOf(answer)).toMatchObject({ code: 'time', step: 'pause' });
    scene.seat.kill();
    hall.clock.advance(700_000);
    expect(codesAt(await observer.why(run), 'pause')).toEqual(['time', 'no-coordinator']);
  });

  test('waits for a signal', async () => {
    const run = await scene.started(workflow([wait('merged', { signal: 'pr-merged' })]));
    await scene.settled(run, 'waiting');
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'signal', name: 'pr-merged', step: 'merged' });
  });

  test('waits for a decision, with its choices', async () => {
    const run = await scene.started(workflow([decision('ask', { prompt: 'Ship it?' })]));
    await scene.settled(run, 'waiting');
    expect(rootOf(await observer.why(run))).toMatchObject({
      code: 'decision',
      question: { prompt: 'Ship it?', choices: [{ id: 'approve' }, { id: 'reject' }] },
    });
  });

  test('waits with a run inside, down to what that one waits for', async () => {
    const asks = workflow([decision('ask')], { name: 'asks' });
    const outer = workflow([
      inner('sub', 'asks', { definition: definitionHash(asks) }),
      step('z', { dependencies: ['sub'] }),
    ]);
    const run = await scene.started(outer, { inside: [asks] });
    await scene.settled(run, 'waiting');
    const answer = await observer.why(run);
    expect(codesAt(answer, 'z')).toEqual(['dependencies', 'inner-run', 'decision']);
    expect(rootOf(answer)).toMatchObject({ run: childRunId(run, 'sub', 1), step: 'ask' });
  });

  test.each([
    ['loop', loop('body', [decision('ask')], { until: 'true' }), 'body[1]/ask'],
    ['for_each', forEach('body', [decision('ask')], { items: ['x', 'y'] }), 'body[0]/ask'],
    ['parallel', parallel('body', [decision('ask')]), 'ask'],
    ['conditional', conditional('body', 'true', { then: [decision('ask')], else: [step('no')] }), 'ask'],
  ])('a %s waits for what is open in it', async (type, block, asking) => {
    const run = await scene.started(workflow([block, step('z', { dependencies: ['body'] })]));
    await scene.settled(run, 'waiting');
    const answer = await observer.why(run);
    expect(codesAt(answer, 'z')).toEqual(['dependencies', 'block', 'decision']);
    expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'block', type, step: 'body' }));
    expect(rootOf(answer)).toMatchObject({ step: asking });
  });

  test('a run that undoes waits for the step that undoes', async () => {
    const undone = workflow([step('a', { compensate: [step('undo-a')] }), step('b', { dependencies: ['a'] })]);
    const run = await scene.started(undone);
    for (const body of [PASS, FAIL]) {
      const { key, begin } = await hall.take('w');
      await begin();
      await hall.store.requests.reply(key, { body });
    }
    await scene.settled(run, 'compensating');
    await scene.announce(0);
    const answer = await observer.why(run);
    expect(codesAt(answer, 'a')).toEqual(['compensating', 'queued']);
    expect(rootOf(answer)).toMatchObject({ step: 'a[compensate]/undo-a' });
  });
});
