/** What operators do to a Redis under coord. Rows of `docs/guarantees.md` that no other test is about. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { openRedisStore } from '../../src/redis/store.js';
import { dispatched, take } from '../contract/scene.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const REQUESTS = '{coord:0}:requests:qa';
let server: TestServer;
let store: Store;
beforeEach(async () => {
  server = await startTestServer();
  const means = { clock: systemClock, ids: randomIds, failpoints: noFailpoints };
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
