/** What every store must do for those who keep house: dead letters, runs that are set aside, and what goes when its time is over. */
import { expect } from 'vitest';
import type { DeadLetter, ForcedEnd, Reinstatement } from '../../src/core/keep-ports.js';
import type { Lease, Store } from '../../src/core/ports.js';
import { RUN_STATUSES } from '../../src/core/statuses.js';
import {
  acquire,
  begun,
  commitOf,
  type ContractCase,
  entryOf,
  inbox,
  keyOf,
  NEVER,
  RUN,
  start,
  take,
} from './scene.js';

const EVERYTHING = { partition: 0, after: '0', limit: 100 } as const;

async function letters(store: Store): Promise<readonly DeadLetter[]> {
  return store.keeping.letters(EVERYTHING);
}

async function only(store: Store): Promise<DeadLetter> {
  const [letter, ...others] = await letters(store);
  if (letter === undefined || others.length > 0) throw new Error('one dead letter was expected');
  return letter;
}

/** Puts everything that lies in the inbox into the dead letters. */
async function discardAll(store: Store, lease: Lease, quarantine: boolean): Promise<void> {
  for (const entry of await store.partitions.read({ partition: 0, after: '0', limit: 100, waitMs: 1, signal: NEVER }))
    expect(await store.partitions.discard(lease, { entry, reason: 'torn', quarantine })).toBe('ok');
}

async function tell(store: Store, run: string, body: string): Promise<void> {
  const told = { kind: 'signal', partition: 0, run, idempotencyKey: body, requestHash: 'h', body } as const;
  expect(await store.admission.admit(told)).toMatchObject({ outcome: 'admitted' });
}

/** A run at version 1 that is set aside, with the letters of two signals; its step `s` is in the hands of `w1`. */
async function setAside(store: Store): Promise<Lease> {
  const lease = await begun(store);
  for (const body of ['"one"', '"two"']) await tell(store, RUN, body);
  await discardAll(store, lease, true);
  expect(await store.partitions.load(0, RUN)).toMatchObject({ quarantined: 'torn', version: 1 });
  return lease;
}

async function reinstate(store: Store, change: Partial<Reinstatement> = {}): Promise<unknown> {
  const all = (await letters(store)).map(({ id }) => id);
  return store.keeping.reinstate({
    partition: 0,
    run: RUN,
    version: '1',
    status: 'running',
    set: new Map(),
    drop: [],
    letters: all,
    action: 'released',
    by: 'ada',
    ...change,
  });
}

function endOf(change: Partial<ForcedEnd> = {}): ForcedEnd {
  return {
    partition: 0,
    run: RUN,
    version: 1,
    record: '{"status":"failed"}',
    set: new Map(),
    drop: [],
    disarm: [],
    facts: '[{"type":"run.failed"}]',
    hash: 'h2',
    sends: [],
    slot: null,
    by: 'ada',
    ...change,
  };
}

async function listed(store: Store, run: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const status of RUN_STATUSES) {
    const ids = await store.keeping.runIds({
      partition: 0,
      statuses: [status],
      createdBefore: Number.POSITIVE_INFINITY,
    });
    if (ids.includes(run)) found.push(status);
  }
  return found;
}

async function endedRun(store: Store, lease: Lease, run = RUN): Promise<void> {
  await start(store, { run, key: run });
  const consumed = (await inbox(store)).map(({ id }) => id);
  const change = commitOf({
    run,
    consumed,
    status: { from: 'pending', to: 'completed' },
    record: '{"status":"completed"}',
  });
  expect(await store.partitions.commit(lease, change)).toBe('ok');
}

async function nothingLost(store: Store): Promise<void> {
  expect(await store.watermarks.check(0, 'me')).toBeNull();
}

export const keepContract: readonly ContractCase[] = [
  {
    name: 'drop: letters are listed oldest first, found by their id, and dropped once; who did it is kept',
    run: async ({ store }) => {
      const lease = await acquire(store);
      for (const run of ['a', 'b']) await start(store, { run, key: run });
      await discardAll(store, lease, false);
      const [first, second] = await letters(store);
      expect([first, second]).toMatchObject([
        { partition: 0, run: 'a', kind: 'start', head: '', body: '{}', reason: 'torn', persona: '' },
        { run: 'b' },
      ]);
      if (first === undefined || second === undefined) throw new Error('no letters');
      expect(first.at).toBe(Number(first.id.split('-')[0]));
      expect(await store.keeping.letters({ partition: 0, after: first.id, limit: 1 })).toEqual([second]);
      expect(await store.keeping.letters({ partition: 0, after: '0', limit: 1 })).toEqual([first]);
      expect(await store.keeping.letter(second)).toEqual(second);
      expect(await store.keeping.letter({ partition: 0, id: '1-1' })).toBeNull();
      expect(await store.keeping.drop(first, 'ada')).toBe('dropped');
      expect(await store.keeping.drop(first, 'bob')).toBe('gone');
      expect(await letters(store)).toEqual([second]);
      expect(await store.keeping.audit(0, 10)).toMatchObject([{ action: 'dropped', what: first.id, by: 'ada' }]);
    },
  },
  {
    name: 'replay: a message comes again as it was, once',
    run: async ({ store }) => {
      const lease = await begun(store);
      expect(await store.requests.reply(keyOf(), { body: '{"a":"é\\n"}' })).toBe('ok');
      const [before] = await inbox(store);
      await discardAll(store, lease, false);
      const letter = await only(store);
      expect(await store.keeping.replay(letter, 'ada')).toBe('replayed');
      expect(await store.keeping.replay(letter, 'ada')).toBe('gone');
      const [again, ...others] = await inbox(store);
      expect(others).toEqual([]);
      expect({ ...again, id: '' }).toEqual({ ...before, id: '' });
      expect(again?.id).not.toBe(before?.id);
      expect(await letters(store)).toEqual([]);
      expect(await store.keeping.audit(0, 10)).toMatchObject([{ action: 'replayed', what: letter.id, by: 'ada' }]);
      await nothingLost(store);
    },
  },
  {
    name: 'replay: not to a run that is not there, has ended or is set aside; the letter stays',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      await discardAll(store, lease, true);
      const letter = await only(store);
      expect(await store.keeping.replay(letter, 'ada')).toBe('set_aside');
      expect(await store.keeping.replay({ ...letter, run: 'other' }, 'ada')).toBe('gone');
      expect(await store.keeping.end(endOf({ version: 0 }))).toBe('ok');
      expect(await store.keeping.replay(letter, 'ada')).toBe('ended');
      expect(await store.keeping.remove({ partition: 0, run: RUN, version: 1, status: 'failed' })).toBe('removed');
      expect(await store.keeping.replay(letter, 'ada')).toBe('no_run');
      expect(await letters(store)).toEqual([letter]);
      expect(await inbox(store)).toEqual([]);
    },
  },
  {
    name: 'replay: a late reply is shown, and never comes again',
    run: async ({ store }) => {
      const lease = await begun(store);
      const steps = [{ step: 's', record: '{"status":"queued"}', token: 's.2.bb' }];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps }))).toBe('ok');
      expect(await store.requests.reply(keyOf(), { body: '{"status":"pass"}' })).toBe('stale');
      const letter = await only(store);
      expect(letter).toMatchObject({ kind: 'late-reply', run: RUN, body: '{"status":"pass"}' });
      expect(await store.keeping.replay(letter, 'ada')).toBe('late');
      expect(await letters(store)).toEqual([letter]);
      expect(await inbox(store)).toEqual([]);
    },
  },
  {
    name: 'replay: a refused request goes back to its persona',
    run: async ({ store }) => {
      await begun(store);
      const lease = { partition: 0, owner: 'owner-1', epoch: 1 };
      const requests = [{ persona: 'qa', body: 'not "JSON"' }];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, requests }))).toBe('ok');
      const [delivery] = await take(store, 'w1');
      if (delivery === undefined) throw new Error('no request');
      await store.requests.refuse(delivery, 'it is no JSON');
      const letter = await only(store);
      expect(letter).toMatchObject({ kind: 'request', run: '', persona: 'qa', reason: 'it is no JSON' });
      expect(await store.keeping.replay({ ...letter, persona: '' }, 'ada')).toBe('gone');
      expect(await store.keeping.replay(letter, 'ada')).toBe('replayed');
      expect(await take(store, 'w1')).toMatchObject([{ persona: 'qa', body: 'not "JSON"' }]);
      expect(await inbox(store)).toEqual([]);
      expect(await letters(store)).toEqual([]);
    },
  },
  {
    name: 'reinstate: lifts the quarantine and sends the letters again in order, those of this run alone',
    run: async ({ store }) => {
      const lease = await setAside(store);
      await start(store, { run: 'other', key: 'other' });
      await discardAll(store, lease, false);
      expect(await reinstate(store, { version: '0' })).toEqual({ outcome: 'stale' });
      expect(await reinstate(store, { run: 'nobody' })).toEqual({ outcome: 'stale' });
      expect(await letters(store)).toHaveLength(3);
      expect(await reinstate(store)).toEqual({ outcome: 'ok', sent: 2 });
      expect((await inbox(store)).map(({ run, body }) => [run, body])).toEqual([
        [RUN, '"one"'],
        [RUN, '"two"'],
      ]);
      expect((await letters(store)).map(({ run }) => run)).toEqual(['other']);
      expect(await store.partitions.load(0, RUN)).toMatchObject({ quarantined: null, version: 1 });
      expect(await reinstate(store)).toEqual({ outcome: 'not_set_aside' });
      expect(await store.keeping.audit(0, 10)).toMatchObject([{ action: 'released', what: RUN, by: 'ada' }]);
      expect(await listed(store, RUN)).toEqual(['running']);
      // The worker that holds the step still does.
      expect(await store.requests.beat(keyOf(), { heartbeatMs: 60_000, progress: '' })).toBe('ok');
      await nothingLost(store);
    },
  },
  {
    name: 'reinstate: what was rebuilt is written as it is, and what is too much goes',
    run: async ({ store }) => {
      await setAside(store);
      const set = new Map([
        ['record', '{"status":"waiting","é":"\\ud800"}'],
        ['s:a[0]/b', '{"n":1}'],
        ['t:s', 'other'],
        ['c:s', '{"worker":"x","begunAt":1,"beatAt":2,"progress":""}'],
      ]);
      const change = { set, drop: ['s:s'], status: 'waiting', action: 'rebuilt', letters: [] } as const;
      expect(await reinstate(store, change)).toEqual({ outcome: 'ok', sent: 0 });
      const stored = await store.partitions.load(0, RUN);
      expect(stored?.record).toBe(set.get('record'));
      expect(stored?.steps).toEqual(new Map([['a[0]/b', '{"n":1}']]));
      expect(stored?.claims.get('s')?.worker).toBe('x');
      const fields = await store.keeping.fields(0, RUN);
      expect(fields?.get('t:s')).toBe('other');
      expect(fields?.get('status')).toBe('waiting');
      expect(await listed(store, RUN)).toEqual(['waiting']);
      expect(await letters(store)).toHaveLength(2);
    },
  },
  {
    name: 'end: a run that is set aside ends as failed, in one entry of its history, and nobody works for it any more',
    run: async ({ store }) => {
      await setAside(store);
      const [heartbeat] = await store.keeping.timersOf(0, RUN);
      expect(heartbeat).toBe(`heartbeat|${RUN}|s|1`);
      const head = await store.runs.feedHead(0);
      expect(await store.keeping.end(endOf({ version: 2 }))).toBe('stale');
      expect(await store.keeping.end(endOf({ run: 'nobody' }))).toBe('stale');
      const change = endOf({
        set: new Map([['s:s', '{"status":"canceled"}']]),
        drop: ['s:torn'],
        disarm: [heartbeat ?? ''],
      });
      expect(await store.keeping.end(change)).toBe('ok');
      expect(await store.keeping.end(endOf({ version: 2 }))).toBe('not_set_aside');
      expect(await store.partitions.load(0, RUN)).toMatchObject({
        version: 2,
        chain: 'h2',
        record: '{"status":"failed"}',
        quarantined: null,
        steps: new Map([['s', '{"status":"canceled"}']]),
        claims: new Map(),
      });
      expect(await listed(store, RUN)).toEqual(['failed']);
      expect(await store.keeping.timersOf(0, RUN)).toEqual([]);
      expect(await store.requests.beat(keyOf(), { heartbeatMs: 60_000, progress: '' })).toBe('stop');
      const history = await store.runs.history({ partition: 0, run: RUN, after: '0', limit: 10 });
      expect(history.at(-1)).toMatchObject({
        version: 2,
        epoch: 1,
        messages: '[]',
        facts: '[{"type":"run.failed"}]',
        hash: 'h2',
        genesis: '{"status":"failed"}',
      });
      const feed = await store.runs.feed({ partition: 0, after: head, limit: 10, waitMs: 1, signal: NEVER });
      expect(feed.map(({ facts }) => facts)).toEqual(['[{"type":"run.failed"}]']);
      expect(
        await store.admission.admit({
          kind: 'cancel',
          partition: 0,
          run: RUN,
          idempotencyKey: 'c',
          requestHash: 'h',
          body: '{}',
        }),
      ).toEqual({ outcome: 'ended', status: 'failed' });
      expect(await store.keeping.audit(0, 10)).toMatchObject([{ action: 'failed', what: RUN, by: 'ada' }]);
      await nothingLost(store);
    },
  },
  {
    name: 'end: tells others that have not ended, and gives the slot to whoever waits',
    run: async ({ store }) => {
      const lease = await acquire(store);
      const slot = { key: 'slot', limit: 1 };
      await start(store, { slot });
      await start(store, { run: 'next', key: 'next', slot });
      await discardAll(store, lease, true);
      await start(store, { run: 'outer', key: 'outer' });
      await endedRun(store, lease, 'over');
      const sends = ['outer', 'over', 'nobody'].map((run) => ({ run, kind: 'inner-run', body: '{"a":1}' }));
      expect(await store.keeping.end(endOf({ version: 0, sends, slot: 'slot' }))).toBe('ok');
      expect((await inbox(store)).map(({ run, kind, body }) => [run, kind, body])).toEqual([
        ['outer', 'inner-run', '{"a":1}'],
        ['next', 'start', '{}'],
      ]);
      expect(await start(store, { run: 'last', key: 'last', slot })).toEqual({ outcome: 'admitted' });
      expect((await inbox(store)).map(({ run }) => run)).toEqual(['outer', 'next']);
      const status = { from: 'pending', to: 'canceled' } as const;
      expect(await store.partitions.commit(lease, commitOf({ run: 'next', status, release: 'slot' }))).toBe('ok');
      expect((await inbox(store)).map(({ run }) => run)).toEqual(['outer', 'next', 'last']);
    },
  },
  {
    name: 'remove: a run goes with its history when it has ended and is as it was looked at, and not before',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store, { run: 'open', key: 'open' });
      await endedRun(store, lease);
      const ended = { partition: 0, run: RUN, version: 1, status: 'completed' } as const;
      expect(await store.keeping.bytesOf(0, RUN)).toBeGreaterThan(20);
      expect(await store.keeping.remove({ ...ended, version: 0 })).toBe('stale');
      expect(await store.keeping.remove({ ...ended, status: 'failed' })).toBe('stale');
      expect(await store.keeping.remove({ ...ended, run: 'open', version: 0, status: 'pending' })).toBe('stale');
      expect(await store.partitions.load(0, RUN)).not.toBeNull();
      expect(await store.keeping.remove(ended)).toBe('removed');
      expect(await store.keeping.remove(ended)).toBe('stale');
      expect(await store.partitions.load(0, RUN)).toBeNull();
      expect(await store.keeping.fields(0, RUN)).toBeNull();
      expect(await store.keeping.bytesOf(0, RUN)).toBe(0);
      expect(await store.runs.history({ partition: 0, run: RUN, after: '0', limit: 10 })).toEqual([]);
      expect(await listed(store, RUN)).toEqual([]);
      expect(await listed(store, 'open')).toEqual(['pending']);
      await nothingLost(store);
    },
  },
  {
    name: 'admit: what takes up a run that has ended reaches it, keeps it from being removed, and takes its place of the slot',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await endedRun(store, lease);
      const retry = { partition: 0, run: RUN, kind: 'retry', requestHash: 'h', body: '{}' } as const;
      expect(await store.admission.admit({ ...retry, idempotencyKey: 'n' })).toMatchObject({ outcome: 'ended' });
      const slot = { key: 'one', limit: 1 };
      await start(store, { run: 'holder', key: 'holder', slot });
      const reopens = { slot };
      expect(await store.admission.admit({ ...retry, idempotencyKey: 'r', reopens })).toEqual({ outcome: 'full' });
      const ended = { partition: 0, run: RUN, version: 1, status: 'completed' } as const;
      expect(
        await store.admission.admit({ ...retry, idempotencyKey: 'r', reopens: { slot: { ...slot, limit: 2 } } }),
      ).toMatchObject({
        outcome: 'admitted',
      });
      // It holds its place already.
      expect(await store.admission.admit({ ...retry, idempotencyKey: 's', reopens })).toMatchObject({
        outcome: 'admitted',
      });
      await start(store, { run: 'late', key: 'late', slot: { ...slot, limit: 2 } });
      expect(await store.keeping.remove(ended)).toBe('stale');
      const read = { partition: 0, after: '0', limit: 10, waitMs: 0, signal: new AbortController().signal };
      const entries = (await store.partitions.read(read)).filter(({ kind }) => kind === 'retry');
      expect(entries.map(({ run }) => run)).toEqual([RUN, RUN]);
      expect((await store.partitions.read(read)).some(({ run }) => run === 'late')).toBe(false);
      for (const entry of entries) await store.partitions.discard(lease, { entry, reason: 'no', quarantine: false });
      expect(await store.keeping.remove(ended)).toBe('removed');
      await nothingLost(store);
    },
  },
  {
    name: 'remove: runs are found by status and by when they were created, with what is to be known of them',
    run: async ({ store, pass }) => {
      const lease = await acquire(store);
      await endedRun(store, lease, 'old');
      await pass(5);
      const between = await store.namespace.time();
      await pass(5);
      await endedRun(store, lease, 'young');
      const want = { partition: 0, statuses: ['failed', 'completed'] } as const;
      expect(await store.keeping.runIds({ ...want, createdBefore: between })).toEqual(['old']);
      expect(await store.keeping.runIds({ ...want, createdBefore: Number.POSITIVE_INFINITY })).toEqual([
        'old',
        'young',
      ]);
      expect(await store.keeping.runIds({ ...want, statuses: ['running'], createdBefore: between })).toEqual([]);
      expect(await store.keeping.heads(0, ['nobody', 'young'])).toEqual([
        {
          run: 'young',
          version: 1,
          status: 'completed',
          definition: 'def',
          record: '{"status":"completed"}',
          quarantined: null,
        },
      ]);
    },
  },
  {
    name: 'sweep: what has a content for its name goes when nobody has touched it, and everything that may name it is told',
    run: async ({ store }) => {
      const lease = await begun(store);
      const hash = await store.artifacts.put(0, Buffer.from('work'));
      await store.namespace.putDefinition('d1', '{"format":2}');
      expect(await store.keeping.artifacts(0)).toMatchObject([{ hash }]);
      expect((await store.keeping.definitions()).map((one) => one.hash)).toEqual(['d1']);
      const old = 24 * 3_600_000;
      expect(await store.keeping.sweepArtifact({ partition: 0, hash, idleMs: old })).toBe('touched');
      expect(await store.keeping.sweepDefinition({ hash: 'd1', idleMs: old })).toBe('touched');
      expect(await store.artifacts.get(0, hash)).not.toBeNull();
      expect(await store.requests.reply(keyOf(), { body: '{"in":"inbox"}' })).toBe('ok');
      await start(store, { run: 'other', key: 'other' });
      const [first] = await store.partitions.read({ partition: 0, after: '0', limit: 1, waitMs: 1, signal: NEVER });
      if (first === undefined) throw new Error('the inbox is empty');
      expect(
        await store.partitions.discard(lease, { entry: { ...first, body: '"dead"' }, reason: 'r', quarantine: false }),
      ).toBe('ok');
      const steps = [{ step: 's', record: '"in step"', token: null }];
      const entry = entryOf(['"in fact"'], { messages: '["in message"]' });
      const requests = [{ persona: 'qa', body: '"in request"' }];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps, entry, requests }))).toBe('ok');
      const said: string[] = [];
      for await (const text of store.keeping.mentions({ partition: 0, without: new Set() })) said.push(text);
      const others: string[] = [];
      for await (const text of store.keeping.mentions({ partition: 0, without: new Set([RUN]) })) others.push(text);
      expect(others.join('\n')).not.toContain('in step');
      expect(others.join('\n')).toContain('in request');
      const whole = said.join('\n');
      for (const part of ['dead', 'in step', 'in fact', 'in message', 'in request', '{"task":{}}', 'def', '{}'])
        expect(whole).toContain(part);
      expect(await store.keeping.sweepArtifact({ partition: 0, hash, idleMs: 0 })).toBe('removed');
      expect(await store.keeping.sweepArtifact({ partition: 0, hash, idleMs: 0 })).toBe('gone');
      expect(await store.artifacts.get(0, hash)).toBeNull();
      expect(await store.keeping.sweepDefinition({ hash: 'd1', idleMs: 0 })).toBe('removed');
      expect(await store.keeping.sweepDefinition({ hash: 'd1', idleMs: 0 })).toBe('gone');
      expect(await store.namespace.getDefinition('d1')).toBeNull();
      expect(await store.keeping.artifacts(0)).toEqual([]);
    },
  },
  {
    name: 'expire: idempotency keys whose time is not over are remembered',
    run: async ({ store }) => {
      await start(store);
      expect(await store.keeping.expiredKeys(0)).toBe(0);
      expect(await store.keeping.forgetKeys(0, 10)).toBe(0);
      expect(await start(store)).toEqual({ outcome: 'repeated' });
      expect(await store.keeping.idleReaders(0, 3_600_000)).toEqual([]);
    },
  },
];
