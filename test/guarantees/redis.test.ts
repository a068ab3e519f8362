/** What operators do to a Redis under coord, and one that takes its time to come back. Rows of `docs/guarantees.md` that no other test is about. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { parseAddress } from '../../src/redis/address.js';
import { Connection } from '../../src/redis/connection.js';
import { openRedisStore } from '../../src/redis/store.js';
import { dispatched, take } from '../contract/scene.js';
import { step, workflow } from '../harness/definitions.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { startStandalone } from '../harness/topology.js';

const means = { clock: systemClock, ids: randomIds, failpoints: noFailpoints };
const REQUESTS = '{coord:0}:requests:qa';
let server: TestServer;
let store: Store;
beforeEach(async () => {
  server = await startTestServer();
  store = await openRedisStore({ address: { socket: server.server.socket }, namespace: 'coord', ...means });
  await store.namespace.open(null);
});
afterEach(async () => {
  await store.close();
  await server.stop();
});

test('a group that was destroyed is made again from the start of its stream, so nothing is passed over', async () => {
  await dispatched(store);
  server.cli('XGROUP', 'DESTROY', REQUESTS, 'workers');
  expect(await take(store, 'w1')).toEqual([]);
  expect((await take(store, 'w1')).map(({ body }) => body)).toEqual(['please']);
});

test('a delivery whose entry was trimmed is passed over by every read, and stops no worker', async () => {
  await dispatched(store);
  expect(await take(store, 'w1')).toHaveLength(1);
  server.cli('XTRIM', REQUESTS, 'MAXLEN', '0');
  expect(await take(store, 'w1', { recover: true })).toEqual([]);
  const claim = { partition: 0, worker: 'w2', persona: 'qa', idleMs: 0, limit: 10 };
  expect(await store.requests.claimAbandoned(claim)).toEqual([]);
  server.cli('XADD', REQUESTS, '*', 'body', 'another');
  expect((await take(store, 'w2')).map(({ body }) => body)).toEqual(['another']);
});

test('a server that loads its data for long does nothing meanwhile, and is there for all when it has', async () => {
  const slow = await startStandalone();
  const address = parseAddress(slow.address());
  const opened = await openRedisStore({ address, namespace: 'coord', ...means, deadlineMs: 500 });
  try {
    await opened.namespace.open(null);
    await slow.server.cli('EVAL', "for i = 1, 2000 do redis.call('SET', 'k' .. i, i) end", '0');
    await slow.server.cli('SAVE');
    await slow.server.kill();
    // So many µs for each key, and an answer now and then: LOADING.
    const loading = slow.server.start(['--key-load-delay', '800', '--loading-process-events-interval-bytes', '1024']);
    await until('it loads', async () => (await slow.server.info('loading').catch(() => '')) === '1');
    const client = new Client({ store: opened, partitions: 1, ...means });
    const request = { definition: workflow([step('a')]), task: {}, workspace: null, idempotencyKey: 'k' };
    // A start waits until the server can be used, and is there once.
    const starting = client.start(request);
    await loading;
    const { run } = await starting;
    expect((await client.list()).map(({ id }) => id)).toEqual([run]);
  } finally {
    await opened.close();
    await slow.stop();
  }
});

test('two hundred clients are back soon after a server is', async () => {
  const address = { socket: server.server.socket };
  const connections = Array.from(
    { length: 200 },
    () => new Connection({ address, ...means, deadlineMs: 20_000, scripts: new Map() }),
  );
  try {
    await Promise.all(connections.map((connection) => connection.ready()));
    await server.kill();
    const lost = await Promise.allSettled(connections.map((connection) => connection.read('PING', [])));
    expect(lost.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await server.start();
    // Their pauses have grown to a second at most; the rest is for slow machines.
    const from = systemClock.monotonic();
    await Promise.all(connections.map((connection) => connection.ready()));
    expect(systemClock.monotonic() - from).toBeLessThan(10_000);
    const answers = await Promise.all(connections.map((connection) => connection.read('PING', [])));
    expect(new Set(answers)).toEqual(new Set(['PONG']));
  } finally {
    for (const connection of connections) connection.close();
  }
});
