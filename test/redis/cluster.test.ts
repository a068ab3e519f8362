import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { Connection } from '../../src/redis/connection.js';
import { parseScript } from '../../src/redis/scripts.js';
import { slotOf } from '../../src/redis/slots.js';
import { until } from '../harness/redis-instance.js';
import { type Answer, bulk, CUT, error, integer, list, ok, StubServer } from '../harness/stub-server.js';

const HALF = 8_192;
/** One key in each half of the slots. */
const LOW = 'b';
const HIGH = 'a';
const COUNT = parseScript('acquire', `#!lua\n-- acquire: nothing.\n-- KEYS[1] key\n-- Replies: OK\nreturn { 'OK' }`);
const NEVER = new AbortController().signal;

let low: StubServer;
let high: StubServer;
let connections: Connection[];
beforeEach(async () => {
  if (slotOf(LOW) >= HALF || slotOf(HIGH) < HALF) throw new Error('these keys lie elsewhere');
  low = new StubServer();
  high = new StubServer();
  connections = [];
  await low.open();
  await high.open();
  for (const node of [low, high]) says(node);
});
afterEach(async () => {
  for (const connection of connections) connection.close();
  await low.close();
  await high.close();
});

interface View {
  readonly epoch?: number;
  readonly ports?: readonly [number, number];
  readonly host?: string;
}

/** What a node says of the cluster; and to other commands, what `more` says. */
function says(
  node: StubServer,
  { epoch = 1, ports = [low.port, high.port], host = '127.0.0.1' }: View = {},
  more?: (command: readonly string[]) => Answer | undefined,
): void {
  const range = (from: number, to: number, port: number): string =>
    list(integer(from), integer(to), list(bulk(host), integer(port), bulk('id')));
  node.answer = (command) => {
    const answer = more?.(command);
    if (answer !== undefined) return answer;
    const [name, what] = command;
    if (name === 'CLUSTER' && what === 'INFO')
      return bulk(`cluster_state:ok\r\ncluster_current_epoch:${String(epoch)}\r\n`);
    if (name === 'CLUSTER') return list(range(0, HALF - 1, ports[0]), range(HALF, 16_383, ports[1]));
    return name === 'GET' ? bulk(node === low ? 'low' : 'high') : undefined;
  };
}

/** All slots are the other node's by now. */
const MOVED: View = {
  epoch: 2,
  get ports(): [number, number] {
    return [high.port, high.port];
  },
};

function movedTo(node: StubServer): string {
  return error(`MOVED ${String(slotOf(LOW))} 127.0.0.1:${String(node.port)}`);
}

async function connect(deadlineMs = 1_000): Promise<Connection> {
  const connection = new Connection({
    address: { cluster: [{ host: '127.0.0.1', port: low.port }] },
    clock: systemClock,
    failpoints: noFailpoints,
    deadlineMs,
    scripts: new Map([['acquire', COUNT]]),
  });
  connections.push(connection);
  await connection.ready();
  return connection;
}

describe('a cluster', () => {
  test('a command goes to the master of its key, one without a key to the same one always', async () => {
    const connection = await connect();
    expect(
      await connection.readAll([
        ['GET', LOW],
        ['GET', HIGH],
        ['GET', `x{${LOW}}`],
      ]),
    ).toEqual(['low', 'high', 'low']);
    await connection.write('SET', [HIGH, 'v']);
    await connection.read('TIME', []);
    await connection.read('TIME', []);
    expect([low.count('SET'), high.count('SET'), low.count('TIME'), high.count('TIME')]).toEqual([0, 1, 2, 0]);
    // Keys are looked for where their hash tag says.
    await connection.read('SCAN', ['0', 'MATCH', `{${HIGH}}:run:*`, 'COUNT', 10]);
    expect([low.count('SCAN'), high.count('SCAN')]).toEqual([0, 1]);
    expect([...(await connection.readEverywhere('PING', [])).keys()]).toHaveLength(2);
  });

  test('what has moved is sent once more to where it is said to be, and there at once the next time', async () => {
    const connection = await connect();
    says(low, MOVED, ([name]) => (name === 'SET' ? movedTo(high) : undefined));
    expect(await connection.write('SET', [LOW, 'v'])).toBe('OK');
    await connection.write('SET', [LOW, 'v']);
    expect([low.count('SET'), high.count('SET')]).toEqual([1, 2]);
  });

  test('a redirection without a host is to the node that gave it', async () => {
    const connection = await connect();
    says(low, {}, ([name]) =>
      name === 'SET' ? error(`MOVED ${String(slotOf(LOW))} :${String(high.port)}`) : undefined,
    );
    expect(await connection.write('SET', [LOW, 'v'])).toBe('OK');
    expect(high.count('SET')).toBe(1);
  });

  test('what is half-way is asked for at its new place, this one time', async () => {
    const connection = await connect();
    says(low, {}, ([name]) =>
      name === 'SET' ? error(`ASK ${String(slotOf(LOW))} 127.0.0.1:${String(high.port)}`) : undefined,
    );
    expect(await connection.write('SET', [LOW, 'v'])).toBe('OK');
    expect(await connection.write('SET', [LOW, 'w'])).toBe('OK');
    expect(low.count('SET')).toBe(2);
    const came = high.seen.map(([name]) => name).filter((name) => name === 'ASKING' || name === 'SET');
    expect(came).toEqual(['ASKING', 'SET', 'ASKING', 'SET']);
  });

  test('keys that are torn apart are waited for', async () => {
    const connection = await connect();
    let left = 3;
    says(low, {}, ([name]) => {
      if (name === 'EVALSHA')
        return left-- > 0 ? error('TRYAGAIN Multiple keys request during rehashing of slot') : list(bulk('OK'));
      return undefined;
    });
    expect(await connection.script('acquire', [LOW], [])).toEqual(['OK']);
    expect(low.count('EVALSHA')).toBe(4);
  });

  test('nodes that send each other’s clients to and fro are not believed for ever', async () => {
    const connection = await connect(1_000);
    const toAndFro = (node: StubServer, other: StubServer): void =>
      says(node, {}, ([name]) => (name === 'SET' ? movedTo(other) : undefined));
    toAndFro(low, high);
    toAndFro(high, low);
    await expect(connection.write('SET', [LOW, 'v'])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    expect(low.count('SET') + high.count('SET')).toBeLessThan(60);
  });

  test('a write whose connection is lost is unknown, and is sent to nobody else', async () => {
    const connection = await connect();
    says(low, {}, ([name]) => (name === 'SET' ? CUT : undefined));
    await expect(connection.write('SET', [LOW, 'v'])).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect([low.count('SET'), high.count('SET')]).toEqual([1, 0]);
    // The other master has noticed nothing.
    expect(await connection.read('GET', [HIGH])).toBe('high');
  });

  test('a cluster that is down is asked again for its map, on the same connections', async () => {
    const connection = await connect();
    const before = low.count('CLUSTER');
    const lost = low.connections;
    says(low, {}, ([name]) => (name === 'SET' ? error('CLUSTERDOWN Hash slot not served') : undefined));
    await expect(connection.write('SET', [LOW, 'v'])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    await until('the map is read again', () => low.count('CLUSTER') > before);
    expect(low.connections).toBe(lost);
  });

  test('of two views the one of the higher epoch counts', async () => {
    says(low, { ports: [low.port, low.port], epoch: 1 });
    says(high, { ports: [high.port, high.port], epoch: 2 });
    const connection = new Connection({
      address: { cluster: [low, high].map(({ port }) => ({ host: '127.0.0.1', port })) },
      clock: systemClock,
      failpoints: noFailpoints,
      deadlineMs: 1_000,
      scripts: new Map(),
    });
    connections.push(connection);
    await connection.ready();
    expect(await connection.read('GET', [LOW])).toBe('high');
  });

  test('a node that does not know its own name is the one that was asked', async () => {
    says(low, { host: '' });
    const connection = await connect();
    expect(await connection.read('GET', [HIGH])).toBe('high');
  });

  test('when a master dies, the map is read until another one serves', async () => {
    const connection = await connect();
    let told = 0;
    connection.onReconnect(() => told++);
    await high.close();
    await expect(connection.read('GET', [HIGH])).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
    says(low, { ports: [low.port, low.port], epoch: 2 });
    await until('the other one serves', async () => (await connection.read('GET', [HIGH]).catch(() => '')) === 'low');
    expect(told).toBeGreaterThan(0);
    // So that it can be closed again.
    high = new StubServer();
    await high.open();
  });

  test('a server that is no cluster is said to be none, at once', async () => {
    says(low, {}, ([name]) =>
      name === 'CLUSTER' ? error('ERR This instance has cluster support disabled') : undefined,
    );
    await expect(connect(5_000)).rejects.toMatchObject({
      code: 'REDIS_UNSUITABLE',
      message: expect.stringContaining(`write redis://127.0.0.1:${String(low.port)}`),
    });
  });
});

describe('a waiting read on a cluster', () => {
  const read = { command: 'XREAD', args: ['BLOCK', 5_000, 'STREAMS', LOW, '0'], waitMs: 5_000, signal: NEVER };

  test('waits at the master of its stream, and goes to the next one when that says so', async () => {
    const connection = await connect();
    says(low, MOVED, ([name]) => (name === 'XREAD' ? movedTo(high) : undefined));
    says(high, {}, ([name]) => (name === 'XREAD' ? ok : undefined));
    expect(await connection.blockingRead('r', read)).toBe('OK');
    expect([low.count('XREAD'), high.count('XREAD')]).toEqual([1, 1]);
  });

  test('is ended at the node where it waits', async () => {
    const connection = await connect();
    const stop = new AbortController();
    says(low, {}, ([name]) => (name === 'XREAD' ? null : undefined));
    const pending = connection.blockingRead('r', { ...read, signal: stop.signal });
    await until('it waits', () => low.count('XREAD') === 1);
    stop.abort();
    await until('its end is asked for', () => low.seen.some(([name, what]) => name === 'CLIENT' && what === 'UNBLOCK'));
    expect(high.seen.some(([name, what]) => name === 'CLIENT' && what === 'UNBLOCK')).toBe(false);
    low.cutAll();
    await expect(pending).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  });

  test('does not wait on when another master serves its stream', async () => {
    const connection = await connect();
    says(low, {}, ([name]) => (name === 'XREAD' ? null : undefined));
    const pending = connection.blockingRead('r', read);
    await until('it waits', () => low.count('XREAD') === 1);
    says(low, MOVED, ([name]) => (name === 'SET' ? movedTo(high) : undefined));
    await connection.write('SET', [LOW, 'v']);
    await expect(pending).rejects.toMatchObject({ retryable: true });
  });
});
