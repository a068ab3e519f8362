import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { countedIds } from '../../src/core/ids.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';

const AT_ONCE = AbortSignal.abort();
const everything = { partition: 0, after: '0', limit: 100, waitMs: 0, signal: AT_ONCE };

function admission(run: string, slot: { key: string; limit: number } | null = null): object {
  const texts = { requestHash: run, definition: 'd', input: '{}', record: '{}' };
  return { kind: 'start', partition: 0, run, idempotencyKey: run, slot, ...texts };
}

describe('the contents of a memory store', () => {
  test('are shared by all stores that reach them', async () => {
    const clock = new ManualClock();
    const contents = new MemoryContents(clock, 'n1');
    const [one, other] = [0, 1].map(() => createMemoryStore({ clock, ids: countedIds(), contents }));
    await one?.admission.admit(admission('a') as never);
    expect(await other?.partitions.read(everything)).toMatchObject([{ run: 'a', kind: 'start' }]);
  });

  test('go back to a copy as often as wanted: messages, runs, leases, lines and ids', async () => {
    const clock = new ManualClock();
    const contents = new MemoryContents(clock, 'n1');
    const store = createMemoryStore({ clock, ids: countedIds(), contents });
    await store.admission.admit(admission('a', { key: 'k', limit: 1 }) as never);
    const before = await store.partitions.read(everything);
    const copy = contents.copy();
    for (let time = 0; time < 2; time++) {
      await store.admission.admit(admission('b', { key: 'k', limit: 2 }) as never);
      await store.partitions.acquire({ partition: 0, owner: 'o', leaseMs: 1_000 });
      await store.namespace.putDefinition('h', '{}');
      expect((await store.partitions.read(everything)).map(({ run }) => run)).toEqual(['a', 'b']);
      contents.restore(copy);
      expect(await store.partitions.read(everything)).toEqual(before);
      expect(await store.runs.load(0, 'b')).toBeNull();
      expect(await store.namespace.getDefinition('h')).toBeNull();
      expect(contents.at(0).lease).toMatchObject({ owner: null, epoch: 0 });
      // The place in the line is free again, and the limit is the old one.
      expect(contents.at(0).slots.copy()).toEqual(
        new Map([['k', { limit: 1, holders: new Set(['a']), line: new Set() }]]),
      );
    }
    // What was not there at the time of the copy is empty.
    await store.admission.admit({ ...admission('c'), partition: 1 } as never);
    contents.restore(copy);
    expect(contents.at(1).inbox.size).toBe(0);
  });

  test('wake the readers that wait when they go back', async () => {
    const clock = new ManualClock();
    const contents = new MemoryContents(clock, 'n1');
    const store = createMemoryStore({ clock, ids: countedIds(), contents });
    await store.admission.admit(admission('a') as never);
    const copy = contents.copy();
    const [entry] = await store.partitions.read(everything);
    contents.at(0).inbox.clear();
    const waiting = store.partitions.read({ ...everything, waitMs: 60_000, signal: new AbortController().signal });
    contents.restore(copy);
    expect(await waiting).toEqual([entry]);
  });
});
