import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Collector } from '../../src/app/collector.js';
import { Client } from '../../src/coordinator/client.js';
import { Plans } from '../../src/coordinator/plans.js';
import { RunLocks } from '../../src/coordinator/run-locks.js';
import { Turn } from '../../src/coordinator/turn.js';
import { ManualClock } from '../../src/core/clock.js';
import { countedIds, partitionOf } from '../../src/core/ids.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { emit, workflow } from '../harness/definitions.js';

const HOUR = 3_600_000;
const STEP_MS = 10_000;
const emits = workflow([emit('tell', 'done')]);

let folder: string;
let clock: ManualClock;
let store: ReturnType<typeof createMemoryStore>;
let client: Client;
let notes: string[];
let collector: Collector;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-collector-'));
  clock = new ManualClock();
  const ids = countedIds();
  store = createMemoryStore({ clock, ids });
  const { partitions } = await store.namespace.open(2);
  client = new Client({ store, partitions, clock, ids });
  notes = [];
  for (const partition of [0, 1])
    await store.partitions.acquire({ partition, owner: 'host:7:a', leaseMs: 1_000 * HOUR });
});
afterEach(async () => {
  await collector.stop();
  rmSync(folder, { recursive: true, force: true });
});

function collects(place: string): void {
  collector = new Collector({
    store,
    partitions: 2,
    clock,
    note: (message) => notes.push(message),
    place,
    retentionMs: HOUR,
    directory: join(folder, 'archive'),
  });
  collector.start();
}

/** Lets everything that is due happen, for that long. Files take real time, so it goes on until something is the case. */
async function passes(ms: number, isSo: () => boolean | Promise<boolean> = () => true): Promise<void> {
  for (let past = 0; past < ms || !(await isSo()); past += STEP_MS) {
    if (past < ms) clock.advance(STEP_MS);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A run that was completed now. */
async function ended(): Promise<string> {
  const { run } = await client.start({ definition: emits, task: {}, workspace: null });
  const partition = partitionOf(run, 2);
  const lease = (await store.namespace.owners()).find((one) => one.partition === partition);
  if (lease === undefined) throw new Error('nobody owns the partition');
  const turn = new Turn({
    partitions: store.partitions,
    plans: new Plans(store.namespace),
    locks: new RunLocks({ locks: store.locks, partitions: 2 }),
    report: () => undefined,
    runsCached: 1,
  });
  const signal = new AbortController().signal;
  const entries = await store.partitions.read({ partition, after: '0', limit: 10, waitMs: 1, signal });
  expect(await turn.run(lease, entries)).toMatchObject({ outcome: 'ok' });
  expect((await client.get(run)).status).toBe('completed');
  return run;
}

const archived = (): readonly string[] => {
  const month = join(folder, 'archive', '2023-11');
  return existsSync(month) ? readdirSync(month) : [];
};
const runs = async (): Promise<number> => (await client.list()).length;

describe('a collector', () => {
  test('collects what is over, a minute after it was started and then every hour, with an archive', async () => {
    const first = await ended();
    await passes(2 * HOUR);
    collects('host:7');
    const second = await ended();
    await passes(30_000);
    expect(await runs()).toBe(2);
    await passes(40_000, async () => (await runs()) === 1);
    expect(archived()).toEqual([`${first}.jsonl`]);
    expect(notes).toEqual([`1 ended runs archived in ${join(folder, 'archive')} and deleted`]);
    await passes(HOUR, async () => (await runs()) === 0);
    expect(archived().toSorted()).toEqual([`${first}.jsonl`, `${second}.jsonl`].toSorted());
  });

  test('takes locks back that runs hold which are over', async () => {
    const party = { kind: 'run', id: await ended(), step: 'take', attempt: 1 } as const;
    await store.locks.acquire({ name: 'repo', party, leaseMs: null, placeMs: 0 });
    collects('host:7');
    await passes(2 * 60_000, async () => (await store.locks.get('repo')) === null);
    expect(notes).toContain('1 locks taken back from runs that are over');
  });

  test('leaves the partitions of others to them', async () => {
    await ended();
    await passes(2 * HOUR);
    collects('host:77');
    await passes(2 * HOUR);
    expect(await runs()).toBe(1);
    expect(archived()).toEqual([]);
  });

  test('goes on after trouble, and keeps what cannot be archived', async () => {
    await ended();
    await passes(2 * HOUR);
    const { keeping } = store;
    const broken = { ...keeping, fields: () => Promise.reject(new Error('no disk')) };
    Object.assign(store, { keeping: broken });
    collects('host:7');
    await passes(61_000, () => notes.length > 0);
    expect(notes).toEqual(['what is over is collected later: no disk']);
    expect(await runs()).toBe(1);
    Object.assign(store, { keeping });
    await passes(HOUR, async () => (await runs()) === 0);
    expect(archived()).toHaveLength(1);
  });
});
