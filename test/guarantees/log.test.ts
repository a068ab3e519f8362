/**
 * The append-only file of the private server, cut or damaged under it: a commit is in it as a whole or not at all, and a
 * server that cannot read its file says so instead of serving without it.
 */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { openRedisStore } from '../../src/redis/store.js';
import { acquire, commitOf, entryOf, inbox, start } from '../contract/scene.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

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

/** Where changes are appended. */
function file(): string {
  const folder = join(server.server.directory, 'appendonlydir');
  const name = readdirSync(folder).find((one) => one.endsWith('.incr.aof'));
  return join(folder, name ?? '');
}

/** Everything that the commit below changes, with what it must not change. */
function state(): readonly string[] {
  const keys = server.cli('--scan', '--pattern', '{coord:0}:*').split('\n').toSorted();
  return keys.map((key) => `${key} ${server.cli('DUMP', key)}`);
}

/** Where the log of a commit of that length is cut. Every server that starts costs time: `COORD_LOG_CUTS=1` takes each byte. */
function cutsOf(length: number): readonly number[] {
  const every = Number(process.env['COORD_LOG_CUTS'] ?? Math.ceil(length / 4));
  const inside = Array.from({ length: Math.ceil(length / every) }, (_, index) => 1 + index * every);
  return [...inside.filter((cut) => cut < length - 1), length - 1, length];
}

test('a log that ends within a commit, at whatever byte, gives the state before it', async () => {
  const lease = await acquire(store);
  await start(store);
  await start(store, { run: 'told', key: 'told' });
  const consumed = (await inbox(store)).map(({ id }) => id);
  const before = state();
  const from = readFileSync(file()).length;
  const commit = commitOf({
    consumed,
    steps: [{ step: 's', record: '{"status":"queued"}', token: 't' }],
    requests: [{ persona: 'qa', body: 'please' }],
    arm: [{ id: 'wait|test-1|s|1', afterMs: 60_000 }],
    entry: entryOf(['{"type":"run.started"}']),
    starts: [{ run: 'test-1.00000001', definition: 'd', input: '', record: '' }],
    sends: [{ run: 'told', kind: 'cancel', body: '{}' }],
  });
  expect(await store.partitions.commit(lease, commit)).toBe('ok');
  const after = state();
  expect(after.length).toBeGreaterThan(before.length + 4);
  // Else it would notice what is missing, and record it.
  await store.close();
  await server.kill();
  const whole = readFileSync(file());
  const length = whole.length - from;
  expect(length).toBeGreaterThan(500);
  for (const cut of cutsOf(length)) {
    writeFileSync(file(), whole);
    truncateSync(file(), from + cut);
    await server.start();
    expect({ cut, state: state() }).toEqual({ cut, state: cut === length ? after : before });
    await server.kill();
  }
});

test('a log that is damaged in the middle keeps the server from starting, which says where to look', async () => {
  for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
  await server.kill();
  const bytes = readFileSync(file());
  const at = Math.floor(bytes.length / 2);
  const header = bytes.indexOf('\r\n$', at);
  bytes[header + 2] = 0x21;
  writeFileSync(file(), bytes);
  await expect(server.start()).rejects.toMatchObject({
    code: 'REDIS_START_FAILED',
    message: expect.stringMatching(/Bad file format reading the append only file/),
  });
  expect(readFileSync(file())).toEqual(bytes);
});
