/** The commands that copy a namespace away and back, on real servers. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.js';
import { noFailpoints } from '../../../src/core/failpoints.js';
import { randomIds } from '../../../src/core/ids.js';
import type { Store } from '../../../src/core/ports.js';
import { openRedisStore } from '../../../src/redis/store.js';
import { step } from '../../harness/definitions.js';
import { startTestServer, type TestServer } from '../../harness/redis-server.js';
import { StoredRuns } from '../../harness/stored-run.js';
import { World } from '../world.js';

process.env['TZ'] = 'UTC';

let server: TestServer;
let world: World;
let count = 0;
const stores: Store[] = [];
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await server.stop();
});
beforeEach(() => {
  world = new World();
});

/** A store that commands of the next call work on. */
async function use(namespace: string): Promise<Store> {
  const address = { socket: server.server.socket };
  const store = await openRedisStore({
    address,
    namespace,
    clock: systemClock,
    ids: randomIds,
    failpoints: noFailpoints,
  });
  stores.push(store);
  world.backupStore = { store };
  return store;
}

async function withRun(): Promise<string> {
  const namespace = `b${String(++count)}`;
  const store = await use(namespace);
  await store.namespace.open(1);
  const runs = new StoredRuns({ store, clock: systemClock, pass: async () => undefined });
  const run = await runs.start(StoredRuns.definitionOf([step('a')]));
  while ((await runs.client.get(run)).status === 'pending') await runs.turn(10);
  return namespace;
}

test('a backup says how long the store stood still, and a restore what waits until it is released', async () => {
  const namespace = await withRun();
  const backup = await world.coord('backup', 'all.jsonl', '--namespace', namespace);
  expect(backup.code).toBe(0);
  expect(backup.out).toMatch(
    /^✓ namespace b1 is in all\.jsonl: \d+ keys, [\d.]+ kB\n {2}partition 0 as of position \d+: the store stood still for [\d.]+ ms \([\d.]+ kB\)\n$/,
  );
  expect(existsSync(join(world.directory, 'all.jsonl'))).toBe(true);
  expect(existsSync(join(world.directory, 'all.jsonl.unfinished'))).toBe(false);

  await use('copy');
  const restore = await world.coord('restore', 'all.jsonl', '--namespace', 'copy');
  expect(restore).toMatchObject({ code: 0, err: '' });
  expect(restore.out).toMatch(/^✓ namespace copy is as namespace b1 was at .*: \d+ keys\n/);
  expect(restore.out).toContain(
    '  partition 0, on hold: runs: 1 running\n    0 messages, 1 requests, 0 timers of which 0 are due\n',
  );
  expect(restore.out).toContain('coord restore --release');
  expect((await world.coord('restore')).out).toContain('partition 0, on hold');

  const again = await world.coord('restore', 'all.jsonl', '--namespace', 'copy');
  expect(again.code).toBe(2);
  expect(again.err).toContain('BACKUP_REFUSED');
  expect(again.err).toContain('--replace');
  const replaced = await world.coord('restore', 'all.jsonl', '--namespace', 'copy', '--replace');
  expect(replaced.code).toBe(0);
  expect(replaced.err).toContain('Everything in namespace copy is deleted, and replaced by all.jsonl.');

  const released = await world.coord('restore', '--release', '--namespace', 'copy');
  expect(released.out).toContain('✓ Released');
  expect((await world.coord('restore', '--release')).out).toBe('No partition was on hold.\n');
  expect((await world.coord('restore')).out).toContain('partition 0, not on hold');
});

test('as documents for scripts', async () => {
  const namespace = await withRun();
  const backup = JSON.parse((await world.coord('backup', 'b.jsonl', '--namespace', namespace, '--json')).out) as object;
  expect(backup).toMatchObject({ header: { namespace, partitions: 1 }, cuts: [{ partition: 0 }] });
  await use('document');
  const restored = JSON.parse((await world.coord('restore', 'b.jsonl', '--json')).out) as object;
  expect(restored).toMatchObject({ replaced: false, waiting: [{ partition: 0, runs: { running: 1 }, requests: 1 }] });
  expect(JSON.parse((await world.coord('restore', '--release', '--json')).out)).toMatchObject([{ partition: 0 }]);
});

test('what cannot be done is said', async () => {
  expect(await world.coord('restore', 'x', '--release')).toMatchObject({
    code: 2,
    err: expect.stringContaining('a command of its own') as unknown,
  });
  await use('empty');
  expect((await world.coord('backup', 'x', '--namespace', 'empty')).err).toContain('there is no namespace empty here');
  expect((await world.coord('restore', 'none.jsonl')).err).toContain('cannot be read');
  const namespace = await withRun();
  expect((await world.coord('backup', 'no/folder', '--namespace', namespace)).err).toContain('cannot be written');
});
