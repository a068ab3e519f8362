/**
 * Finds a server program that coord can start for a project, or says why there is none and what to do. A Redis that
 * runs already on this machine may hold somebody's data: it is named, and used only by who asks for it.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../core/clock.js';
import { parseAddress } from '../redis/address.js';
import { OLDEST_MAJOR } from '../redis/known-versions.js';
import { inspectRedis } from '../redis/suitability.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export type FoundBinary = { readonly binary: string } | { readonly binary: null; readonly why: string };

const INSTALL = process.platform === 'darwin' ? 'brew install valkey' : 'sudo apt-get install -y redis-server';
const LOCAL = 'redis://127.0.0.1:6379';

/** COORD_REDIS_BIN, then redis-server or valkey-server on PATH and in the usual places that may not be on it. */
export async function findRedisBinary(env: Environment): Promise<FoundBinary> {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/opt/homebrew/bin'].filter(
    (folder) => folder !== '',
  );
  const places = ['redis-server', 'valkey-server'].flatMap((name) => folders.map((folder) => join(folder, name)));
  const chosen = env['COORD_REDIS_BIN'] ?? '';
  const tooOld: string[] = [];
  for (const binary of [...(chosen === '' ? [] : [chosen]), ...new Set(places)].filter(isExecutable)) {
    const version = await versionOf(binary);
    if (version !== null && Number(version.split('.')[0]) >= OLDEST_MAJOR) return { binary };
    tooOld.push(version === null ? `${binary} does not tell its version` : `${binary} is ${version}`);
  }
  const why =
    tooOld.length === 0 ? 'no redis-server was found' : `no fitting redis-server was found (${tooOld.join('; ')})`;
  return { binary: null, why };
}

/** What to do without a server program: install one, or agree to use the Redis that runs here. */
export async function cureFor(clock: Clock): Promise<string> {
  const local = await inspectRedis(parseAddress(LOCAL), clock, 500).catch(() => null);
  return local === null ? INSTALL : `${INSTALL}, or use the Redis that runs here: --redis ${LOCAL}`;
}

async function versionOf(binary: string): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 5_000 });
    return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
