/** A real redis-server of a test's own: unix socket in a temporary folder, stopped and removed with the test. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.js';
import { type ManagedServer, managedServer, serverPid, startServer } from '../../src/redis/managed-server.js';

export interface TestServer {
  readonly server: ManagedServer;
  /** Starts it again after `kill`. */
  start(): Promise<void>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  /** Runs redis-cli against it. */
  cli(...args: string[]): string;
  stop(): Promise<void>;
}

export function redisBinary(): string {
  for (const name of ['redis-server', 'valkey-server']) {
    try {
      return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // the next one
    }
  }
  throw new Error('these tests need a redis-server: apt-get install -y redis-server, or brew install valkey');
}

export async function startTestServer(): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'coord-test-'));
  const server = managedServer(directory);
  const binary = redisBinary();
  const start = (): Promise<void> => startServer(server, { binary, clock: systemClock });
  const kill = async (): Promise<void> => {
    const pid = await serverPid(server);
    if (pid === null) return;
    process.kill(pid, 'SIGKILL');
    while ((await serverPid(server)) === pid) await systemClock.sleep(5);
  };
  await start();
  return {
    server,
    start,
    kill,
    cli: (...args) =>
      execFileSync(join(binary, '../redis-cli'), ['-s', server.socket, ...args], { encoding: 'utf8' }).trim(),
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
