/** What the Redis store does when the server has lost something, was restored, or may not be taken: seen from outside by redis-cli. */
import { expect } from 'vitest';
import { acquire, begun, commitOf, type ContractCase, keyOf, LONG, start } from './scene.js';

interface Reach {
  readonly cli: (...args: string[]) => string;
  /** What all keys of partition 0 begin with. */
  readonly tag: () => string;
}

export function lossCases({ cli, tag }: Reach): readonly ContractCase[] {
  const lease = (): string => `${tag()}:lease`;
  /** The server goes back: it stands where it stood before, and has these takeovers alone. */
  const goBack = (position: number, takeovers: readonly (readonly [string, number])[], term: string): void => {
    cli('HSET', lease(), 'position', String(position), 'term', term);
    cli('DEL', `${tag()}:takeovers`);
    for (const [of, at] of takeovers) cli('XADD', `${tag()}:takeovers`, '*', 'term', of, 'position', String(at));
  };
  return [
    {
      name: 'watermarks: a position that is behind is a loss, told once, and its numbers are not used again',
      run: async ({ store }) => {
        await acquire(store);
        for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
        expect(cli('HGET', lease(), 'position')).toBe('3');
        goBack(1, [['1 owner-1', 0]], '1 owner-1');
        expect(await store.watermarks.check(0, 'me')).toEqual({ partition: 0, from: 2, to: 3 });
        expect(await store.watermarks.check(0, 'me')).toBeNull();
        expect(await store.watermarks.incidents(0)).toMatchObject([{ partition: 0, from: 2, to: 3, by: 'me' }]);
        expect(cli('HGET', lease(), 'position')).toBe('3');
        expect(await store.watermarks.acknowledge(0)).toBe(1);
        expect(await store.watermarks.incidents(0)).toEqual([]);
        expect(await store.watermarks.acknowledge(0)).toBe(0);
      },
    },
    {
      name: 'watermarks: what was lost is found although the partition has gone on since, under another owner',
      run: async ({ store }) => {
        await acquire(store);
        for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
        goBack(1, [['1 owner-1', 0]], '1 owner-1');
        cli('DEL', lease());
        cli('HSET', lease(), 'position', '1', 'epoch', '1', 'term', '1 owner-1');
        await acquire(store, 'owner-2');
        for (const run of ['d', 'e', 'f', 'g']) await start(store, { run, key: run });
        expect(await store.watermarks.check(0, 'me')).toEqual({ partition: 0, from: 2, to: 3 });
        expect(await store.watermarks.check(0, 'me')).toBeNull();
      },
    },
    {
      name: 'watermarks: a takeover that is lost is a loss, also when another owner has got the same epoch',
      run: async ({ store }) => {
        const first = await acquire(store);
        await start(store, { run: 'a', key: 'a' });
        await store.partitions.release(first);
        await acquire(store, 'owner-2');
        for (const run of ['b', 'c']) await start(store, { run, key: run });
        goBack(
          9,
          [
            ['1 owner-1', 0],
            ['2 owner-3', 2],
          ],
          '2 owner-3',
        );
        expect(await store.watermarks.check(0, 'me')).toEqual({ partition: 0, from: 3, to: 3 });
      },
    },
    {
      name: 'watermarks: what is recorded already is not recorded again',
      run: async ({ store }) => {
        const first = await acquire(store);
        for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
        await store.partitions.release(first);
        await acquire(store, 'owner-2');
        for (const run of ['d', 'e']) await start(store, { run, key: run });
        goBack(
          9,
          [
            ['1 owner-1', 0],
            ['2 owner-9', 1],
          ],
          '2 owner-9',
        );
        await store.watermarks.check(0, 'me');
        expect(await store.watermarks.incidents(0)).toMatchObject([
          { from: 2, to: 3 },
          { from: 4, to: 5 },
        ]);
      },
    },
    {
      name: 'watermarks: a lost term that nobody has followed yet is a loss',
      run: async ({ store }) => {
        const first = await acquire(store);
        await start(store, { run: 'a', key: 'a' });
        await store.partitions.release(first);
        await acquire(store, 'owner-2');
        goBack(5, [['1 owner-1', 0]], '1 owner-1');
        expect(await store.watermarks.check(0, 'me')).toMatchObject({ to: 1 });
      },
    },
    {
      name: 'watermarks: without an owner, an answer from behind what was confirmed before is a loss',
      run: async ({ store }) => {
        for (const run of ['a', 'b', 'c']) await start(store, { run, key: run });
        cli('HSET', lease(), 'position', '1');
        for (const run of ['d', 'e', 'f', 'g']) await start(store, { run, key: run });
        expect(await store.watermarks.check(0, 'me')).toEqual({ partition: 0, from: 2, to: 3 });
      },
    },
    {
      name: 'watermarks: a partition that is empty has lost everything',
      run: async ({ store }) => {
        await acquire(store);
        for (const run of ['a', 'b']) await start(store, { run, key: run });
        for (const key of ['lease', 'takeovers']) cli('DEL', `${tag()}:${key}`);
        expect(await store.watermarks.check(0, 'me')).toEqual({ partition: 0, from: 1, to: 2 });
      },
    },
    {
      name: 'restored: what was begun before the store was restored is void, and can be begun anew',
      run: async ({ store }) => {
        await begun(store);
        cli('HSET', lease(), 'incarnation', '1');
        expect(await store.requests.beat(keyOf(), { heartbeatMs: LONG, progress: '' })).toBe('stop');
        expect(await store.requests.reply(keyOf(), { body: '{}' })).toBe('stale');
        const entry = { persona: 'qa', entry: '1-0', heartbeatMs: LONG, timeoutMs: null };
        expect(await store.requests.begin(keyOf({ worker: 'w2' }), entry)).toBe('go');
        expect(await store.requests.begin(keyOf({ worker: 'w3' }), entry)).toBe('held');
        expect(await store.requests.reply(keyOf({ worker: 'w2' }), { body: '{}' })).toBe('ok');
      },
    },
    {
      name: 'hold: nobody takes a partition that is on hold',
      run: async ({ store }) => {
        cli('HSET', lease(), 'hold', 'restored from a backup');
        const want = { partition: 0, owner: 'o', leaseMs: LONG };
        expect(await store.partitions.acquire(want)).toEqual({ outcome: 'on_hold', reason: 'restored from a backup' });
        cli('HDEL', lease(), 'hold');
        expect(await store.partitions.acquire(want)).toMatchObject({ outcome: 'acquired' });
      },
    },
    {
      name: 'roll: a namespace that is not the one that was opened is gone',
      run: async ({ store }) => {
        const who = { coordinator: 'a', aliveMs: LONG, tell: false };
        expect(await store.roll.announce(who)).not.toBe('gone');
        const meta = `${tag().replace(':0}', '}')}:meta`;
        const incarnation = cli('HGET', meta, 'incarnation');
        cli('HSET', meta, 'incarnation', 'another');
        expect(await store.roll.announce(who)).toBe('gone');
        cli('DEL', meta);
        expect(await store.roll.announce(who)).toBe('gone');
        cli('HSET', meta, 'incarnation', incarnation);
        expect(await store.roll.announce(who)).not.toBe('gone');
        const broken = commitOf({ run: 'nobody' });
        expect(await store.partitions.commit(await acquire(store), broken)).toBe('stale');
      },
    },
  ];
}
