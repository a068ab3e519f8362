import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { loadScripts, type Script, type ScriptName } from '../../src/redis/scripts.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { keepCases } from './keep-redis.js';
import { lossCases } from './losses.js';
import { MUTANTS } from './mutants.js';
import { acquire, commitOf, entryOf, inbox, start } from './scene.js';
import { type ContractCase, type ContractContext, contract } from './store.contract.js';

let server: TestServer;
let namespaces = 0;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function open(scripts?: ReadonlyMap<ScriptName, Script>): Promise<Store> {
  const namespace = `t${String(++namespaces)}`;
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace,
    clock: systemClock,
    ids: randomIds,
    failpoints: noFailpoints,
    ...(scripts === undefined ? {} : { scripts }),
  });
  await store.namespace.open(null);
  return store;
}

/** What all keys of the store that was opened last begin with. */
function tag(): string {
  return `{t${String(namespaces)}:0}`;
}

/** Waits by the server's own clock, which is the one that counts. */
function contextOf(store: Store): ContractContext {
  return {
    store,
    pass: async (ms) => {
      const until = (await store.namespace.time()) + ms;
      while ((await store.namespace.time()) < until);
    },
  };
}

/** What only Redis has: the work leaves nothing behind in streams and groups. */
const cases: readonly ContractCase[] = [
  ...contract,
  ...lossCases({ cli: (...args) => server.cli(...args), tag }),
  ...keepCases({ cli: (...args) => server.cli(...args), tag }),
  {
    name: 'a request that was begun is neither in its stream nor pending in its group',
    run: async ({ store }) => {
      const requests = `${tag()}:requests:qa`;
      const lease = { ...(await store.partitions.acquire({ partition: 0, owner: 'o', leaseMs: 60_000 })) };
      if (lease.outcome !== 'acquired') throw new Error('held');
      await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa'] });
      await store.admission.admit({
        kind: 'start',
        partition: 0,
        run: 'r',
        idempotencyKey: 'k',
        requestHash: 'h',
        definition: 'd',
        input: '',
        record: '',
        slot: null,
      });
      const commit = {
        run: 'r',
        expectedVersion: 0,
        record: '',
        status: { from: 'pending', to: 'running' },
        consumed: [],
        arm: [],
        disarm: [],
        entry: entryOf([]),
        definition: null,
        starts: [],
        sends: [],
        release: null,
      } as const;
      const steps = [{ step: 's', record: '{}', token: 't' }];
      expect(
        await store.partitions.commit(lease.lease, { ...commit, steps, requests: [{ persona: 'qa', body: 'b' }] }),
      ).toBe('ok');
      const signal = new AbortController().signal;
      const [delivery] = await store.requests.take({
        partition: 0,
        worker: 'w1',
        personas: ['qa'],
        limit: 1,
        total: 1,
        recover: false,
        waitMs: 1,
        signal,
      });
      const key = { partition: 0, run: 'r', step: 's', attempt: 1, token: 't', worker: 'w1' };
      expect(
        await store.requests.begin(key, {
          persona: 'qa',
          entry: delivery?.entry ?? '',
          heartbeatMs: 1_000,
          timeoutMs: null,
        }),
      ).toBe('go');
      expect(server.cli('XLEN', requests)).toBe('0');
      expect(server.cli('XPENDING', requests, 'workers').split('\n')[0]).toBe('0');
      await store.requests.leave({ partition: 0, worker: 'w1', personas: ['qa'] });
      expect(server.cli('XINFO', 'CONSUMERS', requests, 'workers')).toBe('');
    },
  },
  {
    name: 'a slot that nobody holds leaves nothing behind, and its keys lie beside the others',
    run: async ({ store }) => {
      const lease = await acquire(store);
      const key = `a slot{x}:*${'é'.repeat(280)}`;
      const slots = (): readonly string[] => server.cli('--scan', '--pattern', `${tag()}:slot*`).split('\n').toSorted();
      for (const run of ['a', 'b', 'c']) await start(store, { run, key: run, slot: { key, limit: 1 } });
      expect(slots()).toEqual([
        expect.stringMatching(/^\{t\d+:0\}:slot-line:[0-9a-f]{32}$/),
        expect.stringMatching(/^\{t\d+:0\}:slot:[0-9a-f]{32}$/),
      ]);
      for (const run of ['b', 'a', 'c']) {
        const status = { from: 'pending', to: 'canceled' } as const;
        expect(await store.partitions.commit(lease, commitOf({ run, status, release: key }))).toBe('ok');
      }
      expect(slots()).toEqual(['']);
      const status = { from: 'canceled', to: 'canceled' } as const;
      const again = commitOf({ run: 'a', expectedVersion: 1, status, release: key });
      expect(await store.partitions.commit(lease, again)).toBe('ok');
      expect(slots()).toEqual(['']);
    },
  },
  {
    name: 'a transition that cannot be stored as a whole is not stored at all',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store, { slot: { key: 'slot', limit: 1 } });
      await start(store, { run: 'next', key: 'next', slot: { key: 'slot', limit: 1 } });
      await start(store, { run: 'told', key: 'told' });
      const consumed = (await inbox(store)).map(({ id }) => id);
      const inner = { run: 'test-1.00000001', definition: 'd', input: '', record: '' };
      const change = commitOf({
        consumed,
        starts: [inner],
        sends: [{ run: 'told', kind: 'cancel', body: '{}' }],
        release: 'slot',
      });
      const broken = server
        .cli('--scan', '--pattern', `${tag()}:*`)
        .split('\n')
        .filter((key) => /:(inbox|runs:pending|run:told|slot:.*|slot-line:.*)$/.test(key));
      expect(broken).toHaveLength(5);
      const value = (): readonly unknown[] => [
        server.cli('HGETALL', `${tag()}:run:test-1`),
        server.cli('KEYS', `${tag()}:*`).length,
      ];
      const before = value();
      for (const key of [...broken, `${tag()}:run:${inner.run}`]) {
        const there = broken.includes(key);
        if (there) server.cli('RENAME', key, `${tag()}:kept`);
        server.cli('SET', key, 'of another type');
        await expect(store.partitions.commit(lease, change)).rejects.toMatchObject({ code: 'REDIS_SCRIPT' });
        server.cli('DEL', key);
        if (there) server.cli('RENAME', `${tag()}:kept`, key);
        expect({ key, value: value() }).toEqual({ key, value: before });
      }
      expect(await inbox(store)).toHaveLength(consumed.length);
      expect(await store.partitions.commit(lease, change)).toBe('ok');
      expect((await inbox(store)).map(({ kind, run }) => `${kind} ${run}`)).toEqual([
        `start ${inner.run}`,
        'cancel told',
        'start next',
      ]);
    },
  },
  {
    name: 'a start that cannot be stored as a whole is not stored at all',
    run: async ({ store }) => {
      const slot = { key: 'slot', limit: 1 };
      for (const run of ['a', 'b']) await start(store, { run, key: run, slot });
      for (const key of server.cli('--scan', '--pattern', `${tag()}:slot*`).split('\n')) {
        server.cli('RENAME', key, `${tag()}:kept`);
        server.cli('SET', key, 'of another type');
        await expect(start(store, { run: 'c', key: 'c', slot })).rejects.toMatchObject({ code: 'REDIS_SCRIPT' });
        expect(await store.partitions.load(0, 'c')).toBeNull();
        server.cli('DEL', key);
        server.cli('RENAME', `${tag()}:kept`, key);
      }
      expect(await start(store, { run: 'c', key: 'c', slot })).toEqual({ outcome: 'admitted' });
    },
  },
];

describe('the Redis store', () => {
  test.each(cases)('$name', async ({ run }) => {
    expect.hasAssertions();
    const store = await open();
    try {
      await run(contextOf(store));
    } finally {
      await store.close();
    }
  });
});

describe('the contract notices', () => {
  test.each(MUTANTS)('$name', async ({ script, from, to, first = script }) => {
    const scripts = new Map(loadScripts());
    const original = scripts.get(script);
    if (original === undefined || !original.source.includes(from))
      throw new Error(`${script}.lua no longer contains: ${from}`);
    scripts.set(script, { ...original, source: original.source.replace(from, to), sha1: '0'.repeat(40) });
    let red: unknown = null;
    const likely = (name: string): number => Number(!name.startsWith(first));
    for (const contractCase of cases.toSorted((a, b) => likely(a.name) - likely(b.name))) {
      const store = await open(scripts);
      await contractCase.run(contextOf(store)).catch((error: unknown) => {
        red = error;
      });
      await store.close();
      if (red !== null) break;
    }
    expect(red).not.toBeNull();
    expect(String(red), 'it is no script at all').not.toContain('compiling script');
  });
});
