import { beforeEach, describe, expect, test } from 'vitest';
import { type Ear, feedReaderOf } from '../../src/coordinator/feed-reader.js';
import { ManualClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { countedIds } from '../../src/core/ids.js';
import type { RunPort } from '../../src/core/ports.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';

const NEVER = new AbortController().signal;

let clock: ManualClock;
let contents: MemoryContents;
let runs: RunPort;
let reads: number;
let failure: Error | null;

beforeEach(() => {
  clock = new ManualClock();
  const ids = countedIds();
  contents = new MemoryContents(clock, 'one');
  const store = createMemoryStore({ clock, ids, contents });
  reads = 0;
  failure = null;
  runs = {
    ...store.runs,
    feed: async (want) => {
      reads++;
      if (failure !== null) throw failure;
      return store.runs.feed(want);
    },
  };
});

const listen = (run: string): Promise<Ear> => feedReaderOf({ runs, clock }, 0).listen(run);

function report(run: string, progress: string): void {
  contents.at(0).report(JSON.stringify([{ type: 'step.progress', run, progress }]));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function said(ear: Ear): Promise<readonly unknown[]> {
  return (await ear.take(1_000, NEVER)).map((fact) => ('progress' in fact ? fact.progress : fact.type));
}

describe('the reader of a feed', () => {
  test('is one for all who listen: a hundred of them cost the store as much as one', async () => {
    const ears: Ear[] = [];
    for (let index = 0; index < 100; index++) ears.push(await listen(`run-${String(index % 10)}`));
    await settle();
    for (let index = 0; index < 5; index++) {
      report(`run-${String(index)}`, 'said');
      await settle();
    }
    expect(reads).toBe(6);
    for (const ear of ears.filter((_, index) => index % 10 < 5)) expect(await said(ear)).toEqual(['said']);
  });

  test('tells at once while little happens, and reads a busy feed ten times a second', async () => {
    const ear = await listen('run');
    for (let index = 0; index < 50; index++) {
      report('run', String(index));
      await settle();
      expect(await said(ear)).toEqual([String(index)]);
    }
    reads = 0;
    for (let ms = 0; ms < 1_000; ms += 10) {
      report('run', 'busy');
      await settle();
      clock.advance(10);
    }
    expect(reads).toBeGreaterThanOrEqual(9);
    expect(reads).toBeLessThanOrEqual(11);
    clock.advance(200);
    await settle();
    expect(await said(ear)).toHaveLength(100);
  });

  test('is heard by who comes later from then on, and stops with the last one who leaves', async () => {
    const first = await listen('run');
    report('run', 'before');
    await settle();
    const second = await listen('run');
    report('run', 'after');
    await settle();
    expect(await said(first)).toEqual(['before', 'after']);
    expect(await said(second)).toEqual(['after']);
    first.close();
    report('run', 'later');
    await settle();
    expect(await said(second)).toEqual(['later']);
    second.close();
    await settle();
    reads = 0;
    report('run', 'unheard');
    clock.advance(10_000);
    await settle();
    expect(reads).toBe(0);
    const third = await listen('run');
    report('run', 'again');
    await settle();
    expect(await said(third)).toEqual(['again']);
  });

  test('waits for a store that does not answer, and tells all of a failure that stays', async () => {
    const ears = [await listen('one'), await listen('two')];
    failure = new CoordError('REDIS_UNREACHABLE', 'away');
    report('other', 'wakes it');
    await settle();
    failure = null;
    report('one', 'meanwhile');
    clock.advance(100);
    await settle();
    expect(await said(ears[0] as Ear)).toEqual(['meanwhile']);
    failure = new CoordError('REDIS_SCRIPT', 'a strange reply');
    report('other', 'wakes it');
    await settle();
    for (const ear of ears) await expect(ear.take(1_000, NEVER)).rejects.toThrow('a strange reply');
  });
});
