import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { parseAddress } from '../../src/redis/address.js';
import { isOlder, knownFaults } from '../../src/redis/known-versions.js';
import { inspectRedis, problemsOf, type RedisFacts, type ServerFacts } from '../../src/redis/suitability.js';
import { startCluster } from '../harness/cluster-set.js';
import { startStandalone } from '../harness/topology.js';

const FINE: ServerFacts = {
  label: 'r:6379',
  product: 'Redis',
  version: '8.2.2',
  role: 'master',
  clustered: false,
  appendOnly: true,
  logWritten: true,
  appendFsync: 'always',
  evictionPolicy: 'noeviction',
  memory: { used: 1, limit: 0 },
  replicas: 0,
  minReplicas: 0,
  fullCoverage: false,
};

function facts(change: Partial<ServerFacts>, address = 'redis://r', more: Partial<RedisFacts> = {}): RedisFacts {
  return {
    address: parseAddress(address),
    label: 'redis://r:6379',
    servers: [{ ...FINE, ...change }],
    slotsServed: null,
    ...more,
  };
}

const said = (level: string, message: string): object => ({ level, message: expect.stringContaining(message) });

describe('a server', () => {
  test('that keeps every promise is let pass', () => {
    expect(problemsOf(facts({}))).toEqual([]);
    expect(problemsOf(facts({ product: 'Valkey', version: '8.1.4', replicas: 2, minReplicas: 1 }))).toEqual([]);
    expect(problemsOf(facts({ appendFsync: null, minReplicas: null, fullCoverage: null, replicas: 1 }))).toEqual([]);
    expect(problemsOf(facts({ replicas: 2 }, 'redis://r?confirm=2'))).toEqual([]);
  });

  test.each([
    [{ version: '6.2.20' }, 'error', 'Redis at r:6379 is 6.2.20'],
    [{ version: '7.0.3' }, 'error', 'is 7.0.3: XAUTOCLAIM'],
    [{ version: '7.0.15' }, 'warning', 'is 7.0.15: who may run scripts'],
    [{ product: 'Valkey', version: '8.1.3' }, 'warning', 'Valkey at r:6379 is 8.1.3: who may run scripts'],
    [{ role: 'slave' }, 'error', 'is a replica'],
    [{ clustered: true }, 'error', 'is a node of a cluster'],
    [{ memory: { used: 1, limit: 100 }, evictionPolicy: 'allkeys-lru' }, 'error', '(maxmemory-policy allkeys-lru)'],
    [{ memory: { used: 80, limit: 100 } }, 'warning', 'uses 80 % of its memory limit: no new run is taken in'],
    [{ appendOnly: false }, 'warning', 'keeps no append-only file'],
    [{ logWritten: false }, 'error', 'could not write its append-only file'],
    [{ appendFsync: 'everysec' }, 'warning', 'a power cut may undo the last seconds'],
    [{ appendFsync: 'no' }, 'warning', 'the last half a minute'],
    [{ replicas: 2 }, 'warning', 'when it is cut off from its replicas'],
    [{ replicas: 1, minReplicas: 2 }, 'warning', 'has 1 replicas and takes writes only with 2'],
  ] as const)('%o is said', (change, level, message) => {
    const [found] = problemsOf(facts(change));
    expect(found).toMatchObject(said(level, message));
    expect(found?.cure).toMatch(/\w{4}/);
  });

  test('that evicts keys is used when somebody insists, and then it is said every time', () => {
    const evicting = facts({ memory: { used: 1, limit: 100 }, evictionPolicy: 'volatile-lru' });
    expect(problemsOf(evicting)).toMatchObject([said('error', 'which loses runs')]);
    expect(problemsOf(evicting)[0]?.cure).toContain('COORD_ACCEPT_EVICTION=1');
    expect(problemsOf(evicting, { eviction: true })).toMatchObject([said('warning', 'COORD_ACCEPT_EVICTION is set')]);
  });

  test('without the replicas that confirm is one where starts wait', () => {
    expect(problemsOf(facts({ replicas: 1 }, 'redis://r?confirm=2'))).toMatchObject([
      said('warning', 'has 1 replicas, so nothing can be confirmed by 2'),
    ]);
  });

  test('whose certificate nobody looks at is said to be one', () => {
    expect(problemsOf(facts({}, 'rediss://r?verify=no'))).toMatchObject([said('warning', 'are not verified')]);
  });

  test('of a private socket need not fear its own user', () => {
    expect(problemsOf(facts({ version: '7.0.15' }, 'unix:/r.sock'))).toEqual([]);
  });

  test('has its errors first, and what is about promises before the rest', () => {
    const problems = problemsOf(facts({ version: '7.0.15', appendOnly: false, role: 'slave' }));
    expect(problems.map(({ level, about }) => `${level} ${about}`)).toEqual([
      'error promise',
      'warning promise',
      'warning security',
    ]);
  });
});

describe('a cluster', () => {
  const cluster = (change: Partial<ServerFacts>, slotsServed: number): RedisFacts =>
    facts({ clustered: true, replicas: 1, minReplicas: 1, ...change }, 'redis+cluster://r', { slotsServed });

  test('that is whole is let pass', () => {
    expect(problemsOf(cluster({}, 16_384))).toEqual([]);
  });

  test.each([
    [{ fullCoverage: true }, 16_384, 'warning', 'stops as a whole while one of its masters is missing'],
    [
      { fullCoverage: true },
      16_000,
      'error',
      '384 slots of the cluster redis://r:6379 are served by nobody, so it takes',
    ],
    [{}, 16_000, 'warning', '384 slots of the cluster redis://r:6379 are served by nobody: their partitions wait'],
    [{ replicas: 0, minReplicas: 0 }, 16_384, 'warning', 'nobody takes over from r:6379'],
  ])('%o with %i slots is said', (change, slots, level, message) => {
    expect(problemsOf(cluster(change, slots))[0]).toMatchObject(said(level, message));
  });
});

describe('versions', () => {
  test('are compared by numbers', () => {
    const older = (a: string, b: string): boolean => isOlder(a, b);
    expect([older('7.0.15', '7.0.4'), older('7.0.3', '7.0.4'), older('7.0.4', '7.0.4')]).toEqual([false, true, false]);
    expect([older('8.0.0', '7.9'), older('7.4.0-rc1', '7.4.1'), older('unstable', '1.0')]).toEqual([false, true, true]);
  });

  test.each([
    ['Redis', '7.2.10', true],
    ['Redis', '7.2.11', false],
    ['Redis', '7.0.15', true],
    ['Redis', '8.0.3', true],
    ['Redis', '8.0.4', false],
    ['Redis', '8.1.0', true],
    ['Redis', '8.4.0', false],
    ['Valkey', '7.2.11', false],
    ['Valkey', '8.0.5', true],
    ['Valkey', '9.0.0', false],
  ] as const)('%s %s has the fault of its scripts: %s', (product, version, has) => {
    expect(knownFaults(product, version).some(({ what }) => what.includes('CVE-2025-49844'))).toBe(has);
  });
});

describe('what is there', () => {
  test('is learnt of one server, over TLS and with the rights that coord has', async () => {
    const single = await startStandalone({ secure: true, config: ['maxmemory 100mb'] });
    try {
      const found = await inspectRedis(parseAddress(single.address()), systemClock);
      expect(found).toMatchObject({ slotsServed: null, label: `rediss://127.0.0.1:${String(single.server.port)}` });
      expect(found.servers).toMatchObject([
        {
          label: found.label,
          role: 'master',
          appendOnly: true,
          logWritten: true,
          appendFsync: 'everysec',
          minReplicas: 0,
        },
      ]);
      expect(found.servers[0]?.memory.limit).toBe(100 * 2 ** 20);
      expect(found.servers[0]?.version).toMatch(/^\d+\.\d+\.\d+/);
    } finally {
      await single.stop();
    }
  });

  test('is learnt of every master of a cluster, and that an address of another shape is wrong', async () => {
    const set = await startCluster({ replicas: 0 });
    try {
      const found = await inspectRedis(parseAddress(set.address()), systemClock);
      expect(found.servers.map(({ clustered, fullCoverage }) => ({ clustered, fullCoverage }))).toEqual(
        set.nodes.map(() => ({ clustered: true, fullCoverage: false })),
      );
      expect(found.slotsServed).toBe(16_384);
      expect(problemsOf(found).map(({ level }) => level)).not.toContain('error');
      const one = parseAddress(`redis://127.0.0.1:${String(set.nodes[0]?.port)}`);
      expect(problemsOf(await inspectRedis(one, systemClock))[0]).toMatchObject(
        said('error', 'is a node of a cluster'),
      );
    } finally {
      await set.stop();
    }
  });
});
