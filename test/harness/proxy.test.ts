import { createServer, connect, type Server, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Proxy } from './proxy.js';

const directory = mkdtempSync(join(tmpdir(), 'coord-proxy-'));
let upstream: Server;
let proxy: Proxy;
/** What arrived at the server. */
let arrived = '';
let arrival: () => void = () => undefined;

beforeEach(async () => {
  arrived = '';
  upstream = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      arrived += String(data);
      arrival();
      socket.write(`re:${String(data)}`);
    });
  });
  const socket = join(directory, `up-${String(process.hrtime.bigint())}`);
  await new Promise<void>((resolve) => {
    upstream.listen(socket, resolve);
  });
  proxy = new Proxy({ socket, directory });
  await proxy.open();
});
afterEach(async () => {
  await proxy.close();
  upstream.close();
});

/** A connection through the proxy, with what came back on it. */
async function through(): Promise<{ socket: Socket; got: () => string; ended: Promise<unknown> }> {
  const socket = connect(proxy.socket);
  let text = '';
  socket.on('error', () => undefined);
  socket.on('data', (data) => {
    text += String(data);
  });
  const ended = once(socket, 'close');
  await once(socket, 'connect');
  return { socket, got: () => text, ended };
}

function arrives(): Promise<void> {
  return new Promise((resolve) => {
    arrival = resolve;
  });
}

describe('the proxy', () => {
  test('passes everything while nothing is asked of it', async () => {
    const { socket, got } = await through();
    socket.write('hello');
    await once(socket, 'data');
    expect(got()).toBe('re:hello');
    socket.destroy();
  });

  test('cuts after a request, which has arrived, before its answer', async () => {
    const { socket, got, ended } = await through();
    proxy.strike({ kind: 'cut-after-request' });
    const there = arrives();
    socket.write('hello');
    await Promise.all([there, ended]);
    expect([arrived, got()]).toEqual(['hello', '']);
    const next = await through();
    next.socket.write('again');
    await once(next.socket, 'data');
    expect(next.got()).toBe('re:again');
  });

  test('cuts inside a request', async () => {
    const { socket, got, ended } = await through();
    proxy.strike({ kind: 'cut-inside', what: 'request', share: 0.5 });
    socket.write('abcdef');
    await ended;
    await new Promise(setImmediate);
    expect([['', 'abc'].includes(arrived), got()]).toEqual([true, '']);
  });

  test('cuts inside an answer', async () => {
    const { socket, got, ended } = await through();
    proxy.strike({ kind: 'cut-inside', what: 'reply', share: 0.5 });
    socket.write('abcde');
    await ended;
    expect([arrived, ['', 're:a'].includes(got())]).toEqual(['abcde', true]);
  });

  test('drops answers, and cuts what it has kept one from', async () => {
    const { socket, got, ended } = await through();
    const quiet = await through();
    proxy.strike({ kind: 'drop-replies', ms: 60_000 });
    const there = arrives();
    socket.write('hello');
    await there;
    proxy.calm();
    await ended;
    expect([arrived, got()]).toEqual(['hello', '']);
    quiet.socket.write('still here');
    await once(quiet.socket, 'data');
    expect(quiet.got()).toBe('re:still here');
  });

  test('freezes connections, new ones too, and goes on where it stopped', async () => {
    const { socket, got } = await through();
    proxy.strike({ kind: 'freeze', ms: 60_000, cut: false });
    const late = await through();
    socket.write('one');
    late.socket.write('two');
    await new Promise(setImmediate);
    expect(arrived).toBe('');
    const answered = Promise.all([once(socket, 'data'), once(late.socket, 'data')]);
    proxy.calm();
    await answered;
    expect([got(), late.got()]).toEqual(['re:one', 're:two']);
  });

  test('a freeze may end in a cut', async () => {
    const { socket, ended } = await through();
    socket.write('hello');
    await once(socket, 'data');
    proxy.strike({ kind: 'freeze', ms: 60_000, cut: true });
    expect(socket.destroyed).toBe(false);
    proxy.calm();
    await ended;
    expect(socket.destroyed).toBe(true);
  });

  test('is slow without mixing anything up', async () => {
    const { socket, got } = await through();
    proxy.strike({ kind: 'slow', ms: 60_000, delayMs: 30 });
    const from = performance.now();
    socket.write('one');
    await once(socket, 'data');
    expect(got()).toBe('re:one');
    expect(performance.now() - from).toBeGreaterThanOrEqual(55);
  });

  test('keeps the order when slowness ends while something is under way', async () => {
    const { socket } = await through();
    proxy.strike({ kind: 'slow', ms: 60_000, delayMs: 80 });
    const first = arrives();
    socket.write('one ');
    // The proxy reads it, and holds it.
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    proxy.calm();
    socket.write('two');
    await first;
    expect(arrived).toBe('one two');
    socket.destroy();
  });

  test('cuts everything at once', async () => {
    const both = await Promise.all([through(), through()]);
    for (const { socket } of both) {
      socket.write('hello');
      await once(socket, 'data');
    }
    proxy.strike({ kind: 'cut' });
    await Promise.all(both.map(({ ended }) => ended));
    expect(both.map(({ socket }) => socket.destroyed)).toEqual([true, true]);
  });
});

process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
