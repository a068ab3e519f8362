/**
 * redis-server on a disk that is full: its files may not grow beyond a limit, as `ulimit -f` has it. Under `everysec` it
 * refuses writes until there is room; under `always` it ends. Neither costs a run anything.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { processRuns } from '../../src/core/processes.js';
import { openRedisStore } from '../../src/redis/store.js';
import { type FsyncMode, VictimServer } from '../chaos/server.js';
import { emit, workflow } from '../harness/definitions.js';
import { until } from '../harness/redis-instance.js';
import { redisBinary } from '../harness/redis-server.js';

const means = { clock: systemClock, ids: randomIds };
const definition = workflow([emit('only', 'done')]);
let folder: string;
let server: VictimServer;
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-disk-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await server.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A server whose files may have so many KB. `again`: the same one, with another limit. */
async function serve(fsync: FsyncMode, kilobytes: number | 'unlimited'): Promise<void> {
  const limited = join(folder, 'limited-server');
  const blocks = kilobytes === 'unlimited' ? kilobytes : String(2 * kilobytes);
  // What would end a process that writes beyond its limit is ignored, also behind exec: so the write fails, as on a full disk.
  const lines = ['#!/bin/sh', "trap '' XFSZ", `ulimit -S -f ${blocks}`, `exec ${redisBinary()} "$@"`, ''];
  writeFileSync(limited, lines.join('\n'));
  chmodSync(limited, 0o755);
  server = new VictimServer({ directory: folder, binary: limited, fsync, shim: '' });
  await server.start();
}

async function open(): Promise<Store> {
  const address = { socket: server.socket };
  const store = await openRedisStore({ address, namespace: 'coord', ...means, failpoints: noFailpoints });
  await store.namespace.open(null);
  stops.push(() => store.close());
  return store;
}

async function coordinate(): Promise<Client> {
  const coordinator = new Coordinator({
    store: await open(),
    partitions: 1,
    ...means,
    name: 'one',
    report: () => undefined,
  });
  coordinator.start();
  stops.push(() => coordinator.stop());
  return new Client({ store: await open(), partitions: 1, ...means });
}

/** As long as it takes, with one key, as somebody does who wants it. */
async function start(client: Client): Promise<string> {
  const idempotencyKey = randomIds.nonce();
  for (;;) {
    try {
      return (await client.start({ definition, task: {}, workspace: null, idempotencyKey })).run;
    } catch (error) {
      if (!(error instanceof CoordError) || !error.retryable) throw error;
      await systemClock.sleep(20);
    }
  }
}

async function completed(client: Client, runs: readonly string[]): Promise<void> {
  for (const run of runs)
    await until(`${run} is completed`, async () => {
      const { status, quarantined } = await client.get(run);
      expect(quarantined).toBeNull();
      return status === 'completed';
    });
}

test('a full disk under everysec: writes are waited for until there is room, and no run is set aside', async () => {
  await serve('everysec', 200);
  const client = await coordinate();
  const before = [await start(client), await start(client)];
  await completed(client, before);
  const admin = new Redis(server.socket);
  stops.push(async () => admin.disconnect());
  await until('it refuses', async () =>
    admin.set('filler', 'x'.repeat(20_000)).then(
      () => false,
      (error: unknown) => String(error).includes('MISCONF'),
    ),
  );
  // Waits for as long as nothing can be written.
  const during = start(client);
  await expect(Promise.race([during, client.get(before[0] ?? '').then(({ status }) => status)])).resolves.toBe(
    'completed',
  );
  execFileSync('prlimit', ['--pid', String(server.pid), '--fsize=unlimited:unlimited']);
  await completed(client, [...before, await during]);
});

test('a full disk under always: the server ends, and what was acknowledged is there when it serves again', async () => {
  await serve('always', 100);
  const client = await coordinate();
  const acknowledged: string[] = [];
  let enough = Number.POSITIVE_INFINITY;
  const starting = (async () => {
    while (acknowledged.length < enough) acknowledged.push(await start(client));
  })();
  const pid = server.pid ?? 0;
  await until('the server has ended', () => !processRuns(pid));
  expect(acknowledged.length).toBeGreaterThan(5);
  await serve('always', 'unlimited');
  enough = acknowledged.length + 5;
  await starting;
  await completed(client, acknowledged);
});
