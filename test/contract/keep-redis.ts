/** What the Redis store does about things that only time brings: set back by redis-cli, since no test waits for a day. */
import { expect } from 'vitest';
import { type ContractCase, dispatched, start, take } from './scene.js';

interface Reach {
  readonly cli: (...args: string[]) => string;
  /** What all keys of partition 0 begin with. */
  readonly tag: () => string;
}

export function keepCases({ cli, tag }: Reach): readonly ContractCase[] {
  return [
    {
      name: 'expire: idempotency keys go when their time is over, some at a time',
      run: async ({ store }) => {
        for (const key of ['a', 'b', 'c', 'd']) await start(store, { run: key, key });
        const times = `${tag()}:admission-times`;
        const day = 24 * 3_600_000;
        for (const key of ['a', 'b', 'c']) cli('ZINCRBY', times, String(-day - 1_000), key);
        expect(await store.keeping.expiredKeys(0)).toBe(3);
        expect(await store.keeping.forgetKeys(0, 2)).toBe(2);
        expect(await store.keeping.forgetKeys(0, 2)).toBe(1);
        expect(await store.keeping.forgetKeys(0, 2)).toBe(0);
        expect(cli('HKEYS', `${tag()}:admitted`)).toBe('d');
        expect(cli('ZRANGE', times, '0', '-1')).toBe('d');
      },
    },
    {
      name: 'leave: readers that hold nothing are known by how long they were not heard of',
      run: async ({ store }) => {
        await dispatched(store);
        await take(store, 'busy');
        cli('XGROUP', 'CREATECONSUMER', `${tag()}:requests:qa`, 'workers', 'idle');
        expect(await store.keeping.idleReaders(0, 0)).toEqual([{ persona: 'qa', worker: 'idle' }]);
        expect(await store.keeping.idleReaders(0, 60_000)).toEqual([]);
        cli('SET', `${tag()}:other`, 'x');
        cli('XADD', `${tag()}:requests:nobody`, '*', 'body', 'x');
        expect(await store.keeping.idleReaders(0, 0)).toHaveLength(1);
      },
    },
    {
      name: 'sweep: a definition that was stored again since is kept',
      run: async ({ store }) => {
        await store.namespace.putDefinition('d1', '{}');
        expect(await store.keeping.sweepDefinition({ hash: 'd1', idleMs: 1 })).toBe('touched');
      },
    },
    {
      name: 'end: an ending that cannot be stored as a whole is not stored at all',
      run: async ({ store }) => {
        const slot = { key: 'slot', limit: 1 };
        await start(store, { slot });
        await start(store, { run: 'told', key: 'told' });
        const key = `${tag()}:run:test-1`;
        cli('HSET', key, 'quarantined', 'torn');
        const end = {
          partition: 0,
          run: 'test-1',
          version: 0,
          record: '{}',
          set: new Map(),
          drop: [],
          disarm: ['x|test-1||1'],
          facts: '[]',
          hash: 'h',
          sends: [{ run: 'told', kind: 'cancel', body: '{}' }],
          slot: 'slot',
          by: 'ada',
        };
        const before = cli('HGETALL', key);
        const names = cli('--scan', '--pattern', `${tag()}:slot:*`).split('\n');
        for (const broken of [
          'inbox',
          'history:test-1',
          'timers',
          'feed',
          'audit',
          'runs:failed',
          ...names.map((name) => name.slice(tag().length + 1)),
        ]) {
          const name = `${tag()}:${broken}`;
          const there = cli('EXISTS', name) === '1';
          if (there) cli('RENAME', name, `${tag()}:kept`);
          cli('SET', name, 'of another type');
          await expect(store.keeping.end(end)).rejects.toMatchObject({ code: 'REDIS_SCRIPT' });
          cli('DEL', name);
          if (there) cli('RENAME', `${tag()}:kept`, name);
          expect({ broken, fields: cli('HGETALL', key) }).toEqual({ broken, fields: before });
        }
        expect(await store.keeping.end(end)).toBe('ok');
      },
    },
  ];
}
