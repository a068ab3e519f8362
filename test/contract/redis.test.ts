import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { loadScripts, type Script, type ScriptName } from '../../src/redis/scripts.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
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
  {
    name: 'a request that was begun is neither in its stream nor pending in its group',
    run: async ({ store }) => {
      const requests = `{t${String(namespaces)}:0}:requests:qa`;
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
      });
      const commit = {
        run: 'r',
        expectedVersion: 0,
        record: '',
        status: { from: 'pending', to: 'running' },
        consumed: [],
        arm: [],
        disarm: [],
        facts: [],
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

/** A script with one of its lines taken out or changed: each must turn at least one case red. */
const MUTANTS: readonly { name: string; script: ScriptName; from: string; to: string }[] = [
  {
    name: 'commit without the version check',
    script: 'commit',
    from: "~= ARGV[3] then return { 'STALE' } end",
    to: '~= ARGV[3] then end',
  },
  {
    name: 'commit without the fence',
    script: 'commit',
    from: "if fenced(KEYS[1], ARGV[1], ARGV[2]) then return { 'FENCED' } end",
    to: '',
  },
  {
    name: 'a fence that looks at the epoch only',
    script: 'commit',
    from: 'return held[1] ~= owner or held[2] ~= epoch',
    to: 'return held[2] ~= epoch',
  },
  {
    name: 'commit that leaves the message in the inbox',
    script: 'commit',
    from: "redis.call('XDEL', KEYS[2]",
    to: "tostring('XDEL', KEYS[2]",
  },
  { name: 'commit that keeps the old claim', script: 'commit', from: "cleared[#cleared + 1] = 'c:' .. id", to: '' },
  { name: 'reply without the token check', script: 'reply', from: 'if run[1] ~= ARGV[4] then', to: 'if false then' },
  {
    name: 'reply from whoever',
    script: 'reply',
    from: "if claim and claim.worker ~= ARGV[5] then return { 'STALE' } end",
    to: '',
  },
  {
    name: 'reply that leaves the timers',
    script: 'reply',
    from: "redis.call('ZREM', KEYS[3], ARGV[6], ARGV[7])",
    to: '',
  },
  { name: 'beat from whoever', script: 'beat', from: "if claim.worker ~= ARGV[5] then return { 'STOP' } end", to: '' },
  {
    name: 'begin that lets two work',
    script: 'begin',
    from: "{ cjson.decode(run[3]).worker == ARGV[5] and 'GO' or 'HELD' }",
    to: "{ 'GO' }",
  },
  { name: 'begin that leaves the delivery', script: 'begin', from: "redis.call('XDEL', requests, entry)", to: '' },
  { name: 'fire that keeps the timer', script: 'fire', from: "redis.call('ZREM', KEYS[2], timer)", to: '' },
  {
    name: 'admit that forgets the key',
    script: 'admit',
    from: "redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])",
    to: '',
  },
  { name: 'leave that drops what is held', script: 'leave', from: "then return { 'HOLDS' } end", to: 'then end' },
];

describe('the contract notices', () => {
  test.each(MUTANTS)('$name', async ({ script, from, to }) => {
    const scripts = new Map(loadScripts());
    const original = scripts.get(script);
    if (original === undefined || !original.source.includes(from))
      throw new Error(`${script}.lua no longer contains: ${from}`);
    scripts.set(script, { ...original, source: original.source.replace(from, to), sha1: '0'.repeat(40) });
    const red: string[] = [];
    for (const contractCase of cases) {
      const store = await open(scripts);
      await contractCase.run(contextOf(store)).catch(() => red.push(contractCase.name));
      await store.close();
    }
    expect(red).not.toEqual([]);
  });
});
