import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { redisBinary } from '../harness/redis-server.js';
import { buildShim, type FsyncMode, VictimServer } from './server.js';

const SHIM = fileURLToPath(new URL('fsync-shim.c', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'coord-cut-'));
let shim = '';
let server: VictimServer;
let client: Redis;

beforeAll(async () => {
  shim = await buildShim(SHIM, folder);
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  client.disconnect();
  await server.kill();
});

async function serving(fsync: FsyncMode): Promise<void> {
  server = new VictimServer({ directory: mkdtempSync(join(folder, fsync)), binary: redisBinary(), fsync, shim });
  await server.start();
  await connect();
}

async function connect(): Promise<void> {
  client = new Redis(server.socket, { retryStrategy: () => null, lazyConnect: true });
  client.on('error', () => undefined);
  await client.connect();
}

/** Writes for a while; returns how many were confirmed. */
async function write(forMs: number): Promise<number> {
  let confirmed = 0;
  for (const until = performance.now() + forMs; performance.now() < until; ) confirmed = await client.incr('count');
  return confirmed;
}

async function afterCut(): Promise<number> {
  await server.cutPower();
  client.disconnect();
  await server.start();
  await connect();
  return Number(await client.get('count'));
}

describe('a power cut', () => {
  test('under always loses nothing that was confirmed', async () => {
    await serving('always');
    const confirmed = await write(300);
    expect(confirmed).toBeGreaterThan(20);
    expect(await afterCut()).toBeGreaterThanOrEqual(confirmed);
    // And again, with a server that has read a log before.
    const more = await write(100);
    expect(more).toBeGreaterThan(confirmed);
    expect(await afterCut()).toBeGreaterThanOrEqual(more);
  });

  test('under everysec keeps what an fsync has reached and loses what came after it', async () => {
    await serving('everysec');
    const confirmed = await write(1_600);
    const left = await afterCut();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(confirmed);
  });

  test('under no loses all of it', async () => {
    await serving('no');
    expect(await write(200)).toBeGreaterThan(20);
    expect(await afterCut()).toBe(0);
  });

  test('is more than kill -9, which loses nothing whatever the mode', async () => {
    await serving('no');
    const confirmed = await write(200);
    await server.kill();
    client.disconnect();
    await server.start();
    await connect();
    expect(Number(await client.get('count'))).toBeGreaterThanOrEqual(confirmed);
  });
});
