/** Questions about the user's repository. Nothing here changes it. */
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { git, gitText } from './git.js';

export interface Repository {
  /** Absolute path of its top folder. */
  readonly top: string;
  /** Commit that HEAD stands at. */
  readonly head: string;
  /** Null when HEAD is detached. */
  readonly currentBranch: string | null;
  /** Whether there are changes that are not committed; a run does not see them. */
  readonly dirty: boolean;
}

/** The repository that `path` lies in. Throws WORKSPACE_INVALID when there is none, or none with a commit. */
export async function openRepository(path: string, clock: Clock): Promise<Repository> {
  const inside = await gitText(path, ['rev-parse', '--show-toplevel'], { clock }).catch((error: unknown) => {
    const message = `${path} is not in the working tree of a git repository (try "git init"): ${messageOf(error)}`;
    throw new CoordError('WORKSPACE_INVALID', message, { cause: error });
  });
  const options = { clock, answers: [0, 1, 128] };
  const head = await git(inside, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], options);
  if (head.code !== 0) {
    throw new CoordError('WORKSPACE_INVALID', `the repository ${inside} has no commit yet; make the first one`);
  }
  const branch = await git(inside, ['symbolic-ref', '--quiet', '--short', 'HEAD'], options);
  const status = await gitText(inside, ['status', '--porcelain', '-z'], { clock });
  return {
    top: inside,
    head: head.stdout.trim(),
    currentBranch: branch.code === 0 ? branch.stdout.trim() : null,
    dirty: status !== '',
  };
}

/** Throws WORKSPACE_INVALID unless git takes the name, exactly as it stands, for a branch. */
export async function checkBranchName(directory: string, branch: string, clock: Clock): Promise<void> {
  const refuse = (why: string): never => {
    throw new CoordError('WORKSPACE_INVALID', `branch name ${JSON.stringify(branch)} ${why}; choose another`);
  };
  if (branch.startsWith('-')) refuse('starts with "-"');
  if (branch.length > 200 || branch.includes('\0')) refuse('is too long or holds NUL');
  if (branch.startsWith('refs/') || branch === 'HEAD') refuse('is not the name of a branch');
  const checked = await git(directory, ['check-ref-format', '--branch', branch], { clock, answers: [0, 1, 128, 129] });
  // The answer differs from the question for "@{-1}", which means the branch before this one.
  if (checked.code !== 0 || checked.stdout.trim() !== branch) refuse('is not one that git allows');
}
