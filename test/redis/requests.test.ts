import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

let server: TestServer;
let store: Store;
beforeAll(async () => {
  server = await startTestServer();
  const means = { clock: systemClock, ids: randomIds, failpoints: noFailpoints };
  store = await openRedisStore({ address: { socket: server.server.socket }, namespace: 'turns', ...means });
  await store.namespace.open(3);
});
afterAll(async () => {
  await store.close();
  await server.stop();
});

test('with fewer free hands than personas each gets its turn in every partition, however many partitions take turns', async () => {
  const personas = ['a', 'b', 'c'];
  const partitions = [0, 1, 2];
  for (const partition of partitions) {
    await store.requests.join({ partition, worker: 'w', personas });
    for (const persona of personas)
      server.cli('XADD', `{turns:${String(partition)}}:requests:${persona}`, '*', 'body', persona);
  }
  const place = { worker: 'w', personas, limit: 1, total: 1, recover: false, waitMs: 1 };
  const { signal } = new AbortController();
  const taken: string[] = [];
  for (let round = 0; round < personas.length; round++) {
    for (const partition of partitions) {
      const deliveries = await store.requests.take({ ...place, partition, signal });
      taken.push(...deliveries.map(({ persona }) => `${String(partition)} ${persona}`));
    }
  }
  expect(taken.toSorted()).toEqual(['0 a', '0 b', '0 c', '1 a', '1 b', '1 c', '2 a', '2 b', '2 c']);
});
