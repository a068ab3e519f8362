/** What runs do to each other: begin one another, tell one another, wait for one another. Part of the contract. */
import { expect } from 'vitest';
import { RUN_FORMAT } from '../../src/core/formats.js';
import type { Commit, Lease, Store } from '../../src/core/ports.js';
import type { RunStatus } from '../../src/core/statuses.js';
import { acquire, commitOf, type ContractCase, inbox, NEVER, RUN, start, entryOf } from './scene.js';

const CHILD = { run: `${RUN}.00000001`, definition: 'inner', input: '{"task":{"a":1}}', record: '{"inner":true}' };
const ENDED = ['completed', 'failed', 'canceled'] as const;

/** `kind run body` of every message, in order. */
async function messages(store: Store): Promise<readonly string[]> {
  return (await inbox(store)).map(({ kind, run, body }) => `${kind} ${run} ${body}`);
}

/** Runs that were told to start, in order, since the inbox was emptied last. */
async function started(store: Store): Promise<readonly string[]> {
  return (await inbox(store)).flatMap(({ kind, run }) => (kind === 'start' ? [run] : []));
}

async function pending(store: Store): Promise<readonly string[]> {
  const rows = await store.runs.list({ partition: 0, statuses: ['pending'], limit: 100 });
  return rows.map(({ run }) => run).toSorted();
}

async function ok(store: Store, lease: Lease, change: Partial<Commit>): Promise<void> {
  expect(await store.partitions.commit(lease, commitOf(change))).toBe('ok');
}

/** Ends the run by its first transition, which empties the inbox and gives the slot back. */
async function end(
  store: Store,
  lease: Lease,
  { run, slot, from = 'pending', to = 'completed' }: { run: string; slot: string; from?: RunStatus; to?: RunStatus },
): Promise<void> {
  const consumed = (await inbox(store)).map(({ id }) => id);
  const expectedVersion = (await store.partitions.load(0, run))?.version ?? -1;
  await ok(store, lease, { run, expectedVersion, status: { from, to }, consumed, release: slot });
}

async function wait(
  store: Store,
  key: string,
  { runs, limit }: { runs: readonly string[]; limit: number },
): Promise<void> {
  for (const run of runs) {
    expect(await start(store, { run, key: `start:${run}`, slot: { key, limit } })).toEqual({ outcome: 'admitted' });
  }
}

async function tells(store: Store, kind: 'signal' | 'decide'): Promise<void> {
  const body = '{"name":"n","data":"\\u0000é"}';
  const request = { kind, partition: 0, run: RUN, idempotencyKey: 's', requestHash: 'h', body } as const;
  expect(await store.admission.admit(request)).toEqual({ outcome: 'no_run' });
  const lease = await acquire(store);
  await start(store);
  expect(await store.admission.admit(request)).toMatchObject({ outcome: 'admitted' });
  expect(await store.admission.admit(request)).toEqual({ outcome: 'repeated' });
  expect(await store.admission.admit({ ...request, requestHash: 'other' })).toEqual({ outcome: 'conflict' });
  expect(await store.admission.admit({ ...request, idempotencyKey: 's2' })).toMatchObject({ outcome: 'admitted' });
  const entry = { run: RUN, kind, head: '', body };
  expect((await inbox(store)).slice(1)).toMatchObject([entry, entry]);
  expect(await store.partitions.load(0, RUN)).toMatchObject({ version: 0 });
  await ok(store, lease, { status: { from: 'pending', to: 'waiting' } });
  expect(await store.admission.admit({ ...request, idempotencyKey: 's3' })).toMatchObject({ outcome: 'admitted' });
  for (const [index, to] of ENDED.entries()) {
    const from = ENDED[index - 1] ?? 'waiting';
    await ok(store, lease, { expectedVersion: index + 1, status: { from, to } });
    const late = { ...request, idempotencyKey: `late-${to}` };
    expect(await store.admission.admit(late)).toEqual({ outcome: 'ended', status: to });
  }
  expect(await inbox(store)).toHaveLength(4);
}

const told = (run: string, body = '{}') => ({ run, kind: 'inner-run', body });

export const togetherContract: readonly ContractCase[] = [
  {
    name: 'starts: a run begins with the transition, pending, with its message',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      await ok(store, lease, { starts: [CHILD], consumed: [message?.id ?? ''] });
      expect(await inbox(store)).toMatchObject([{ run: CHILD.run, kind: 'start', head: '', body: '{}' }]);
      const { definition, input, record } = CHILD;
      expect(await store.partitions.load(0, CHILD.run)).toEqual({
        format: RUN_FORMAT,
        version: 0,
        chain: '',
        definition,
        input,
        record,
        steps: new Map(),
        claims: new Map(),
        quarantined: null,
      });
      expect(await pending(store)).toEqual([CHILD.run]);
      expect(await store.runs.history({ partition: 0, run: CHILD.run, after: '0', limit: 10 })).toEqual([]);
      await ok(store, lease, { run: CHILD.run, entry: entryOf(['{"f":1}']) });
      expect(await pending(store)).toEqual([]);
    },
  },
  {
    name: 'starts: a run that is there already is left as it is, and is not told to start again',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      await ok(store, lease, { starts: [CHILD, { ...CHILD, record: '{"second":true}' }] });
      expect(await store.partitions.load(0, CHILD.run)).toMatchObject({ record: CHILD.record });
      const again = [{ ...CHILD, input: 'other', record: 'other' }];
      const running = { from: 'running', to: 'running' } as const;
      await ok(store, lease, { expectedVersion: 1, status: running, starts: again });
      await ok(store, lease, { run: CHILD.run, record: '{"moved":true}' });
      await ok(store, lease, { expectedVersion: 2, status: running, starts: again });
      expect(await store.partitions.load(0, CHILD.run)).toMatchObject({
        version: 1,
        input: CHILD.input,
        record: '{"moved":true}',
      });
      expect(await started(store)).toEqual([RUN, CHILD.run]);
      expect(await pending(store)).toEqual([]);
    },
  },
  {
    name: 'starts: hundreds of runs in one transition, each with its own texts',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const starts = Array.from({ length: 300 }, (_, index) => ({
        ...CHILD,
        run: `${RUN}.${String(index).padStart(8, '0')}`,
        record: `{"n":${String(index)}}`,
      }));
      await ok(store, lease, { starts, requests: [{ persona: 'qa', body: 'b' }] });
      for (const { run, record } of [starts[0], starts[299]].flatMap((one) => one ?? [])) {
        expect(await store.partitions.load(0, run)).toMatchObject({ record });
      }
      const rows = await store.runs.list({ partition: 0, statuses: ['pending'], limit: 1_000 });
      expect(rows).toHaveLength(300);
      const all = await store.partitions.read({ partition: 0, after: '0', limit: 1_000, waitMs: 1, signal: NEVER });
      expect(all.slice(1).map(({ run }) => run)).toEqual(starts.map(({ run }) => run));
    },
  },
  {
    name: 'sends: a message to another run is stored as it was sent, behind what lies in the inbox',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      await start(store, { run: 'other', key: 'k2' });
      const body = 'not even JSON \u0000 "';
      await ok(store, lease, { sends: [told('other', body), { run: 'other', kind: 'cancel', body: '{}' }] });
      const entries = (await inbox(store)).slice(2);
      expect(entries).toMatchObject([
        { run: 'other', kind: 'inner-run', head: '', body },
        { run: 'other', kind: 'cancel', head: '', body: '{}' },
      ]);
      expect(await store.partitions.load(0, 'other')).toMatchObject({ version: 0 });
    },
  },
  {
    name: 'sends: nothing to a run that does not exist or has ended, and the rest is done all the same',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      for (const to of ENDED) {
        await start(store, { run: to, key: to });
        await ok(store, lease, { run: to, status: { from: 'pending', to } });
      }
      await start(store, { run: 'paused', key: 'paused' });
      await ok(store, lease, { run: 'paused', status: { from: 'pending', to: 'paused' } });
      const before = (await inbox(store)).length;
      await ok(store, lease, { sends: [...ENDED, 'nobody', 'paused'].map((run) => told(run)) });
      expect((await messages(store)).slice(before)).toEqual(['inner-run paused {}']);
      expect(await store.partitions.load(0, 'nobody')).toBeNull();
      expect(await store.partitions.load(0, RUN)).toMatchObject({ version: 1 });
    },
  },
  {
    name: 'sends: reach a run that begins with the same transition, after its start',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      await ok(store, lease, { starts: [CHILD], sends: [told(CHILD.run)] });
      expect((await messages(store)).slice(1)).toEqual([`start ${CHILD.run} {}`, `inner-run ${CHILD.run} {}`]);
    },
  },
  {
    name: 'a commit that is fenced or stale starts, tells and releases nobody',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: [RUN, 'next'], limit: 1 });
      const change = { starts: [CHILD], sends: [told('next')], release: 'slot' };
      expect(await store.partitions.commit({ ...lease, owner: 'x' }, commitOf(change))).toBe('fenced');
      expect(await store.partitions.commit(lease, commitOf({ ...change, expectedVersion: 7 }))).toBe('stale');
      expect(await messages(store)).toEqual([`start ${RUN} {}`]);
      expect(await store.partitions.load(0, CHILD.run)).toBeNull();
      await ok(store, lease, change);
      expect((await messages(store)).slice(1)).toEqual([`start ${CHILD.run} {}`, 'inner-run next {}', 'start next {}']);
    },
  },
  {
    name: 'slot: as many as the limit start at once, the others are pending and not told to start',
    run: async ({ store }) => {
      await wait(store, 'slot', { runs: ['a', 'b', 'c'], limit: 2 });
      expect(await inbox(store)).toMatchObject([
        { run: 'a', kind: 'start', head: '', body: '{}' },
        { run: 'b', kind: 'start', head: '', body: '{}' },
      ]);
      expect(await pending(store)).toEqual(['a', 'b', 'c']);
      expect(await store.partitions.load(0, 'c')).toMatchObject({ version: 0, input: '{"task":{}}' });
    },
  },
  {
    name: 'slot: a repeated start holds or waits once',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b', 'c'], limit: 2 });
      const slot = { key: 'slot', limit: 2 };
      for (const run of ['a', 'c']) {
        expect(await start(store, { run, key: `start:${run}`, slot })).toEqual({ outcome: 'repeated' });
        // The same run by a key that is not remembered.
        expect(await start(store, { run, key: 'forgotten', slot })).toEqual({ outcome: 'repeated' });
      }
      expect(await started(store)).toEqual(['a', 'b']);
      await end(store, lease, { run: 'a', slot: 'slot' });
      expect(await started(store)).toEqual(['c']);
      await end(store, lease, { run: 'b', slot: 'slot' });
      expect(await started(store)).toEqual([]);
    },
  },
  {
    name: 'slot: keys do not touch each other, and a run without a slot does not wait',
    run: async ({ store }) => {
      const keys = ['', 'x', 'X', 'x}:{y', 'x\n', `x${'é'.repeat(299)}`, `x${'é'.repeat(298)}`, 'limit'];
      const first = keys.map((_, index) => `first-${String(index)}`);
      for (const [index, key] of keys.entries()) {
        await wait(store, key, { runs: [`first-${String(index)}`, `second-${String(index)}`], limit: 1 });
      }
      expect(await started(store)).toEqual(first);
      await start(store);
      expect(await started(store)).toEqual([...first, RUN]);
    },
  },
  {
    name: 'slot: a run may be called like anything that is stored beside it',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['limit', 'r', 'key'], limit: 1 });
      for (const run of ['limit', 'r', 'key']) {
        expect(await started(store)).toEqual([run]);
        await end(store, lease, { run, slot: 'slot' });
      }
      expect(await started(store)).toEqual([]);
    },
  },
  {
    name: 'release: the run that has waited longest is started, one for one',
    run: async ({ store }) => {
      const lease = await acquire(store);
      // Neither by name nor by the clock: several arrive within one ms.
      await wait(store, 'slot', { runs: ['z', 'm', 'y', 'a', 'x'], limit: 1 });
      for (const [index, run] of ['z', 'm', 'y', 'a', 'x'].entries()) {
        expect(await started(store)).toEqual([run]);
        if (index === 2) await wait(store, 'slot', { runs: ['last'], limit: 1 });
        await end(store, lease, { run, slot: 'slot' });
      }
      expect(await started(store)).toEqual(['last']);
      expect(await pending(store)).toEqual(['last']);
    },
  },
  {
    name: 'release: without it the slot is kept, also by a run that has ended',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b'], limit: 1 });
      await ok(store, lease, { run: 'a' });
      await ok(store, lease, { run: 'a', expectedVersion: 1, status: { from: 'running', to: 'completed' } });
      expect(await started(store)).toEqual(['a']);
      await ok(store, lease, {
        run: 'a',
        expectedVersion: 2,
        status: { from: 'completed', to: 'completed' },
        release: 'slot',
      });
      expect(await started(store)).toEqual(['a', 'b']);
    },
  },
  {
    name: 'release: a run that still waits leaves the line, and nobody is started for it',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b', 'c'], limit: 1 });
      const cancel = {
        kind: 'cancel',
        partition: 0,
        run: 'b',
        idempotencyKey: 'c',
        requestHash: 'h',
        body: '{}',
      } as const;
      expect(await store.admission.admit(cancel)).toMatchObject({ outcome: 'admitted' });
      expect(await messages(store)).toEqual(['start a {}', 'cancel b {}']);
      await end(store, lease, { run: 'b', slot: 'slot', to: 'canceled' });
      expect(await started(store)).toEqual([]);
      await end(store, lease, { run: 'a', slot: 'slot' });
      expect(await started(store)).toEqual(['c']);
    },
  },
  {
    name: 'release: a second one, one of a stranger and one of a slot that nobody holds change nothing',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b', 'c', 'd'], limit: 2 });
      await start(store, { run: 'stranger', key: 'stranger' });
      await end(store, lease, { run: 'a', slot: 'slot' });
      expect(await started(store)).toEqual(['c']);
      await end(store, lease, { run: 'a', slot: 'slot', from: 'completed' });
      await end(store, lease, { run: 'stranger', slot: 'slot', to: 'running' });
      await end(store, lease, { run: 'stranger', slot: 'nobody', from: 'running' });
      expect(await started(store)).toEqual([]);
      await end(store, lease, { run: 'b', slot: 'slot' });
      expect(await started(store)).toEqual(['d']);
    },
  },
  {
    name: 'release: the run that is started holds the slot at once',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b'], limit: 1 });
      await end(store, lease, { run: 'a', slot: 'slot' });
      await wait(store, 'slot', { runs: ['c'], limit: 1 });
      expect(await started(store)).toEqual(['b']);
      await end(store, lease, { run: 'b', slot: 'slot' });
      await end(store, lease, { run: 'c', slot: 'slot' });
      await wait(store, 'slot', { runs: ['d'], limit: 1 });
      expect(await started(store)).toEqual(['d']);
    },
  },
  {
    name: 'slot: a higher limit lets those in who wait, before the one that brought it',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b', 'c'], limit: 1 });
      await wait(store, 'slot', { runs: ['d'], limit: 2 });
      expect(await started(store)).toEqual(['a', 'b']);
      await wait(store, 'slot', { runs: ['e'], limit: 9 });
      expect(await started(store)).toEqual(['a', 'b', 'c', 'd', 'e']);
      await wait(store, 'slot', { runs: ['f'], limit: 9 });
      await end(store, lease, { run: 'a', slot: 'slot' });
      expect(await started(store)).toEqual([]);
    },
  },
  {
    name: 'slot: a lower limit counts for all who wait, and takes the slot from nobody',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'slot', { runs: ['a', 'b', 'c', 'd'], limit: 3 });
      await wait(store, 'slot', { runs: ['e'], limit: 1 });
      expect(await started(store)).toEqual(['a', 'b', 'c']);
      await end(store, lease, { run: 'a', slot: 'slot' });
      await end(store, lease, { run: 'b', slot: 'slot' });
      expect(await started(store)).toEqual([]);
      await end(store, lease, { run: 'c', slot: 'slot' });
      expect(await started(store)).toEqual(['d']);
      await end(store, lease, { run: 'd', slot: 'slot' });
      expect(await started(store)).toEqual(['e']);
    },
  },
  {
    name: 'slot: any whole number is a limit',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await wait(store, 'wide', { runs: ['a', 'b'], limit: Number.MAX_SAFE_INTEGER });
      expect(await started(store)).toEqual(['a', 'b']);
      await wait(store, 'slot', { runs: ['c', 'd', 'e'], limit: 1 });
      await wait(store, 'slot', { runs: ['f'], limit: 1e21 });
      await end(store, lease, { run: 'a', slot: 'wide' });
      await end(store, lease, { run: 'c', slot: 'slot' });
      await wait(store, 'slot', { runs: ['g'], limit: 1e21 });
      expect(await started(store)).toEqual(['g']);
    },
  },
  {
    name: 'admit: a signal needs a run that has not ended, and is stored once per key',
    run: async ({ store }) => tells(store, 'signal'),
  },
  {
    name: 'admit: a decision needs a run that has not ended, and is stored once per key',
    run: async ({ store }) => tells(store, 'decide'),
  },
];
