/**
 * Git for persona programs: reads the repository in the current folder, and never lets the repository's own
 * configuration start another program (no hooks, no file-system monitor, no external diff, no text conversion).
 */
import { spawnSync } from 'node:child_process';

const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'core.quotePath=false'];
const LIMIT_BYTES = 64 * 1024 * 1024;

/** Output of one git command, as text. Throws when git fails. */
export function git(args, { input } = {}) {
  const done = tryGit(args, { input });
  if (done.status !== 0) throw new Error(`git ${args[0]} failed: ${done.stderr.trim() || `exit code ${done.status}`}`);
  return done.stdout;
}

/** The same without throwing on an exit code: for questions whose answer is the exit code. */
export function tryGit(args, { input } = {}) {
  // Without optional locks: a persona that only looks must not be in the way of one that works beside it.
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0' };
  const done = spawnSync('git', [...SAFE, ...args], {
    input: input ?? '',
    encoding: 'utf8',
    maxBuffer: LIMIT_BYTES,
    env,
  });
  if (done.error) throw new Error(`git ${args[0]} could not run: ${done.error.message}`);
  return done;
}

/** Text of a file at a commit, or null when the commit does not have it. */
export function fileAt(commit, path) {
  const done = tryGit(['cat-file', 'blob', `${commit}:${path}`]);
  return done.status === 0 ? done.stdout : null;
}
