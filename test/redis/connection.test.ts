import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { parseAddress } from '../../src/redis/address.js';
import { Connection, type ConnectionParams } from '../../src/redis/connection.js';
import { reconnectMs } from '../../src/redis/link.js';
import { parseScript } from '../../src/redis/scripts.js';
import { Proxy } from '../harness/proxy.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

/** Under the name of one that there is. */
const COUNTING = new Map([
  [
    'acquire' as const,
    parseScript(
      'acquire',
      `#!lua\n-- acquire: count.\n-- KEYS[1] counter\n-- Replies: COUNTED n\nreturn { 'COUNTED', redis.call('INCR', KEYS[1]) }`,
    ),
  ],
]);
let server: TestServer;
let proxy: Proxy;
let connection: Connection;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = new Proxy(server.server);
  await proxy.open();
  connection = new Connection(params());
  await connection.ready();
});
afterEach(async () => {
  connection.close();
  await proxy.close();
});

const params = (): ConnectionParams => ({
  address: { socket: proxy.socket },
  clock: systemClock,
  failpoints: noFailpoints,
  deadlineMs: 300,
  scripts: COUNTING,
});
const NEVER = new AbortController().signal;

describe('the connection', () => {
  test('a write whose answer is cut off is unknown, and is never sent again', async () => {
    proxy.next = 'cut';
    await expect(connection.write('INCR', ['once'])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    proxy.next = 'pass';
    await connection.ready();
    expect(await connection.read('GET', ['once'])).toBe('1');
  });

  test('a write that is not answered is unknown after the deadline', async () => {
    proxy.next = 'swallow';
    await expect(connection.write('INCR', ['silent'])).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      message: 'INCR: no answer within 300 ms',
    });
    expect(server.cli('GET', 'silent')).toBe('1');
  });

  test('a read that is not answered can simply be done again', async () => {
    proxy.next = 'swallow';
    await expect(connection.read('GET', ['x'])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE', retryable: true });
  });

  test('a connection that has fallen silent is given up: what comes next has one of its own', async () => {
    proxy.next = 'swallow';
    await expect(connection.write('INCR', ['heard'])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    proxy.next = 'pass';
    await connection.ready();
    expect(await connection.write('INCR', ['heard'])).toBe(2);
  });

  test('those above are told when a server is there again', async () => {
    let told = 0;
    const forget = connection.onReconnect(() => told++);
    proxy.strike({ kind: 'cut' });
    await until('it is there again', () => told > 0);
    expect(await connection.read('GET', ['x'])).toBeNull();
    forget();
    const before = told;
    proxy.strike({ kind: 'cut' });
    await expect(connection.write('INCR', ['x'])).rejects.toMatchObject({ retryable: true });
    await connection.ready();
    expect(told).toBe(before);
  });

  test('a database that there is not is refused, instead of another one used', async () => {
    const elsewhere = new Connection({ ...params(), address: { socket: server.server.socket, db: 999 } });
    await expect(elsewhere.ready()).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringContaining('DB index is out of range'),
    });
    elsewhere.close();
    const third = new Connection({ ...params(), address: { socket: server.server.socket, db: 3 } });
    await third.ready();
    await third.write('SET', ['in', '3']);
    expect([server.cli('EXISTS', 'in'), server.cli('-n', '3', 'EXISTS', 'in')]).toEqual(['0', '1']);
    third.close();
  });

  test('what cannot be sent was not sent', async () => {
    await proxy.close();
    await expect(connection.write('INCR', ['unsent'])).rejects.toMatchObject({
      code: expect.stringMatching(/UNREACHABLE|UNKNOWN/),
    });
    await expect(connection.write('INCR', ['unsent'])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    expect(server.cli('GET', 'unsent')).toBe('');
  });

  test('a script that the server has forgotten is sent whole', async () => {
    expect(await connection.script('acquire', ['counter'], [])).toEqual(['COUNTED', 1]);
    server.cli('SCRIPT', 'FLUSH');
    expect(await connection.script('acquire', ['counter'], [])).toEqual(['COUNTED', 2]);
  });

  test('a waiting read over a connection that died throws instead of looking idle, and the next one works', async () => {
    const read = { command: 'XREAD', args: ['BLOCK', 200, 'STREAMS', 'news', '0'], waitMs: 200, signal: NEVER };
    proxy.next = 'swallow';
    await expect(connection.blockingRead('r', read)).rejects.toMatchObject({ retryable: true });
    proxy.next = 'pass';
    server.cli('XADD', 'news', '*', 'a', '1');
    expect(await connection.blockingRead('r', read)).toMatchObject([['news', [[expect.any(String), ['a', '1']]]]]);
  });

  test('an answer that refuses names the cause', async () => {
    server.cli('SET', 'text', 'x');
    await expect(connection.write('INCR', ['text'])).rejects.toMatchObject({
      code: 'REDIS_SCRIPT',
      message: expect.stringContaining('not an integer'),
    });
    server.cli('CONFIG', 'SET', 'maxmemory', '1');
    await expect(connection.write('SET', ['y', 'x'])).rejects.toMatchObject({
      code: 'REDIS_NOT_WRITABLE',
      retryable: true,
      message: expect.stringContaining('OOM'),
    });
    server.cli('CONFIG', 'SET', 'maxmemory', '0');
  });
});

test('a server that is not there is unreachable, by its address', async () => {
  const nowhere = new Connection({
    address: parseAddress('redis://127.0.0.1:1'),
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 200,
    scripts: new Map(),
  });
  await expect(nowhere.ready()).rejects.toMatchObject({
    code: 'REDIS_UNREACHABLE',
    message: expect.stringContaining('redis://127.0.0.1:1'),
  });
  nowhere.close();
});

test('the pauses before a reconnect grow to a second, and are those of no other process', () => {
  const pauses = (pid: number): readonly number[] => [1, 2, 3, 6, 50].map((attempt) => reconnectMs(attempt, pid));
  expect(Math.max(...pauses(1234))).toBeLessThanOrEqual(1_250);
  expect(Math.min(...pauses(1234))).toBeGreaterThanOrEqual(30);
  expect(pauses(1234)).toEqual(pauses(1234).toSorted((a, b) => a - b));
  const last = Array.from({ length: 50 }, (_, pid) => reconnectMs(50, 1_000 + pid));
  expect(new Set(last).size).toBeGreaterThan(40);
});
