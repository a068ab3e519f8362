/** Schedules and keeping house: what is collected around them, and what a backup has of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Backups } from '../../src/coordinator/client-backup.js';
import { Client } from '../../src/coordinator/client.js';
import { Keeper } from '../../src/coordinator/client-keep.js';
import { nextInstants, Schedules } from '../../src/coordinator/client-schedules.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { Scheduler } from '../../src/coordinator/scheduler.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { openRedisStore } from '../../src/redis/store.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer } from '../harness/redis-server.js';
import { HOUR, MINUTE, Scene, SECOND, short } from './schedule-scene.js';

const means = { clock: systemClock, ids: randomIds };
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

describe('collecting', () => {
  test('keeps the definition that a schedule has pinned, and goes on when its last run is deleted', async () => {
    const scene = new Scene();
    const coordinator = scene.coordinator();
    await scene.add('tick', { trigger: { kind: 'every', everyMs: HOUR }, overlap: 'queue' });
    await scene.pass(HOUR + 5 * SECOND, 5 * SECOND);
    expect(await scene.startedAt('tick')).toEqual(['01:00:00']);
    await coordinator.stop();
    scene.clock.advance(10 * MINUTE);
    const keeper = new Keeper({ store: scene.store, partitions: 1, clock: scene.clock });
    const wish = { retentionMs: 1, archive: null, dryRun: false, dead: false, partitions: null, contents: true };
    const collect = async (): ReturnType<Keeper['collect']> =>
      keeper.collect({ ...wish, untouchedMs: SECOND }, new AbortController().signal);
    expect(await collect()).toMatchObject({ runs: [{}], definitions: { count: 0 } });
    // Nobody has touched it since, and no run names it.
    scene.clock.advance(10 * MINUTE);
    expect(await collect()).toMatchObject({ runs: [], definitions: { count: 0 } });
    expect(await scene.store.namespace.getDefinition(definitionHash(short))).not.toBeNull();
    scene.coordinator();
    await scene.pass(HOUR, 5 * SECOND);
    expect(await scene.startedAt('tick')).toEqual(['02:00:00']);
    await scene.schedules.remove('tick');
    scene.clock.advance(10 * MINUTE);
    expect(await collect()).toMatchObject({ runs: [{}], definitions: { count: 1 } });
  });
});

describe('a backup', () => {
  /** Opens a namespace, with whoever starts runs there and moves them. */
  async function place(socket: string, namespace: string) {
    const store = await openRedisStore({ address: { socket }, namespace, ...means, failpoints: noFailpoints });
    stops.push(() => store.close());
    await store.namespace.open(2);
    const client = new Client({ store, partitions: 2, ...means });
    const schedules = new Schedules({ store, partitions: 2, clock: systemClock });
    const coordinate = (): void => {
      const headOf = async (): Promise<string> => 'a'.repeat(40);
      const report = (): void => undefined;
      const scheduler = new Scheduler({
        store,
        partitions: 2,
        client,
        clock: systemClock,
        report,
        headOf,
        look: async () => ({}),
      });
      const coordinator = new Coordinator({
        store,
        partitions: 2,
        ...means,
        name: 'c',
        report,
        scheduler,
        leaseMs: 500,
      });
      coordinator.start();
      stops.push(() => coordinator.stop());
    };
    const instants = async (): Promise<readonly string[]> => {
      const runs = await client.list({ limit: 1_000 });
      const tasks = await Promise.all(runs.map(async ({ id }) => (await client.get(id)).task));
      return tasks.map(({ schedule }) => (schedule as { at: string }).at).toSorted();
    };
    return { store, schedules, coordinate, instants };
  }

  /** Has others start a run before each partition is copied, and another one after it. */
  function amidStarts(store: Store, instants: () => Promise<readonly string[]>): Pick<Store, 'backup' | 'namespace'> {
    const another = async (): Promise<void> => {
      const { length } = await instants();
      await until('another run is started', async () => (await instants()).length > length);
    };
    const cut: Store['backup']['cut'] = async (partition) => {
      await another();
      const copied = await store.backup.cut(partition);
      await another();
      return copied;
    };
    return { namespace: store.namespace, backup: { ...store.backup, cut } };
  }

  test('has its schedules, and what is restored starts a run for every instant, once', {
    timeout: 60_000,
  }, async () => {
    const server = await startTestServer();
    stops.push(() => server.stop());
    const folder = mkdtempSync(join(tmpdir(), 'coord-schedules-'));
    stops.push(async () => rmSync(folder, { recursive: true, force: true }));
    const here = await place(server.server.socket, 'here');
    const draft = {
      name: 'tick',
      task: {},
      trigger: { kind: 'every', everyMs: SECOND },
      overlap: 'allow',
      catchUp: 'all',
      catchUpLimit: 1_000,
      jitterMs: 0,
      startsAt: null,
      endsAt: (await here.schedules.time()) + 9 * SECOND,
      paused: false,
    } as const;
    await here.schedules.add({ draft, definition: short, inner: [], repo: null, folder: '/project', by: 'test' });
    here.coordinate();
    const file = join(folder, 'backup.jsonl');
    const store = amidStarts(here.store, here.instants);
    await new Backups({ store, namespace: 'here', version: '0', ids: randomIds }).backup(file);

    const there = await place(server.server.socket, 'there');
    const backups = new Backups({ store: there.store, namespace: 'there', version: '0', ids: randomIds });
    await backups.restore(file, { replace: false });
    await backups.release();
    const again = await place(server.server.socket, 'there');
    again.coordinate();
    const record = await again.schedules.get('tick');
    const wanted = nextInstants(record, record.changedAt, 100).map((at) => new Date(at).toISOString());
    expect(wanted.length).toBeGreaterThan(5);
    await until('all are started', async () => (await again.instants()).length >= wanted.length, 30_000);
    expect(await again.instants()).toEqual(wanted);
    await until('nothing waits', async () => (await again.schedules.get('tick')).queue.length === 0);
  });
});
