/** A server at its memory limit: no new runs, and everything else goes on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { parseAddress } from '../../src/redis/address.js';
import { memoryOf, percentOf } from '../../src/redis/memory-limit.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from '../harness/definitions.js';
import { until } from '../harness/redis-instance.js';
import { type Standalone, startStandalone } from '../harness/topology.js';

const means = { clock: systemClock, ids: randomIds };
let single: Standalone;
let folder: string;
let stops: (() => Promise<void>)[];
let namespaces = 0;
beforeAll(async () => {
  single = await startStandalone();
  folder = mkdtempSync(join(tmpdir(), 'coord-memory-'));
  stops = [];
});
afterEach(async () => {
  await limit(0);
  for (const stop of stops.splice(0).toReversed()) await stop();
});
afterAll(async () => {
  await single.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function limit(bytes: number): Promise<void> {
  await single.server.cli('CONFIG', 'SET', 'maxmemory', String(bytes));
}

async function used(): Promise<number> {
  return Number(await single.server.info('used_memory'));
}

async function open(namespace: string): Promise<Store> {
  const address = parseAddress(single.address());
  const store = await openRedisStore({ address, namespace, ...means, failpoints: noFailpoints });
  stops.push(() => store.close());
  await store.namespace.open(null);
  return store;
}

async function client(namespace: string): Promise<Client> {
  return new Client({ store: await open(namespace), partitions: 1, ...means });
}

const definition = workflow([step('a'), step('b', { dependencies: ['a'] })]);
const request = (idempotencyKey: string): Parameters<Client['start']>[0] => ({
  definition,
  task: {},
  workspace: null,
  idempotencyKey,
});
const FULL = { code: 'REDIS_FULL', retryable: false, exit: 1 };

describe('a server that is short of memory', () => {
  test('takes in no start from four fifths of its limit on, and knows those that it had taken in', async () => {
    const namespace = `m${String(++namespaces)}`;
    const early = await client(namespace);
    const { run } = await early.start(request('one'));
    await limit(Math.round((await used()) / 0.85));
    const late = await client(namespace);
    await expect(late.start(request('two'))).rejects.toMatchObject({
      ...FULL,
      message: expect.stringMatching(
        /Redis uses \d+ MB of its limit of \d+ MB \(8\d %\), and from 80 % on.*raise maxmemory/,
      ),
    });
    expect(await late.start(request('one'))).toEqual({ run, created: false });
    await expect(late.start({ ...request('one'), task: { other: true } })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    await late.cancel(run, { reason: 'enough', by: 'test' });
    await limit(10 * (await used()));
    await until('what was learnt is not believed for long', () =>
      late.start(request('two')).then(
        ({ created }) => created,
        () => false,
      ),
    );
  });

  test('is asked once a second, however many start', async () => {
    const starter = await client(`m${String(++namespaces)}`);
    await limit(10 * (await used()));
    const before = Number(/cmdstat_info:calls=(\d+)/.exec(await single.server.cli('INFO', 'commandstats'))?.[1] ?? 0);
    await Promise.all(Array.from({ length: 50 }, (_, index) => starter.start(request(String(index)))));
    const after = Number(/cmdstat_info:calls=(\d+)/.exec(await single.server.cli('INFO', 'commandstats'))?.[1] ?? 0);
    // The test itself asked twice: for the memory used, and for this.
    expect(after - before).toBeLessThanOrEqual(3);
  });
});

describe('a server that has no memory left', () => {
  test('refuses starts by itself, whatever coord believes, and runs that were taken in go on', async () => {
    const namespace = `m${String(++namespaces)}`;
    const starter = await client(namespace);
    const runs = await Promise.all(['a', 'b', 'c'].map((key) => starter.start(request(key))));
    const [canceled, ...others] = runs.map(({ run }) => run);
    await limit(Math.round(0.9 * (await used())));
    await expect(starter.start(request('d'))).rejects.toMatchObject(FULL);
    await expect(starter.start({ ...request('e'), definition: workflow([step('z')]) })).rejects.toMatchObject(FULL);
    // Somebody comes now, and somebody answers, cancels, works and commits.
    const store = await open(namespace);
    const steering = new Client({ store, partitions: 1, ...means });
    await steering.cancel(canceled ?? '', { reason: 'enough', by: 'test' });
    const buried: string[] = [];
    const coordinator = new Coordinator({
      store,
      partitions: 1,
      ...means,
      name: 'c',
      leaseMs: 500,
      workerSilentMs: 1_500,
      report: (event) => {
        if (event.type === 'worker.buried') buried.push(event.why);
      },
    });
    const worker = new WorkerHost({
      store: await open(namespace),
      partitions: 1,
      personas: new Map([
        [
          'worker',
          functionPersona({
            name: 'worker',
            concurrency: 2,
            run: async () => {
              await systemClock.sleep(1_200);
              return { status: 'pass' };
            },
          }),
        ],
      ]),
      worker: 'w',
      stateDir: folder,
      clock: systemClock,
    });
    // The groups of a persona that nobody has served yet are all that a worker may not make. It was heard of before, so
    // that it is taken for dead if it cannot be heard of again.
    await limit(0);
    await store.requests.join({ partition: 0, worker: 'w', personas: ['worker'] });
    await store.namespace.announceWorker({ worker: 'w', host: 'h', pid: 1, personas: ['worker'], busy: 0 });
    await limit(Math.round(0.9 * (await used())));
    coordinator.start();
    worker.start();
    stops.push(
      () => coordinator.stop(),
      () => worker.stop(),
    );
    for (const run of others)
      await until(`${run} completes`, async () => (await steering.get(run)).status === 'completed', 20_000);
    expect((await steering.get(canceled ?? '')).status).toBe('canceled');
    expect(buried).toEqual([]);
    expect(Number(await single.server.info('maxmemory'))).toBeLessThanOrEqual(await used());
  });
});

test('what replicas and the log hold for a moment does not count', () => {
  const info = new Map([
    ['used_memory', '900'],
    ['mem_not_counted_for_evict', '400'],
    ['maxmemory', '1000'],
  ]);
  expect(memoryOf(info)).toEqual({ used: 500, limit: 1_000 });
  expect(percentOf(memoryOf(info))).toBe(50);
  expect(percentOf({ used: 5, limit: 0 })).toBe(0);
});
