/** Real git repositories in temporary folders. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aFolder } from './requests.js';

/** Runs git as the user would, with a fixed identity and without the machine's configuration. */
export function gitIn(folder: string, ...args: readonly string[]): string {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'));
  const identity = {
    GIT_AUTHOR_NAME: 'u',
    GIT_AUTHOR_EMAIL: 'u@x',
    GIT_COMMITTER_NAME: 'u',
    GIT_COMMITTER_EMAIL: 'u@x',
  };
  const env = { ...Object.fromEntries(inherited), ...identity, GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', [...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

/** A repository with one commit of `a.txt` on branch `main`. */
export function aRepository(): { repo: string; base: string } {
  const repo = aFolder();
  gitIn(repo, 'init', '-q', '-b', 'main');
  writeFileSync(join(repo, 'a.txt'), 'a\n');
  writeFileSync(join(repo, '.gitignore'), 'ignored/\n');
  gitIn(repo, 'add', '-A');
  gitIn(repo, 'commit', '-q', '-m', 'first');
  return { repo, base: gitIn(repo, 'rev-parse', 'HEAD') };
}
