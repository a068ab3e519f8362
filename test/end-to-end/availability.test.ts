/**
 * Several coordinators over one Redis: they share the partitions, hand over at once when one stops, and take over within a
 * lease when one dies; one that was stalled is fenced, and knows it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const PARTITIONS = 6;
const means = { clock: systemClock, ids: randomIds };
let server: TestServer;
let folder: string;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-availability-'));
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

interface Crew {
  readonly coordinator: Coordinator;
  readonly events: CoordinatorEvent[];
  /** Partitions that it holds, as it has reported it. */
  readonly held: Set<number>;
  /** As kill -9 does: none of its calls is answered any more. */
  kill(): void;
}

async function crew(name: string, leaseMs = 1_000): Promise<Crew> {
  const store = await open();
  const events: CoordinatorEvent[] = [];
  const held = new Set<number>();
  let dead = false;
  const mute = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (real, method: keyof T & string) => {
        const call = Reflect.get(real, method) as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => (dead ? new Promise(() => undefined) : call.apply(real, args));
      },
    });
  const coordinator = new Coordinator({
    store: { ...store, partitions: mute(store.partitions), roll: mute(store.roll), namespace: mute(store.namespace) },
    partitions: PARTITIONS,
    ...means,
    name,
    leaseMs,
    report: (event) => {
      events.push(event);
      if (event.type === 'partition.acquired') held.add(event.partition);
      if (event.type === 'partition.released' || event.type === 'partition.fenced') held.delete(event.partition);
    },
  });
  coordinator.start();
  stops.push(async () => {
    if (!dead) await coordinator.stop();
  });
  return {
    coordinator,
    events,
    held,
    kill: () => {
      dead = true;
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await systemClock.sleep(2);
}

async function work(): Promise<Client> {
  const store = await open();
  const persona = functionPersona({ name: 'worker', concurrency: 8, run: () => ({ status: 'pass' }) });
  const worker = new WorkerHost({
    store,
    partitions: PARTITIONS,
    personas: new Map([['worker', persona]]),
    worker: 'w',
    stateDir: folder,
    clock: systemClock,
  });
  worker.start();
  stops.push(() => worker.stop());
  return new Client({ store: await open(), partitions: PARTITIONS, ...means });
}

const definition = workflow([step('a'), step('b', { dependencies: ['a'] })]);

async function completes(client: Client, count: number): Promise<void> {
  const started = await Promise.all(
    Array.from({ length: count }, () => client.start({ definition, task: {}, workspace: null })),
  );
  for (const { run } of started)
    for await (const fact of client.follow(run, new AbortController().signal)) expect(fact.run).toBe(run);
  for (const { run } of started) expect((await client.get(run)).status).toBe('completed');
}

describe('several coordinators', () => {
  test('share the partitions evenly as they come, and as they go, and runs go on', async () => {
    const client = await work();
    const one = await crew('one');
    await until(() => one.held.size === 6);
    const two = await crew('two');
    await until(() => one.held.size === 3 && two.held.size === 3);
    const three = await crew('three');
    await until(() => [one, two, three].every(({ held }) => held.size === 2));
    await completes(client, 12);
    await two.coordinator.stop();
    await until(() => one.held.size === 3 && three.held.size === 3);
    expect(two.held.size).toBe(0);
    await completes(client, 12);
    const owners = await client.owners();
    expect(owners).toHaveLength(PARTITIONS);
    expect(new Set(owners.map(({ owner }) => owner.split(':')[0]))).toEqual(new Set(['one', 'three']));
  });

  test('take over from one that died when its lease has run out, and finish its runs', async () => {
    const client = await work();
    const one = await crew('one', 600);
    await until(() => one.held.size === 6);
    const two = await crew('two', 600);
    await until(() => one.held.size === 3 && two.held.size === 3);
    one.kill();
    await completes(client, 12);
    await until(() => two.held.size === 6);
    expect(new Set((await client.owners()).map(({ owner }) => owner.split(':')[0]))).toEqual(new Set(['two']));
  });

  test('hear of one that stops at once: the lease is not waited for', async () => {
    await work();
    const one = await crew('one', 30_000);
    await until(() => one.held.size === 6);
    const two = await crew('two', 30_000);
    await until(() => one.held.size === 3 && two.held.size === 3);
    const from = systemClock.monotonic();
    await one.coordinator.stop();
    await until(() => two.held.size === 6);
    // Far below what any waiting for a lease of 30 s, or a quarter of it, would take.
    expect(systemClock.monotonic() - from).toBeLessThan(5_000);
  });

  test('do not wait for the lease of one whose process is known to be gone', async () => {
    const client = await work();
    const one = await crew('one', 60_000);
    await until(() => one.held.size === 6);
    one.kill();
    const store = await open();
    const two = new Coordinator({
      store,
      partitions: PARTITIONS,
      ...means,
      name: 'two',
      leaseMs: 60_000,
      isDead: (name) => name.startsWith('one:'),
      report: () => undefined,
    });
    two.start();
    stops.push(() => two.stop());
    await completes(client, 6);
    expect((await client.owners()).every(({ owner }) => owner.startsWith('two:'))).toBe(true);
  });

  test('one that was replaced while it was stalled is fenced, and says so', async () => {
    const client = await work();
    const one = await crew('one', 400);
    await until(() => one.held.size === 6);
    // Another takes the partitions as if the lease had run out while the first was stalled.
    const store = await open();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const want = { partition, owner: 'other', leaseMs: 1 };
      // It renews meanwhile.
      while ((await store.partitions.acquire(want)).outcome !== 'acquired')
        server.cli('HSET', `{coord:${String(partition)}}:lease`, 'until', '0');
    }
    const fenced = (): CoordinatorEvent[] => one.events.filter(({ type }) => type === 'partition.fenced');
    await until(() => fenced().length === PARTITIONS);
    await completes(client, 6);
    expect(fenced()).toHaveLength(PARTITIONS);
  });

  test('stop when the namespace that they opened is gone, and start nothing afresh', async () => {
    const one = await crew('one', 400);
    await until(() => one.held.size === 6);
    server.cli('FLUSHALL');
    await one.coordinator.ended();
    expect(one.events.at(-1)).toEqual({ type: 'namespace.gone' });
    expect(server.cli('EXISTS', '{coord}:meta')).toBe('0');
  });
});

test('an error of the store never sets a run aside', async () => {
  const store = await open();
  const client = await work();
  let failures = 0;
  const partitions = new Proxy(store.partitions, {
    get: (real, method: keyof Store['partitions']) => {
      if (method !== 'load' || failures >= 3) return real[method].bind(real);
      return async () => {
        failures++;
        throw new CoordError('REDIS_UNSUITABLE', 'MISCONF the disk is full');
      };
    },
  });
  const coordinator = new Coordinator({
    store: { ...store, partitions },
    partitions: PARTITIONS,
    ...means,
    name: 'one',
    leaseMs: 400,
    report: () => undefined,
  });
  coordinator.start();
  stops.push(() => coordinator.stop());
  await completes(client, 1);
  expect(failures).toBe(3);
});
