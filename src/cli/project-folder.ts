/** Where a project begins: the top of the git repository around a folder, else the folder itself. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CoordError } from '../core/errors.js';

/** The folder that a command works in: `given` from the command line, seen from `cwd`. Throws USAGE. */
export function workingFolder(cwd: string, given: string | undefined): string {
  const folder = resolve(cwd, given ?? '.');
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new CoordError('USAGE', `there is no folder ${folder}`);
  // One project has one path, whichever link leads to it: its private server and its host are found by it.
  return realpathSync(folder);
}

/** `.git` is a folder, or in a linked worktree or submodule a file. */
export function projectFolder(folder: string): string {
  return repositoryTop(folder) ?? folder;
}

export function repositoryTop(folder: string): string | null {
  for (let top = folder; ; top = dirname(top)) {
    if (existsSync(join(top, '.git'))) return top;
    if (dirname(top) === top) return null;
  }
}
