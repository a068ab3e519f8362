import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import { openRedisStore } from '../../src/redis/store.js';
import { start } from '../contract/scene.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

test('whoever was confirmed something finds out by itself that a server came back without it', async () => {
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: 'coord',
    clock: systemClock,
    ids: randomIds,
    failpoints: noFailpoints,
  });
  await store.namespace.open(null);
  for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
  server.cli('HSET', '{coord:0}:lease', 'position', '1');
  await server.kill();
  await server.start();
  // Nobody asks for anything: the connection comes back, and what it was told before is compared.
  while (server.cli('XLEN', '{coord:0}:incidents') === '0') await systemClock.sleep(5);
  expect(await store.watermarks.incidents(0)).toMatchObject([{ from: 2, to: 3 }]);
  await store.close();
});
