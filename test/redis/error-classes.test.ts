import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { ERRORS, type ErrorCode } from '../../src/core/errors.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { Connection } from '../../src/redis/connection.js';
import { ERROR_CLASSES, type ErrorClass, errorClassOf } from '../../src/redis/error-classes.js';
import { parseScript } from '../../src/redis/scripts.js';
import { error, StubServer } from '../harness/stub-server.js';

/** One whole reply of each row, as Redis 7.0 words it. */
const REPLIES: Readonly<Record<keyof typeof ERROR_CLASSES, string>> = {
  LOADING: 'LOADING Redis is loading the dataset in memory',
  BUSY: 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'ERR max number of clients': 'ERR max number of clients reached',
  TRYAGAIN: 'TRYAGAIN Multiple keys request during rehashing of slot',
  MOVED: 'MOVED 3999 127.0.0.1:6381',
  ASK: 'ASK 3999 127.0.0.1:6381',
  NOSCRIPT: 'NOSCRIPT No matching script. Please use EVAL.',
  CLUSTERDOWN: 'CLUSTERDOWN Hash slot not served',
  MASTERDOWN: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  UNBLOCKED: 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  READONLY: "READONLY You can't write against a read only replica.",
  NOREPLICAS: 'NOREPLICAS Not enough good replicas to write.',
  MISCONF: 'MISCONF Errors writing to the AOF file: No space left on device',
  OOM: "OOM command not allowed when used memory > 'maxmemory'.",
  NOAUTH: 'NOAUTH Authentication required.',
  WRONGPASS: 'WRONGPASS invalid username-password pair or user is disabled.',
  NOPERM: "NOPERM this user has no permissions to run the 'get' command",
  'ERR The user executing the script': "ERR The user executing the script can't run this command or subcommand",
  DENIED: 'DENIED Redis is running in protected mode because protected mode is enabled',
  CROSSSLOT: "CROSSSLOT Keys in request don't hash to the same slot",
  EXECABORT: 'EXECABORT Transaction discarded because of previous errors.',
  NOGROUP: "NOGROUP No such key 'x' or consumer group 'workers'",
  BUSYGROUP: 'BUSYGROUP Consumer Group name already exists',
  WRONGTYPE: 'WRONGTYPE Operation against a key holding the wrong kind of value',
  ERR: 'ERR value is not an integer or out of range',
};
const NEVER = new AbortController().signal;
const SCRIPT = parseScript('acquire', `#!lua\n-- acquire: nothing.\n-- KEYS[1] key\n-- Replies: OK\nreturn { 'OK' }`);

interface Site {
  readonly commands: readonly string[];
  readonly write: boolean;
  readonly call: (connection: Connection) => Promise<unknown>;
}

const SITES: Readonly<Record<string, Site>> = {
  read: { commands: ['GET'], write: false, call: (connection) => connection.read('GET', ['k']) },
  write: { commands: ['SET'], write: true, call: (connection) => connection.write('SET', ['k', 'v']) },
  script: { commands: ['EVALSHA', 'EVAL'], write: true, call: (connection) => connection.script('acquire', ['k'], []) },
  'waiting read': {
    commands: ['XREADGROUP'],
    write: true,
    call: (connection) => {
      const args = ['GROUP', 'g', 'c', 'BLOCK', 10, 'STREAMS', 'k', '>'];
      return connection.blockingRead('r', { command: 'XREADGROUP', args, waitMs: 10, signal: NEVER });
    },
  },
};

let stub: StubServer;
let connection: Connection;
beforeEach(async () => {
  stub = new StubServer();
  await stub.open();
  connection = new Connection({
    address: { server: { host: '127.0.0.1', port: stub.port } },
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs: 2_000,
    scripts: new Map([['acquire', SCRIPT]]),
  });
  await connection.ready();
});
afterEach(async () => {
  connection.close();
  await stub.close();
});

function answerWith(site: Site, text: string): void {
  stub.answer = ([command = '']) => (site.commands.includes(command) ? error(text) : undefined);
}

describe.each(Object.entries(SITES))('an error answered to a %s', (_, site) => {
  const rows = Object.entries(ERROR_CLASSES).map(([word, row]): [string, ErrorClass] => [word, row]);

  test.each(rows)('%s', async (word, row) => {
    answerWith(site, REPLIES[word] ?? '');
    await expect(site.call(connection)).rejects.toMatchObject({
      code: row.code,
      retryable: ERRORS[row.code].retryable,
      message: expect.stringContaining(`Redis ${row.words}: ${REPLIES[word] ?? ''}`),
    });
    // Sent once: a script that is not there is sent whole then, and that is all.
    const whole = word === 'NOSCRIPT' && site.commands.includes('EVAL') ? 1 : 0;
    expect(stub.seen.filter(([command = '']) => site.commands.includes(command))).toHaveLength(1 + whole);
    // Whatever it was, the connection goes on when it has passed.
    stub.answer = ([command]) => (command === 'EVALSHA' ? '*1\r\n$2\r\nOK\r\n' : undefined);
    await connection.ready();
    await expect(site.call(connection)).resolves.toEqual(site.commands.includes('EVAL') ? ['OK'] : 'OK');
  });

  test('one that nobody knows', async () => {
    answerWith(site, 'BROKENPROXY backend 7 is gone');
    await expect(site.call(connection)).rejects.toMatchObject({
      code: site.write ? 'OUTCOME_UNKNOWN' : 'REDIS_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('that coord does not know: BROKENPROXY backend 7 is gone'),
    });
  });
});

describe('what the table says', () => {
  test('a server that is no master any more is dropped, and looked for', async () => {
    const before = stub.connections;
    answerWith(SITES['write'] as Site, REPLIES['READONLY'] ?? '');
    await expect(connection.write('SET', ['k', 'v'])).rejects.toMatchObject({ code: 'REDIS_NOT_WRITABLE' });
    await connection.ready();
    expect(stub.connections).toBe(before + 1);
  });

  test('what passes, by itself or by a cure, can be waited for; what does not is nobody’s to repeat', () => {
    const waited = Object.values(ERROR_CLASSES).filter(({ then }) => then === 'wait' || then === 'rediscover');
    expect(waited.map(({ code }) => ERRORS[code].retryable)).not.toContain(false);
    const reported = Object.values(ERROR_CLASSES).filter(({ then }) => then === 'report');
    expect(new Set(reported.map(({ code }) => code))).toEqual(new Set<ErrorCode>(['REDIS_SCRIPT']));
  });

  test('what an operator has to cure was not executed, and running work waits for it', () => {
    for (const word of ['MISCONF', 'NOREPLICAS', 'READONLY', 'OOM', 'NOAUTH', 'WRONGPASS', 'NOPERM', 'LOADING']) {
      const row = ERROR_CLASSES[word];
      expect([word, row?.executed, row !== undefined && ERRORS[row.code].retryable]).toEqual([word, 'no', true]);
    }
  });

  test('a word is the whole word', () => {
    expect(errorClassOf('BUSYKEY Target key name already exists')).toBeNull();
    expect(errorClassOf('toString is no error')).toBeNull();
    expect(errorClassOf('')).toBeNull();
    expect(errorClassOf('ERR max number of clients + cluster connections reached')?.then).toBe('wait');
  });
});

describe('a server that does not let anybody in', () => {
  test.each(['NOAUTH', 'NOPERM', 'ERR max number of clients'])('%s is said when connecting', async (word) => {
    stub.answer = ([command]) => (command === 'PING' ? error(REPLIES[word] ?? '') : undefined);
    await expect(newConnection().ready()).rejects.toThrow(REPLIES[word] ?? '');
  });

  test('nobody waits until the deadline for what waiting does not cure', async () => {
    stub.answer = ([command]) => (command === 'PING' ? error(REPLIES['WRONGPASS'] ?? '') : undefined);
    const begun = performance.now();
    await expect(newConnection().ready()).rejects.toMatchObject({ code: 'REDIS_DENIED' });
    expect(performance.now() - begun).toBeLessThan(1_500);
  });

  function newConnection(): Connection {
    connection.close();
    connection = new Connection({
      address: { server: { host: '127.0.0.1', port: stub.port } },
      clock: systemClock,
      failpoints: noFailpoints,
      deadlineMs: 2_000,
      scripts: new Map(),
    });
    return connection;
  }
});
