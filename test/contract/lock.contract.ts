/** What every store must do for named locks: one holder at a time, first come first served, and nobody gives back by an old grant. */
import { expect } from 'vitest';
import type { LockParty, LockPort } from '../../src/core/lock-port.js';
import { timerId } from '../../src/core/messages.js';
import { acquire, commitOf, type ContractCase, inbox, LONG, RUN, start } from './scene.js';

const runParty = (id: string): LockParty => ({ kind: 'run', id, step: 'take', attempt: 1 });
const ANN: LockParty = { kind: 'command', id: 'c1', by: 'ann', host: 'laptop', pid: 7, command: 'vim "a b"' };

/** Asks for `x`. */
function ask(
  locks: LockPort,
  party: LockParty | string,
  { placeMs = LONG, leaseMs = null as number | null, name = 'x' } = {},
): ReturnType<LockPort['acquire']> {
  return locks.acquire({ name, party: typeof party === 'string' ? runParty(party) : party, leaseMs, placeMs });
}

async function grantOf(asked: ReturnType<LockPort['acquire']>): Promise<number> {
  const answer = await asked;
  if (answer.outcome !== 'granted') throw new Error(`not granted: ${JSON.stringify(answer)}`);
  return answer.grant;
}

export const lockContract: readonly ContractCase[] = [
  {
    name: 'lock: one holder, who may ask again, and others are told who it is',
    run: async ({ store: { locks } }) => {
      expect(await locks.get('x')).toBeNull();
      const first = await grantOf(ask(locks, 'r1'));
      expect(await ask(locks, ANN, { placeMs: 0 })).toMatchObject({
        outcome: 'refused',
        ahead: 0,
        state: { name: 'x', holder: { party: runParty('r1'), grant: first, until: null }, line: [] },
      });
      expect((await locks.get('x'))?.line).toEqual([]);
      const since = (await locks.get('x'))?.holder?.since;
      const again = await grantOf(ask(locks, 'r1'));
      expect(again).toBeGreaterThan(first);
      expect((await locks.get('x'))?.holder).toMatchObject({ grant: again, since });
      const other = await grantOf(ask(locks, 'r2', { name: 'y' }));
      expect(other).toBeGreaterThan(again);
      expect((await locks.all()).map(({ name, holder }) => [name, holder?.party.id])).toEqual([
        ['x', 'r1'],
        ['y', 'r2'],
      ]);
    },
  },
  {
    name: 'lock: it is given to who came first, although another asks first when it is free',
    run: async ({ store: { locks } }) => {
      const grant = await grantOf(ask(locks, 'r1'));
      for (const [ahead, id] of ['r2', 'r3', 'r4'].entries())
        expect(await ask(locks, id)).toMatchObject({ outcome: 'refused', ahead });
      // Asking again keeps the place.
      expect(await ask(locks, 'r2')).toMatchObject({ outcome: 'refused', ahead: 0 });
      expect((await locks.get('x'))?.line.map(({ party }) => party.id)).toEqual(['r2', 'r3', 'r4']);
      expect(await locks.release({ name: 'x', id: 'r1', grant })).toEqual({ released: true, next: runParty('r2') });
      expect(await ask(locks, 'r3')).toMatchObject({ outcome: 'refused', ahead: 1, state: { holder: null } });
      expect(await ask(locks, 'r5', { placeMs: 0 })).toMatchObject({ outcome: 'refused', ahead: 3 });
      await grantOf(ask(locks, 'r2'));
      expect((await locks.get('x'))?.line.map(({ party }) => party.id)).toEqual(['r3', 'r4']);
    },
  },
  {
    name: 'unlock: only by the grant that holds it, and again does nothing',
    run: async ({ store: { locks } }) => {
      const old = await grantOf(ask(locks, 'r1'));
      const grant = await grantOf(ask(locks, 'r1'));
      expect(await locks.release({ name: 'x', id: 'r1', grant: old })).toEqual({ released: false, next: null });
      expect(await locks.release({ name: 'x', id: 'r2', grant })).toEqual({ released: false, next: null });
      expect(await locks.release({ name: 'x', id: 'r1', grant: null })).toEqual({ released: false, next: null });
      expect((await locks.get('x'))?.holder?.party.id).toBe('r1');
      expect(await locks.release({ name: 'x', id: 'r1', grant })).toEqual({ released: true, next: null });
      expect(await locks.get('x')).toBeNull();
      expect(await locks.release({ name: 'x', id: 'r1', grant })).toEqual({ released: false, next: null });
    },
  },
  {
    name: 'unlock: who waits no longer leaves the line',
    run: async ({ store: { locks } }) => {
      const grant = await grantOf(ask(locks, 'r1'));
      await ask(locks, 'r2');
      await ask(locks, ANN);
      await locks.release({ name: 'x', id: 'r2', grant: null });
      expect(await locks.release({ name: 'x', id: 'r1', grant })).toEqual({ released: true, next: ANN });
      await grantOf(ask(locks, ANN, { leaseMs: LONG }));
    },
  },
  {
    name: 'unlock: what somebody takes away is remembered, newest first, and only what was taken away',
    run: async ({ store: { locks } }) => {
      expect(await locks.broken()).toEqual([]);
      const grant = await grantOf(ask(locks, 'r1'));
      const broken = { by: 'ann', reason: 'it is "gone"' };
      expect(await locks.release({ name: 'x', id: 'r1', grant: grant + 1, broken })).toMatchObject({ released: false });
      expect(await locks.broken()).toEqual([]);
      expect(await locks.release({ name: 'x', id: 'r1', grant, broken })).toEqual({ released: true, next: null });
      for (let count = 1; count <= 101; count++) {
        const next = await grantOf(ask(locks, ANN, { name: 'y' }));
        await locks.release({ name: 'y', id: ANN.id, grant: next, broken: { by: 'bob', reason: String(count) } });
      }
      const all = await locks.broken();
      expect(all).toHaveLength(100);
      expect(all[0]).toEqual({ name: 'y', from: ANN, by: 'bob', reason: '101', at: expect.any(Number) });
      expect(all.at(-1)).toMatchObject({ reason: '2' });
    },
  },
  {
    name: 'lock: a place that is not asked for again is lost, and blocks nobody',
    run: async ({ store: { locks }, pass }) => {
      const grant = await grantOf(ask(locks, 'r1'));
      await ask(locks, 'r2', { placeMs: 20 });
      await ask(locks, 'r3');
      await pass(25);
      expect(await ask(locks, 'r3')).toMatchObject({ outcome: 'refused', ahead: 0 });
      expect(await locks.release({ name: 'x', id: 'r1', grant })).toEqual({ released: true, next: runParty('r3') });
      await grantOf(ask(locks, 'r3'));
      expect(await ask(locks, 'r2')).toMatchObject({ outcome: 'refused', ahead: 0 });
    },
  },
  {
    name: 'relock: a lease that is not renewed ends, one that is goes on, and none that was taken away',
    run: async ({ store: { locks }, pass }) => {
      const grant = await grantOf(ask(locks, ANN, { leaseMs: 20 }));
      await pass(25);
      // Nobody has taken it: it is held on.
      expect(await locks.renew({ name: 'x', id: ANN.id, grant, leaseMs: LONG })).toBe('ok');
      expect(await ask(locks, 'r1', { placeMs: 0 })).toMatchObject({ outcome: 'refused' });
      expect(await locks.renew({ name: 'x', id: ANN.id, grant, leaseMs: 20 })).toBe('ok');
      expect(await locks.renew({ name: 'x', id: ANN.id, grant: grant + 1, leaseMs: LONG })).toBe('lost');
      expect(await locks.renew({ name: 'x', id: 'c2', grant, leaseMs: LONG })).toBe('lost');
      await pass(25);
      await grantOf(ask(locks, 'r1'));
      expect(await locks.renew({ name: 'x', id: ANN.id, grant, leaseMs: LONG })).toBe('lost');
      expect((await locks.get('x'))?.holder).toMatchObject({ party: { id: 'r1' }, until: null });
    },
  },
  {
    name: 'postpone: a timer that has fired is due again later, once; another owner changes nothing',
    run: async ({ store, pass }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const id = timerId({ kind: 'lock', run: RUN, step: 'take', attempt: 1 });
      await store.partitions.commit(lease, commitOf({ arm: [{ id, afterMs: 0 }], consumed: [message?.id ?? ''] }));
      await pass(2);
      await store.partitions.fire(lease, 10);
      const [entry] = await inbox(store);
      if (entry === undefined) throw new Error('the timer did not fire');
      await store.partitions.suspect(lease, [entry.id]);
      const whole = { ...entry, body: '' };
      expect(await store.partitions.postpone({ ...lease, owner: 'other' }, whole, 20)).toBe('fenced');
      expect(await inbox(store)).toHaveLength(1);
      expect(await store.partitions.postpone(lease, whole, 500)).toBe('ok');
      expect(await inbox(store)).toEqual([]);
      // The evaluation was outlived.
      expect(await store.partitions.suspect(lease, [entry.id])).toEqual({ outcome: 'ok', counts: [1] });
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
      await pass(505);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 1, nextInMs: null });
      // One that lies there no more was dealt with by somebody else.
      expect(await store.partitions.postpone(lease, whole, 0)).toBe('ok');
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
    },
  },
  {
    name: 'hasten: a timer that is armed is due now, any other stays away',
    run: async ({ store }) => {
      const lease = await acquire(store);
      await start(store);
      const [message] = await inbox(store);
      const id = timerId({ kind: 'lock', run: RUN, step: 'take', attempt: 1 });
      await store.partitions.commit(lease, commitOf({ arm: [{ id, afterMs: LONG }], consumed: [message?.id ?? ''] }));
      await store.locks.hasten(0, timerId({ kind: 'lock', run: RUN, step: 'other', attempt: 1 }));
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 0 });
      await store.locks.hasten(0, id);
      expect(await store.partitions.fire(lease, 10)).toMatchObject({ fired: 1, nextInMs: null });
    },
  },
  {
    name: 'said: what a run says of itself and of one step',
    run: async ({ store }) => {
      const lease = await acquire(store);
      expect(await store.locks.said(0, { id: RUN, step: 's' })).toBeNull();
      await start(store);
      expect(await store.locks.said(0, { id: RUN, step: 's' })).toEqual({
        status: 'pending',
        record: '{"status":"pending"}',
        step: null,
      });
      const steps = [{ step: 's', record: '{"status":"waiting"}', token: null }];
      await store.partitions.commit(lease, commitOf({ steps }));
      expect(await store.locks.said(0, { id: RUN, step: 's' })).toEqual({
        status: 'running',
        record: '{"status":"running"}',
        step: '{"status":"waiting"}',
      });
    },
  },
];
