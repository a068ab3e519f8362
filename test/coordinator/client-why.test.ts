/** Every cause of waiting, built for real over a memory store: the answer must name the right one, and the way to it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Observer } from '../../src/coordinator/client-observer.js';
import type { Cause, Explanation } from '../../src/core/causes.js';
import { systemClock } from '../../src/core/clock.js';
import type { Store } from '../../src/core/ports.js';
import { childRunId } from '../../src/core/ids.js';
import type { JsonObject } from '../../src/core/json.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { newRunRecord } from '../../src/machines/records.js';
import { Hall, type Seat } from '../guarantees/hall.js';
import { conditional, decision, forEach, inner, loop, parallel, step, wait, workflow } from '../harness/definitions.js';

const PASS = '{"status":"pass"}';
const FAIL = '{"status":"fail","error":{"class":"REJECTED","message":"2 of 5 tests failed"}}';
const ERROR = '{"status":"error","error":{"class":"PERSONA_ERROR","message":"no tokens left"}}';

let hall: Hall;
let seat: Seat;
let observer: Observer;
beforeEach(() => {
  hall = new Hall();
  seat = hall.coordinator();
  const { store, clock, client } = hall;
  observer = new Observer({ store, partitions: 1, clock, client });
});
afterEach(() => hall.close());

async function started(
  definition: WorkflowDefinition,
  { task = {}, inside = [] }: { task?: JsonObject; inside?: readonly WorkflowDefinition[] } = {},
): Promise<string> {
  return (await hall.during(hall.client.start({ definition, task, workspace: null, inner: inside }))).run;
}

/** Lets the coordinator do what there is to do. */
async function settled(run: string, status = 'running'): Promise<void> {
  await hall.until(`${run} is ${status}`, async () => (await hall.client.get(run)).status === status);
}

async function stepIs(run: string, id: string, status: string): Promise<void> {
  await hall.until(`${id} is ${status}`, async () =>
    (await hall.client.get(run)).steps.some((one) => one.id === id && one.status === status),
  );
}

function announce(busy: number, worker = 'host-3:7:w'): Promise<void> {
  const [host = ''] = worker.split(':');
  return hall.store.namespace.announceWorker({ worker, host, pid: 7, personas: ['worker'], busy });
}

/** The codes of the chain that begins with this step; empty for the run itself. */
function codesAt({ waits }: Explanation, id: string | null): readonly string[] {
  return (waits.find(([first]) => first?.step === id) ?? []).map(({ code }) => code);
}

function rootOf({ waits }: Explanation): Cause | undefined {
  return waits[0]?.at(-1);
}

/** Nobody moves runs any more, as after kill -9 and the end of the lease. */
function withoutCoordinator(): void {
  seat.kill();
  hall.clock.advance(3_000);
}

describe('a run as a whole', () => {
  test('whose start nobody applies waits for a coordinator', async () => {
    withoutCoordinator();
    const run = await started(workflow([step('a')]));
    const answer = await observer.why(run);
    expect(codesAt(answer, null)).toEqual(['start-not-applied', 'no-coordinator']);
    expect(rootOf(answer)).toMatchObject({ partition: 0, run });
  });

  test('that nobody moves any more names the coordinator besides what its steps wait for', async () => {
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
    withoutCoordinator();
    const answer = await observer.why(run);
    expect(rootOf(answer)?.code).toBe('no-coordinator');
    expect(codesAt(answer, 'ask')).toEqual(['decision']);
  });

  test('on a partition that is on hold says why', async () => {
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
    withoutCoordinator();
    hall.contents.at(0).lease.hold = 'restored from backup.tar';
    expect(rootOf(await observer.why(run))).toMatchObject({
      code: 'partition-on-hold',
      hold: 'restored from backup.tar',
    });
  });

  test('that waits for its slot names who holds it, and what that one waits for', async () => {
    const slotted = workflow([decision('ask')], { concurrency: { key: 'deploy', limit: 1 } });
    const first = await started(slotted);
    await settled(first, 'waiting');
    const second = await started(slotted);
    const third = await started(slotted);
    const answer = await observer.why(third);
    expect(codesAt(answer, null)).toEqual(['slot', 'decision']);
    expect(answer.waits[0]?.[0]).toMatchObject({ key: 'deploy', limit: 1, holders: [first], ahead: 1 });
    expect((await observer.why(second)).waits[0]?.[0]).toMatchObject({ ahead: 0 });
  });

  test('whose slot is held by a run that is gone is a defect', async () => {
    const slotted = workflow([decision('ask')], { concurrency: { key: 'deploy', limit: 1 } });
    const first = await started(slotted);
    await settled(first, 'waiting');
    const second = await started(slotted);
    hall.contents.at(0).runs.delete(first);
    expect(codesAt(await observer.why(second), null)).toEqual(['slot', 'slot-leaked']);
  });

  test('that is set aside says why', async () => {
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
    const stored = hall.contents.at(0).runs.get(run);
    if (stored !== undefined) stored.quarantined = 'the record of step ask is damaged';
    expect((await observer.why(run)).waits).toMatchObject([
      [{ code: 'quarantined', why: 'the record of step ask is damaged' }],
    ]);
  });

  test('whose definition is gone, that a newer coord wrote, or that is damaged cannot be read', async () => {
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
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
    const run = await started(workflow([step('a')]));
    const { key, begin } = await hall.take('w');
    await begin();
    await hall.store.requests.reply(key, { body: FAIL });
    await hall.untilEnded(run);
    expect((await observer.why(run)).waits).toMatchObject([
      [{ code: 'ended', status: 'failed', failure: { step: 'a', message: '2 of 5 tests failed' } }],
    ]);
  });

  test('that is canceled says by whom', async () => {
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
    await hall.client.cancel(run, { reason: 'enough', by: 'ada' });
    await hall.untilEnded(run);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'ended', canceled: { by: 'ada', reason: 'enough' } });
  });

  test('that waits for nothing is a defect', async () => {
    const run = await started(workflow([step('a'), step('b', { dependencies: ['a'] })]));
    await settled(run);
    withoutCoordinator();
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
    withoutCoordinator();
    const run = await started(workflow([step('a')]));
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
    const run = await started(workflow([decision('ask')]));
    await settled(run, 'waiting');
    const stored = hall.contents.at(0).runs.get(run);
    if (stored === undefined) throw new Error('no run');
    stored.record = JSON.stringify({ ...(JSON.parse(stored.record) as object), status: 'paused' });
    const answer = await observer.why(run);
    expect(codesAt(answer, null)).toEqual(['paused']);
    expect(codesAt(answer, 'ask')).toEqual(['decision']);
  });

  test('that is not there is an error with what was meant', async () => {
    const run = await started(workflow([step('a')]));
    await expect(observer.why(`${run}x`)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });
});

describe('a step that asks a persona', () => {
  const chain = workflow([
    step('code'),
    step('qa', { dependencies: ['code'] }),
    step('ship', { dependencies: ['qa'] }),
  ]);

  test('that nobody serves says so, to all that wait for it, with who was seen last', async () => {
    await hall.store.requests.join({ partition: 0, worker: 'host-3:7:w', personas: ['worker'] });
    const run = await started(chain);
    await stepIs(run, 'code', 'queued');
    hall.clock.advance(20_000);
    const answer = await observer.why(run);
    expect(codesAt(answer, 'code')).toEqual(['no-worker']);
    expect(codesAt(answer, 'qa')).toEqual(['dependencies', 'no-worker']);
    expect(codesAt(answer, 'ship')).toEqual(['dependencies', 'dependencies', 'no-worker']);
    expect(rootOf(answer)).toMatchObject({ persona: 'worker', step: 'code', lastSeen: { worker: 'host-3:7:w' } });
  });

  test('whose workers are busy names with what', async () => {
    const first = await started(chain);
    const { begin } = await hall.take('host-3:7:w');
    await begin();
    const second = await started(chain);
    await stepIs(second, 'code', 'queued');
    await announce(1);
    expect(rootOf(await observer.why(second))).toMatchObject({
      code: 'workers-busy',
      workers: ['host-3:7:w'],
      doing: [{ run: first, step: 'code', worker: 'host-3:7:w' }],
      requests: 1,
    });
  });

  test('that a free worker can take is just queued', async () => {
    const run = await started(chain);
    await stepIs(run, 'code', 'queued');
    await announce(1, 'host-1:1:v');
    await announce(0);
    expect(rootOf(await observer.why(run))?.code).toBe('queued');
  });

  test('whose request was deleted is a defect', async () => {
    const run = await started(chain);
    await stepIs(run, 'code', 'queued');
    await announce(0);
    hall.contents.at(0).requests.get('worker')?.clear();
    expect(rootOf(await observer.why(run))?.code).toBe('request-missing');
  });

  test('that is worked on says by whom, since when, and what it reports', async () => {
    const run = await started(chain);
    const { key, begin } = await hall.take('host-3:7:w');
    await begin();
    const begunAt = hall.clock.now();
    hall.clock.advance(2_000);
    await hall.store.requests.beat(key, { heartbeatMs: 15_000, progress: '3 of 5 tests' });
    await announce(1);
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
    const run = await started(chain);
    const { begin } = await hall.take('host-3:7:w');
    await begin(60_000);
    hall.clock.advance(20_000);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'worker-silent', gone: true, worker: 'host-3:7:w' });
    await announce(1);
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'worker-silent', gone: false });
  });

  test('that is tried again says when, and after which error', async () => {
    const retries = { count: 3, backoff: { initial: 90, factor: 1, max: 90, jitter: 0 }, retry_on: null };
    const run = await started(workflow([step('code', { retries })]));
    const { key, begin } = await hall.take('w');
    await begin();
    await hall.store.requests.reply(key, { body: ERROR });
    await stepIs(run, 'code', 'retrying');
    const answer = await observer.why(run);
    expect(rootOf(answer)).toMatchObject({ code: 'retrying', error: { message: 'no tokens left' } });
    const root = rootOf(answer);
    expect(root?.code === 'retrying' ? (root.until ?? 0) - answer.now : 0).toBeGreaterThan(80_000);
  });

  test('whose answer nobody applies waits for a coordinator', async () => {
    const run = await started(chain);
    const { key, begin } = await hall.take('w');
    await begin();
    withoutCoordinator();
    await hall.store.requests.reply(key, { body: PASS });
    expect(codesAt(await observer.why(run), 'code')).toEqual(['message-not-applied', 'no-coordinator']);
  });

  test('that has no place under max_concurrent_steps waits for what is under way', async () => {
    const run = await started(workflow([step('a'), step('b')], { max_concurrent_steps: 1 }));
    const { begin } = await hall.take('w');
    await begin();
    const answer = await observer.why(run);
    expect(codesAt(answer, 'b')).toEqual(['step-limit', 'working']);
    expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'step-limit', limit: 1, active: 1 }));
  });
});

test('of several steps that are waited for the one that needs somebody most is followed', async () => {
  const both = workflow([step('code'), decision('ask'), step('ship', { dependencies: ['code', 'ask'] })]);
  const run = await started(both);
  const { begin } = await hall.take('w');
  await begin();
  const answer = await observer.why(run);
  expect(codesAt(answer, 'ship')).toEqual(['dependencies', 'decision']);
  expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'dependencies', open: ['code', 'ask'] }));
  expect(answer.waits.map((chain) => chain[0]?.step)).toEqual(['ask', 'ship', 'code']);
});

describe('a step that asks no persona', () => {
  test('waits for a time, and once that is over for whoever fires timers', async () => {
    const run = await started(workflow([wait('pause', { duration: '10m' })]));
    await settled(run, 'waiting');
    const answer = await observer.why(run);
    expect(rootOf(answer)).toMatchObject({ code: 'time', step: 'pause' });
    seat.kill();
    hall.clock.advance(700_000);
    expect(codesAt(await observer.why(run), 'pause')).toEqual(['time', 'no-coordinator']);
  });

  test('waits for a signal', async () => {
    const run = await started(workflow([wait('merged', { signal: 'pr-merged' })]));
    await settled(run, 'waiting');
    expect(rootOf(await observer.why(run))).toMatchObject({ code: 'signal', name: 'pr-merged', step: 'merged' });
  });

  test('waits for a decision, with its choices', async () => {
    const run = await started(workflow([decision('ask', { prompt: 'Ship it?' })]));
    await settled(run, 'waiting');
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
    const run = await started(outer, { inside: [asks] });
    await settled(run, 'waiting');
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
    const run = await started(workflow([block, step('z', { dependencies: ['body'] })]));
    await settled(run, 'waiting');
    const answer = await observer.why(run);
    expect(codesAt(answer, 'z')).toEqual(['dependencies', 'block', 'decision']);
    expect(answer.waits.flat()).toContainEqual(expect.objectContaining({ code: 'block', type, step: 'body' }));
    expect(rootOf(answer)).toMatchObject({ step: asking });
  });

  test('a run that undoes waits for the step that undoes', async () => {
    const undone = workflow([step('a', { compensate: [step('undo-a')] }), step('b', { dependencies: ['a'] })]);
    const run = await started(undone);
    for (const body of [PASS, FAIL]) {
      const { key, begin } = await hall.take('w');
      await begin();
      await hall.store.requests.reply(key, { body });
    }
    await settled(run, 'compensating');
    await announce(0);
    const answer = await observer.why(run);
    expect(codesAt(answer, 'a')).toEqual(['compensating', 'queued']);
    expect(rootOf(answer)).toMatchObject({ step: 'a[compensate]/undo-a' });
  });
});

test('runs that wait for each other through a slot and a run inside are a deadlock', async () => {
  const deploys = workflow([decision('ask')], { name: 'deploys' });
  const outer = workflow([inner('sub', 'deploys', { definition: definitionHash(deploys) })], {
    concurrency: { key: 'deploy', limit: 1 },
  });
  withoutCoordinator();
  const run = await started(outer, { inside: [deploys] });
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
  await settled(run);
  const answer = await observer.why(run);
  expect(codesAt(answer, 'sub')).toEqual(['inner-run', 'slot', 'deadlock']);
  expect(rootOf(answer)).toMatchObject({ cycle: [run, child] });
  expect(codesAt(await observer.why(child), null)).toEqual(['slot', 'inner-run', 'deadlock']);
});

test('the answer for a long workflow beside many busy runs comes within 2 s', async () => {
  const steps = Array.from({ length: 3_000 }, (_, at) =>
    step(`s${String(at)}`, { dependencies: at === 0 ? [] : [`s${String(at - 1)}`] }),
  );
  const run = await started(workflow(steps, { name: 'long' }));
  for (let others = 0; others < 200; others++) await started(workflow([step('a')]));
  await stepIs(run, 's0', 'queued');
  await announce(1);
  const begunAt = systemClock.monotonic();
  const answer = await observer.why(run);
  expect(systemClock.monotonic() - begunAt).toBeLessThan(2_000);
  expect(answer.waits.every((chain) => chain.at(-1)?.code === 'workers-busy' && chain.length <= 60)).toBe(true);
  expect(answer.waits.length + answer.more).toBe(3_000);
});

test('the answer for ten thousand items that wait comes within 2 s', async () => {
  const items = Array.from({ length: 10_000 }, (_, item) => item);
  const run = await started(workflow([forEach('each', [wait('merged', { signal: 'pr-merged' })], { items })]));
  await settled(run, 'waiting');
  const begunAt = systemClock.monotonic();
  const answer = await observer.why(run);
  expect(systemClock.monotonic() - begunAt).toBeLessThan(2_000);
  expect(rootOf(answer)).toMatchObject({ code: 'signal', step: 'each[0]/merged' });
  expect(answer.waits.length + answer.more).toBe(10_001);
});
