/**
 * The private redis-server of a project: started on first use under `<state dir>/redis`, found again by the next
 * command through its socket, stopped by `coord down`. It is nobody's child: it outlives the command that started
 * it, so that a run's state does not depend on any coord process. AOF `always`, since nothing here is worth losing.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { noFailpoints } from '../core/failpoints.js';
import { sha256 } from '../core/json.js';
import { processRuns } from '../core/processes.js';
import { withLock } from '../core/turns.js';
import { Connection } from './connection.js';

/** A unix socket's path may have 107 bytes; a deep project folder has more. */
const LONGEST_SOCKET_PATH = 100;
const START_MS = 20_000;
const POLL_MS = 10;

export interface ManagedServer {
  readonly socket: string;
  readonly directory: string;
}

export function managedServer(stateDirectory: string): ManagedServer {
  const directory = join(stateDirectory, 'redis');
  const socket = join(directory, 'redis.sock');
  if (Buffer.byteLength(socket) <= LONGEST_SOCKET_PATH) return { socket, directory };
  return { socket: join(tmpdir(), `coord-${sha256(directory).slice(0, 16)}.sock`), directory };
}

/** Whether the server answers. */
export async function serverAnswers(server: ManagedServer, clock: Clock): Promise<boolean> {
  if (!(await somebodyListens(server.socket))) return false;
  const connection = new Connection({
    address: { socket: server.socket },
    clock,
    failpoints: noFailpoints,
    deadlineMs: 2_000,
    scripts: new Map(),
  });
  try {
    await connection.ready();
    return true;
  } catch {
    return false;
  } finally {
    connection.close();
  }
}

/**
 * Starts the server unless it runs, and waits until it answers (it may have a log to read first).
 * Safe to call from several processes at once: two servers on one log would destroy it, so a lock file lets one start.
 * Throws REDIS_START_FAILED with the end of the server's log.
 */
export async function startServer(
  server: ManagedServer,
  { binary, clock }: { binary: string; clock: Clock },
): Promise<void> {
  await mkdir(server.directory, { recursive: true });
  await withLock(join(server.directory, 'starting.lock'), { clock }, async () => {
    const giveUpAt = clock.now() + START_MS;
    while (!(await serverAnswers(server, clock))) {
      if (clock.now() > giveUpAt) {
        throw await startFailure(server, `it did not answer within ${String(START_MS / 1_000)} s`);
      }
      // One that runs and does not answer yet may have a long log to read.
      if ((await serverPid(server)) === null) return launch(server, { binary, clock, giveUpAt });
      await clock.sleep(POLL_MS);
    }
  });
}

/** Stops the server after it has written what it holds. False when none was running. */
export async function stopServer(server: ManagedServer, clock: Clock): Promise<boolean> {
  const pid = await serverPid(server);
  if (pid === null) return false;
  process.kill(pid, 'SIGTERM');
  for (const giveUpAt = clock.now() + START_MS; processRuns(pid); await clock.sleep(POLL_MS)) {
    if (clock.now() > giveUpAt)
      throw new CoordError(
        'REDIS_START_FAILED',
        `redis-server ${String(pid)} does not stop; see ${join(server.directory, 'redis.log')}`,
      );
  }
  return true;
}

/** Whether the server died instead of being stopped: a server that is told to stop takes its pid file away. */
export async function serverCrashed(server: ManagedServer): Promise<boolean> {
  return existsSync(pidFile(server)) && (await serverPid(server)) === null;
}

/**
 * The running server's process, or null. A pid file left behind by a killed server may name any process by now, and
 * a server that was launched a moment ago has none yet: so what counts is that a server works in this very folder.
 */
export async function serverPid(server: ManagedServer): Promise<number | null> {
  const pid = Number(await readFile(pidFile(server), 'utf8').catch(() => ''));
  const named = Number.isInteger(pid) && pid > 1 && processRuns(pid) ? pid : null;
  const processes = await readdir('/proc').catch(() => null);
  // Without /proc (macOS) the pid file is believed.
  if (processes === null) return named;
  const folder = await realpath(server.directory).catch(() => null);
  if (folder === null) return null;
  if (named !== null && (await isServerIn(named, folder))) return named;
  for (const process of processes)
    if (/^\d+$/.test(process) && (await isServerIn(Number(process), folder))) return Number(process);
  return null;
}

async function isServerIn(pid: number, folder: string): Promise<boolean> {
  const works = await readlink(`/proc/${String(pid)}/cwd`).catch(() => null);
  if (works !== folder) return false;
  const command = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
  return /(redis|valkey)-server/.test(command);
}

/** A killed server leaves its socket behind: asking costs no time, and nobody is waited for. */
function somebodyListens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const attempt = connect(socket);
    attempt.once('connect', () => {
      attempt.destroy();
      resolve(true);
    });
    attempt.once('error', () => resolve(false));
  });
}

async function launch(
  server: ManagedServer,
  { binary, clock, giveUpAt }: { binary: string; clock: Clock; giveUpAt: number },
): Promise<void> {
  const { directory, socket } = server;
  const settings = {
    port: '0',
    unixsocket: socket,
    unixsocketperm: '700',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    'maxmemory-policy': 'noeviction',
    logfile: join(directory, 'redis.log'),
    pidfile: pidFile(server),
    daemonize: 'no',
  };
  const child = spawn(
    binary,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { detached: true, stdio: 'ignore', cwd: directory },
  );
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `code ${String(code)}`}`));
  });
  let failure: string | null = null;
  void ended.then((why) => {
    failure = why;
  });
  child.unref();
  while (!(await serverAnswers(server, clock))) {
    if (failure !== null) throw await startFailure(server, failure);
    if (clock.now() > giveUpAt)
      throw await startFailure(server, `it did not answer within ${String(START_MS / 1_000)} s`);
    await clock.sleep(POLL_MS);
  }
}

function pidFile(server: ManagedServer): string {
  return join(server.directory, 'redis.pid');
}

async function startFailure(server: ManagedServer, why: string): Promise<CoordError> {
  const log = await readFile(join(server.directory, 'redis.log'), 'utf8').catch(() => '');
  const tail = log.trimEnd().split('\n').slice(-5).join('\n');
  return new CoordError(
    'REDIS_START_FAILED',
    `the private redis-server in ${server.directory} did not start: ${why}${tail === '' ? '' : `\n${tail}`}`,
  );
}
