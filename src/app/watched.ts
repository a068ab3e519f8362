/** What schedules look at outside the store: the commit of a branch, or the content of files. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScheduleSpec } from '../coordinator/client-schedules.js';
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { globFolder, globMatcher } from '../core/glob.js';
import { sha256 } from '../core/json.js';
import { git } from '../personas/git.js';

const IGNORED: ReadonlySet<string> = new Set(['.git', '.coord', 'node_modules']);
/** Files of one schedule: its record has a line for each. */
const FILES_MOST = 500;
const LOOKED_AT_MOST = 100_000;
/** Larger ones are judged by their size and time. */
const READ_MOST_BYTES = 16 * 1024 * 1024;
const HASH_DIGITS = 12;

/** What there is to see, by name. Throws WORKSPACE_INVALID when it cannot be looked at. */
export type Look = (spec: Pick<ScheduleSpec, 'trigger' | 'repo'>) => Promise<Readonly<Record<string, string>>>;

export function createLook(clock: Clock): Look {
  /** Path → its time and size when it was read, and what was in it. */
  const known = new Map<string, { readonly stamp: string; readonly hash: string }>();

  async function hashOf(file: string): Promise<string | null> {
    const about = await stat(file).catch(() => null);
    if (about === null || !about.isFile()) return null;
    const stamp = `${String(about.mtimeMs)} ${String(about.size)} ${String(about.ino)}`;
    const before = known.get(file);
    if (before?.stamp === stamp) return before.hash;
    if (about.size > READ_MOST_BYTES) return sha256(stamp).slice(0, HASH_DIGITS);
    const content = await readFile(file).catch(() => null);
    if (content === null) return null;
    const hash = sha256(content).slice(0, HASH_DIGITS);
    known.set(file, { stamp, hash });
    return hash;
  }

  async function filesIn(folder: string, pattern: string): Promise<Readonly<Record<string, string>>> {
    const fits = globMatcher(pattern);
    const found: [string, string][] = [];
    const folders = [globFolder(pattern)];
    let looked = 0;
    for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
      const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
      looked += entries.length;
      if (looked > LOOKED_AT_MOST) throw tooMany(folder, pattern, 'is among', LOOKED_AT_MOST);
      for (const entry of entries) {
        const path = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.isDirectory() && !IGNORED.has(entry.name)) folders.push(path);
        const hash = entry.isFile() && fits(path) ? await hashOf(join(folder, path)) : null;
        if (hash !== null) found.push([path, hash]);
      }
      if (found.length > FILES_MOST) throw tooMany(folder, pattern, 'names', FILES_MOST);
    }
    return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  return async ({ trigger, repo }) => {
    if (trigger.kind === 'branch') return branchOf(repo ?? '', trigger.branch, clock);
    if (trigger.kind !== 'files') return {};
    const { folder, files } = trigger;
    const about = await stat(folder).catch((error: unknown) => {
      throw new CoordError('WORKSPACE_INVALID', `the folder ${folder} cannot be looked at: ${messageOf(error)}`);
    });
    if (!about.isDirectory()) throw new CoordError('WORKSPACE_INVALID', `${folder} is no folder`);
    return filesIn(folder, files);
  };
}

/** Empty while there is no such branch. */
async function branchOf(repo: string, branch: string, clock: Clock): Promise<Readonly<Record<string, string>>> {
  const name = `refs/heads/${branch}^{commit}`;
  const answer = await git(repo, ['rev-parse', '--verify', '--quiet', name], { clock, answers: [0, 1] }).catch(
    (error: unknown) => {
      throw new CoordError('WORKSPACE_INVALID', `branch ${branch} of ${repo} cannot be looked at: ${messageOf(error)}`);
    },
  );
  return answer.code === 0 ? { [branch]: answer.stdout.trim() } : {};
}

function tooMany(folder: string, pattern: string, what: string, most: number): CoordError {
  return new CoordError(
    'WORKSPACE_INVALID',
    `"${pattern}" ${what} more than ${String(most)} files below ${folder}; watch fewer`,
  );
}
