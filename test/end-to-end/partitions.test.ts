/** Several partitions with two coordinators and two workers on a real Redis: every run ends, wherever it lies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const PARTITIONS = 4;
const RUNS = 40;
const means = { clock: systemClock, ids: randomIds };
let server: TestServer;
let folder: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-partitions-'));
  server = await startTestServer();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<Store> {
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: 'coord',
    ...means,
    failpoints: noFailpoints,
  });
  await store.namespace.open(PARTITIONS);
  stops.push(() => store.close());
  return store;
}

/** Two coordinators and two workers, and what the workers have done. */
async function team(): Promise<readonly string[]> {
  const done: string[] = [];
  const persona = functionPersona({
    name: 'worker',
    concurrency: 8,
    run: ({ run, step: name }) => {
      done.push(`${run} ${name}`);
      return { status: 'pass', result: name, artifacts: [{ name: 'note.md', content: `by ${name}` }] };
    },
  });
  for (const name of ['one', 'two']) {
    const store = await open();
    const coordinator = new Coordinator({
      store,
      partitions: PARTITIONS,
      ...means,
      name,
      report: () => undefined,
      leaseMs: 500,
    });
    const worker = new WorkerHost({
      store,
      partitions: PARTITIONS,
      personas: new Map([['worker', persona]]),
      worker: name,
      stateDir: folder,
      clock: systemClock,
    });
    coordinator.start();
    worker.start();
    stops.push(
      () => coordinator.stop(),
      () => worker.stop(),
    );
  }
  return done;
}

async function ended(client: Client, run: string): Promise<void> {
  for await (const fact of client.follow(run, new AbortController().signal)) expect(fact.run).toBe(run);
}

test('runs of all partitions end, and each step is done once', async () => {
  const done = await team();
  const client = new Client({ store: await open(), partitions: PARTITIONS, ...means });
  const definition = workflow([
    step('a'),
    step('b', { dependencies: ['a'] }),
    step('c', { dependencies: ['a'] }),
    step('d', { dependencies: ['b', 'c'] }),
  ]);
  const started = await Promise.all(
    Array.from({ length: RUNS }, () => client.start({ definition, task: {}, workspace: null })),
  );
  expect(new Set(started.map(({ run }) => partitionOf(run, PARTITIONS))).size).toBe(PARTITIONS);
  for (const { run } of started) await ended(client, run);
  const runs = await client.list({ limit: RUNS + 1 });
  expect(runs.map((run) => run.status)).toEqual(started.map(() => 'completed'));
  expect(done).toHaveLength(4 * RUNS);
  expect(new Set(done).size).toBe(4 * RUNS);
  // What is done is not kept in queues: nothing waits, nothing is pending, nothing was set aside.
  for (let partition = 0; partition < PARTITIONS; partition++) {
    expect(server.cli('XLEN', `{coord:${String(partition)}}:inbox`)).toBe('0');
    expect(server.cli('XLEN', `{coord:${String(partition)}}:requests:worker`)).toBe('0');
    expect(server.cli('XPENDING', `{coord:${String(partition)}}:requests:worker`, 'workers').split('\n')[0]).toBe('0');
    expect(server.cli('ZCARD', `{coord:${String(partition)}}:timers`)).toBe('0');
    expect(server.cli('EXISTS', `{coord:${String(partition)}}:dead`)).toBe('0');
  }
});

test('a fork in another partition has the past of its run, artifacts included, and runs none of it again', async () => {
  const done = await team();
  const store = await open();
  const client = new Client({ store, partitions: PARTITIONS, ...means });
  const operator = new Operator({ store, partitions: PARTITIONS, ...means });
  const definition = workflow([step('a'), step('b', { dependencies: ['a'] })], {
    concurrency: { key: '{{ task.of }}', limit: 1 },
  });
  const { run } = await client.start({ definition, task: { of: 'one' }, workspace: null });
  await ended(client, run);
  const homes = new Set([partitionOf(run, PARTITIONS)]);
  for (let index = 0; homes.size < 3; index++) {
    const request = { from: 'b', task: { of: `other ${String(index)}` }, personas: {}, by: 'ada' };
    const fork = (await operator.fork(run, request)).run;
    const home = partitionOf(fork, PARTITIONS);
    await ended(client, fork);
    expect((await client.get(fork)).status).toBe('completed');
    expect(done.filter((line) => line.startsWith(`${fork} `))).toEqual([`${fork} b`]);
    const { content } = await client.artifact(fork, 'a/note.md');
    expect(new TextDecoder().decode(content)).toBe('by a');
    homes.add(home);
  }
  for await (const { problems } of operator.verify(await operator.runs())) expect(problems).toEqual([]);
});
