/** What every store must show of what it holds to those who look whether it is sound; and steps that are no more. */
import { expect } from 'vitest';
import {
  acquire,
  begun,
  commitOf,
  type ContractCase,
  dispatched,
  inbox,
  keyOf,
  LONG,
  RUN,
  start,
  take,
} from './scene.js';

export const inspectionContract: readonly ContractCase[] = [
  {
    name: 'commit: a step without a record is there no more, with its token and its claim',
    run: async ({ store }) => {
      const lease = await begun(store);
      const gone = [
        { step: 's', record: null, token: null },
        { step: 'other', record: '{"status":"queued"}', token: 'other.1.aa' },
      ];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps: gone }))).toBe('ok');
      const stored = await store.partitions.load(0, RUN);
      expect([...(stored?.steps ?? [])]).toEqual([['other', '{"status":"queued"}']]);
      expect(stored?.claims.size).toBe(0);
      const { run } = await store.inspection.inspect(0, RUN);
      expect([...(run?.tokens ?? [])]).toEqual([['other', 'other.1.aa']]);
      expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: '' })).toBe('stop');
    },
  },
  {
    name: 'inspect: a run as it is, with what is awaited, held and answered, and where it is listed',
    run: async ({ store }) => {
      await begun(store);
      const before = await store.inspection.inspect(0, RUN);
      expect(before.listed).toEqual(['running']);
      expect(before.run).toMatchObject({
        version: 1,
        status: 'running',
        chain: 'h',
        definition: 'def',
        input: '{"task":{}}',
        record: '{"status":"running"}',
        quarantined: null,
        claimed: ['s'],
      });
      expect([...(before.run?.steps ?? [])]).toEqual([['s', '{"status":"queued"}']]);
      expect([...(before.run?.tokens ?? [])]).toEqual([['s', 's.1.aa']]);
      expect(before.run?.delivered.size).toBe(0);
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('ok');
      const { run } = await store.inspection.inspect(0, RUN);
      expect([...(run?.delivered ?? [])]).toEqual([['s', 's.1.aa']]);
      expect(run?.tokens.size).toBe(0);
      expect(run?.claimed).toEqual([]);
    },
  },
  {
    name: 'inspect: what is not there is not there, and names are those of all runs',
    run: async ({ store }) => {
      expect(await store.inspection.inspect(0, 'nobody-1')).toEqual({ run: null, listed: [] });
      expect(await store.inspection.names(0)).toEqual([]);
      await dispatched(store);
      await start(store, { run: 'r2', key: 'k2' });
      expect((await store.inspection.names(0)).toSorted()).toEqual(['r2', RUN]);
    },
  },
  {
    name: 'inspect: timers with their times, and whom messages wait for',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      await start(store, { run: 'r2', key: 'k2' });
      const [message] = await inbox(store);
      const at = await store.namespace.time();
      const commit = commitOf({ consumed: [message?.id ?? ''], arm: [{ id: 'wait|test-1|w|1', afterMs: LONG }] });
      expect(await store.partitions.commit(lease, commit)).toBe('ok');
      const [timer, ...others] = await store.inspection.timers(0);
      expect(others).toEqual([]);
      expect(timer?.id).toBe('wait|test-1|w|1');
      expect(timer?.dueAt).toBeGreaterThanOrEqual(at + LONG);
      expect(timer?.dueAt).toBeLessThan(at + 2 * LONG);
      expect([...(await store.inspection.waiting(0))]).toEqual([['r2', 1]]);
    },
  },
  {
    name: 'look: how many runs are in each status, how many messages wait, and no hold',
    run: async ({ store }) => {
      expect((await store.inspection.look(0)).messages).toBe(0);
      await dispatched(store);
      await start(store, { run: 'r2', key: 'k2' });
      const { hold, runs, messages } = await store.inspection.look(0);
      expect({ hold, messages }).toEqual({ hold: null, messages: 1 });
      expect(runs).toMatchObject({ pending: 1, running: 1, completed: 0 });
    },
  },
  {
    name: 'queue: requests that no worker has begun, since when, and who takes them, also when nothing is left',
    run: async ({ store, pass }) => {
      expect(await store.inspection.queue(0, 'qa')).toEqual({ requests: 0, oldestAt: null, readers: [] });
      const before = await store.namespace.time();
      await dispatched(store);
      const { requests, oldestAt } = await store.inspection.queue(0, 'qa');
      expect(requests).toBe(1);
      expect(oldestAt).toBeGreaterThanOrEqual(before);
      await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa'] });
      const [delivery] = await take(store, 'w1');
      // Delivered is not begun.
      expect((await store.inspection.queue(0, 'qa')).requests).toBe(1);
      const entry = { persona: 'qa', entry: delivery?.entry ?? '', heartbeatMs: LONG, timeoutMs: null };
      expect(await store.requests.begin(keyOf({ worker: 'w1' }), entry)).toBe('go');
      await pass(20);
      const after = await store.inspection.queue(0, 'qa');
      expect(after).toMatchObject({ requests: 0, oldestAt: null, readers: [{ worker: 'w1' }] });
      expect(after.readers[0]?.idleMs).toBeGreaterThanOrEqual(19);
      await store.requests.leave({ partition: 0, worker: 'w1', personas: ['qa'] });
      expect((await store.inspection.queue(0, 'qa')).readers).toEqual([]);
    },
  },
  {
    name: 'slot: who holds it, and who waits for it in turn',
    run: async ({ store }) => {
      expect(await store.inspection.slot(0, 'deploy')).toEqual({ limit: null, holders: [], line: [] });
      const slot = { key: 'deploy', limit: 1 };
      for (const run of ['r1', 'r2', 'r3']) await start(store, { run, key: run, slot });
      expect(await store.inspection.slot(0, 'deploy')).toEqual({ limit: 1, holders: ['r1'], line: ['r2', 'r3'] });
    },
  },
];
