/** What every store must do for those who watch over it: positions and losses, the roll of coordinators, workers that died. */
import { expect } from 'vitest';
import {
  acquire,
  begun,
  commitOf,
  type ContractCase,
  dispatched,
  entryOf,
  inbox,
  keyOf,
  LONG,
  NEVER,
  RUN,
  start,
  take,
} from './scene.js';

export const watchContract: readonly ContractCase[] = [
  {
    name: 'history: one entry per transition, with everything that the commit said of it',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const parts = { messages: '[{"m":1}]', hash: 'h1', genesis: '{"status":"pending"}' };
      expect(await store.partitions.commit(lease, commitOf({ entry: entryOf(['{"f":1}'], parts) }))).toBe('ok');
      const second = commitOf({ expectedVersion: 1, entry: entryOf([], { hash: 'h2' }), definition: 'other' });
      const head = await store.runs.feedHead(0);
      expect(await store.partitions.commit(lease, second)).toBe('ok');
      const entries = await store.runs.history({ partition: 0, run: RUN, after: '0', limit: 10 });
      const { epoch } = lease;
      expect(entries).toMatchObject([
        { version: 1, epoch, ...parts, facts: '[{"f":1}]' },
        { version: 2, epoch, messages: '[]', facts: '[]', hash: 'h2', genesis: null },
      ]);
      expect((entries[1]?.position ?? 0) - (entries[0]?.position ?? 0)).toBe(1);
      expect(await store.partitions.load(0, RUN)).toMatchObject({ chain: 'h2', version: 2, definition: 'other' });
      // A transition without facts is no news.
      expect(await store.runs.feedHead(0)).toBe(head);
    },
  },
  {
    name: 'watermarks: a store that has everything has lost nothing',
    run: async ({ store }) => {
      const lease = await begun(store);
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('ok');
      const [reply] = await inbox(store);
      const applied = commitOf({ expectedVersion: 1, consumed: [reply?.id ?? ''] });
      expect(await store.partitions.commit(lease, applied)).toBe('ok');
      expect(await store.partitions.release(lease)).toBe('ok');
      await acquire(store, 'owner-2');
      for (let times = 0; times < 2; times++) expect(await store.watermarks.check(0, 'me')).toBeNull();
      expect(await store.watermarks.incidents(0)).toEqual([]);
    },
  },
  {
    name: 'arm: a timer is due at a time that is given, or so long after the commit',
    run: async ({ store, pass }) => {
      const lease = await acquire(store);
      await start(store);
      const now = await store.namespace.time();
      await pass(20);
      const arm = [
        { id: 'wait|test-1|given|1', afterMs: 10, at: now + 10 },
        { id: 'wait|test-1|after|1', afterMs: LONG },
      ];
      expect(await store.partitions.commit(lease, commitOf({ arm }))).toBe('ok');
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 1 });
      expect((await inbox(store)).at(-1)).toMatchObject({ head: 'wait|test-1|given|1' });
    },
  },
  {
    name: 'reply: one that comes too late is kept once, and another worker’s never counts',
    run: async ({ store }) => {
      const lease = await begun(store);
      const steps = [{ step: 's', record: '{"status":"queued"}', token: 's.2.bb' }];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps }))).toBe('ok');
      for (let times = 0; times < 3; times++)
        expect(await store.requests.reply(keyOf(), { body: '{"status":"pass"}' })).toBe('stale');
      const newer = keyOf({ token: 's.2.bb', attempt: 2, worker: 'w2' });
      // Whoever has not begun it does not hold it.
      expect(await store.requests.reply(newer, { body: '{}' })).toBe('stale');
      expect(await store.requests.reply(keyOf({ run: 'nobody' }), { body: '{}' })).toBe('stale');
      const dead = await store.runs.deadLetters(0, 10);
      expect(dead.map(({ run, kind, body }) => [run, kind, body])).toEqual([
        [RUN, 'late-reply', '{}'],
        [RUN, 'late-reply', '{"status":"pass"}'],
      ]);
      expect(await inbox(store)).toEqual([]);
    },
  },
  {
    name: 'reply: one that is repeated after it was applied was taken, and is no late one',
    run: async ({ store }) => {
      const lease = await begun(store);
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('ok');
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('repeated');
      const [reply] = await inbox(store);
      const steps = [{ step: 's', record: '{"status":"queued"}', token: 's.2.bb' }];
      const applied = commitOf({ expectedVersion: 1, consumed: [reply?.id ?? ''], steps });
      expect(await store.partitions.commit(lease, applied)).toBe('ok');
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('repeated');
      expect(await store.runs.deadLetters(0, 10)).toEqual([]);
    },
  },
  {
    name: 'bury: what a dead worker holds is over at once, and nothing else',
    run: async ({ store }) => {
      const lease = await begun(store, 'w1');
      const steps = [{ step: 's2', record: '{"status":"queued","attempt":1}', token: 's2.1.aa' }];
      const requests = [{ persona: 'qa', body: 'please' }];
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps, requests }))).toBe('ok');
      const [delivery] = await take(store, 'w2');
      const entry = { persona: 'qa', entry: delivery?.entry ?? '', heartbeatMs: LONG, timeoutMs: null };
      expect(await store.requests.begin(keyOf({ step: 's2', token: 's2.1.aa', worker: 'w2' }), entry)).toBe('go');
      expect(await store.requests.bury({ partition: 0, worker: 'nobody' })).toBe(0);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
      expect(await store.requests.bury({ partition: 0, worker: 'w2' })).toBe(1);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 1 });
      expect((await inbox(store)).map(({ head }) => head)).toEqual(['heartbeat|test-1|s2|1']);
    },
  },
  {
    name: 'bury: what a dead worker was sent and never began is abandoned at once',
    run: async ({ store }) => {
      await dispatched(store);
      expect(await take(store, 'w1')).toHaveLength(1);
      const abandoned = { partition: 0, worker: 'w2', persona: 'qa', idleMs: LONG, limit: 10 };
      await store.requests.bury({ partition: 0, worker: 'w3', personas: ['qa', 'nobody'] });
      expect(await store.requests.claimAbandoned(abandoned)).toEqual([]);
      await store.requests.bury({ partition: 0, worker: 'w1', personas: ['qa', 'nobody'] });
      expect(await store.requests.claimAbandoned(abandoned)).toMatchObject([{ persona: 'qa', body: 'please' }]);
    },
  },
  {
    name: 'bury: a record that is damaged hides nothing else that the worker held',
    run: async ({ store }) => {
      const lease = await begun(store, 'w1');
      const records = ['no JSON', '5', 'null', '{"status":"queued","attempt":1}'];
      const steps = records.map((record, index) => ({
        step: `x${String(index)}`,
        record,
        token: `x${String(index)}.1`,
      }));
      const requests = steps.map(({ step }) => ({ persona: 'qa', body: step }));
      expect(await store.partitions.commit(lease, commitOf({ expectedVersion: 1, steps, requests }))).toBe('ok');
      for (const { entry, body: step } of await take(store, 'w2')) {
        const beginning = { persona: 'qa', entry, heartbeatMs: LONG, timeoutMs: null };
        expect(await store.requests.begin(keyOf({ step, token: `${step}.1`, worker: 'w2' }), beginning)).toBe('go');
      }
      expect(await store.requests.bury({ partition: 0, worker: 'w2' })).toBe(1);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 1 });
      expect((await inbox(store)).map(({ head }) => head)).toEqual(['heartbeat|test-1|x3|1']);
    },
  },
  {
    name: 'roll: coordinators hear of each other, of those who come, and of those who go or fall silent',
    run: async ({ store, pass }) => {
      const announce = (coordinator: string, aliveMs = LONG): ReturnType<typeof store.roll.announce> =>
        store.roll.announce({ coordinator, aliveMs, tell: false });
      const names = async (coordinator: string, aliveMs = LONG): Promise<readonly string[]> => {
        const roll = await announce(coordinator, aliveMs);
        return roll === 'gone' ? ['gone'] : roll.coordinators;
      };
      expect(await names('b')).toEqual(['b']);
      const before = await announce('b');
      expect(await names('a')).toEqual(['a', 'b']);
      const mark = before === 'gone' ? '' : before.mark;
      // A change that has happened is not waited for; without one the wait runs out.
      await store.roll.changed({ mark, waitMs: LONG, signal: NEVER });
      const after = await announce('b');
      expect(after).not.toEqual(before);
      expect(await announce('b')).toEqual(after);
      const heard = after === 'gone' ? '' : after.mark;
      await store.roll.changed({ mark: heard, waitMs: 1, signal: NEVER });
      // A store that is broken on purpose is closed while this waits.
      const going = store.roll.changed({ mark: heard, waitMs: LONG, signal: NEVER }).catch(() => undefined);
      await store.roll.forget('a');
      expect(await announce('b')).not.toMatchObject({ mark: heard });
      await going;
      expect(await names('b')).toEqual(['b']);
      expect(await names('a')).toEqual(['a', 'b']);
      await pass(20);
      expect(await names('b', 10)).toEqual(['b']);
      const told = await store.roll.announce({ coordinator: 'b', aliveMs: LONG, tell: true });
      expect(told).not.toEqual(await store.roll.announce({ coordinator: 'b', aliveMs: LONG, tell: true }));
    },
  },
  {
    name: 'acquire: a request that was dispatched before is there for the next owner too',
    run: async ({ store }) => {
      const lease = await dispatched(store);
      await store.partitions.release(lease);
      const next = await acquire(store, 'owner-2');
      expect(next.epoch).toBe(lease.epoch + 1);
      expect(await take(store, 'w1')).toHaveLength(1);
    },
  },
];
