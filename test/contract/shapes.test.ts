/** The contract again, where Redis is not a socket: over TLS with a user that may do no more than docs/redis.md says, and on a cluster. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backups } from '../../src/coordinator/client-backup.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startCluster } from '../harness/cluster-set.js';
import { allowBackups, startStandalone } from '../harness/topology.js';
import { acquire, start as begin } from './scene.js';
import { contract } from './store.contract.js';

const SHAPES = {
  'one server with TLS and a user': () => startStandalone({ secure: true, namespace: 't*' }),
  'a cluster with TLS and a user': () => startCluster({ secure: true, namespace: 't*', replicas: 0 }),
} as const;

describe.each(Object.entries(SHAPES))('on %s', (_, start) => {
  let set: Awaited<ReturnType<typeof start>>;
  let namespaces = 0;
  beforeAll(async () => {
    set = await start();
  });
  afterAll(() => set.stop());

  async function open(): Promise<Store> {
    const store = await openRedisStore({
      address: parseAddress(set.address()),
      namespace: `t${String(++namespaces)}`,
      clock: systemClock,
      ids: randomIds,
      failpoints: noFailpoints,
    });
    await store.namespace.open(null);
    return store;
  }

  test.each(contract)('$name', async ({ run }) => {
    const store = await open();
    expect(store.durable).toBe(true);
    try {
      await run({
        store,
        pass: async (ms) => {
          const until = (await store.namespace.time()) + ms;
          while ((await store.namespace.time()) < until);
        },
      });
    } finally {
      await store.close();
    }
  });

  test('a namespace is copied away and back, with the rights that the page gives for that', async () => {
    await allowBackups('server' in set ? [set.server] : set.nodes);
    const store = await open();
    const lease = await acquire(store);
    await begin(store);
    await store.partitions.release(lease);
    const namespace = `t${String(namespaces)}`;
    const folder = mkdtempSync(join(tmpdir(), 'coord-shapes-'));
    try {
      const backups = new Backups({ store, namespace, version: '0', ids: randomIds });
      const file = join(folder, 'backup.jsonl');
      const { keys } = await backups.backup(file);
      expect(keys).toBeGreaterThan(3);
      expect(await backups.restore(file, { replace: true })).toMatchObject({ keys });
      await backups.release();
      expect(await backups.waiting()).toMatchObject([{ partition: 0, hold: null, messages: 1 }]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await store.close();
    }
  });

  test('a label names the servers and nobody else', async () => {
    const store = await open();
    expect(store.label).not.toMatch(/s3cret|coord-app|@/);
    await store.close();
  });
});
