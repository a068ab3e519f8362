/**
 * The run's worktree as git operations see it: where its branch stands, what a name means there, who commits and when,
 * and being alone in it. No program that only the repository's own configuration names is run, but filters: they are
 * how the files are stored, and without one that encrypts, plain text would be committed.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Workspace } from '../core/exchange.js';
import { didYouMean } from '../core/suggest.js';
import { refuse } from './git-arguments.js';
import { type GitOptions, git, type GitResult, identity } from './git.js';
import { aloneInWorktree, Worktree } from './worktree.js';

export interface GitPlaceParams {
  readonly run: string;
  readonly workspace: Workspace;
  /** The run's worktree. */
  readonly directory: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type More = Omit<GitOptions, 'clock' | 'signal'>;

/** As the expected old value of a ref: it must not exist yet. */
const NO_COMMIT = '';
const SSH = 'ssh -oBatchMode=yes';
const PROGRAMS = String.raw`^(core\.(sshcommand|gitproxy|alternaterefscommand)|diff\.external|diff\..*\.(command|textconv)|merge\..*\.driver)$`;

export class GitPlace {
  readonly run: string;
  /** The run's branch. */
  readonly branch: string;
  readonly #params: GitPlaceParams;
  readonly #worktree: Worktree;
  #settings: Promise<Readonly<Record<string, string>>> | null = null;

  constructor(params: GitPlaceParams) {
    const { run, workspace, clock, signal } = params;
    this.#params = params;
    this.run = run;
    this.branch = workspace.branch;
    this.#worktree = new Worktree({ repo: workspace.repo, run, clock, signal });
  }

  /** Throws GIT_FAILED, as all that follow. */
  async git(args: readonly string[], more: More = {}): Promise<GitResult> {
    const { directory, clock, signal } = this.#params;
    const environment = { ...(await this.#programs()), ...more.environment };
    return await git(directory, args, { ...more, clock, signal, environment });
  }

  async text(args: readonly string[], more: More = {}): Promise<string> {
    return (await this.git(args, more)).stdout.trim();
  }

  /** Commit that the run stands at. */
  async head(): Promise<string> {
    return await this.text(['rev-parse', '--verify', 'HEAD^{commit}']);
  }

  /** The commit that a full ref name stands for, or null. */
  async commitOf(ref: string): Promise<string | null> {
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`];
    const found = await this.git(args, { answers: [0, 1, 128] });
    return found.code === 0 ? found.stdout.trim() : null;
  }

  /**
   * What a checked name stands for: a branch, else a branch of a remote as last fetched (`origin/x`), else a tag, else
   * the id of a commit. Throws GIT_REFUSED when it is none of these.
   */
  async resolve(name: string): Promise<string> {
    for (const prefix of ['refs/heads/', 'refs/remotes/', 'refs/tags/']) {
      const commit = await this.commitOf(`${prefix}${name}`);
      if (commit !== null) return commit;
    }
    const commit = /^[0-9a-f]{7,64}$/.test(name) ? await this.commitOf(name) : null;
    return commit ?? (await this.#unknown(name));
  }

  async contains(commit: string, other: string): Promise<boolean> {
    // 128: this repository has never seen one of them.
    const answer = await this.git(['merge-base', '--is-ancestor', other, commit], { answers: [0, 1, 128] });
    return answer.code === 0;
  }

  /** Throws GIT_FAILED when the ref is not at `before` any more; null: when it exists. */
  async setRef(ref: string, commit: string, before: string | null): Promise<void> {
    await this.git(['update-ref', ref, commit, before ?? NO_COMMIT]);
  }

  /**
   * Environment of a commit on top of these: the user's or coord's identity, and the time of the newest of them, so that
   * the same operation on the same commits gives the same commit however often it is repeated.
   */
  async committing(...parents: readonly string[]): Promise<Readonly<Record<string, string>>> {
    const { directory, clock, signal } = this.#params;
    const times = await this.text(['log', '--no-walk', '--no-show-signature', '--format=%ct', ...parents, '--']);
    const date = `@${String(Math.max(...times.split('\n').map(Number)))} +0000`;
    return { ...(await identity(directory, { clock, signal })), GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
  }

  /** While nobody else changes the worktree or its branch. Throws WORKSPACE_INVALID when it is not the run's any more. */
  async alone<T>(body: (head: string) => Promise<T>): Promise<T> {
    const { workspace, clock, signal } = this.#params;
    return await aloneInWorktree({ repo: workspace.repo, run: this.run, clock, signal }, async () => {
      const fine = await this.#worktree.exists();
      const on = fine ? await this.git(['symbolic-ref', '--quiet', 'HEAD'], { answers: [0, 1] }) : null;
      if (on?.stdout.trim() !== `refs/heads/${this.branch}`) {
        const message = `the worktree ${this.#worktree.path} does not stand on the run's branch "${this.branch}"`;
        throw new CoordError('WORKSPACE_INVALID', message);
      }
      return await body(await this.head());
    });
  }

  /** As `alone`, in a tree without changes. Throws WORKSPACE_INVALID when another step of the run is making some. */
  async aloneAndClean<T>(body: (head: string) => Promise<T>): Promise<T> {
    return await this.alone(async (head) => {
      if (await this.#worktree.isDirty()) {
        const message = 'another step of the run has unfinished changes in the worktree; let this step depend on it';
        throw new CoordError('WORKSPACE_INVALID', message);
      }
      return await body(head);
    });
  }

  /** Puts branch and files at the commit; what it does not contain is kept under `refs/coord/<run>/`. */
  async putAt(commit: string): Promise<void> {
    await this.#worktree.save(this.branch, commit);
    await this.#worktree.reset(this.branch, commit);
  }

  /** Keeps a commit that the branch is about to leave, unless its successor contains it. */
  async keep(commit: string, successor: string): Promise<void> {
    await this.#worktree.keep(commit, successor);
  }

  async conflicts(): Promise<readonly string[]> {
    const { stdout } = await this.git([
      'diff',
      '--name-only',
      '--diff-filter=U',
      '--no-ext-diff',
      '--no-textconv',
      '-z',
    ]);
    return [...new Set(stdout.split('\0').filter((name) => name !== ''))];
  }

  async #unknown(name: string): Promise<never> {
    const refs = await this.text([
      'for-each-ref',
      '--count=1000',
      '--format=%(refname:lstrip=2)',
      'refs/heads',
      'refs/remotes',
    ]);
    const known = refs.split('\n').filter((ref) => ref !== '');
    const advice = 'make it with the operation "branch", or fetch it with "sync"';
    return refuse(
      `there is no branch, tag or commit "${name}".${didYouMean(name, known)} If it is a branch, ${advice}.`,
    );
  }

  async #programs(): Promise<Readonly<Record<string, string>>> {
    const { directory, clock, signal } = this.#params;
    this.#settings ??= harmless(directory, { clock, signal });
    return await this.#settings;
  }
}

/** Environment that replaces every program which only the repository's own configuration names. */
async function harmless(directory: string, options: GitOptions): Promise<Readonly<Record<string, string>>> {
  const args = ['config', '--show-scope', '-z', '--get-regexp', PROGRAMS];
  const { stdout } = await git(directory, args, { ...options, answers: [0, 1] });
  // Scope, then key and value, by turns.
  const words = stdout.split('\0');
  const entries = words.flatMap((scope, index): { scope: string; key: string }[] =>
    index % 2 === 1 || index + 1 >= words.length ? [] : [{ scope, key: (words[index + 1] ?? '').split('\n')[0] ?? '' }],
  );
  const own = entries.filter(({ scope }) => scope === 'local' || scope === 'worktree').map(({ key }) => key);
  const environment: Record<string, string> = {};
  for (const [index, key] of [...new Set(own)].entries()) {
    environment[`GIT_CONFIG_KEY_${String(index)}`] = key;
    // A merge driver that fails leaves a conflict; one that does nothing would lose the other side.
    environment[`GIT_CONFIG_VALUE_${String(index)}`] = key.endsWith('.driver') ? 'false' : '';
  }
  environment['GIT_CONFIG_COUNT'] = String(new Set(own).size);
  // The user's own choice of ssh stands.
  const chosen = entries.some(
    ({ scope, key }) => key === 'core.sshcommand' && (scope === 'global' || scope === 'system'),
  );
  return chosen && !own.includes('core.sshcommand') ? environment : { ...environment, GIT_SSH_COMMAND: SSH };
}
