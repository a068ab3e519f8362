/**
 * The worktree of one run: made, healed, saved and reset. Everything that would disappear is first kept as a commit
 * under `refs/coord/<run>/`. The user's checkout, index and HEAD are never touched: every command runs inside the
 * worktree, and git may not look for a repository above it.
 */
import { copyFile, lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { RUN_ID } from '../core/ids.js';
import { withLock } from '../core/turns.js';
import { fileSafe } from './attempt-files.js';
import { COORD_IDENTITY, type GitOptions, git, type GitResult, gitText, identity } from './git.js';

export interface WorktreePlace {
  /** Top folder of the repository. */
  readonly repo: string;
  readonly run: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
}

/** As the expected old value of a ref: it must not exist yet. */
const NO_COMMIT = '';

export class Worktree {
  readonly path: string;
  readonly #folder: string;
  readonly #place: WorktreePlace;

  constructor(place: WorktreePlace) {
    this.#place = place;
    this.#folder = worktreesFolder(place.repo);
    this.path = join(this.#folder, place.run);
  }

  /**
   * Whether the folder is the worktree that this repository knows by it. A persona can point its `.git` elsewhere, at the
   * user's own checkout even, and every command here would then work there: so the private git folder is looked at, and
   * must point back.
   */
  async exists(): Promise<boolean> {
    try {
      const [top, gitDir, mine] = await Promise.all([
        this.#text(['rev-parse', '--show-toplevel']),
        this.#gitDir(),
        this.#repoText(['rev-parse', '--path-format=absolute', '--git-common-dir']),
      ]);
      const path = await realpath(this.path);
      const knownTo = join(await realpath(mine), 'worktrees');
      if (top !== path || dirname(await realpath(gitDir)) !== knownTo) return false;
      const back = (await readFile(join(gitDir, 'gitdir'), 'utf8')).trim();
      return (await realpath(dirname(back))) === path;
    } catch {
      return false;
    }
  }

  /** Makes the worktree on its branch; the branch is made at `commit` when it is not there. */
  async create(branch: string, start: { readonly base: string; readonly commit: string }): Promise<void> {
    // A worktree whose making was killed is left locked, and one whose folder is gone is still registered.
    await this.#repo(['worktree', 'unlock', this.path], [0, 128]);
    await this.#moveAside();
    await this.#repo(['worktree', 'prune']);
    const mark = `refs/coord/${this.#place.run}/base`;
    const [ours, tip] = [await this.#commitOf(mark), await this.#commitOf(`refs/heads/${branch}`)];
    if (tip !== null && ours === null) {
      const message = `branch "${branch}" exists already and was not made by run ${this.#place.run}; name another branch`;
      throw new CoordError('WORKSPACE_INVALID', message);
    }
    if (ours === null) await this.#repo(['update-ref', mark, start.base]);
    if (tip === null) await this.#repo(['update-ref', `refs/heads/${branch}`, start.commit, NO_COMMIT]);
    await this.#repo(['worktree', 'add', '--quiet', '--', this.path, branch]);
  }

  /** Keeps what a reset to `commit` would lose: uncommitted changes, and commits that `commit` does not contain. */
  async save(branch: string, commit: string): Promise<void> {
    const name = await this.#lastStep();
    const head = await this.#commitOf('HEAD');
    if (await this.isDirty()) {
      await this.#keep(await this.#snapshot(head, commit), { name, commit });
    } else if (head !== null) {
      await this.#keep(head, { name, commit });
    }
    const tip = await this.#commitOf(`refs/heads/${branch}`);
    if (tip !== null) await this.#keep(tip, { name, commit });
  }

  /** Keeps all that is there and not in `commit`, and leaves it as it lies; returns its commit, or null for nothing. */
  async keepUnfinished(commit: string): Promise<string | null> {
    const head = await this.#commitOf('HEAD');
    const tip = (await this.isDirty()) ? await this.#snapshot(head, commit) : head;
    if (tip === null || (await this.#isIn(tip, commit))) return null;
    await this.#keep(tip, { name: await this.#lastStep(), commit });
    return tip;
  }

  /** Puts branch, index and files at `commit`. Ignored files stay. */
  async reset(branch: string, commit: string): Promise<void> {
    await this.#clearLeftovers(branch);
    await this.#git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
    await this.#git(['reset', '--hard', '--quiet', commit]);
    await this.#git(['clean', '-fdq']);
  }

  async isAt(branch: string, commit: string): Promise<boolean> {
    const head = await this.#commitOf('HEAD');
    return head === commit && (await this.#branch()) === branch && !(await this.isDirty());
  }

  async isDirty(): Promise<boolean> {
    return (await this.#text(['status', '--porcelain', '-z'])) !== '';
  }

  /** Commits whatever is there and puts the branch at it, wherever HEAD was moved to; returns the commit. */
  async commitAll(branch: string, message: string): Promise<string> {
    const unmerged = await this.#text(['ls-files', '--unmerged', '-z']);
    if (unmerged !== '') {
      throw new CoordError('GIT_FAILED', `the worktree ${this.path} is in the middle of a merge with conflicts`);
    }
    await this.#git(['add', '--all', '--', '.']);
    const staged = await this.#git(['diff', '--cached', '--quiet', '--no-ext-diff'], { answers: [0, 1] });
    if (staged.code === 1) {
      const environment = await identity(this.path, this.#options({}));
      await this.#git(['commit', '--quiet', '--no-verify', '--file=-'], { input: message, environment });
    }
    const head = await this.#text(['rev-parse', '--verify', 'HEAD^{commit}']);
    if ((await this.#branch()) !== branch) {
      const tip = await this.#commitOf(`refs/heads/${branch}`);
      if (tip !== null) await this.#keep(tip, { name: await this.#lastStep(), commit: head });
      await this.#git(['update-ref', `refs/heads/${branch}`, head]);
      await this.#git(['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
      await this.#clearLeftovers(branch);
    }
    return head;
  }

  /** Keeps a commit that the branch is about to leave, unless `successor` contains it. */
  async keep(commit: string, successor: string): Promise<void> {
    await this.#keep(commit, { name: await this.#lastStep(), commit: successor });
  }

  /** Remembers whose traces the next `save` finds. */
  async noteStep(step: string): Promise<void> {
    await writeFile(join(await this.#gitDir(), 'coord-step'), step);
  }

  /** When something of it changed last, as seen from outside, ms since the epoch: its top folder, or what git and coord note. */
  async changedAt(): Promise<number> {
    const gitDir = await this.#gitDir().catch(() => this.path);
    const paths = [this.path, gitDir, join(gitDir, 'index'), join(gitDir, 'coord-step')];
    const times = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.mtimeMs ?? 0));
    return Math.max(...times);
  }

  /** Takes the folder away after keeping everything in it but ignored files. Branches and commits stay. */
  async remove(): Promise<void> {
    const head = await this.#commitOf('HEAD');
    const tip = (await this.isDirty()) ? await this.#snapshot(head) : head;
    if (tip !== null) {
      await this.#refuseNested(tip);
      const kept = await this.#text(['for-each-ref', '--count=1', `--contains=${tip}`]);
      if (kept === '') await this.#addRef(tip, await this.#lastStep());
    }
    await this.#repo(['worktree', 'remove', '--force', '--force', '--', this.path]);
  }

  async prune(): Promise<void> {
    await this.#repo(['worktree', 'prune']);
  }

  async #keep(commit: string, why: { readonly name: string; readonly commit: string }): Promise<void> {
    if (await this.#isIn(commit, why.commit)) return;
    const refs = `refs/coord/${this.#place.run}/`;
    const kept = await this.#text(['for-each-ref', '--count=1', `--contains=${commit}`, refs]);
    if (kept === '') await this.#addRef(commit, why.name);
  }

  async #isIn(commit: string, successor: string): Promise<boolean> {
    const found = await this.#git(['merge-base', '--is-ancestor', commit, successor], { answers: [0, 1] });
    return found.code === 0;
  }

  async #addRef(commit: string, step: string): Promise<void> {
    const prefix = `refs/coord/${this.#place.run}/${fileSafe(step)}-`;
    const taken = new Set((await this.#text(['for-each-ref', '--format=%(refname)', `${prefix}*`])).split('\n'));
    let number = 1;
    while (taken.has(`${prefix}${String(number)}`)) number += 1;
    await this.#git(['update-ref', `${prefix}${String(number)}`, commit, NO_COMMIT]);
  }

  /** A commit of everything as it lies there, made with an index of its own; the one that holds it already where there is one. */
  async #snapshot(head: string | null, known: string | null = null): Promise<string> {
    const gitDir = await this.#gitDir();
    const index = join(gitDir, 'coord-index');
    const environment = { ...COORD_IDENTITY, GIT_INDEX_FILE: index };
    await copyFile(join(gitDir, 'index'), index).catch(() => undefined);
    try {
      await this.#git(['add', '--all', '--', '.'], { environment });
      const tree = (await this.#git(['write-tree'], { environment })).stdout.trim();
      if (known !== null && tree === (await this.#text(['rev-parse', `${known}^{tree}`])))
        if (head === null || (await this.#isIn(head, known))) return known;
      const kept = await this.#text([
        'for-each-ref',
        '--format=%(objectname) %(tree) %(parent)',
        `refs/coord/${this.#place.run}/`,
      ]);
      const same = kept.split('\n').find((line) => line.endsWith(` ${tree} ${head ?? ''}`));
      if (same !== undefined) return same.split(' ', 1)[0] ?? '';
      const parents = head === null ? [] : ['-p', head];
      const input = `saved: what ${await this.#lastStep()} left behind\n\nCoord-Run: ${this.#place.run}\n`;
      return (await this.#git(['commit-tree', ...parents, tree], { environment, input })).stdout.trim();
    } finally {
      await Promise.all([index, `${index}.lock`].map((path) => rm(path, { force: true })));
    }
  }

  /** A repository inside the worktree is kept by a commit in name only, so it is not taken away silently. */
  async #refuseNested(commit: string): Promise<void> {
    const entries = (await this.#text(['ls-tree', '-r', '-z', '--full-tree', commit])).split('\0');
    const modules = await this.#git(['cat-file', '-e', `${commit}:.gitmodules`], { answers: [0, 128] });
    const nested = entries.find((entry) => entry.startsWith('160000 '));
    if (nested === undefined || modules.code === 0) return;
    const path = join(this.path, nested.split('\t')[1] ?? '');
    throw new CoordError('WORKSPACE_INVALID', `${path} is a repository of its own; move it away, then try again`);
  }

  /** What a killed git left in the private part of this worktree. The caller knows that nobody else works in it. */
  async #clearLeftovers(branch: string): Promise<void> {
    const own = ['index.lock', 'HEAD.lock', 'rebase-merge', 'rebase-apply', 'sequencer'];
    const common = await this.#text(['rev-parse', '--path-format=absolute', '--git-common-dir']);
    const gitDir = await this.#gitDir();
    const paths = [...own.map((name) => join(gitDir, name)), join(common, 'refs', 'heads', `${branch}.lock`)];
    await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true })));
  }

  async #moveAside(): Promise<void> {
    let number = 0;
    let aside = this.path;
    while (await isThere(aside)) aside = `${this.path}.lost-${String(++number)}`;
    if (number > 0) await rename(this.path, aside);
  }

  async #lastStep(): Promise<string> {
    const text = await readFile(join(await this.#gitDir(), 'coord-step'), 'utf8').catch(() => '');
    return text === '' ? 'unknown' : text;
  }

  async #branch(): Promise<string | null> {
    const head = await this.#git(['symbolic-ref', '--quiet', 'HEAD'], { answers: [0, 1] });
    return head.code === 0 ? head.stdout.trim().replace(/^refs\/heads\//, '') : null;
  }

  async #commitOf(name: string): Promise<string | null> {
    const folder = name === 'HEAD' ? this.path : this.#place.repo;
    const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
    const found = await git(folder, args, this.#options({ answers: [0, 1, 128] }));
    return found.code === 0 ? found.stdout.trim() : null;
  }

  async #gitDir(): Promise<string> {
    return await this.#text(['rev-parse', '--absolute-git-dir']);
  }

  async #text(args: readonly string[]): Promise<string> {
    return await gitText(this.path, args, this.#options({}));
  }

  async #git(args: readonly string[], more: Omit<GitOptions, 'clock'> = {}): Promise<GitResult> {
    return await git(this.path, args, this.#options(more));
  }

  async #repo(args: readonly string[], answers: readonly number[] = [0]): Promise<GitResult> {
    const { clock, signal } = this.#place;
    return await git(this.#place.repo, args, { clock, signal, answers });
  }

  async #repoText(args: readonly string[]): Promise<string> {
    return (await this.#repo(args)).stdout.trim();
  }

  #options(more: Omit<GitOptions, 'clock'>): GitOptions {
    const { clock, signal } = this.#place;
    const environment = { ...more.environment, GIT_CEILING_DIRECTORIES: this.#folder };
    return { clock, signal, ...more, environment };
  }
}

function worktreesFolder(repo: string): string {
  return join(repo, '.coord', 'worktrees');
}

/** Runs that have a folder among the worktrees of the repository. Makes nothing, and is empty when there are none. */
export async function runsWithWorktree(repo: string): Promise<readonly string[]> {
  const entries = await readdir(worktreesFolder(repo), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory() && RUN_ID.test(entry.name)).map(({ name }) => name);
}

/** Runs `body` while nobody else of this machine changes the run's worktree or its branch. Throws when aborted. */
export async function aloneInWorktree<T>(place: WorktreePlace, body: () => Promise<T>): Promise<T> {
  const folder = await ensureWorktreesFolder(place.repo);
  return await withLock(join(folder, `${place.run}.lock`), place, body);
}

/**
 * Makes `<repo>/.coord/worktrees`, ignored by git, and returns it. Throws WORKSPACE_INVALID when a link in the
 * repository leads elsewhere.
 */
async function ensureWorktreesFolder(repo: string): Promise<string> {
  const folder = worktreesFolder(repo);
  const coord = join(repo, '.coord');
  try {
    await mkdir(coord).catch(() => undefined);
    const link = await lstat(coord);
    if (link.isDirectory()) {
      await mkdir(folder).catch(() => undefined);
      await writeFile(join(coord, '.gitignore'), '*\n', { flag: 'wx' }).catch(() => undefined);
      if ((await realpath(folder)) === worktreesFolder(await realpath(repo))) return folder;
    }
  } catch (error) {
    throw new CoordError('WORKSPACE_INVALID', `${folder} cannot be made`, { cause: error });
  }
  throw new CoordError('WORKSPACE_INVALID', `${folder} is not a plain folder of the repository; remove what is there`);
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
