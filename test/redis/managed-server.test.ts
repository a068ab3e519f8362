import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import {
  type ManagedServer,
  managedServer,
  serverAnswers,
  serverPid,
  startServer,
  stopServer,
} from '../../src/redis/managed-server.js';
import { inspectRedis, problemsOf } from '../../src/redis/suitability.js';
import { redisBinary } from '../harness/redis-server.js';

let folder: string;
let server: ManagedServer;
const start = (): Promise<void> => startServer(server, { binary: redisBinary(), clock: systemClock });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-server-'));
  server = managedServer(folder);
});
afterEach(async () => {
  await stopServer(server, systemClock);
  rmSync(folder, { recursive: true, force: true });
});

describe('the private server', () => {
  test('starts with the settings that the promises need, is found again, and stops', async () => {
    expect(await serverAnswers(server, systemClock)).toBe(false);
    await start();
    const pid = await serverPid(server);
    await start();
    expect(await serverPid(server)).toBe(pid);
    const facts = await inspectRedis({ socket: server.socket }, systemClock);
    expect(facts.servers).toMatchObject([
      { role: 'master', appendOnly: true, appendFsync: 'always', evictionPolicy: 'noeviction' },
    ]);
    expect(problemsOf(facts)).toEqual([]);
    expect(await stopServer(server, systemClock)).toBe(true);
    expect(await stopServer(server, systemClock)).toBe(false);
  });

  test('several that start it at once get one server', async () => {
    await Promise.all([start(), start(), start(), start()]);
    expect(await serverPid(server)).not.toBeNull();
    expect(existsSync(join(server.directory, 'starting.lock'))).toBe(false);
  });

  test('starts again after kill -9, and after the one that started it was killed', async () => {
    await start();
    const pid = (await serverPid(server)) ?? 0;
    process.kill(pid, 'SIGKILL');
    writeFileSync(join(server.directory, 'starting.lock'), '4194303');
    while (await serverAnswers(server, systemClock));
    await start();
    expect(await serverPid(server)).not.toBe(pid);
  });

  test('does not take another process for itself', async () => {
    mkdirSync(server.directory, { recursive: true });
    writeFileSync(join(server.directory, 'redis.pid'), String(process.pid));
    expect(await serverPid(server)).toBeNull();
  });

  test('has a socket whose path is short enough in any folder', async () => {
    const deep = join(folder, 'a'.repeat(60), 'b'.repeat(60));
    mkdirSync(deep, { recursive: true });
    server = managedServer(deep);
    expect(server.socket.length).toBeLessThan(104);
    await start();
    expect(await serverAnswers(server, systemClock)).toBe(true);
  });

  test('says why it did not start', async () => {
    await expect(startServer(server, { binary: '/bin/false', clock: systemClock })).rejects.toMatchObject({
      code: 'REDIS_START_FAILED',
      message: expect.stringContaining('it ended with code 1'),
    });
  });
});
