/** Steering through the whole engine: a client, an inbox, coordinators that die, in virtual time. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Keeper } from '../../src/coordinator/client-keep.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import type { SteeringRequest } from '../../src/coordinator/client-steer.js';
import { randomIds } from '../../src/core/ids.js';
import type { PersonaReply } from '../../src/core/exchange.js';
import type { RunView } from '../../src/core/views.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { inner, step, workflow } from '../harness/definitions.js';
import { Hall, type Seat } from '../guarantees/hall.js';

let hall: Hall;
let seat: Seat;
let operator: Operator;
beforeEach(() => {
  hall = new Hall();
  seat = hall.coordinator();
  operator = new Operator({ store: hall.store, partitions: 1, clock: hall.clock, ids: randomIds });
});
afterEach(async () => {
  // Whatever was done to a run, its history gives the stored run to the byte.
  for await (const { run, problems } of operator.verify(await operator.runs()))
    if (problems.length > 0) throw new Error(`${run}: ${JSON.stringify(problems)}`);
  await hall.close();
});

const pass: PersonaReply = { status: 'pass', result: null, artifacts: [], error: null, commit: null };

async function started(steps: readonly StepDefinition[]): Promise<string> {
  const { run } = await hall.client.start({ definition: workflow(steps), task: {}, workspace: null });
  await hall.until('it runs', async () => (await hall.client.get(run)).status !== 'pending');
  return run;
}

/** Steers a run, and waits until that was decided. */
async function steer(run: string, request: SteeringRequest): Promise<string> {
  const sent = await operator.steer(run, request);
  const signal = new AbortController().signal;
  const decided = await hall.during(operator.steeringOutcome(sent, { waitMs: 30_000, signal }));
  return decided.outcome === 'refused' ? decided.reason : decided.outcome;
}

/** Answers the next request. */
async function answer(reply: Partial<PersonaReply> = {}): Promise<string> {
  const { key, begin } = await hall.take('w');
  expect(await begin()).toBe('go');
  expect(await hall.store.requests.reply(key, { body: JSON.stringify({ ...pass, ...reply }) })).toBe('ok');
  return key.step;
}

/** Another coordinator takes over from one that was killed. */
async function failOver(): Promise<void> {
  seat.kill();
  hall.clock.advance(5_000);
  seat = hall.coordinator('next');
}

const stepOf = (view: RunView, id: string): string | undefined => view.steps.find((one) => one.id === id)?.status;

describe('pause and resume', () => {
  const by = 'ada';
  const chain = [step('a'), step('b', { dependencies: ['a'] })];

  test('a run stays paused for a year and over the death of its coordinators, and goes on', async () => {
    const run = await started(chain);
    const { key, begin } = await hall.take('w');
    expect(await begin(3_600_000_000_000)).toBe('go');
    expect(await steer(run, { kind: 'pause', reason: 'a freeze', by })).toBe('done');
    expect(await hall.client.get(run)).toMatchObject({ status: 'paused', paused: { reason: 'a freeze', by } });
    expect(await hall.store.requests.reply(key, { body: JSON.stringify(pass) })).toBe('ok');
    await hall.until('the reply is taken', async () => stepOf(await hall.client.get(run), 'a') === 'succeeded');
    await failOver();
    hall.clock.advance(365 * 24 * 3_600_000);
    await hall.until('it was looked at', () => true);
    expect(await hall.client.get(run)).toMatchObject({ status: 'paused' });
    expect(stepOf(await hall.client.get(run), 'b')).toBe('pending');
    expect(await steer(run, { kind: 'resume', by })).toBe('done');
    await failOver();
    expect(await answer()).toBe('b');
    await hall.untilEnded(run);
    expect((await hall.client.get(run)).status).toBe('completed');
  });

  test('the same key counts once, and another request with it is a conflict', async () => {
    const run = await started(chain);
    const request = { kind: 'pause', reason: 'a freeze', by, idempotencyKey: 'k' } as const;
    expect(await steer(run, request)).toBe('done');
    expect(await steer(run, request)).toBe('done');
    expect(await hall.facts(run, 'run.paused')).toHaveLength(1);
    await expect(operator.steer(run, { ...request, reason: 'other' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
  });

  test('what makes no sense is refused before anything is sent', async () => {
    const run = await started(chain);
    await expect(operator.steer(run, { kind: 'resume', by })).rejects.toMatchObject({
      code: 'STEERING_REFUSED',
      message: `run ${run}: the run is running, and only one that is paused can be resumed`,
    });
    await expect(operator.steer('nobody-1', { kind: 'resume', by })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    expect(await hall.facts(run, 'message.ignored')).toEqual([]);
  });

  test('runs inside are paused and resumed with the outer one', async () => {
    const other = workflow(chain, { name: 'other' });
    const outer = workflow([inner('in', 'other', { definition: definitionHash(other) })]);
    const { run } = await hall.client.start({ definition: outer, inner: [other], task: {}, workspace: null });
    await hall.until('it is inside', async () => (await hall.client.list()).length === 2);
    const inside = (await hall.client.get(run)).steps[0]?.run ?? '';
    expect(await steer(run, { kind: 'pause', reason: 'a freeze', by })).toBe('done');
    await hall.until('it is paused', async () => (await hall.client.get(inside)).status === 'paused');
    expect(await answer()).toBe('a');
    expect(await steer(run, { kind: 'resume', by })).toBe('done');
    expect(await answer()).toBe('b');
    await hall.untilEnded(run);
    expect((await hall.client.get(run)).status).toBe('completed');
  });

  test('a run that is paused can be canceled', async () => {
    const run = await started(chain);
    await steer(run, { kind: 'pause', reason: 'a freeze', by });
    await hall.client.cancel(run, { reason: 'enough', by });
    await hall.untilEnded(run);
    expect(await hall.client.get(run)).toMatchObject({ status: 'canceled', paused: null });
  });
});

describe('retry, skip, restart', () => {
  const by = 'ada';
  const reason = 'it was the network';
  const chain = [step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'] })];
  const no: Partial<PersonaReply> = { status: 'fail', error: { class: 'REJECTED', message: 'no' } };

  async function failedRun(): Promise<string> {
    const run = await started(chain);
    await answer({ result: 'first' });
    await answer(no);
    await hall.untilEnded(run);
    return run;
  }

  test('a failed run goes on from where it failed, over the death of its coordinator, and is listed as it is', async () => {
    const run = await failedRun();
    const sent = await operator.steer(run, { kind: 'retry', reason, by, idempotencyKey: 'k' });
    await failOver();
    const signal = new AbortController().signal;
    expect(await hall.during(operator.steeringOutcome(sent, { waitMs: 30_000, signal }))).toEqual({ outcome: 'done' });
    expect((await hall.client.list({ statuses: ['running'] })).map(({ id }) => id)).toEqual([run]);
    expect(await hall.client.list({ statuses: ['failed'] })).toEqual([]);
    expect(await steer(run, { kind: 'retry', reason, by, idempotencyKey: 'k' })).toBe('done');
    await expect(operator.steer(run, { kind: 'retry', reason, by })).rejects.toMatchObject({
      code: 'STEERING_REFUSED',
    });
    expect([await answer(), await answer()]).toEqual(['b', 'c']);
    await hall.untilEnded(run);
    expect((await hall.client.get(run)).steps.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    expect(await hall.facts(run, 'step.failed')).toHaveLength(1);
    expect(await hall.facts(run, 'run.retried')).toMatchObject([{ by, reason, steps: ['b', 'c'] }]);
  });

  test('a run that is taken up is not collected meanwhile, and one that ended again counts from then', async () => {
    const run = await failedRun();
    await hall.close();
    const keeper = new Keeper({ store: hall.store, partitions: 1, clock: hall.clock });
    const wish = { retentionMs: 1_000, archive: null, dryRun: false, dead: false, contents: false, untouchedMs: 0 };
    hall.clock.advance(3_600_000);
    await operator.steer(run, { kind: 'retry', reason, by });
    // Nobody has moved it yet, and its time is over long since.
    const none = new AbortController().signal;
    expect((await keeper.collect({ ...wish, partitions: [0] }, none)).runs).toEqual([]);
    seat = hall.coordinator();
    expect([await answer(), await answer()]).toEqual(['b', 'c']);
    await hall.untilEnded(run);
    expect((await keeper.collect({ ...wish, partitions: [0] }, none)).runs).toEqual([]);
    hall.clock.advance(3_600_000);
    expect((await keeper.collect({ ...wish, partitions: [0] }, none)).runs).toHaveLength(1);
  });

  test('a run takes its place of the slot again, or is told that there is none', async () => {
    const definition = { ...workflow(chain), concurrency: { key: 'one', limit: 1 } };
    const start = async (key: string): Promise<string> =>
      (await hall.client.start({ definition, task: {}, workspace: null, idempotencyKey: key })).run;
    const first = await start('1');
    await answer(no);
    await hall.untilEnded(first);
    const second = await start('2');
    await expect(operator.steer(first, { kind: 'retry', reason, by })).rejects.toMatchObject({
      code: 'STEERING_REFUSED',
      message: expect.stringContaining('as many runs as may run at the same time with the key one do so') as unknown,
    });
    await answer(no);
    await hall.untilEnded(second);
    expect(await steer(first, { kind: 'retry', reason, by })).toBe('done');
    const third = await start('3');
    await hall.until('it was looked at', () => true);
    expect((await hall.client.get(third)).status).toBe('pending');
    await answer(no);
    await hall.untilEnded(first);
    await hall.until('its turn has come', async () => (await hall.client.get(third)).status === 'running');
  });

  test('a run that somebody has ended by hand is taken up too', async () => {
    const run = await started(chain);
    await answer();
    await hall.until('b is asked', async () => (await hall.facts(run, 'step.queued')).length === 2);
    const stored = hall.contents.at(0).runs.get(run);
    if (stored === undefined) throw new Error('no run');
    stored.quarantined = 'it looked torn';
    const keeper = new Keeper({ store: hall.store, partitions: 1, clock: hall.clock });
    await keeper.fail(run, { reason: 'enough', by });
    await failOver();
    expect(await steer(run, { kind: 'retry', reason, by })).toBe('done');
    // The request of before is void.
    expect(await (await hall.take('w')).begin()).toBe('superseded');
    expect([await answer(), await answer()]).toEqual(['b', 'c']);
    await hall.untilEnded(run);
    expect((await hall.client.get(run)).status).toBe('completed');
  });

  test('a worker whose step is skipped or restarted is told to stop, and its answer counts no more', async () => {
    for (const request of [
      { kind: 'skip', step: 'a', reason, by },
      { kind: 'restart', step: 'a', reason, by },
    ] as const) {
      const run = await started([step('a')]);
      const { key, begin } = await hall.take('w');
      expect(await begin()).toBe('go');
      expect(await steer(run, request)).toBe('done');
      expect(await hall.store.requests.beat(key, { heartbeatMs: 15_000, progress: '' })).toBe('stop');
      expect(await hall.store.requests.reply(key, { body: JSON.stringify(pass) })).toBe('stale');
      if (request.kind === 'restart') await answer();
      await hall.untilEnded(run);
      expect((await hall.client.get(run)).status).toBe('completed');
    }
  });

  test('a run that has completed is restarted, and a coordinator that dies meanwhile changes nothing', async () => {
    const run = await started(chain);
    for (let count = 0; count < 3; count++) await answer();
    await hall.untilEnded(run);
    await operator.steer(run, { kind: 'restart', step: 'b', reason, by });
    await failOver();
    expect([await answer(), await answer()]).toEqual(['b', 'c']);
    await hall.untilEnded(run);
    expect((await hall.client.get(run)).steps.map(({ attempt }) => attempt)).toEqual([1, 2, 2]);
  });
});

describe('fork', () => {
  const by = 'ada';
  const chain = [step('a'), step('b', { dependencies: ['a'] })];

  test('a run of its own with the past of the other one, another task and another persona; the same key forks once', async () => {
    const run = await started(chain);
    expect([await answer({ result: 'first' }), await answer()]).toEqual(['a', 'b']);
    await hall.untilEnded(run);
    const before = await hall.client.get(run);
    const request = { from: 'b', task: { more: 1 }, personas: {}, by, idempotencyKey: 'k' };
    const forked = await operator.fork(run, request);
    expect(forked.created).toBe(true);
    expect(await operator.fork(run, request)).toEqual({ ...forked, created: false });
    await expect(operator.fork(run, { ...request, task: {} })).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    await failOver();
    const { request: asked, begin, key } = await hall.take('w');
    expect(asked).toMatchObject({
      run: forked.run,
      step: 'b',
      attempt: 1,
      task: { more: 1 },
      results: { a: { result: 'first' } },
    });
    await begin();
    await hall.store.requests.reply(key, { body: JSON.stringify(pass) });
    await hall.untilEnded(forked.run);
    expect((await hall.client.get(forked.run)).status).toBe('completed');
    expect(await hall.client.get(run)).toEqual(before);
    const other = await operator.fork(run, { from: 'b', task: {}, personas: { b: 'another' }, by });
    await hall.until('it has begun', async () => (await hall.facts(other.run, 'step.queued')).length > 0);
    expect(await hall.facts(other.run, 'step.queued')).toMatchObject([{ step: 'b', persona: 'another' }]);
    const none = operator.fork(run, { from: 'b', task: {}, personas: { bb: 'another' }, by });
    await expect(none).rejects.toMatchObject({
      code: 'USAGE',
      message: 'no step "bb" asks a persona. Did you mean "b"?',
    });
  });
});
