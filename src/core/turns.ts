/**
 * One at a time: inside this process by a queue per name, between the processes of this machine by a lock file that
 * names its holder, so that the lock of a process that died is taken away at once and that of a slow one never.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Clock } from './clock.js';
import { CoordError } from './errors.js';
import { identityOf, isAlive } from './processes.js';

const holderSchema = z.strictObject({ pid: z.int().min(2), startTime: z.string().nullable(), turn: z.int() });
const POLL_MS = 25;

const queues = new Map<string, Promise<unknown>>();
let turns = 0;

/** Runs `body` when all earlier bodies of that name have ended. */
export async function inTurn<T>(name: string, body: () => Promise<T>): Promise<T> {
  const before = queues.get(name) ?? Promise.resolve();
  const mine = before.then(body, body);
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  queues.set(name, settled);
  try {
    return await mine;
  } finally {
    if (queues.get(name) === settled) queues.delete(name);
  }
}

/** Like `inTurn`, and alone among the processes of this machine. `path` is the lock file. Throws when aborted. */
export async function withLock<T>(
  path: string,
  means: { readonly clock: Clock; readonly signal?: AbortSignal | undefined },
  body: () => Promise<T>,
): Promise<T> {
  return await inTurn(path, async () => {
    const mine = `${JSON.stringify({ ...identityOf(process.pid), turn: ++turns })}\n`;
    while (!take(path, mine)) {
      if (means.signal?.aborted === true) throw new CoordError('GIT_FAILED', `gave up waiting for ${path}`);
      await means.clock.sleep(POLL_MS, means.signal);
    }
    try {
      return await body();
    } finally {
      if (read(path) === mine) rmSync(path, { force: true });
    }
  });
}

/** A link is made whole or not at all, so nobody ever reads half a lock file. */
function take(path: string, mine: string): boolean {
  const draft = `${path}.${String(process.pid)}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(draft, mine);
  try {
    linkSync(draft, path);
    return true;
  } catch {
    breakStale(path, draft);
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

function breakStale(path: string, draft: string): void {
  const seen = read(path);
  if (seen === null || !isStale(seen)) return;
  const aside = `${draft}.stale`;
  try {
    renameSync(path, aside);
    // Between reading and renaming another process may have done the same and taken the lock: then give it back.
    if (read(aside) !== seen) linkSync(aside, path);
  } catch {
    // Gone already, or taken anew: the next try sees it.
  }
  rmSync(aside, { force: true });
}

function isStale(text: string): boolean {
  try {
    const { pid, startTime } = holderSchema.parse(JSON.parse(text));
    return isAlive({ pid, startTime }) === 'no';
  } catch {
    return true;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
