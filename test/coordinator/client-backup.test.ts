import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Backups } from '../../src/coordinator/client-backup.js';
import { Client } from '../../src/coordinator/client.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { PersonaRequest } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import type { Delivery } from '../../src/core/request-port.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startCluster } from '../harness/cluster-set.js';
import { step, wait, workflow } from '../harness/definitions.js';
import { PASS } from '../harness/fold-bench.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const means = { clock: systemClock, ids: randomIds };
const PARTITIONS = 2;
const PERSONAS = ['worker'];

const definition = workflow(
  [
    step('a'),
    step('b', { dependencies: ['a'] }),
    wait('pause', { duration: 0.2, dependencies: ['b'] }),
    step('z', { dependencies: ['pause'] }),
  ],
  { concurrency: { key: 'few', limit: 50 } },
);

let from: TestServer;
let to: TestServer;
let folder: string;
const stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  [from, to] = await Promise.all([startTestServer(), startTestServer()]);
  folder = mkdtempSync(join(tmpdir(), 'coord-backup-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  from.cli('FLUSHALL');
  to.cli('FLUSHALL');
});
afterAll(async () => {
  await Promise.all([from.stop(), to.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Place {
  readonly server: TestServer;
  readonly namespace: string;
}

async function storeOf({ server, namespace }: Place, opened = true): Promise<Store> {
  const address = { socket: server.server.socket };
  const store = await openRedisStore({ address, namespace, ...means, failpoints: noFailpoints });
  stops.push(() => store.close());
  if (opened) await store.namespace.open(null);
  return store;
}

async function backupsOf(place: Place): Promise<Backups> {
  const store = await storeOf(place, false);
  return new Backups({ store, namespace: place.namespace, version: '1.2.3', ids: randomIds });
}

/** Moves all runs of a place until the test ends. */
async function coordinate(place: Place): Promise<{ events: CoordinatorEvent[]; stop: () => Promise<void> }> {
  const events: CoordinatorEvent[] = [];
  const store = await storeOf(place);
  const coordinator = new Coordinator({
    store,
    partitions: PARTITIONS,
    ...means,
    name: 'c',
    leaseMs: 400,
    report: (event) => events.push(event),
  });
  coordinator.start();
  const stop = (): Promise<void> => coordinator.stop();
  stops.push(stop);
  return { events, stop };
}

/** Answers what is asked; `answers` false: takes it in hand and lets it lie. */
async function work(
  place: Place,
  worker: string,
  answers: (request: PersonaRequest) => boolean = () => true,
): Promise<() => Promise<void>> {
  const store = await storeOf(place);
  const over = new AbortController();
  const loops = Array.from({ length: PARTITIONS }, async (_, partition) => {
    while (!over.signal.aborted) {
      await store.requests.join({ partition, worker, personas: PERSONAS });
      const want = {
        partition,
        worker,
        personas: PERSONAS,
        limit: 10,
        total: 10,
        recover: false,
        waitMs: 200,
        signal: over.signal,
      };
      const taken: Delivery[] = [...(await store.requests.take(want).catch(() => []))];
      for (const persona of PERSONAS)
        taken.push(
          ...(await store.requests
            .claimAbandoned({ partition, worker, persona, idleMs: 300, limit: 10 })
            .catch(() => [])),
        );
      for (const { entry, persona, body } of taken) {
        const request = JSON.parse(body) as PersonaRequest;
        const key = { ...request, partition, worker };
        if ((await store.requests.begin(key, { persona, entry, heartbeatMs: 2_000, timeoutMs: null })) !== 'go')
          continue;
        if (answers(request)) await store.requests.reply(key, { body: JSON.stringify(PASS) });
      }
    }
  });
  const stop = async (): Promise<void> => {
    over.abort();
    await Promise.all(loops);
  };
  stops.push(stop);
  return stop;
}

async function faults(place: Place): Promise<readonly unknown[]> {
  const operator = new Operator({ store: await storeOf(place), partitions: PARTITIONS, ...means });
  const found: unknown[] = [...(await operator.leftovers())];
  for await (const verdict of operator.verify(await operator.runs()))
    if (verdict.problems.length + verdict.unchecked.length > 0) found.push(verdict);
  return found;
}

const statuses = async (client: Client): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { status } of await client.list({ limit: 10_000 })) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe('a backup that is made under load', () => {
  test('is restored elsewhere, is sound, waits for its release, and all of it comes to its end', {
    timeout: 120_000,
  }, async () => {
    const here: Place = { server: from, namespace: 'here' };
    const there: Place = { server: to, namespace: 'there' };
    const store = await storeOf(here, false);
    await store.namespace.open(PARTITIONS);
    const client = new Client({ store, partitions: PARTITIONS, ...means });
    const { events } = await coordinate(here);
    // What the worker `sleepy` has taken in hand first is never answered: it is in its hands when the cut is made.
    await work(here, 'busy');
    const held: PersonaRequest[] = [];
    await work(here, 'sleepy', (request) => held.push(request) > 3);
    await until(
      'partitions are held',
      async () => events.filter(({ type }) => type === 'partition.acquired').length >= PARTITIONS,
    );
    const starting = new AbortController();
    stops.push(async () => starting.abort());
    const load = (async () => {
      while (!starting.signal.aborted) {
        await client.start({ definition, task: {}, workspace: null });
        await systemClock.sleep(10);
      }
    })();
    await until(
      'there are runs of all kinds',
      async () => ((await statuses(client))['completed'] ?? 0) > 20 && held.length > 0,
      30_000,
    );
    const file = join(folder, 'under-load.jsonl');
    const report = await (await backupsOf(here)).backup(file);
    starting.abort();
    await load;
    expect(report.cuts.map(({ partition }) => partition)).toEqual([0, 1]);
    expect(report.keys).toBeGreaterThan(50);
    // It goes on here as if nothing had been.
    expect(await faults(here)).toEqual([]);

    const backups = await backupsOf(there);
    const restored = await backups.restore(file, { replace: false });
    expect(restored.keys).toBe(report.keys);
    expect(restored.waiting.every(({ hold }) => hold?.includes('coord restore --release'))).toBe(true);
    expect(await faults(there)).toEqual([]);
    const other = new Client({ store: await storeOf(there), partitions: PARTITIONS, ...means });
    const before = await statuses(other);
    expect(before['completed']).toBeGreaterThan(20);
    expect(Object.keys(before).length).toBeGreaterThan(1);

    // Nobody moves anything of it, whoever is there.
    const coordinator = await coordinate(there);
    const worked: PersonaRequest[] = [];
    await work(there, 'new', (request) => worked.push(request) > 0);
    await until(
      'coordinators have seen the hold',
      async () => coordinator.events.filter(({ type }) => type === 'partition.on-hold').length >= 2 * PARTITIONS,
    );
    expect(worked).toEqual([]);
    expect(await statuses(other)).toEqual(before);

    const released = await backups.release();
    expect(released.length).toBe(PARTITIONS);
    expect(await backups.release()).toEqual([]);
    await until(
      'everything has come to its end',
      async () => Object.keys(await statuses(other)).join(' ') === 'completed',
      60_000,
    );
    expect(await faults(there)).toEqual([]);
    // The runs that were started before the cut are there, and none twice.
    expect((await other.list({ limit: 10_000 })).length).toBe(Object.values(before).reduce((sum, one) => sum + one, 0));
  });
});

describe('a restore', () => {
  /** A run whose step `a` a worker has in hand. */
  async function inHand(
    place: Place,
  ): Promise<{ store: Store; client: Client; run: string; request: PersonaRequest; partition: number }> {
    const store = await storeOf(place, false);
    await store.namespace.open(PARTITIONS);
    const client = new Client({ store, partitions: PARTITIONS, ...means });
    const { stop } = await coordinate(place);
    const held: PersonaRequest[] = [];
    const leave = await work(place, 'before', (request) => held.push(request) === 0);
    const { run } = await client.start({ definition: workflow([step('a')]), task: {}, workspace: null });
    await until('it is in hand', async () => held.length > 0);
    await leave();
    await stop();
    const [request] = held;
    if (request === undefined) throw new Error('nothing in hand');
    return { store, client, run, request, partition: partitionOf(run, PARTITIONS) };
  }

  test('replaces a namespace only when told to, and voids what was before it', { timeout: 60_000 }, async () => {
    const place: Place = { server: from, namespace: 'again' };
    const { store, client, run, request, partition } = await inHand(place);
    const file = join(folder, 'again.jsonl');
    const backups = await backupsOf(place);
    await backups.backup(file);
    const after = await client.start({ definition, task: {}, workspace: null });
    await expect(backups.restore(file, { replace: false })).rejects.toMatchObject({
      code: 'BACKUP_REFUSED',
      message: expect.stringContaining('--replace') as unknown,
    });
    const { incarnation } = await store.namespace.open(null);
    expect(
      await store.requests.beat({ ...request, partition, worker: 'before' }, { heartbeatMs: 60_000, progress: '' }),
    ).toBe('ok');
    const old = await coordinate(place);
    await until('it is coordinated', async () => old.events.some(({ type }) => type === 'partition.acquired'));

    expect(await backups.restore(file, { replace: true })).toMatchObject({ replaced: true });
    // What came after the backup is gone, and so is the right of everybody from before.
    await expect(client.get(after.run)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
    await until('coordinators of before notice', async () => old.events.some(({ type }) => type === 'namespace.gone'));
    expect((await (await storeOf(place)).namespace.open(null)).incarnation).not.toBe(incarnation);
    const key = { ...request, partition, worker: 'before' };
    expect(await store.requests.beat(key, { heartbeatMs: 60_000, progress: '' })).toBe('stop');
    expect(await store.requests.reply(key, { body: JSON.stringify(PASS) })).toBe('stale');

    await backups.release();
    await coordinate(place);
    await work(place, 'after');
    await until('it comes to its end', async () => (await client.get(run)).status === 'completed', 30_000);
    const lost = (await client.history(run)).find((fact) => fact.type === 'step.retrying');
    expect(lost).toMatchObject({ error: { class: 'WORKER_LOST' } });
    expect((await faults(place)).filter((one) => typeof one !== 'string')).toEqual([]);
  });

  test('that was interrupted leaves the namespace refused, and can be repeated', { timeout: 60_000 }, async () => {
    const place: Place = { server: from, namespace: 'half' };
    const { run } = await inHand(place);
    const file = join(folder, 'half.jsonl');
    await (await backupsOf(place)).backup(file);
    const there: Place = { server: to, namespace: 'half' };
    const broken = await storeOf(there, false);
    let writes = 0;
    const backup = {
      ...broken.backup,
      write: async (items: Parameters<typeof broken.backup.write>[0]) => {
        if (++writes > 0) throw new Error('pulled out');
        await broken.backup.write(items);
      },
    };
    const params = { namespace: 'half', version: '1', ids: randomIds };
    await expect(
      new Backups({ ...params, store: { ...broken, backup } }).restore(file, { replace: false }),
    ).rejects.toThrow('pulled out');
    await expect(broken.namespace.open(null)).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
    const backups = await backupsOf(there);
    await expect(backups.backup(join(folder, 'no.jsonl'))).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
    await backups.restore(file, { replace: false });
    const client = new Client({ store: await storeOf(there), partitions: PARTITIONS, ...means });
    expect((await client.get(run)).status).toBe('running');
    expect(await faults(there)).toEqual([]);
  });

  test('of a file that is not whole writes nothing', { timeout: 60_000 }, async () => {
    const place: Place = { server: from, namespace: 'file' };
    await inHand(place);
    const file = join(folder, 'whole.jsonl');
    await (await backupsOf(place)).backup(file);
    const text = readFileSync(file, 'utf8');
    const lines = text.trimEnd().split('\n');
    const bad = join(folder, 'bad.jsonl');
    const there: Place = { server: to, namespace: 'file' };
    const backups = await backupsOf(there);
    const at = text.indexOf('"dump":"') + 40;
    const cases: readonly (readonly [string, string])[] = [
      [text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1), 'it was changed'],
      [lines.slice(0, -1).join('\n'), 'its end is missing'],
      [[...lines.slice(0, 3), ...lines.slice(4)].join('\n'), 'it was changed'],
      [[...lines, lines[1]].join('\n'), 'something stands behind its end'],
      [text.slice(0, -200), 'is no line of it'],
      ['hello', 'is no line of it'],
      [lines.slice(1).join('\n'), 'does not begin as a backup'],
      ['', 'its end is missing'],
    ];
    for (const [content, message] of cases) {
      writeFileSync(bad, content);
      await expect(backups.restore(bad, { replace: true })).rejects.toMatchObject({
        code: 'INTEGRITY',
        message: expect.stringContaining(message) as unknown,
      });
    }
    writeFileSync(bad, text.replace('"format":1', '"format":9'));
    await expect(backups.restore(bad, { replace: true })).rejects.toMatchObject({ code: 'FORMAT_UNKNOWN' });
    await expect(backups.restore(join(folder, 'none'), { replace: true })).rejects.toMatchObject({ code: 'USAGE' });
    expect(to.cli('DBSIZE')).toBe('0');
  });

  test('runs that were collected while the backup was made are left out of the listings', {
    timeout: 60_000,
  }, async () => {
    const place: Place = { server: from, namespace: 'gone' };
    const { store, client, run, partition } = await inHand(place);
    await client.cancel(run, { reason: 'enough', by: 'ada' });
    const { stop } = await coordinate(place);
    await until('it is canceled', async () => (await client.get(run)).status === 'canceled');
    await stop();
    const keys = [`{gone:${String(partition)}}:run:${run}`, `{gone:${String(partition)}}:history:${run}`];
    const backup = {
      ...store.backup,
      cut: async (of: number) => {
        const found = await store.backup.cut(of);
        if (of === partition) from.cli('DEL', ...keys);
        return found;
      },
    };
    const file = join(folder, 'gone.jsonl');
    await new Backups({ store: { ...store, backup }, namespace: 'gone', version: '1', ids: randomIds }).backup(file);
    const there: Place = { server: to, namespace: 'gone' };
    await (await backupsOf(there)).restore(file, { replace: false });
    expect(await faults(there)).toEqual([]);
  });

  test('of a cluster, to one server and back', { timeout: 120_000 }, async () => {
    const place: Place = { server: from, namespace: 'one' };
    const { run } = await inHand(place);
    const first = join(folder, 'one.jsonl');
    await (await backupsOf(place)).backup(first);
    const cluster = await startCluster({ replicas: 0 });
    stops.push(() => cluster.stop());
    const address = parseAddress(cluster.address());
    const open = async (opened: boolean): Promise<Store> => {
      const store = await openRedisStore({ address, namespace: 'many', ...means, failpoints: noFailpoints });
      stops.push(() => store.close());
      if (opened) await store.namespace.open(null);
      return store;
    };
    const params = { namespace: 'many', version: '1', ids: randomIds };
    const backups = new Backups({ ...params, store: await open(false) });
    await backups.restore(first, { replace: false });
    const client = new Client({ store: await open(true), partitions: PARTITIONS, ...means });
    expect((await client.get(run)).status).toBe('running');
    const second = join(folder, 'many.jsonl');
    const { keys } = await backups.backup(second);
    const there: Place = { server: to, namespace: 'back' };
    expect((await (await backupsOf(there)).restore(second, { replace: false })).keys).toBe(keys);
    expect(await faults(there)).toEqual([]);
  });

  test('there is nothing to back up, and memory is not kept', async () => {
    await expect((await backupsOf({ server: to, namespace: 'none' })).backup(join(folder, 'x'))).rejects.toMatchObject({
      code: 'BACKUP_REFUSED',
    });
    const store = createMemoryStore(means);
    await expect(
      new Backups({ store, namespace: 'm', version: '1', ids: randomIds }).backup(join(folder, 'x')),
    ).rejects.toMatchObject({
      code: 'BACKUP_REFUSED',
      message: expect.stringContaining('coord up') as unknown,
    });
  });
});
