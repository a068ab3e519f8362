/** Taking back a lock that no record claims, beside a run that begins to claim it in the same moment. */
import { expect, test } from 'vitest';
import { Locks } from '../../src/coordinator/client-locks.js';
import { RunLocks } from '../../src/coordinator/run-locks.js';
import { ManualClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { countedIds } from '../../src/core/ids.js';
import type { LockPort } from '../../src/core/lock-port.js';
import { createMemoryStore } from '../../src/memory/store.js';

const party = { kind: 'run', id: 'run-1', step: 'take', attempt: 1 } as const;
const want = { name: 'x', party, leaseMs: null, placeMs: 0 } as const;

test('a grant is not taken back that was given again since the record was read', async () => {
  const { locks } = createMemoryStore({ clock: new ManualClock(), ids: countedIds() });
  await locks.acquire(want);
  const state = await locks.get('x');
  if (state === null) throw new Error('nobody holds it');
  const slow: LockPort = {
    ...locks,
    // The run is read as it was before it began to wait; then it begins, and its coordinator asks for the lock.
    said: async () => {
      await locks.acquire(want);
      return null;
    },
  };
  expect(await new RunLocks({ locks: slow, partitions: 1 }).takeBack(state)).toBe(false);
  expect((await locks.get('x'))?.holder?.party).toEqual(party);
  // Nobody claims it, and nothing happens meanwhile.
  const still = await locks.get('x');
  if (still === null) throw new Error('nobody holds it');
  expect(await new RunLocks({ locks, partitions: 1 }).takeBack(still)).toBe(true);
  expect(await locks.get('x')).toBeNull();
});

test('a run that cannot be read keeps what it holds', async () => {
  const { locks } = createMemoryStore({ clock: new ManualClock(), ids: countedIds() });
  await locks.acquire(want);
  const state = await locks.get('x');
  if (state === null) throw new Error('nobody holds it');
  const damaged: LockPort = { ...locks, said: async () => ({ status: 'running', record: '{"broken', step: null }) };
  expect(await new RunLocks({ locks: damaged, partitions: 1 }).takeBack(state)).toBe(false);
  const over: LockPort = { ...locks, said: async () => ({ status: 'failed', record: '{"broken', step: null }) };
  expect(await new RunLocks({ locks: over, partitions: 1 }).takeBack(state)).toBe(true);
});

test('what a person asks and gives back is repeated until its outcome is known', async () => {
  const clock = new ManualClock();
  const store = createMemoryStore({ clock, ids: countedIds() });
  const unknown = new CoordError('OUTCOME_UNKNOWN', 'the connection was lost');
  let failing = true;
  const once = async <T>(answer: Promise<T>): Promise<T> => {
    const known = await answer;
    failing = !failing;
    // It was applied all the same.
    if (!failing) throw unknown;
    return known;
  };
  const lossy: LockPort = {
    ...store.locks,
    acquire: (wanted) => once(store.locks.acquire(wanted)),
    release: (given) => once(store.locks.release(given)),
  };
  const locks = new Locks({ store: { ...store, locks: lossy }, partitions: 1, clock, ids: countedIds('l') });
  const until = new AbortController().signal;
  const soon = async <T>(work: Promise<T>): Promise<T> => {
    const over = new AbortController();
    void work.finally(() => over.abort());
    while (!over.signal.aborted) {
      clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return work;
  };
  const held = await soon(locks.hold({ name: 'x', by: 'ann', command: 'vim', waitMs: 0, until }));
  expect((await store.locks.get('x'))?.holder?.party).toMatchObject({ by: 'ann' });
  await soon(held.release());
  expect(await store.locks.get('x')).toBeNull();
});
