import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { parseAddress } from '../../src/redis/address.js';
import { Connection } from '../../src/redis/connection.js';
import { parseScript, type Script, type ScriptName } from '../../src/redis/scripts.js';
import { until } from '../harness/redis-instance.js';
import { bulk, CUT, error, integer, list, StubServer } from '../harness/stub-server.js';
import { startStandalone } from '../harness/topology.js';

const made = (name: ScriptName, replies: string): [ScriptName, Script] => [
  name,
  parseScript(name, `#!lua\n-- ${name}: nothing.\n-- KEYS[1] key\n-- Replies: ${replies}\nreturn { 'OK' }`),
];
const SCRIPTS = new Map([made('reply', 'OK | REPEATED | STALE'), made('renew', 'OK | FENCED')]);

let stub: StubServer;
let connection: Connection;
beforeEach(async () => {
  stub = new StubServer();
  await stub.open();
  connection = new Connection({
    address: { server: { host: '127.0.0.1', port: stub.port }, confirm: { replicas: 2, withinMs: 200 } },
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 1_000,
    scripts: SCRIPTS,
  });
  await connection.ready();
});
afterEach(async () => {
  connection.close();
  await stub.close();
});

/** The script's reply, and how many replicas have it. */
function answers(reply: string, replicas: number | string | null): void {
  stub.answer = ([name]) => {
    if (name === 'EVALSHA') return list(bulk(reply));
    if (name === 'WAIT') return typeof replicas === 'number' ? integer(replicas) : replicas;
    return undefined;
  };
}

const order = (): readonly (string | undefined)[] =>
  stub.seen.map(([name]) => name).filter((name) => name === 'EVALSHA' || name === 'EVAL' || name === 'WAIT');

describe('confirmed mode', () => {
  test('puts a WAIT right behind what acknowledges', async () => {
    answers('OK', 2);
    expect(await connection.script('reply', ['k'], [])).toEqual(['OK']);
    expect(order()).toEqual(['EVALSHA', 'WAIT']);
    expect(stub.seen.at(-1)).toEqual(['WAIT', '2', '200']);
  });

  test('says what is stored and not confirmed, and that it may be repeated', async () => {
    answers('OK', 1);
    await expect(connection.script('reply', ['k'], [])).rejects.toMatchObject({
      code: 'NOT_CONFIRMED',
      retryable: true,
      message: expect.stringMatching(/stored on the master; 1 of 2 replicas have it after 200 ms.*same key/),
    });
  });

  test('a repetition is confirmed no sooner than the first time', async () => {
    answers('REPEATED', 1);
    await expect(connection.script('reply', ['k'], [])).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
  });

  test('lets through what acknowledges nothing, and asks nobody about other scripts', async () => {
    answers('STALE', 0);
    expect(await connection.script('reply', ['k'], [])).toEqual(['STALE']);
    answers('OK', 0);
    expect(await connection.script('renew', ['k'], [])).toEqual(['OK']);
    expect(order()).toEqual(['EVALSHA', 'WAIT', 'EVALSHA']);
  });

  test('what comes while a WAIT is under way goes out together, with one WAIT for all', async () => {
    answers('OK', null);
    const first = connection.script('reply', ['k'], []);
    await until('the first is waited for', () => stub.count('WAIT') === 1);
    answers('OK', 2);
    const others = Promise.all(['a', 'b', 'c'].map((key) => connection.script('reply', [key], [])));
    // Nothing overtakes on that connection; on the other one everything goes on.
    await connection.write('SET', ['k', 'v']);
    expect(order()).toEqual(['EVALSHA', 'WAIT']);
    stub.cutAll();
    await expect(first).rejects.toMatchObject({
      code: 'NOT_CONFIRMED',
      message: expect.stringContaining('nobody knows'),
    });
    await expect(others).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    await connection.ready();
    await until('it is connected again', () =>
      connection.script('reply', ['k'], []).then(
        () => true,
        () => false,
      ),
    );
    const before = order().length;
    await Promise.all(['a', 'b', 'c'].map((key) => connection.script('reply', [key], [])));
    expect(order().slice(before)).toEqual(['EVALSHA', 'WAIT', 'EVALSHA', 'EVALSHA', 'WAIT']);
  });

  test('a script whose connection is lost is unknown', async () => {
    stub.answer = ([name]) => (name === 'EVALSHA' ? CUT : undefined);
    await expect(connection.script('reply', ['k'], [])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  test('a script that the server does not have is sent whole, with a WAIT of its own', async () => {
    stub.answer = ([name]) => {
      if (name === 'EVALSHA') return error('NOSCRIPT No matching script.');
      return name === 'EVAL' ? list(bulk('OK')) : integer(2);
    };
    expect(await connection.script('reply', ['k'], [])).toEqual(['OK']);
    expect(order()).toEqual(['EVALSHA', 'WAIT', 'EVAL', 'WAIT']);
  });

  test('a user that may not WAIT is told so', async () => {
    answers('OK', error("NOPERM this user has no permissions to run the 'wait' command"));
    await expect(connection.script('reply', ['k'], [])).rejects.toMatchObject({
      code: 'NOT_CONFIRMED',
      message: expect.stringContaining('NOPERM'),
    });
  });
});

/** A start that is taken in once. */
const ONCE = parseScript(
  'admit',
  `#!lua
-- admit: once.
-- KEYS[1] key
-- Replies: ADMITTED | REPEATED
return { redis.call('SET', KEYS[1], '', 'NX') and 'ADMITTED' or 'REPEATED' }`,
);

test('with a replica that stands still, a start is not confirmed, and neither is its repetition, until it moves', async () => {
  const [master, replica] = [await startStandalone(), await startStandalone()];
  const store = new Connection({
    address: parseAddress(master.address({ confirm: '1', confirm_timeout: '100' })),
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 1_000,
    scripts: new Map([['admit', ONCE]]),
  });
  try {
    await replica.server.cli('REPLICAOF', '127.0.0.1', String(master.server.port));
    await until('they are in step', async () => (await replica.server.info('master_link_status')) === 'up');
    await store.ready();
    const start = (): Promise<unknown> => store.script('admit', ['run'], []);
    replica.server.freeze();
    await expect(start()).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    expect(await master.server.cli('EXISTS', 'run')).toBe('1');
    await expect(start()).rejects.toMatchObject({ code: 'NOT_CONFIRMED' });
    replica.server.thaw();
    let reply: unknown = null;
    await until('it is confirmed', async () => {
      reply = await start().catch(() => null);
      return reply !== null;
    });
    expect(reply).toEqual(['REPEATED']);
    expect(await replica.server.cli('EXISTS', 'run')).toBe('1');
  } finally {
    store.close();
    await replica.stop();
    await master.stop();
  }
});
