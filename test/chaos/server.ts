/**
 * The redis-server of a chaos run, which can lose what no fsync has reached: kill -9 alone loses nothing, since the
 * kernel keeps written pages. The shim notes how much of each append-only file is on the disk; `cutPower` kills the
 * server and cuts the files off there.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemClock } from '../../src/core/clock.js';
import { serverAnswers } from '../../src/redis/managed-server.js';

export type FsyncMode = 'always' | 'everysec' | 'no';

export interface VictimServerParams {
  readonly directory: string;
  readonly binary: string;
  readonly fsync: FsyncMode;
  /** Shared object of the shim. */
  readonly shim: string;
}

export class VictimServer {
  readonly socket: string;
  readonly directory: string;
  readonly #params: VictimServerParams;
  readonly #synced: string;
  #child: ChildProcess | null = null;

  constructor(params: VictimServerParams) {
    this.#params = params;
    this.directory = params.directory;
    this.socket = join(params.directory, 'redis.sock');
    this.#synced = join(params.directory, 'synced');
    // It does not outlive whoever started it.
    process.on('exit', () => this.#child?.kill('SIGKILL'));
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const { directory, binary, fsync, shim } = this.#params;
    mkdirSync(this.#synced, { recursive: true });
    const settings = {
      port: '0',
      unixsocket: this.socket,
      dir: directory,
      appendonly: 'yes',
      appendfsync: fsync,
      save: '',
      'maxmemory-policy': 'noeviction',
      logfile: join(directory, 'redis.log'),
    };
    const child = spawn(
      binary,
      Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      { cwd: directory, stdio: 'ignore', env: { ...process.env, LD_PRELOAD: shim, FSYNC_SHIM_DIR: this.#synced } },
    );
    this.#child = child;
    let failed: string | null = null;
    child.once('error', (error) => {
      failed = error.message;
    });
    child.once('exit', (code, signal) => {
      failed = `it ended with ${signal ?? `code ${String(code)}`}`;
    });
    const server = { socket: this.socket, directory };
    while (!(await serverAnswers(server, systemClock))) {
      if (failed !== null)
        throw new Error(`redis-server did not start: ${String(failed)}; see ${join(directory, 'redis.log')}`);
      await delay(5);
    }
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill('SIGKILL');
    await gone;
    this.#child = null;
  }

  /** kill -9, and nothing that was not synced is there any more. Returns how many bytes that was. */
  async cutPower(): Promise<number> {
    await this.kill();
    const folder = join(this.directory, 'appendonlydir');
    let lost = 0;
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.incr.aof'))) {
      const path = join(folder, name);
      const { size } = statSync(path);
      const synced = Math.min(size, this.#syncedBytes(name));
      truncateSync(path, synced);
      lost += size - synced;
    }
    appendFileSync(join(this.directory, 'cuts'), `${new Date().toISOString()} ${String(lost)}\n`);
    return lost;
  }

  #syncedBytes(name: string): number {
    try {
      return Number(readFileSync(join(this.#synced, name), 'utf8'));
    } catch {
      return 0;
    }
  }
}

/** Compiles the shim into a folder; returns the path of the shared object. */
export async function buildShim(source: string, folder: string): Promise<string> {
  const target = join(folder, 'fsync-shim.so');
  mkdirSync(dirname(target), { recursive: true });
  try {
    await promisify(execFile)('cc', ['-O1', '-shared', '-fPIC', '-o', target, source, '-ldl']);
  } catch (error) {
    throw new Error(
      'the fsync shim needs a C compiler: bin/setup --tests installs one (apt-get install gcc libc6-dev)',
      {
        cause: error,
      },
    );
  }
  return target;
}
