import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManualClock, systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { countedIds, randomIds } from '../../src/core/ids.js';
import type { Lease, Store } from '../../src/core/ports.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { acquire, commitOf, NEVER, start } from './scene.js';

/** A run takes its turn: it asks for the slot, or ends and gives it back, held or not. */
interface Move {
  readonly run: string;
  readonly slot: string;
  readonly limit: number;
}

const move = fc.record({
  run: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'limit'),
  slot: fc.constantFrom('x', 'y'),
  limit: fc.integer({ min: 1, max: 3 }),
});

let server: TestServer;
let namespaces = 0;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function openRedis(): Promise<Store> {
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: `a${String(++namespaces)}`,
    clock: systemClock,
    ids: randomIds,
    failpoints: noFailpoints,
  });
  await store.namespace.open(null);
  return store;
}

async function play(store: Store, moves: readonly Move[]): Promise<readonly string[]> {
  const lease = await acquire(store);
  const rounds = new Map<string, { run: string; slot: string; ended: boolean }>();
  for (const [index, { run, slot, limit }] of moves.entries()) {
    const last = rounds.get(run);
    if (last === undefined || last.ended) {
      const id = `${run}-${String(index)}`;
      rounds.set(run, { run: id, slot, ended: false });
      await start(store, { run: id, key: id, slot: { key: slot, limit } });
    } else {
      rounds.set(run, { ...last, ended: true });
      await release(store, lease, last);
    }
  }
  const told = await store.partitions.read({ partition: 0, after: '0', limit: 1_000, waitMs: 1, signal: NEVER });
  return told.map((entry) => entry.run);
}

async function release(store: Store, lease: Lease, { run, slot }: { run: string; slot: string }): Promise<void> {
  const status = { from: 'pending', to: 'completed' } as const;
  expect(await store.partitions.commit(lease, commitOf({ run, status, release: slot }))).toBe('ok');
}

test('both stores start the same runs in the same order, whoever comes, waits and goes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 40 }), async (moves) => {
      const redis = await openRedis();
      try {
        const memory = createMemoryStore({ clock: new ManualClock(), ids: countedIds() });
        expect(await play(redis, moves)).toEqual(await play(memory, moves));
      } finally {
        await redis.close();
      }
    }),
    { numRuns: 40 },
  );
});
