/** Named locks over several partitions on a real Redis, with two coordinators: one holder at a time, whoever dies. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { Failpoints, noFailpoints } from '../../src/core/failpoints.js';
import { Keeper } from '../../src/coordinator/client-keep.js';
import { Locks } from '../../src/coordinator/client-locks.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import type { RunView } from '../../src/core/views.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { openRedisStore } from '../../src/redis/store.js';
import { lock, step, unlock, wait, workflow } from '../harness/definitions.js';
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
async function serve(): Promise<{
  readonly inside: Set<string>;
  readonly most: () => number;
  readonly entered: string[];
}> {
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

async function until(client: Client, run: string, isSo: (view: RunView) => boolean): Promise<void> {
  await expect.poll(async () => isSo(await client.get(run)), { timeout: 10_000, interval: 20 }).toBe(true);
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

test('a lock is free again however the run ends that held it', async () => {
  await serve();
  await coordinate('one');
  const store = await open();
  const client = new Client({ store, partitions: PARTITIONS, ...means });
  const begin = async (...steps: StepDefinition[]): Promise<string> =>
    (await client.start({ definition: workflow([lock('take', 'repo'), ...steps]), task: {}, workspace: null })).run;
  const after = { dependencies: ['take'] };

  expect(await ended(client, await begin(step('work', after)))).toBe('completed');
  expect(await ended(client, await begin(step('work', { ...after, params: { fail: true } })))).toBe('failed');
  expect(
    await ended(
      client,
      await begin(
        step('work', { ...after, compensate: [step('undo')] }),
        step('fail', { dependencies: ['work'], params: { fail: true } }),
      ),
    ),
  ).toBe('failed');
  expect(
    await ended(client, await begin(unlock('give', 'repo', after), step('work', { dependencies: ['give'] }))),
  ).toBe('completed');
  const canceled = await begin(wait('forever', { ...after, signal: 'never' }));
  await until(
    client,
    canceled,
    (view) =>
      view.status === 'waiting' && view.steps.some(({ id, status }) => id === 'forever' && status === 'waiting'),
  );
  // Another one waits meanwhile, and is canceled too.
  const behind = await begin(step('work', after));
  await until(client, behind, ({ steps }) =>
    steps.some(({ waitsFor }) => waitsFor?.kind === 'lock' && waitsFor.holder !== undefined),
  );
  expect((await store.locks.get('repo'))?.line).toHaveLength(1);
  await client.cancel(behind, { reason: 'no', by: 'ada' });
  expect(await ended(client, behind)).toBe('canceled');
  await expect.poll(async () => (await store.locks.get('repo'))?.line).toEqual([]);
  await client.cancel(canceled, { reason: 'no', by: 'ada' });
  expect(await ended(client, canceled)).toBe('canceled');
  await expect.poll(() => store.locks.get('repo')).toBeNull();
  nothingIsLeft();
}, 60_000);

test('a grant that no run claims is taken back by whoever wants the lock: of runs that have ended, are gone, or never were', async () => {
  await serve();
  await coordinate('one');
  const store = await open();
  const client = new Client({ store, partitions: PARTITIONS, ...means });
  const locks = new Locks({ store, partitions: PARTITIONS, ...means });
  const start = async (): Promise<string> =>
    (await client.start({ definition: workflow(UNDER_LOCK), task: {}, workspace: null })).run;
  const over = await start();
  expect(await ended(client, over)).toBe('completed');
  const removed = await start();
  expect(await ended(client, removed)).toBe('completed');
  const keeper = new Keeper({ store, partitions: PARTITIONS, clock: systemClock });
  expect(keeper).toBeDefined();
  for (const id of [over, 'never-0000000000']) {
    // As a coordinator leaves it that was overtaken between asking and committing, or died behind the commit.
    const party = { kind: 'run', id, step: 'take', attempt: 1 } as const;
    expect(await store.locks.acquire({ name: 'repo', party, leaseMs: null, placeMs: 0 })).toMatchObject({
      outcome: 'granted',
    });
    expect(await ended(client, await start())).toBe('completed');
    await store.locks.acquire({ name: 'repo', party, leaseMs: null, placeMs: 0 });
    const request = { name: 'repo', by: 'ann', command: 'vim', waitMs: 0, until: new AbortController().signal };
    await (await locks.hold(request)).release();
    await store.locks.acquire({ name: 'repo', party, leaseMs: null, placeMs: 0 });
    expect((await locks.list()).locks).toEqual([]);
  }
  nothingIsLeft();
}, 60_000);

test('what a person holds a run waits for, and the other way round; what is taken away is lost', async () => {
  await serve();
  await coordinate('one');
  const store = await open();
  const client = new Client({ store, partitions: PARTITIONS, ...means });
  const locks = new Locks({ store, partitions: PARTITIONS, ...means });
  const never = new AbortController().signal;
  const request = { name: 'repo', by: 'ann', command: 'vim ticket.md', waitMs: 0, until: never };
  const held = await locks.hold(request);
  const steps = [lock('take', 'repo'), wait('stay', { signal: 'go', dependencies: ['take'] })];
  const { run } = await client.start({ definition: workflow(steps), task: {}, workspace: null });
  await until(
    client,
    run,
    ({ steps: [take] }) => take?.waitsFor?.kind === 'lock' && take.waitsFor.holder?.kind === 'command',
  );
  expect((await locks.list()).locks).toMatchObject([
    { name: 'repo', holder: { party: { by: 'ann' } }, line: [{ party: { id: run } }] },
  ]);
  await held.release();
  await until(client, run, ({ steps: [take] }) => take?.status === 'succeeded');
  await expect(locks.hold(request)).rejects.toMatchObject({
    code: 'LOCK_HELD',
    message: expect.stringContaining(`held by run ${run} (step take) since `),
  });
  const stop = new AbortController();
  const waiting = locks.hold({ ...request, waitMs: null, waits: () => stop.abort(), until: stop.signal });
  await expect(waiting).rejects.toMatchObject({ code: 'LOCK_HELD' });
  expect((await store.locks.get('repo'))?.line).toEqual([]);
  expect(await locks.break('repo', { by: 'bob', reason: 'urgent' })).toMatchObject({ kind: 'run', id: run });
  const second = await locks.hold(request);
  await locks.break('repo', { by: 'bob', reason: 'again' });
  await expect(second.release()).rejects.toMatchObject({ code: 'LOCK_LOST' });
  await expect(locks.break('repo', { by: 'bob', reason: 'again' })).rejects.toMatchObject({ code: 'LOCK_NOT_HELD' });
  expect((await locks.list()).broken.map(({ reason, by }) => [by, reason])).toEqual([
    ['bob', 'again'],
    ['bob', 'urgent'],
  ]);
  // What was taken away from a run does not keep it from ending, nor does its end take it from who has it now.
  const third = await locks.hold(request);
  await client.signal(run, { name: 'go', by: 'ada' });
  expect(await ended(client, run)).toBe('completed');
  expect((await store.locks.get('repo'))?.holder?.party).toMatchObject({ kind: 'command' });
  await third.release();
  expect(await store.locks.get('repo')).toBeNull();
}, 60_000);

test('a coordinator that dies between the grant and the commit, and behind the commit: the run holds the lock once', async () => {
  const { most, entered } = await serve();
  const { client, ids } = await started(UNDER_LOCK, 8);
  const places = [
    'turn.folded',
    'turn.committed',
    'before:lock',
    'after:lock',
    'before:unlock',
    'after:unlock',
    'after:postpone',
  ];
  // Each throws as if the process had lost its connection there; kill-locks.test.ts has real deaths.
  await coordinate(
    'one',
    new Failpoints(places.map((place, at) => `${place}:${String(at + 2)}:throw`).join(','), undefined),
  );
  expect(new Set(await Promise.all(ids.map((run) => ended(client, run))))).toEqual(new Set(['completed']));
  expect(most()).toBe(1);
  expect(entered).toHaveLength(8);
  await coordinate('two');
  await expect
    .poll(async () => (await new Locks({ store: await open(), partitions: PARTITIONS, ...means }).list()).locks)
    .toEqual([]);
}, 60_000);
