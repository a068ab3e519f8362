/**
 * Where the attempts of a run work: when its worktree is made, saved, reset, shared, committed and removed. Steps that
 * run at the same time share it; an attempt that finds it empty of others starts from exactly the commit it names.
 */
import { isAbsolute } from 'node:path';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { RUN_ID } from '../core/ids.js';
import type { PersonaReply, PersonaRequest } from '../core/exchange.js';
import type { AttemptFiles } from './attempt-files.js';
import { git, type GitOptions, gitText } from './git.js';
import { plainLine } from './plain-text.js';
import { checkBranchName } from './repository.js';
import { inTurn } from '../core/turns.js';
import { aloneInWorktree, runsWithWorktree, Worktree } from './worktree.js';

/** The part of a request that says where and for whom to work. */
export type WorkspaceRequest = Pick<PersonaRequest, 'run' | 'step' | 'attempt' | 'persona' | 'token'> & {
  readonly worker: string;
  readonly workspace: NonNullable<PersonaRequest['workspace']>;
};

const POLL_MS = 100;

export class Workspaces {
  readonly #clock: Clock;
  readonly #attempts: AttemptFiles;

  constructor(means: { readonly clock: Clock; readonly attempts: AttemptFiles }) {
    this.#clock = means.clock;
    this.#attempts = means.attempts;
  }

  /**
   * Makes the worktree ready for an attempt, whose attempt file is open already, and returns its folder. Waits for an
   * earlier attempt of the same step on this machine to end, and for all of the run that were told to end. Throws
   * WORKSPACE_INVALID or GIT_FAILED.
   */
  async prepare(request: WorkspaceRequest, signal: AbortSignal): Promise<string> {
    await this.#check(request);
    this.#attempts.reap();
    for (;;) {
      await this.#othersEnd(request, signal);
      const path = await this.#alone(request, signal, async () => {
        // Not waited for in here: one that ends may need this lock to do so.
        return this.#live(request).some(({ ending }) => ending) ? null : await this.#ready(request, signal);
      });
      if (path !== null) return path;
    }
  }

  async #othersEnd(request: WorkspaceRequest, signal: AbortSignal): Promise<void> {
    while (this.#live(request).some(({ step, ending }) => ending || step === request.step)) {
      if (signal.aborted) throw new CoordError('WORKSPACE_INVALID', 'gave up waiting for an earlier attempt to end');
      await this.#clock.sleep(POLL_MS, signal);
    }
  }

  /** Alone in the worktree, with nobody in it that was told to end. */
  async #ready(request: WorkspaceRequest, signal: AbortSignal): Promise<string> {
    const { repo, base, branch, commit } = request.workspace;
    const worktree = new Worktree({ repo, run: request.run, clock: this.#clock, signal });
    // Making a worktree takes locks of the whole repository.
    await inTurn(`repository ${repo}`, async () => {
      if (!(await worktree.exists())) await worktree.create(branch, { base, commit });
    });
    // One that waits for this lock as well has not touched the tree yet.
    const shared = this.#live(request).some((other) => other.prepared);
    if (!shared && !(await worktree.isAt(branch, commit))) {
      await worktree.save(branch, commit);
      await worktree.reset(branch, commit);
    }
    if (!shared) await worktree.noteStep(request.step);
    this.#attempts.markPrepared(request);
    return worktree.path;
  }

  /**
   * Ends an attempt in its worktree: after a pass everything is committed and the run's branch stands at the commit
   * handed to `then`, with its tree. Otherwise all is left as it is (the next attempt saves it); with `keeps`, what is done so
   * far is kept beside the branch and its commit handed to `then`, so that whoever goes on can begin with it. No other
   * attempt of the run concludes until `then` has ended, so replies carry commits in the order they were made.
   */
  async conclude<T>(
    request: WorkspaceRequest,
    end: {
      readonly status: PersonaReply['status'];
      readonly signal?: AbortSignal;
      /** Whether what it has done is of use to the next attempt, although it did not pass. */
      readonly keeps?: boolean;
    },
    then: (commit: string | null, tree: string | null) => Promise<T>,
  ): Promise<T> {
    // Who asks people goes on from what it has done so far.
    const passes = end.status === 'pass' || end.status === 'needs_input';
    if (!passes && end.keeps !== true) return await then(null, null);
    if (!passes) return await this.#concludeUnfinished(request, end.signal, then);
    const { repo, branch } = request.workspace;
    return await this.#alone(request, end.signal, async () => {
      const worktree = new Worktree({ repo, run: request.run, clock: this.#clock, signal: end.signal });
      if (!(await worktree.exists())) {
        const message = `the persona has damaged its worktree ${worktree.path}: it is not the one that was made for the run`;
        throw new CoordError('WORKSPACE_INVALID', message);
      }
      const commit = await worktree.commitAll(branch, commitMessage(request));
      return await then(commit, await treeOf(repo, commit, { clock: this.#clock, signal: end.signal }));
    });
  }

  /** The error is what is told, whatever becomes of the worktree. */
  async #concludeUnfinished<T>(
    request: WorkspaceRequest,
    signal: AbortSignal | undefined,
    then: (commit: string | null, tree: string | null) => Promise<T>,
  ): Promise<T> {
    let told = false;
    try {
      return await this.#alone(request, signal, async () => {
        const commit = await this.#unfinished(request, signal);
        told = true;
        return await then(commit, null);
      });
    } catch (error) {
      if (told) throw error;
      return await then(null, null);
    }
  }

  /** The commit of what an attempt has done that failed; null for nothing, and for what cannot be committed. */
  async #unfinished(request: WorkspaceRequest, signal: AbortSignal | undefined): Promise<string | null> {
    const { repo, commit } = request.workspace;
    // Of what lies there, others may have done a part.
    if (this.#live(request).some((other) => other.prepared)) return null;
    const worktree = new Worktree({ repo, run: request.run, clock: this.#clock, signal });
    try {
      return (await worktree.exists()) ? await worktree.keepUnfinished(commit) : null;
    } catch {
      // A full disk: it stays where it is, and the next attempt saves what it can.
      return null;
    }
  }

  /** The worktrees of a repository, each with the time of its last visible change, ms since the epoch. */
  async list(repo: string): Promise<readonly { readonly run: string; readonly changedAt: number }[]> {
    const found: { readonly run: string; readonly changedAt: number }[] = [];
    for (const run of await runsWithWorktree(repo)) {
      found.push({ run, changedAt: await new Worktree({ repo, run, clock: this.#clock }).changedAt() });
    }
    return found;
  }

  /** Whether an attempt of the run works on this machine, or is about to. */
  isWorking(run: string): boolean {
    return this.#attempts.live(run, null).length > 0;
  }

  /**
   * Removes a run's worktree when nothing works in it. Uncommitted changes are kept under `refs/coord/<run>/`, files
   * that git ignores are not; branches stay. Throws WORKSPACE_INVALID when an attempt still runs in it.
   */
  async remove(repo: string, run: string): Promise<void> {
    checkRun(run);
    await aloneInWorktree({ repo, run, clock: this.#clock }, async () => {
      const [live] = this.#attempts.live(run, null);
      if (live !== undefined) {
        const message = `step "${live.step}" of run ${run} still works in its worktree; cancel the run first`;
        throw new CoordError('WORKSPACE_INVALID', message);
      }
      const worktree = new Worktree({ repo, run, clock: this.#clock });
      await inTurn(`repository ${repo}`, async () => {
        if (await worktree.exists()) await worktree.remove();
        else await worktree.prune();
      });
    });
  }

  #live(request: WorkspaceRequest): ReturnType<AttemptFiles['live']> {
    return this.#attempts.live(request.run, request);
  }

  async #alone<T>(request: WorkspaceRequest, signal: AbortSignal | undefined, body: () => Promise<T>): Promise<T> {
    const place = { repo: request.workspace.repo, run: request.run, clock: this.#clock, signal };
    return await aloneInWorktree(place, body);
  }

  /** A request is data from outside: every name in it is checked before git sees it. */
  async #check(request: WorkspaceRequest): Promise<void> {
    const { repo, base, branch, commit } = request.workspace;
    checkRun(request.run);
    if (!isAbsolute(repo)) throw new CoordError('WORKSPACE_INVALID', `repository path "${repo}" is not absolute`);
    for (const [name, id] of [
      ['base', base],
      ['commit', commit],
    ] as const) {
      if (!/^[0-9a-f]{40,64}$/.test(id)) throw new CoordError('WORKSPACE_INVALID', `workspace.${name} is no commit id`);
    }
    const top = await git(repo, ['rev-parse', '--show-toplevel'], { clock: this.#clock }).catch((error: unknown) => {
      const message = `${repo} is not the top folder of a git repository on this machine`;
      throw new CoordError('WORKSPACE_INVALID', message, { cause: error });
    });
    await checkBranchName(top.stdout.trim(), branch, this.#clock);
    for (const id of [base, commit]) {
      const found = await git(repo, ['cat-file', '-e', `${id}^{commit}`], { clock: this.#clock, answers: [0, 1, 128] });
      if (found.code === 0) continue;
      const message = `commit ${id} is not in the repository ${repo} of this machine; was the run started on another one?`;
      throw new CoordError('WORKSPACE_INVALID', message);
    }
  }
}

/** The files of a commit, as git names them. */
async function treeOf(repo: string, commit: string, options: GitOptions): Promise<string> {
  return await gitText(repo, ['rev-parse', '--verify', `${commit}^{tree}`], options);
}

function checkRun(run: string): void {
  if (!RUN_ID.test(run)) throw new CoordError('WORKSPACE_INVALID', `run id ${JSON.stringify(run)} is not one`);
}

function commitMessage(request: WorkspaceRequest): string {
  const { run, step, persona, attempt, token } = request;
  const subject = `${plainLine(step)}: ${plainLine(persona)} (attempt ${String(attempt)})`;
  const trailers = [`Coord-Run: ${run}`, `Coord-Step: ${plainLine(step)}`, `Coord-Token: ${plainLine(token)}`];
  return `${subject}\n\n${trailers.join('\n')}\n`;
}
