/** What reaches a run at the same time, twice, too late, or for another one. Rows of `docs/guarantees.md` that no other test is about. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { CoordError } from '../../src/core/errors.js';
import { randomIds } from '../../src/core/ids.js';
import { decision, step, workflow } from '../harness/definitions.js';
import { Hall } from './hall.js';

let hall: Hall;
beforeEach(() => {
  hall = new Hall();
  hall.coordinator();
});
afterEach(() => hall.close());

const PASS = '{"status":"pass"}';
const RACES = 200;

/** Lets the other one go first by a few turns of the event loop, or not at all. */
async function after(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve();
}

/** Empty when the call went well. */
async function codeOf(turns: number, call: () => Promise<void>): Promise<string> {
  await after(turns);
  return call().then(
    () => '',
    (error: unknown) => (error instanceof CoordError ? error.code : String(error)),
  );
}

async function startAll(definition: ReturnType<typeof workflow>): Promise<readonly string[]> {
  const started = Array.from({ length: RACES }, () => hall.client.start({ definition, task: {}, workspace: null }));
  return (await hall.during(Promise.all(started))).map(({ run }) => run);
}

test('of two people who answer at the same time one is taken, 200 times, and the other one is told or recorded', async () => {
  const runs = await startAll(workflow([decision('ok')]));
  await hall.until(
    'all ask',
    async () => (await hall.client.list({ statuses: ['waiting'], limit: RACES })).length === RACES,
  );
  const answers = runs.map((run, index) =>
    Promise.all([
      codeOf(index % 7, async () => void (await hall.client.decide(run, { step: 'ok', choice: 'approve', by: 'ada' }))),
      codeOf(
        (index * 3) % 41,
        async () => void (await hall.client.decide(run, { step: 'ok', choice: 'reject', by: 'bob' })),
      ),
    ]),
  );
  const told = await hall.during(Promise.all(answers));
  const codes = new Set(told.flat());
  expect([...codes].filter((code) => !['', 'DECISION_REFUSED', 'RUN_ENDED'].includes(code))).toEqual([]);
  const winners = new Set<string>();
  for (const [index, run] of runs.entries()) {
    await hall.untilEnded(run);
    const answered = await hall.facts(run, 'decision.answered');
    expect(answered).toHaveLength(1);
    const { by = '', choice } = answered[0] ?? {};
    winners.add(by);
    expect((await hall.client.get(run)).status).toBe(choice === 'approve' ? 'completed' : 'failed');
    const ignored = (await hall.facts(run, 'message.ignored')).filter(({ kind }) => kind === 'decide').length;
    const refused = told[index]?.filter((code) => code !== '').length ?? 0;
    expect(refused + ignored + (await letters(run))).toBe(1);
  }
  expect(winners).toEqual(new Set(['ada', 'bob']));
});

/** Messages of a run that came when it had ended. */
async function letters(run: string): Promise<number> {
  return (await hall.store.runs.deadLetters(0, 1_000)).filter((letter) => letter.run === run).length;
}

test('an answer to a question that was asked before, or when its time is over, is refused', async () => {
  const asks = workflow([decision('ok', { timeout: '1h' })]);
  const { run } = await hall.client.start({ definition: asks, task: {}, workspace: null });
  await hall.until('it asks', async () => (await hall.facts(run, 'step.waiting')).length === 1);
  const answer = { step: 'ok', choice: 'approve', by: 'ada' };
  const other = hall.client.decide(run, { ...answer, token: 'ok?0' });
  await expect(other).rejects.toMatchObject({ code: 'DECISION_REFUSED' });
  hall.clock.advance(2 * 3_600_000);
  await hall.untilEnded(run);
  await expect(hall.client.decide(run, answer)).rejects.toMatchObject({ code: 'DECISION_REFUSED' });
  expect(await hall.facts(run, 'decision.answered')).toEqual([]);
});

test('of a cancel and a reply that come at the same time one wins, 200 times, and the worker of the other is told', async () => {
  const runs = await startAll(workflow([step('a')]));
  const taken = [];
  for (const _ of runs) taken.push(await hall.take('w'));
  for (const { begin } of taken) expect(await begin()).toBe('go');
  const answers = taken.map(({ key }, index) =>
    Promise.all([
      codeOf(index % 11, () => hall.client.cancel(key.run, { reason: 'enough', by: 'ada' })),
      after((index * 5) % 37).then(() => hall.store.requests.reply(key, { body: PASS })),
    ]),
  );
  const told = await hall.during(Promise.all(answers));
  expect(told.filter(([cancel]) => !['', 'RUN_ENDED'].includes(cancel))).toEqual([]);
  expect(told.filter(([, reply]) => reply === 'repeated')).toEqual([]);
  const ends = new Set<string>();
  for (const { key } of taken) {
    await hall.untilEnded(key.run);
    const [completed, canceled] = [
      await hall.facts(key.run, 'run.completed'),
      await hall.facts(key.run, 'run.canceled'),
    ];
    expect(completed.length + canceled.length).toBe(1);
    const succeeded = await hall.facts(key.run, 'step.succeeded');
    expect(succeeded.length).toBeGreaterThanOrEqual(completed.length);
    expect(succeeded.length).toBeLessThanOrEqual(1);
    expect(await hall.store.requests.beat(key, { heartbeatMs: 15_000, progress: '' })).toBe('stop');
    ends.add((await hall.client.get(key.run)).status);
  }
  expect(ends).toEqual(new Set(['completed', 'canceled']));
});

test('a reply that comes a hundred times counts once; for another step, another run or a canceled one never', async () => {
  const definition = workflow([step('a'), step('b', { dependencies: ['a'] })]);
  const start = async (): Promise<string> => (await hall.client.start({ definition, task: {}, workspace: null })).run;
  const run = await start();
  const a = await hall.take('w');
  await a.begin();
  const replies = Array.from({ length: 100 }, () => hall.store.requests.reply(a.key, { body: PASS }));
  expect((await Promise.all(replies)).toSorted()).toEqual(['ok', ...Array.from({ length: 99 }, () => 'repeated')]);
  const b = await hall.take('w');
  expect(b.key.step).toBe('b');
  await b.begin();
  const other = await start();
  const c = await hall.take('w');
  expect(c.key.run).toBe(other);
  await c.begin();
  const wrong = [
    { ...b.key, token: a.key.token },
    { ...b.key, run: other },
    { ...c.key, run },
    { ...c.key, token: b.key.token },
  ];
  for (const key of wrong) expect(await hall.store.requests.reply(key, { body: PASS })).toBe('stale');
  // The run has gone on since; it was taken all the same.
  expect(await hall.store.requests.reply(a.key, { body: PASS })).toBe('repeated');
  await hall.client.cancel(run, { reason: 'enough', by: 'ada' });
  await hall.untilEnded(run);
  const { version: ended } = (await hall.store.runs.load(0, run)) ?? { version: 0 };
  expect(await hall.store.requests.reply(b.key, { body: PASS })).toBe('stale');
  await hall.store.requests.reply(c.key, { body: PASS });
  await hall.until('the other goes on', async () => (await hall.facts(other, 'step.succeeded')).length === 1);
  expect((await hall.store.runs.load(0, run))?.version).toBe(ended);
  expect((await hall.facts(run, 'step.succeeded')).map((fact) => fact.step)).toEqual(['a']);
});

test('a start whose answer was lost is repeated with its key: one run; with another task the key is refused', async () => {
  let cuts = 2;
  const admission = {
    admit: async (request: Parameters<typeof hall.store.admission.admit>[0]) => {
      const answer = await hall.store.admission.admit(request);
      if (cuts-- > 0) throw new CoordError('OUTCOME_UNKNOWN', 'cut');
      return answer;
    },
  };
  const means = { clock: hall.clock, ids: randomIds };
  const client = new Client({ store: { ...hall.store, admission }, partitions: 1, ...means });
  const request = { definition: workflow([step('a')]), task: { of: 'ada' }, workspace: null, idempotencyKey: 'k' };
  const first = await hall.during(client.start(request));
  expect(cuts).toBeLessThan(0);
  const { key, begin } = await hall.take('w');
  expect(await begin()).toBe('go');
  await hall.store.requests.reply(key, { body: PASS });
  await hall.untilEnded(first.run);
  expect(await hall.client.start(request)).toEqual({ run: first.run, created: false });
  const another = hall.client.start({ ...request, task: { of: 'bob' } });
  await expect(another).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  expect((await hall.client.list()).map(({ id }) => id)).toEqual([first.run]);
  expect(await hall.facts(first.run, 'run.started')).toHaveLength(1);
});
