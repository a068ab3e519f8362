import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { Connection } from '../../src/redis/connection.js';
import { until } from '../harness/redis-instance.js';
import { bulk, error, integer, list, StubServer } from '../harness/stub-server.js';

let stubs: StubServer[];
let connections: Connection[];
beforeEach(() => {
  stubs = [];
  connections = [];
});
afterEach(async () => {
  for (const connection of connections) connection.close();
  for (const stub of stubs) await stub.close();
});

async function newStub(): Promise<StubServer> {
  const server = new StubServer();
  await server.open();
  stubs.push(server);
  return server;
}

/** A sentinel that names a master, and knows of other sentinels. */
function names(
  sentinel: StubServer,
  master: StubServer,
  { epoch = 1, others = [] as readonly StubServer[] } = {},
): void {
  const port = bulk(String(master.port));
  sentinel.answer = ([name, what]) => {
    if (name !== 'SENTINEL') return undefined;
    if (what === 'GET-MASTER-ADDR-BY-NAME') return list(bulk('127.0.0.1'), port);
    if (what === 'MASTER') return list(bulk('port'), port, bulk('config-epoch'), bulk(String(epoch)));
    return list(
      ...others.map((other) =>
        list(bulk('ip'), bulk('127.0.0.1'), bulk('port'), bulk(String(other.port)), bulk('flags'), bulk('sentinel')),
      ),
    );
  };
}

function is(server: StubServer, role: 'master' | 'slave'): void {
  server.answer = ([name]) => (name === 'ROLE' ? list(bulk(role), integer(0), list()) : undefined);
}

function open(sentinels: readonly StubServer[], more: object = {}): Connection {
  const connection = new Connection({
    address: {
      sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      master: 'm',
      sentinelTls: false,
      ...more,
    },
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 1_000,
    scripts: new Map(),
  });
  connections.push(connection);
  return connection;
}

describe('sentinels', () => {
  test('name the master, and each is spoken to as its own user', async () => {
    const [sentinel, master] = [await newStub(), await newStub()];
    names(sentinel, master);
    const login = { user: 'app', password: 'p1' };
    const connection = open([sentinel], { login, db: 3, sentinelLogin: { user: 'watch', password: 'p2' } });
    await connection.ready();
    await connection.write('SET', ['k', 'v']);
    expect(master.seen).toContainEqual(['auth', 'app', 'p1']);
    expect(master.seen).toContainEqual(['SELECT', '3']);
    expect(master.seen.at(-1)).toEqual(['SET', 'k', 'v']);
    expect(sentinel.seen).toContainEqual(['auth', 'watch', 'p2']);
    expect(sentinel.seen.map(([name]) => name)).not.toContain('SELECT');
    expect(sentinel.seen).toContainEqual(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'm']);
  });

  test('are followed when they name another one, and what is on its way is still answered', async () => {
    const [sentinel, first, second] = [await newStub(), await newStub(), await newStub()];
    names(sentinel, first);
    const connection = open([sentinel]);
    await connection.ready();
    let told = 0;
    connection.onReconnect(() => told++);
    first.answer = ([name]) => (name === 'SET' ? null : undefined);
    const slow = connection.write('SET', ['k', 'v']).catch((failure: unknown) => failure);
    await until('it is on its way', () => first.count('SET') === 1);
    names(sentinel, second, { epoch: 2 });
    await until('the new one is found', () => told > 0);
    await until('and used', async () => {
      await connection.write('HSET', ['k', 'f', 'v']).catch(() => undefined);
      return second.count('HSET') > 0;
    });
    expect(first.count('HSET')).toBe(0);
    // Its connection was not cut: it is unknown for want of an answer, not for want of a server.
    expect(await slow).toMatchObject({ code: 'OUTCOME_UNKNOWN', message: 'SET: no answer within 1000 ms' });
  });

  test('may name a server that is no master yet: it is waited for', async () => {
    const [sentinel, master] = [await newStub(), await newStub()];
    names(sentinel, master);
    is(master, 'slave');
    const connection = open([sentinel]);
    await expect(connection.ready()).rejects.toMatchObject({
      code: 'REDIS_UNREACHABLE',
      message: expect.stringContaining('is no master, its role is slave'),
    });
    await expect(connection.write('SET', ['k', 'v'])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    expect(master.count('SET')).toBe(0);
    is(master, 'master');
    await connection.ready();
    await connection.write('SET', ['k', 'v']);
  });

  test('that disagree are not equal: the highest epoch counts', async () => {
    const [cutOff, current, old, promoted] = [await newStub(), await newStub(), await newStub(), await newStub()];
    names(cutOff, old, { epoch: 4 });
    names(current, promoted, { epoch: 5 });
    const connection = open([cutOff, current]);
    await connection.ready();
    // What the first answer said is corrected by the next round, if it came alone.
    await until('the promoted one is used', async () => {
      await connection.write('SET', ['k', 'v']).catch(() => undefined);
      return promoted.count('SET') > 0;
    });
    await connection.write('HSET', ['k', 'f', 'v']);
    expect([old.count('HSET'), promoted.count('HSET')]).toEqual([0, 1]);
  });

  test('tell of other sentinels, which are asked when the known one is gone', async () => {
    const [known, other, first, second] = [await newStub(), await newStub(), await newStub(), await newStub()];
    names(known, first, { others: [other] });
    names(other, first);
    const connection = open([known]);
    await connection.ready();
    await until('the other one is asked', () => other.count('SENTINEL') > 0);
    await known.close();
    names(other, second, { epoch: 2 });
    await until('its word is followed', async () => {
      await connection.write('SET', ['k', 'v']).catch(() => undefined);
      return second.count('SET') > 0;
    });
    await connection.write('HSET', ['k', 'f', 'v']);
    expect([first.count('HSET'), second.count('HSET')]).toEqual([0, 1]);
  });

  test('that know no such master say so at once', async () => {
    const sentinel = await newStub();
    sentinel.answer = ([name]) => (name === 'SENTINEL' ? error('ERR No such master with that name') : undefined);
    await expect(open([sentinel]).ready()).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringContaining('know no master named "m"'),
    });
  });

  test('that do not let anybody in say so at once', async () => {
    const sentinel = await newStub();
    sentinel.answer = ([name]) => (name === 'PING' ? error('NOAUTH Authentication required.') : undefined);
    await expect(open([sentinel]).ready()).rejects.toMatchObject({ code: 'REDIS_DENIED' });
  });

  test('are asked again when the master turns out to be none', async () => {
    const [sentinel, master] = [await newStub(), await newStub()];
    names(sentinel, master);
    const connection = open([sentinel]);
    await connection.ready();
    const [asked, connected] = [sentinel.count('SENTINEL'), master.connections];
    master.answer = ([name]) =>
      name === 'SET' ? error("READONLY You can't write against a read only replica.") : undefined;
    await expect(connection.write('SET', ['k', 'v'])).rejects.toMatchObject({ code: 'REDIS_NOT_WRITABLE' });
    await until('they are asked', () => sentinel.count('SENTINEL') > asked);
    await until('it is connected to anew', () => master.connections > connected);
  });
});

describe('a waiting read behind sentinels', () => {
  test('does not wait on at a server that is the master no more', async () => {
    const [sentinel, first, second] = [await newStub(), await newStub(), await newStub()];
    names(sentinel, first);
    first.answer = ([name]) => (name === 'XREAD' ? null : undefined);
    const connection = open([sentinel]);
    await connection.ready();
    const signal = new AbortController().signal;
    const read = { command: 'XREAD', args: ['BLOCK', 60_000, 'STREAMS', 's', '0'], waitMs: 60_000, signal };
    const pending = connection.blockingRead('r', read);
    await until('it waits', () => first.count('XREAD') === 1);
    names(sentinel, second, { epoch: 2 });
    await expect(pending).rejects.toMatchObject({ retryable: true });
    await connection.ready();
    expect(await connection.blockingRead('r', read)).toBe('OK');
    expect(second.count('XREAD')).toBe(1);
  });
});
