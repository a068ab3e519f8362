import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { parseAddress } from '../../src/redis/address.js';
import { Connection } from '../../src/redis/connection.js';
import { commandsOf } from '../../src/redis/rights.js';
import { loadScripts, parseScript, SCRIPTS } from '../../src/redis/scripts.js';
import { type Standalone, startStandalone } from '../harness/topology.js';

const TWICE = parseScript(
  'acquire',
  `#!lua
-- acquire: two writes.
-- KEYS[1] hash   KEYS[2] stream
-- Replies: OK
redis.call('HSET', KEYS[1], 'a', '1')
redis.call('XADD', KEYS[2], '*', 'a', '1')
redis.call('XGROUP', 'CREATE', KEYS[2], 'g', '$')
return { 'OK' }`,
);

let single: Standalone;
let connection: Connection;
beforeAll(async () => {
  single = await startStandalone({ secure: true });
  connection = new Connection({
    address: parseAddress(single.address()),
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 2_000,
    scripts: new Map([['acquire', TWICE]]),
  });
  await connection.ready();
});
afterAll(async () => {
  connection.close();
  await single.stop();
});

const rights = (...change: string[]): Promise<string> => single.server.cli('ACL', 'SETUSER', 'coord-app', ...change);
const run = (): Promise<unknown> => connection.script('acquire', ['{coord:0}:h', '{coord:0}:s'], []);
const begun = (): Promise<string> => single.server.cli('EXISTS', '{coord:0}:h');

test('a script that the user may not run to its end is not begun, and is as soon as it may', async () => {
  await rights('-xadd', '-xgroup|create');
  await expect(run()).rejects.toMatchObject({
    code: 'REDIS_DENIED',
    retryable: true,
    message: expect.stringContaining('the user "coord-app" may not use XADD, XGROUP CREATE, so nothing was done'),
  });
  expect(await begun()).toBe('0');
  await rights('+xadd', '+xgroup|create');
  expect(await run()).toEqual(['OK']);
  expect(await begun()).toBe('1');
});

test('a right that is taken away afterwards is asked for again from then on', async () => {
  await single.server.cli('DEL', '{coord:0}:h', '{coord:0}:s');
  expect(await run()).toEqual(['OK']);
  await rights('-xadd');
  await expect(run()).rejects.toMatchObject({ code: 'REDIS_DENIED' });
  await single.server.cli('DEL', '{coord:0}:h');
  await expect(run()).rejects.toMatchObject({ message: expect.stringContaining('nothing was done') });
  expect(await begun()).toBe('0');
  await rights('+xadd');
});

test('what a script calls is found in its text', () => {
  expect(commandsOf(TWICE)).toEqual(['HSET', 'XADD', 'XGROUP CREATE']);
  const scripts = loadScripts();
  for (const name of SCRIPTS) {
    const script = scripts.get(name);
    const calls = script?.source.match(/redis\.p?call/g)?.length ?? 0;
    const read = script?.source.match(/redis\.call\('[A-Z]+'/g)?.length ?? 0;
    // A command that is not written out would not be asked for.
    expect([name, read]).toEqual([name, calls]);
  }
});
