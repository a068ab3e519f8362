/**
 * A configured remote of the repository: found by name, its address checked, asked what it has, fetched from and pushed
 * to. A push never takes away what somebody else pushed: the remote's branch is moved only from where it was seen, and
 * only forward, unless it stands at a commit that this very run pushed.
 */
import { CoordError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { addressProblem, branchProblem, refuse } from './git-arguments.js';
import type { GitPlace } from './git-place.js';
import { complaintOf, type GitResult } from './git.js';
import { abbreviate, plainLine } from './plain-text.js';

const DEADLINE_MS = 600_000;
const PROTECTED = ['main', 'master'];
const PROTOCOLS = { GIT_ALLOW_PROTOCOL: 'file:https:ssh' };
/** Refusals of the remote that may be over in a moment; all others are its policy. */
const PASSING = /lock|failed to update ref|unpacker|internal|timed? ?out|unavailable/i;

interface Addresses {
  readonly fetch: string;
  readonly push: string;
}

/** What the remote has: its default branch and the branch asked for, null where there is none. */
interface RemoteBranches {
  readonly defaultBranch: string | null;
  readonly tip: string | null;
}

export class GitRemote {
  readonly name: string;
  readonly #place: GitPlace;
  readonly #addresses: Addresses;

  private constructor(name: string, about: { readonly place: GitPlace; readonly addresses: Addresses }) {
    this.name = name;
    this.#place = about.place;
    this.#addresses = about.addresses;
  }

  /** `name` has passed its grammar. Throws GIT_REFUSED when it is not configured, or not with an address that is allowed. */
  static async open(name: string, place: GitPlace): Promise<GitRemote> {
    const known = (await place.text(['remote'])).split('\n').filter((remote) => remote !== '');
    if (!known.includes(name)) {
      const list = known.slice(0, 20).map((remote) => `"${abbreviate(remote, 100)}"`);
      const there = known.length === 0 ? 'it has none; add one with "git remote add"' : `it has ${list.join(', ')}`;
      refuse(`the repository has no remote "${name}": ${there}.${didYouMean(name, known)}`);
    }
    const helper = await place.git(['config', '--get', `remote.${name}.vcs`], { answers: [0, 1] });
    if (helper.code === 0)
      refuse(`remote "${name}" is reached by a helper program (remote.${name}.vcs), which coord never runs`);
    const [fetch, push] = await Promise.all([addressOf(name, [], place), addressOf(name, ['--push'], place)]);
    return new GitRemote(name, { place, addresses: { fetch, push } });
  }

  /**
   * Moves `branch` of the remote to the run's head. Throws GIT_REFUSED for a protected branch, one with commits of others
   * and when the remote says no; GIT_FAILED when it cannot be reached or moved meanwhile.
   */
  async push(
    branch: string,
    rules: { readonly protected: readonly string[] | null },
  ): Promise<{ readonly commit: string; readonly previous: string | null; readonly changed: boolean }> {
    const { fetch, push } = this.#addresses;
    const { defaultBranch, tip } = await this.#look(branch, push === fetch ? this.name : push);
    const guarded = rules.protected ?? [...PROTECTED, ...(defaultBranch === null ? [] : [defaultBranch])];
    if (guarded.includes(branch)) {
      const cure = 'push to another branch, or say in the file of the persona "git" which branches are protected';
      refuse(`branch "${branch}" of remote "${this.name}" is protected; ${cure}`);
    }
    const commit = await this.#place.head();
    if (tip === commit) return { commit, previous: tip, changed: false };
    await this.#refuseOverwriting(branch, { tip, commit });
    // Before the push, so that a repetition knows its own work.
    const mark = this.#markOf(commit);
    if ((await this.#place.commitOf(mark)) === null) await this.#place.git(['update-ref', mark, commit]);
    await this.#send(branch, { tip, commit });
    return { commit, previous: tip, changed: true };
  }

  /** Fetches one branch, by default the remote's default one; returns where it stands there. */
  async fetch(wanted: string | null): Promise<{ readonly branch: string; readonly commit: string }> {
    const { defaultBranch, tip } = await this.#look(wanted, this.name);
    const branch = wanted ?? defaultBranch;
    if (branch === null) return refuse(`remote "${this.name}" does not say which branch is its default one; name one`);
    const problem = branchProblem(branch);
    if (problem !== null) refuse(`the default branch of remote "${this.name}" ${problem}; name another`);
    if (wanted !== null && tip === null) refuse(`remote "${this.name}" has no branch "${wanted}"`);
    const ref = `refs/remotes/${this.name}/${branch}`;
    const options = ['--quiet', '--no-tags', '--no-prune', '--no-recurse-submodules', '--no-write-fetch-head'];
    const refspec = `+refs/heads/${branch}:${ref}`;
    await this.#network(['fetch', ...options, '--upload-pack=git-upload-pack', '--', this.name, refspec]);
    const commit = await this.#place.commitOf(ref);
    if (commit === null)
      throw new CoordError('GIT_FAILED', `fetching "${branch}" from "${this.name}" brought no commit`);
    return { branch, commit };
  }

  async #look(branch: string | null, from: string): Promise<RemoteBranches> {
    const wanted = branch === null ? [] : [`refs/heads/${branch}`];
    const args = ['ls-remote', '--symref', '--upload-pack=git-upload-pack', '--', from, 'HEAD', ...wanted];
    const lines = (await this.#network(args)).stdout.split('\n').map((line) => line.split('\t'));
    const head = lines.find(([value = '', ref]) => ref === 'HEAD' && value.startsWith('ref: refs/heads/'))?.[0];
    const tip = lines.find(([, ref]) => branch !== null && ref === `refs/heads/${branch}`)?.[0];
    return { defaultBranch: head?.slice('ref: refs/heads/'.length) ?? null, tip: tip ?? null };
  }

  async #refuseOverwriting(
    branch: string,
    at: { readonly tip: string | null; readonly commit: string },
  ): Promise<void> {
    const { tip, commit } = at;
    if (tip === null || (await this.#place.contains(commit, tip))) return;
    if ((await this.#place.commitOf(this.#markOf(tip))) !== null) return;
    const where = `branch "${branch}" of remote "${this.name}" stands at ${tip.slice(0, 12)}`;
    refuse(
      `${where}, which the run's branch does not contain and the run did not push; use "sync" with that branch first`,
    );
  }

  async #send(branch: string, from: { readonly tip: string | null; readonly commit: string }): Promise<void> {
    const ref = `refs/heads/${branch}`;
    const lease = `--force-with-lease=${ref}:${from.tip ?? ''}`;
    const options = ['--porcelain', '--no-verify', '--no-follow-tags', '--no-recurse-submodules', '--no-signed', lease];
    const args = ['push', ...options, '--receive-pack=git-receive-pack', '--', this.name, `${from.commit}:${ref}`];
    const pushed = await this.#network(args, [0, 1]);
    if (pushed.code === 0) return;
    const line = pushed.stdout.split('\n').find((text) => text.startsWith('!\t')) ?? '';
    const why = plainLine(line.split('\t')[2] ?? complaintOf(pushed.stderr) ?? 'it did not say why');
    const said = remoteLines(pushed.stderr);
    const message = `remote "${this.name}" did not take branch "${branch}": ${why}${said === '' ? '' : ` (${said})`}`;
    if (why.startsWith('[remote rejected]') && !PASSING.test(why)) refuse(message);
    throw new CoordError('GIT_FAILED', message);
  }

  async #network(args: readonly string[], answers: readonly number[] = [0]): Promise<GitResult> {
    return await this.#place.git(args, { environment: PROTOCOLS, deadlineMs: DEADLINE_MS, answers });
  }

  /** A ref for every commit that the run has pushed, or was about to. */
  #markOf(commit: string): string {
    return `refs/coord/${this.#place.run}/pushed/${commit}`;
  }
}

async function addressOf(name: string, options: readonly string[], place: GitPlace): Promise<string> {
  const found = await place.text(['remote', 'get-url', '--all', ...options, '--', name]);
  const [address = '', ...more] = found.split('\n');
  if (more.length > 0) refuse(`remote "${name}" has several addresses; coord needs one with a single one`);
  const problem = addressProblem(address);
  return problem === null ? address : refuse(`the address of remote "${name}" ${problem}`);
}

/** What the remote said itself, shortened. */
function remoteLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.startsWith('remote:'));
  const texts = lines.map((line) => plainLine(line.slice('remote:'.length))).filter((text) => text !== '');
  return texts.slice(-3).join(' | ');
}
