/**
 * What a newer coord has written, as an older one beside it meets it: left alone, and in nobody's way. The newer one is
 * played by hand; what it writes is of shapes that nobody knows yet.
 */
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { RUN_FORMAT } from '../../src/core/formats.js';
import { sha256 } from '../../src/core/json.js';
import { step, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { dump } from './dump.mjs';
import { hashOf, type Recorded, recordedRuns, restore } from './load.js';
import { openStore, Revival } from './revival.js';

const TAG = '{corpus:0}';
const begun = recordedRuns().find(({ scenario }) => scenario === 'begun');
if (begun === undefined) throw new Error('the scenario is not recorded');
const { run } = begun.runs['a'] ?? { run: '' };
const OURS = `${TAG}:run:${run}`;

let server: TestServer;
let redis: Redis;
let revival: Revival;
beforeAll(async () => {
  server = await startTestServer();
  redis = new Redis(server.server.socket);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await restore(redis, { ...begun, goOn: { end: {} } });
  revival = await Revival.open(server.server.socket, begun);
  return () => revival.stop();
});

/** Messages of every kind to the run, as they come to lie in its inbox. */
async function tellTheRun(): Promise<readonly string[]> {
  const { requests, admission } = revival.store;
  const fields = hashOf(begun as Recorded, OURS);
  const key = {
    partition: 0,
    run,
    step: 'planning',
    attempt: 1,
    token: fields['t:planning'] ?? '',
    worker: 'worker-1',
  };
  expect(await requests.reply(key, { body: '{"status":"pass"}' })).toBe('ok');
  const tell = { partition: 0, run, requestHash: 'h', body: '{"name":"x","data":null,"by":"x"}' } as const;
  expect(await admission.admit({ kind: 'signal', ...tell, idempotencyKey: 's' })).toMatchObject({
    outcome: 'admitted',
  });
  expect(await admission.admit({ kind: 'cancel', ...tell, idempotencyKey: 'c' })).toMatchObject({
    outcome: 'admitted',
  });
  await redis.zadd(`${TAG}:timers`, 0, `queue|${run}|docs|1`);
  return messages(3);
}

/** Ids of what lies in the inbox. */
async function messages(count: number): Promise<readonly string[]> {
  const entries = await redis.xrange(`${TAG}:inbox`, '-', '+');
  expect(entries).toHaveLength(count);
  return entries.map(([id]) => id);
}

/** Another run of the same partition comes to its end. */
async function anotherRunEnds(key: string): Promise<void> {
  const definition = workflow([step('only')], { name: 'other' });
  const other = await revival.client.start({ definition, task: {}, workspace: null, idempotencyKey: key });
  await revival.end(other.run);
  expect(await revival.client.get(other.run)).toMatchObject({ status: 'completed' });
}

/** More often than a message may kill its coordinator before it is set aside. */
async function takeOverAgainAndAgain(): Promise<void> {
  for (let takeover = 1; takeover <= 6; takeover++) {
    revival.start();
    await anotherRunEnds(`k${String(takeover)}`);
    await revival.until(() => revival.events.filter(({ type }) => type === 'run.newer').length >= takeover);
    await revival.rest();
  }
}

async function keysOf(...names: readonly string[]): Promise<unknown> {
  const { keys } = await dump(redis);
  return names.map((name) => keys[name]);
}

test('a run: not read, not written, its messages kept, over as many takeovers as there are', async () => {
  const told = await tellTheRun();
  await redis.hset(OURS, { format: 99, record: '{"shape":"unknown"}', 'c:docs': 'no claim as we know it', version: 7 });
  const before = await keysOf(OURS, `${TAG}:history:${run}`);
  await takeOverAgainAndAgain();
  expect(await keysOf(OURS, `${TAG}:history:${run}`)).toEqual(before);
  expect((await messages(4)).slice(0, 3)).toEqual(told);
  expect(await revival.store.runs.deadLetters(0, 10)).toEqual([]);
  expect(revival.events).toContainEqual({ type: 'run.newer', run, what: 'format 99' });
});

test('a run: readers are told so, and see the others', async () => {
  await redis.hset(OURS, { format: 99, record: '{"shape":"unknown"}', 'c:docs': 'no claim as we know it' });
  revival.start();
  await anotherRunEnds('k');
  const { client } = revival;
  const decision = { step: 'x', choice: 'y', by: 'z' };
  for (const refused of [client.get(run), client.decide(run, decision)]) {
    const message = `run ${run} has format 99, this coord knows up to ${String(RUN_FORMAT)}; upgrade coord`;
    await expect(refused).rejects.toMatchObject({ code: 'FORMAT_UNKNOWN', message });
  }
  const listed = await client.list();
  expect(listed.map(({ workflow: name, status }) => `${name} ${status}`).toSorted()).toEqual([
    ' pending',
    'other completed',
  ]);
});

test('a run whose definition is of a newer format is left alone too', async () => {
  const told = await tellTheRun();
  // Whoever knows the protocol may work for it.
  await redis.del(`${TAG}:requests:other`);
  const newer = JSON.stringify({ format: 99, name: 'review', graph: [] });
  await redis.set(`{corpus}:definition:${sha256(newer)}`, newer);
  await redis.hset(OURS, { definition: sha256(newer) });
  const before = await keysOf(OURS, `${TAG}:history:${run}`);
  await takeOverAgainAndAgain();
  expect(revival.events).toContainEqual({ type: 'run.newer', run, what: 'a definition of a newer format' });
  expect(await keysOf(OURS, `${TAG}:history:${run}`)).toEqual(before);
  expect((await messages(4)).slice(0, 3)).toEqual(told);
  expect(await revival.store.runs.deadLetters(0, 10)).toEqual([]);
  await expect(revival.client.get(run)).rejects.toMatchObject({ code: 'FORMAT_UNKNOWN' });
});

test('a request of a newer protocol is not begun and not dropped, and nobody waits behind it', async () => {
  const stream = `${TAG}:requests:worker`;
  const body = JSON.stringify({ protocol: 99, run, step: { path: 'planning' }, token: 'unknown' });
  const ids: string[] = [];
  // One that this worker was sent before, and one that lies there.
  for (let count = 0; count < 2; count++) ids.push(String(await redis.xadd(stream, '*', 'body', body)));
  await redis.call('XREADGROUP', 'GROUP', 'workers', 'today', 'COUNT', 1, 'STREAMS', stream, '>');
  revival.start();
  await anotherRunEnds('k');
  const seen = (): readonly unknown[] => revival.workerEvents.filter(({ type }) => type === 'newer');
  await revival.until(() => seen().length >= ids.length);
  expect(seen()).toEqual(ids.map((entry) => ({ type: 'newer', partition: 0, persona: 'worker', entry, protocol: 99 })));
  await revival.rest();
  expect(revival.workerEvents.filter(({ type }) => type === 'refused')).toEqual([]);
  expect(await revival.store.runs.deadLetters(0, 10)).toEqual([]);
  const claim = { partition: 0, worker: 'newer', persona: 'worker', idleMs: 0, limit: 10 };
  const claimed = await revival.store.requests.claimAbandoned(claim);
  expect(claimed.map(({ entry }) => entry)).toEqual(ids);
});

test('a request that says 1 and is none is refused as before', async () => {
  await redis.xadd(`${TAG}:requests:worker`, '*', 'body', '{"protocol":1}');
  revival.start();
  await anotherRunEnds('k');
  await revival.until(() => revival.workerEvents.some(({ type }) => type === 'refused'));
  expect(await revival.store.runs.deadLetters(0, 10)).toMatchObject([{ kind: 'request', body: '{"protocol":1}' }]);
});

test('a namespace: refused, and nothing is written into it', async () => {
  await redis.del('{corpus}:meta');
  await redis.hset('{corpus}:meta', { format: 99, shards: 'of another sort' });
  const before = (await dump(redis)).keys;
  const store = await openStore(server.server.socket, 'corpus');
  const message = 'the namespace has format 99, this coord knows up to 2; upgrade coord';
  await expect(store.namespace.open(null)).rejects.toMatchObject({ code: 'FORMAT_UNKNOWN', message });
  await store.close();
  expect((await dump(redis)).keys).toEqual(before);
});
