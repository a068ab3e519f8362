/**
 * What every store must do: one list of cases, run against each adapter, and against adapters that are broken on
 * purpose to see that the cases notice. A case gets a fresh, opened store and touches partition 0.
 */
import { expect } from 'vitest';
import { RUN_FORMAT } from '../../src/core/formats.js';
import { timerId } from '../../src/core/messages.js';
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
import { inspectionContract } from './inspection.contract.js';
import { keepContract } from './keep.contract.js';
import { breakerContract } from './breaker.contract.js';
import { lockContract } from './lock.contract.js';
import { scheduleContract } from './schedule.contract.js';
import { togetherContract } from './together.contract.js';
import { watchContract } from './watch.contract.js';

export type { ContractCase, ContractContext } from './scene.js';

export const contract: readonly ContractCase[] = [
  {
    name: 'lease: one owner at a time, epochs grow, a released partition is free at once',
    run: async ({ store }) => {
      const first = await acquire(store);
      expect(await store.partitions.acquire({ partition: 0, owner: 'owner-2', leaseMs: LONG })).toMatchObject({
        outcome: 'held',
        owner: 'owner-1',
      });
      expect(await store.namespace.owners()).toMatchObject([{ partition: 0, owner: 'owner-1', epoch: first.epoch }]);
      expect(await store.partitions.release(first)).toBe('ok');
      expect(await store.namespace.owners()).toEqual([]);
      const second = await acquire(store, 'owner-2');
      expect(second.epoch).toBe(first.epoch + 1);
      expect(await store.partitions.renew(first, LONG)).toBe('fenced');
      expect(await store.partitions.release(first)).toBe('fenced');
      expect(await store.partitions.renew(second, LONG)).toBe('ok');
    },
  },
  {
    name: 'lease: runs out by itself',
    run: async ({ store, pass }) => {
      await acquire(store, 'owner-1', 30);
      await pass(31);
      expect((await acquire(store, 'owner-2')).owner).toBe('owner-2');
    },
  },
  {
    name: 'lease: owner and epoch must both match',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      expect(await store.partitions.commit({ ...lease, owner: 'owner-2' }, commitOf())).toBe('fenced');
      expect(await store.partitions.commit({ ...lease, epoch: lease.epoch + 1 }, commitOf())).toBe('fenced');
      expect(await store.partitions.fire({ ...lease, owner: 'owner-2' }, 10)).toEqual({ outcome: 'fenced' });
      expect(await store.partitions.suspect({ ...lease, epoch: lease.epoch - 1 }, ['1-0'])).toEqual({
        outcome: 'fenced',
      });
      expect(await store.partitions.load(0, RUN)).toMatchObject({ version: 0 });
    },
  },
  {
    name: 'admit: a start is stored with its message, once per key, and the same answer comes again',
    run: async ({ store }) => {
      expect(await start(store)).toEqual({ outcome: 'admitted' });
      expect(await start(store)).toEqual({ outcome: 'repeated' });
      expect(await start(store, { hash: 'other' })).toEqual({ outcome: 'conflict' });
      expect(await start(store, { key: 'k2' })).toEqual({ outcome: 'repeated' });
      expect((await inbox(store)).map(({ kind, run }) => ({ kind, run }))).toEqual([{ kind: 'start', run: RUN }]);
      expect(await store.partitions.load(0, RUN)).toEqual({
        format: RUN_FORMAT,
        version: 0,
        chain: '',
        definition: 'def',
        input: '{"task":{}}',
        record: '{"status":"pending"}',
        steps: new Map(),
        claims: new Map(),
        quarantined: null,
      });
      expect(await store.runs.list({ partition: 0, statuses: ['pending'], limit: 10 })).toMatchObject([{ run: RUN }]);
    },
  },
  {
    name: 'admit: a cancel needs a run that has not ended, and is stored once per key',
    run: async ({ store }) => {
      const cancel = {
        kind: 'cancel',
        partition: 0,
        run: RUN,
        idempotencyKey: 'c',
        requestHash: 'h',
        body: '{"reason":"r"}',
      } as const;
      expect(await store.admission.admit(cancel)).toEqual({ outcome: 'no_run' });
      const lease = await acquire(store);
      await start(store);
      const admitted = await store.admission.admit(cancel);
      expect(admitted).toEqual({ outcome: 'admitted', entry: expect.any(String) });
      expect(await store.admission.admit(cancel)).toEqual({ outcome: 'repeated' });
      // Whoever sent it finds what it leads to by this.
      const [, sent] = await inbox(store);
      expect(admitted).toMatchObject({ entry: sent?.id });
      expect((await inbox(store)).map(({ kind, body }) => ({ kind, body }))).toEqual([
        { kind: 'start', body: '{}' },
        { kind: 'cancel', body: '{"reason":"r"}' },
      ]);
      expect(await store.partitions.commit(lease, commitOf({ status: { from: 'pending', to: 'failed' } }))).toBe('ok');
      expect(await store.admission.admit({ ...cancel, idempotencyKey: 'c2' })).toEqual({
        outcome: 'ended',
        status: 'failed',
      });
    },
  },
  {
    name: 'commit: writes everything it says and nothing else, and moves the run between the lists',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const head = await store.runs.feedHead(0);
      const outcome = await store.partitions.commit(
        lease,
        commitOf({
          steps: [
            { step: 'a', record: '{"n":1}', token: 't1' },
            { step: 'b', record: '{"n":2}', token: null },
          ],
          consumed: [message?.id ?? ''],
          entry: entryOf(['{"f":1}', '{"f":2}']),
        }),
      );
      expect(outcome).toBe('ok');
      expect(await store.partitions.load(0, RUN)).toMatchObject({
        version: 1,
        record: '{"status":"running"}',
        steps: new Map([
          ['a', '{"n":1}'],
          ['b', '{"n":2}'],
        ]),
      });
      expect(await inbox(store)).toEqual([]);
      expect(
        (await store.runs.history({ partition: 0, run: RUN, after: '0', limit: 10 })).map((entry) => entry.facts),
      ).toEqual(['[{"f":1},{"f":2}]']);
      expect(
        (await store.runs.feed({ partition: 0, after: head, limit: 10, waitMs: 1, signal: NEVER })).map(
          (entry) => entry.facts,
        ),
      ).toEqual(['[{"f":1},{"f":2}]']);
      expect(await store.runs.list({ partition: 0, statuses: ['pending'], limit: 10 })).toEqual([]);
      expect(await store.runs.list({ partition: 0, statuses: ['running'], limit: 10 })).toEqual([
        { run: RUN, record: '{"status":"running"}', quarantined: null },
      ]);
    },
  },
  {
    name: 'commit: at another version it is stale and changes nothing',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const first = commitOf({ consumed: [message?.id ?? ''], entry: entryOf(['{"f":1}']) });
      expect(await store.partitions.commit(lease, first)).toBe('ok');
      const again = commitOf({
        record: '{"status":"twice"}',
        entry: entryOf(['{"f":"twice"}']),
        requests: [{ persona: 'qa', body: 'twice' }],
        arm: [{ id: 'retry|test-1|s|1', afterMs: 1 }],
      });
      expect(await store.partitions.commit(lease, again)).toBe('stale');
      expect(await store.partitions.load(0, RUN)).toMatchObject({ version: 1, record: '{"status":"running"}' });
      expect(await store.runs.history({ partition: 0, run: RUN, after: '0', limit: 10 })).toHaveLength(1);
      await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa'] });
      expect(await take(store, 'w1')).toEqual([]);
      expect(await store.partitions.fire(lease, 10)).toEqual({ outcome: 'ok', fired: 0, nextInMs: null });
    },
  },
  {
    name: 'commit: a run that does not exist is stale',
    run: async ({ store }) => {
      expect(await store.partitions.commit(await acquire(store), commitOf({ run: 'nobody' }))).toBe('stale');
      expect(await store.partitions.load(0, 'nobody')).toBeNull();
    },
  },
  {
    name: 'commit: thousands of steps and facts in one transition',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const steps = Array.from({ length: 3_000 }, (_, index) => ({
        step: `s${String(index)}`,
        record: '{}',
        token: index % 2 === 0 ? 't' : null,
      }));
      expect(
        await store.partitions.commit(
          lease,
          commitOf({ steps, entry: entryOf(steps.map(({ step }) => JSON.stringify(step))) }),
        ),
      ).toBe('ok');
      expect((await store.partitions.load(0, RUN))?.steps.size).toBe(3_000);
    },
  },
  {
    name: 'inbox: reads in order from where it is asked to, and a waiting read wakes with the next message',
    run: async ({ store }) => {
      const waiting = store.partitions.read({ partition: 0, after: '0', limit: 10, waitMs: 10_000, signal: NEVER });
      await start(store, { run: 'r1', key: 'k1' });
      const [first] = await waiting;
      expect(first).toMatchObject({ run: 'r1', kind: 'start', head: '', body: '{}' });
      await start(store, { run: 'r2', key: 'k2' });
      expect((await inbox(store)).map((entry) => entry.run)).toEqual(['r1', 'r2']);
      expect((await inbox(store, first?.id)).map((entry) => entry.run)).toEqual(['r2']);
    },
  },
  {
    name: 'inbox: an aborted wait ends at once',
    run: async ({ store }) => {
      const stop = new AbortController();
      const waiting = store.partitions.read({
        partition: 0,
        after: '0',
        limit: 10,
        waitMs: 20_000,
        signal: stop.signal,
      });
      stop.abort();
      expect(await waiting).toEqual([]);
    },
  },
  {
    name: 'discard: a message goes to the dead letters with its reason, and its run can be set aside',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [entry] = await store.partitions.read({ partition: 0, after: '0', limit: 1, waitMs: 1, signal: NEVER });
      if (entry === undefined) throw new Error('the inbox is empty');
      expect(await store.partitions.discard({ ...lease, owner: 'x' }, { entry, reason: 'r', quarantine: true })).toBe(
        'fenced',
      );
      expect(await store.partitions.discard(lease, { entry, reason: 'it is broken', quarantine: true })).toBe('ok');
      expect(await store.partitions.discard(lease, { entry, reason: 'again', quarantine: false })).toBe('ok');
      expect(await inbox(store)).toEqual([]);
      expect(await store.runs.deadLetters(0, 10)).toMatchObject([
        { run: RUN, reason: 'it is broken', kind: 'start', body: '{}' },
      ]);
      expect(await store.partitions.load(0, RUN)).toMatchObject({ quarantined: 'it is broken' });
    },
  },
  {
    name: 'suspect: notes all, then counts one by one what was noted before; a commit forgets it',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const id = message?.id ?? '';
      expect(await store.partitions.suspect(lease, [id, '9-0'])).toEqual({ outcome: 'ok', counts: [0, 0] });
      expect(await store.partitions.suspect(lease, [id, '9-0', '9-1'])).toEqual({ outcome: 'ok', counts: [1] });
      expect(await store.partitions.suspect(lease, ['9-2', '9-0'])).toEqual({ outcome: 'ok', counts: [1] });
      await store.partitions.commit(lease, commitOf({ consumed: [id] }));
      expect(await store.partitions.suspect(lease, [id])).toEqual({ outcome: 'ok', counts: [1] });
    },
  },
  {
    name: 'timers: fire once, when due, in order; disarmed ones never',
    run: async ({ store, pass }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const id = (step: string): string => timerId({ kind: 'retry', run: RUN, step, attempt: 1 });
      const arm = [
        { id: id('late'), afterMs: LONG },
        { id: id('second'), afterMs: 20 },
        { id: id('first'), afterMs: 10 },
        { id: id('gone'), afterMs: 10 },
      ];
      await store.partitions.commit(lease, commitOf({ arm, consumed: [message?.id ?? ''] }));
      await store.partitions.commit(
        lease,
        commitOf({ expectedVersion: 1, status: { from: 'running', to: 'running' }, disarm: [id('gone')] }),
      );
      await pass(25);
      expect(await store.partitions.fire(lease, 1)).toMatchObject({ outcome: 'ok', fired: 1, nextInMs: 0 });
      const rest = await store.partitions.fire(lease, 10);
      expect(rest).toMatchObject({ outcome: 'ok', fired: 1 });
      expect(rest.outcome === 'ok' && rest.nextInMs !== null && rest.nextInMs > LONG / 2).toBe(true);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
      expect((await inbox(store)).map(({ run, kind, head }) => ({ run, kind, head }))).toEqual([
        { run: RUN, kind: 'timer', head: id('first') },
        { run: RUN, kind: 'timer', head: id('second') },
      ]);
    },
  },
  {
    name: 'requests: each is delivered to one worker, and again only to the one that recovers',
    run: async ({ store }) => {
      await dispatched(store);
      const [delivery] = await take(store, 'w1');
      expect(delivery).toMatchObject({ partition: 0, persona: 'qa', body: 'please' });
      expect(await take(store, 'w2')).toEqual([]);
      expect(await take(store, 'w2', { recover: true })).toEqual([]);
      expect(await take(store, 'w1', { recover: true })).toEqual([delivery]);
    },
  },
  {
    name: 'requests: never more than there are free hands, and none for other personas',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa', 'dev', 'ops'] });
      await start(store);
      const requests = ['qa', 'qa', 'qa', 'dev', 'dev', 'ops'].map((persona) => ({ persona, body: persona }));
      await store.partitions.commit(lease, commitOf({ requests }));
      expect(await take(store, 'w1', { limit: 2 })).toHaveLength(2);
      expect((await take(store, 'w1', { personas: ['qa', 'dev'], total: 1 })).length).toBe(1);
      expect((await take(store, 'w1', { personas: ['ops'] })).map((delivery) => delivery.persona)).toEqual(['ops']);
    },
  },
  {
    name: 'requests: a waiting worker wakes, and an aborted wait ends at once',
    run: async ({ store }) => {
      await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa'] });
      const stop = new AbortController();
      const aborted = take(store, 'w1', { waitMs: 20_000, signal: stop.signal });
      stop.abort();
      expect(await aborted).toEqual([]);
      const waiting = take(store, 'w1', { waitMs: 10_000 });
      await dispatched(store);
      expect(await waiting).toHaveLength(1);
    },
  },
  {
    name: 'requests: who waits for an arrival learns of each that nobody was sent, and takes nothing',
    run: async ({ store }) => {
      const lease = await acquire(store);
      const who = { partition: 0, worker: 'w1', personas: ['dev', 'qa'] };
      await store.requests.join(who);
      await start(store);
      const stop = new AbortController();
      const aborted = store.requests.arrival({ ...who, waitMs: 20_000, signal: stop.signal });
      stop.abort();
      await aborted;
      const { signal } = new AbortController();
      const waiting = store.requests.arrival({ ...who, waitMs: 20_000, signal });
      await store.partitions.commit(lease, commitOf({ requests: [{ persona: 'qa', body: 'please' }] }));
      await waiting;
      // It lies there still, so nobody waits.
      await store.requests.arrival({ ...who, waitMs: 20_000, signal });
      expect(await take(store, 'w1', { waitMs: 0 })).toHaveLength(1);
      expect(await take(store, 'w1', { waitMs: 0 })).toEqual([]);
      // What was sent to somebody is no arrival: without another one the wait runs out.
      await store.requests.arrival({ ...who, waitMs: 20, signal });
    },
  },
  {
    name: 'requests: what a worker took and never began goes to another after a while',
    run: async ({ store, pass }) => {
      await dispatched(store);
      const [delivery] = await take(store, 'w1');
      await store.requests.join({ partition: 0, worker: 'w2', personas: ['qa'] });
      expect(
        await store.requests.claimAbandoned({ partition: 0, worker: 'w2', persona: 'qa', idleMs: LONG, limit: 10 }),
      ).toEqual([]);
      await pass(12);
      expect(
        await store.requests.claimAbandoned({ partition: 0, worker: 'w2', persona: 'qa', idleMs: 10, limit: 10 }),
      ).toEqual([delivery]);
      expect(
        await store.requests.begin(keyOf({ worker: 'w2' }), {
          persona: 'qa',
          entry: delivery?.entry ?? '',
          heartbeatMs: LONG,
          timeoutMs: null,
        }),
      ).toBe('go');
      expect(
        await store.requests.begin(keyOf({ worker: 'w1' }), {
          persona: 'qa',
          entry: delivery?.entry ?? '',
          heartbeatMs: LONG,
          timeoutMs: null,
        }),
      ).toBe('held');
    },
  },
  {
    name: 'requests: what a dead worker was sent goes to its heir at once, what a living one was sent does not',
    run: async ({ store }) => {
      await dispatched(store);
      const [delivery] = await take(store, 'w1');
      const want = { partition: 0, worker: 'w2', personas: ['qa'] };
      await store.requests.join(want);
      expect(await store.requests.inherit({ ...want, isDead: (worker) => worker === 'w9' })).toBe(0);
      expect(await take(store, 'w2', { recover: true })).toEqual([]);
      expect(await store.requests.inherit({ ...want, isDead: (worker) => worker === 'w1' })).toBe(1);
      expect(await take(store, 'w2', { recover: true })).toEqual([delivery]);
      expect(await take(store, 'w1', { recover: true })).toEqual([]);
    },
  },
  {
    name: 'begin: claims the attempt, tells the feed, and takes the delivery away; repeating it is harmless',
    run: async ({ store }) => {
      const lease = await dispatched(store);
      const [delivery] = await take(store, 'w1');
      const entry = { persona: 'qa', entry: delivery?.entry ?? '', heartbeatMs: LONG, timeoutMs: 2 * LONG };
      const head = await store.runs.feedHead(0);
      expect(await store.requests.begin(keyOf(), entry)).toBe('go');
      expect(await store.requests.begin(keyOf(), entry)).toBe('go');
      expect(await store.requests.begin(keyOf({ worker: 'w2' }), entry)).toBe('held');
      expect((await store.partitions.load(0, RUN))?.claims.get('s')).toMatchObject({ worker: 'w1', progress: '' });
      expect(await take(store, 'w1', { recover: true })).toEqual([]);
      const told = await store.runs.feed({ partition: 0, after: head, limit: 10, waitMs: 1, signal: NEVER });
      expect(told.flatMap((entry_) => JSON.parse(entry_.facts) as unknown[])).toMatchObject([
        { type: 'step.working', run: RUN, step: 's', attempt: 1, worker: 'w1', cause: null },
      ]);
      const timers = await store.partitions.fire(lease, 10);
      expect(timers.outcome === 'ok' && timers.nextInMs !== null && timers.nextInMs <= LONG).toBe(true);
    },
  },
  {
    name: 'begin: answers superseded, done, canceled and no_run',
    run: async ({ store }) => {
      const lease = await begun(store);
      const entry = { persona: 'qa', entry: '1-0', heartbeatMs: LONG, timeoutMs: null };
      expect(await store.requests.begin(keyOf({ run: 'nobody' }), entry)).toBe('no_run');
      expect(await store.requests.begin(keyOf({ token: 's.0.old' }), entry)).toBe('superseded');
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('ok');
      expect(await store.requests.begin(keyOf(), entry)).toBe('done');
      const running = { from: 'running', to: 'running' } as const;
      await store.partitions.commit(
        lease,
        commitOf({
          expectedVersion: 1,
          status: running,
          steps: [{ step: 's', record: '{"status":"succeeded"}', token: null }],
        }),
      );
      expect(await store.requests.begin(keyOf(), entry)).toBe('done');
      await store.partitions.commit(
        lease,
        commitOf({
          expectedVersion: 2,
          status: running,
          steps: [{ step: 's', record: '{"status":"canceled"}', token: null }],
        }),
      );
      expect(await store.requests.begin(keyOf(), entry)).toBe('canceled');
    },
  },
  {
    name: 'beat: moves the deadline and tells progress, only for the holder of the current token',
    run: async ({ store, pass }) => {
      const lease = await begun(store, 'w1', { heartbeatMs: 40 });
      const head = await store.runs.feedHead(0);
      expect(await store.requests.beat(keyOf({ worker: 'w2' }), { heartbeatMs: LONG, progress: '' })).toBe('stop');
      expect(await store.requests.beat(keyOf({ token: 'other' }), { heartbeatMs: LONG, progress: '' })).toBe('stop');
      expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: 'reading' })).toBe('ok');
      expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: 'reading' })).toBe('ok');
      await pass(45);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
      expect((await store.partitions.load(0, RUN))?.claims.get('s')).toMatchObject({ progress: 'reading' });
      const told = await store.runs.feed({ partition: 0, after: head, limit: 10, waitMs: 1, signal: NEVER });
      expect(told.flatMap((entry) => JSON.parse(entry.facts) as unknown[])).toMatchObject([
        { type: 'step.progress', progress: 'reading' },
      ]);
    },
  },
  {
    name: 'beat: a missed deadline fires as a timer of the run, and so does the timeout of the attempt',
    run: async ({ store, pass }) => {
      const lease = await begun(store, 'w1', { heartbeatMs: 10, timeoutMs: 15 });
      await pass(20);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 2 });
      expect((await inbox(store)).map((entry) => entry.head)).toEqual(['heartbeat|test-1|s|1', 'timeout|test-1|s|1']);
    },
  },
  {
    name: 'reply: lands in the inbox once with who and since when, and ends claim and timers',
    run: async ({ store, pass }) => {
      const lease = await begun(store, 'w1', { heartbeatMs: 10, timeoutMs: 10 });
      const claim = (await store.partitions.load(0, RUN))?.claims.get('s');
      expect(await store.requests.reply(keyOf(), { body: 'not even JSON \u0000 "' })).toBe('ok');
      expect(await store.requests.reply(keyOf(), { body: 'again' })).toBe('repeated');
      const messages = await inbox(store);
      expect(messages).toHaveLength(1);
      expect(messages[0]).toMatchObject({ run: RUN, kind: 'reply', body: 'not even JSON \u0000 "' });
      expect(JSON.parse(messages[0]?.head ?? '')).toEqual({
        step: 's',
        attempt: 1,
        token: 's.1.aa',
        worker: 'w1',
        begunAt: claim?.begunAt,
      });
      expect((await store.partitions.load(0, RUN))?.claims.size).toBe(0);
      await pass(12);
      expect(await store.partitions.fire(lease, 10)).toEqual({ outcome: 'ok', fired: 0, nextInMs: null });
      expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: '' })).toBe('stop');
    },
  },
  {
    name: 'reply: of another worker, another attempt or another run is stale and changes nothing',
    run: async ({ store }) => {
      await begun(store);
      expect(await store.requests.reply(keyOf({ worker: 'w2' }), { body: '{}' })).toBe('stale');
      expect(await store.requests.reply(keyOf({ token: 's.0.old' }), { body: '{}' })).toBe('stale');
      expect(await store.requests.reply(keyOf({ run: 'nobody' }), { body: '{}' })).toBe('stale');
      expect(await inbox(store)).toEqual([]);
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('ok');
    },
  },
  {
    name: 'a new attempt takes claim and token from the old one',
    run: async ({ store }) => {
      const lease = await begun(store);
      const steps = [{ step: 's', record: '{"status":"queued"}', token: 's.2.bb' }];
      await store.partitions.commit(
        lease,
        commitOf({
          expectedVersion: 1,
          status: { from: 'running', to: 'running' },
          steps,
          requests: [{ persona: 'qa', body: 'second' }],
        }),
      );
      expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: '' })).toBe('stop');
      expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('stale');
      const [delivery] = await take(store, 'w2');
      const second = keyOf({ attempt: 2, token: 's.2.bb', worker: 'w2' });
      expect(
        await store.requests.begin(second, {
          persona: 'qa',
          entry: delivery?.entry ?? '',
          heartbeatMs: LONG,
          timeoutMs: null,
        }),
      ).toBe('go');
      expect(await store.requests.reply(second, { body: '{}' })).toBe('ok');
    },
  },
  {
    name: 'refuse: what is no request goes to the dead letters, once',
    run: async ({ store }) => {
      await dispatched(store);
      const [delivery] = await take(store, 'w1');
      if (delivery === undefined) throw new Error('nothing was delivered');
      await store.requests.refuse(delivery, 'not a request');
      await store.requests.refuse(delivery, 'not a request');
      expect(await take(store, 'w1', { recover: true })).toEqual([]);
      expect(await store.runs.deadLetters(0, 10)).toMatchObject([
        { reason: 'not a request', kind: 'request', body: 'please' },
      ]);
    },
  },
  {
    name: 'leave: what a leaving worker still holds is not lost',
    run: async ({ store, pass }) => {
      await dispatched(store);
      const [delivery] = await take(store, 'w1');
      await store.requests.leave({ partition: 0, worker: 'w1', personas: ['qa'] });
      await store.requests.join({ partition: 0, worker: 'w2', personas: ['qa'] });
      await pass(2);
      expect(
        await store.requests.claimAbandoned({ partition: 0, worker: 'w2', persona: 'qa', idleMs: 1, limit: 10 }),
      ).toEqual([delivery]);
    },
  },
  {
    name: 'artifacts: stored by content, byte for byte',
    run: async ({ store }) => {
      const bytes = Uint8Array.from([0, 255, 10, 13, 200]);
      const hash = await store.artifacts.put(0, bytes);
      expect(hash).toMatch(/^[0-9a-f]{64}$/);
      expect(await store.artifacts.put(0, bytes)).toBe(hash);
      expect([...((await store.artifacts.get(0, hash)) ?? [])]).toEqual([...bytes]);
      expect(await store.artifacts.get(0, '0'.repeat(64))).toBeNull();
    },
  },
  {
    name: 'namespace: keeps its number of partitions, definitions and workers',
    run: async ({ store }) => {
      const first = await store.namespace.open(null);
      expect(await store.namespace.open(first.partitions)).toEqual(first);
      await expect(store.namespace.open(first.partitions + 1)).rejects.toMatchObject({ code: 'PARTITION_MISMATCH' });
      expect(await store.namespace.getDefinition('h')).toBeNull();
      await store.namespace.putDefinition('h', '{"a":1}');
      expect(await store.namespace.getDefinition('h')).toBe('{"a":1}');
      const info = { worker: 'w1', host: 'here', pid: 1, personas: ['qa'], busy: 1 };
      await store.namespace.announceWorker(info);
      expect(await store.namespace.listWorkers()).toMatchObject([{ worker: 'w1', personas: ['qa'] }]);
      await store.namespace.announceWorker({ ...info, runs: ['r'] });
      expect(await store.namespace.listWorkers()).toMatchObject([{ worker: 'w1', runs: ['r'] }]);
      await store.namespace.forgetWorker('w1');
      expect(await store.namespace.listWorkers()).toEqual([]);
    },
  },
  {
    name: 'runs: lists newest first, reads history page by page',
    run: async ({ store, pass }) => {
      const lease = await acquire(store);
      for (const run of ['r1', 'r2', 'r3']) {
        await start(store, { run, key: run });
        await pass(2);
      }
      expect(
        (await store.runs.list({ partition: 0, statuses: ['pending', 'running'], limit: 2 })).map((row) => row.run),
      ).toEqual(['r3', 'r2']);
      for (const expectedVersion of [0, 1, 2]) {
        const entry = entryOf([String(expectedVersion)]);
        await store.partitions.commit(lease, commitOf({ run: 'r1', expectedVersion, entry }));
      }
      const page = await store.runs.history({ partition: 0, run: 'r1', after: '0', limit: 2 });
      expect(page.map((entry) => entry.facts)).toEqual(['[0]', '[1]']);
      const next = await store.runs.history({ partition: 0, run: 'r1', after: page[1]?.id ?? '', limit: 2 });
      expect(next.map((entry) => entry.facts)).toEqual(['[2]']);
    },
  },
  {
    name: 'absolve: what was evaluated is suspected no more',
    run: async ({ store }) => {
      const lease = await acquire(store);
      expect(await store.partitions.suspect(lease, ['1-0', '2-0'])).toEqual({ outcome: 'ok', counts: [0, 0] });
      expect(await store.partitions.absolve({ ...lease, owner: 'other' }, ['1-0'])).toBe('fenced');
      expect(await store.partitions.absolve(lease, ['1-0'])).toBe('ok');
      expect(await store.partitions.suspect(lease, ['1-0', '2-0'])).toEqual({ outcome: 'ok', counts: [1] });
      expect(await store.partitions.absolve(lease, ['1-0', '2-0'])).toBe('ok');
      expect(await store.partitions.suspect(lease, ['1-0', '2-0'])).toEqual({ outcome: 'ok', counts: [0, 0] });
    },
  },
  ...togetherContract,
  ...inspectionContract,
  ...keepContract,
  ...scheduleContract,
  ...lockContract,
  ...breakerContract,
  ...watchContract,
];
