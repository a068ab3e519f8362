/** Named locks over several partitions on a real Redis, with two coordinators: one holder at a time, whoever dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { Failpoints, noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { openRedisStore } from '../../src/redis/store.js';
import { lock, step, unlock, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const PARTITIONS = 4;
const RUNS = 50;
const means = { clock: systemClock, ids: randomIds };
let server: TestServer;
let folder: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-locks-'));
  server = await startTestServer();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function open(failpoints = noFailpoints): Promise<Store> {
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: 'coord',
    ...means,
    failpoints,
  });
  await store.namespace.open(PARTITIONS);
  stops.push(() => store.close());
  return store;
}

async function coordinate(name: string, failpoints = noFailpoints): Promise<Coordinator> {
  const coordinator = new Coordinator({
    store: await open(failpoints),
    partitions: PARTITIONS,
    ...means,
    name,
    report: () => undefined,
    leaseMs: 500,
    failpoints,
  });
  coordinator.start();
  stops.push(() => coordinator.stop());
  return coordinator;
}

/** Runs that are inside at the same time, and how many were inside in all. */
async function serve(): Promise<{ readonly inside: Set<string>; readonly most: () => number; readonly entered: string[] }> {
  const inside = new Set<string>();
  const entered: string[] = [];
  let most = 0;
  const persona = functionPersona({
    name: 'worker',
    concurrency: RUNS,
    run: async (request) => {
      inside.add(request.run);
      entered.push(request.run);
      most = Math.max(most, inside.size);
      await systemClock.sleep(3);
      inside.delete(request.run);
      return request.params['fail'] === true ? { status: 'fail' } : { status: 'pass' };
    },
  });
  const worker = new WorkerHost({
    store: await open(),
    partitions: PARTITIONS,
    personas: new Map([['worker', persona]]),
    worker: 'w',
    stateDir: folder,
    clock: systemClock,
  });
  worker.start();
  stops.push(() => worker.stop());
  return { inside, most: () => most, entered };
}

async function started(steps: readonly StepDefinition[], runs: number): Promise<{ client: Client; ids: string[] }> {
  const client = new Client({ store: await open(), partitions: PARTITIONS, ...means });
  const definition = workflow(steps);
  const ids: string[] = [];
  for (let count = 0; count < runs; count++)
    ids.push((await client.start({ definition, task: { count }, workspace: null })).run);
  return { client, ids };
}

async function ended(client: Client, run: string): Promise<string> {
  for await (const fact of client.follow(run, new AbortController().signal)) void fact;
  return (await client.get(run)).status;
}

function nothingIsLeft(): void {
  expect(server.cli('HKEYS', '{coord}:locks')).toBe('grants');
  for (let partition = 0; partition < PARTITIONS; partition++) {
    expect(server.cli('XLEN', `{coord:${String(partition)}}:inbox`)).toBe('0');
    expect(server.cli('ZCARD', `{coord:${String(partition)}}:timers`)).toBe('0');
    expect(server.cli('EXISTS', `{coord:${String(partition)}}:dead`)).toBe('0');
  }
}

const UNDER_LOCK = [lock('take', 'repo'), step('work', { dependencies: ['take'] })];

test('of fifty runs that want one lock never two are inside, and all complete', async () => {
  const { most, entered } = await serve();
  const { client, ids } = await started(UNDER_LOCK, RUNS);
  expect(new Set(ids.map((run) => partitionOf(run, PARTITIONS))).size).toBe(PARTITIONS);
  await coordinate('one');
  await coordinate('two');
  expect(new Set(await Promise.all(ids.map((run) => ended(client, run))))).toEqual(new Set(['completed']));
  expect(most()).toBe(1);
  expect(new Set(entered).size).toBe(RUNS);
  expect(entered).toHaveLength(RUNS);
  nothingIsLeft();
}, 120_000);
