/**
 * The built-in persona of `git-operation` steps: each operation works on the run's own branch, in its worktree, and may be
 * repeated without harm. What was asked for wrongly or cannot be is a verdict (`fail`); a network or a lock that was in
 * the way is an error, which a retry may cure.
 */
import type { Clock } from '../core/clock.js';
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { Finding } from '../core/finding.js';
import type { JsonObject } from '../core/json.js';
import type { PersonaRequest } from '../core/exchange.js';
import { type GitParams, readGitParams, refuse } from './git-arguments.js';
import { GitPlace } from './git-place.js';
import { GitRemote } from './git-remote.js';
import { complaintOf, redacted } from './git.js';
import type { GitPersona } from './persona.js';
import { plainLine } from './plain-text.js';
import { lookForProgram } from './program.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';

/** Most names of files in a result. */
const CONFLICTS_SHOWN = 100;
/** Most steps that one commit sums up. */
const SUMMED_LIMIT = 1000;

export class GitRunner implements PersonaKind {
  readonly understandsWords = false;
  readonly #persona: GitPersona;
  readonly #clock: Clock;

  constructor(persona: GitPersona, means: { readonly clock: Clock }) {
    this.#persona = persona;
    this.#clock = means.clock;
  }

  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    const { run, workspace } = request;
    const { directory, signal } = context;
    if (workspace === null || directory === null) {
      return errorReply('REJECTED', 'the run has no repository; start it with one to use git-operation steps');
    }
    try {
      const params = readGitParams(request.params);
      const place = new GitPlace({ run, workspace, directory, clock: this.#clock, signal });
      return await new GitOperation({ request, params, place, persona: this.#persona, context }).perform();
    } catch (error) {
      return errorReply(hasCode(error, 'GIT_REFUSED') ? 'REJECTED' : 'PERSONA_ERROR', redacted(messageOf(error)));
    }
  }

  async check(): Promise<readonly Finding[]> {
    return [await lookForProgram('git')];
  }
}

interface GitWork {
  readonly request: PersonaRequest;
  readonly params: GitParams;
  readonly place: GitPlace;
  readonly persona: GitPersona;
  readonly context: AttemptContext;
}

class GitOperation {
  readonly #work: GitWork;
  readonly #place: GitPlace;

  constructor(work: GitWork) {
    this.#work = work;
    this.#place = work.place;
  }

  async perform(): Promise<RawReply> {
    const { params } = this.#work;
    switch (params.operation) {
      case 'branch':
        return await this.#branch(params.branch ?? '');
      case 'switch':
        return await this.#switch(params.branch ?? '');
      case 'commit':
        return await this.#commit();
      case 'push':
        return await this.#push();
      case 'merge':
        return await this.#merge(params.branch ?? '');
      case 'rebase': {
        const branch = params.branch ?? '';
        return await this.#rebase(await this.#place.resolve(branch), { branch });
      }
      case 'sync':
        return await this.#sync();
    }
  }

  async #branch(branch: string): Promise<RawReply> {
    const { from } = this.#work.params;
    this.#refuseForeign(branch);
    const commit = from === null ? await this.#place.head() : await this.#place.resolve(from);
    const ref = `refs/heads/${branch}`;
    const there = await this.#place.commitOf(ref);
    if (there !== null && there !== commit) {
      const now = `exists already, at ${there.slice(0, 12)} and not at ${commit.slice(0, 12)}`;
      refuse(`branch "${branch}" ${now}; name another, or continue from it with the operation "switch"`);
    }
    if (there === null) await this.#makeBranch(ref, commit);
    return this.#pass({ commit, branch, changed: there === null });
  }

  async #makeBranch(ref: string, commit: string): Promise<void> {
    try {
      await this.#place.setRef(ref, commit, null);
    } catch (error) {
      // Of "a" and "a/b" only one can be a branch.
      const other = /'refs\/heads\/([^']+)' exists; cannot create/.exec(messageOf(error))?.[1];
      if (other === undefined) throw error;
      refuse(`there is a branch "${other}", so none can be called "${ref.slice(11)}"; choose another name`);
    }
  }

  async #switch(branch: string): Promise<RawReply> {
    const { remote } = this.#work.params;
    const commit = await this.#place.resolve(remote === null ? branch : `${remote}/${branch}`);
    return await this.#place.aloneAndClean(async (head) => {
      if (commit !== head) await this.#place.putAt(commit);
      return this.#pass({ commit, branch, previous: head, changed: commit !== head });
    });
  }

  /**
   * One commit of all that the run did since it last committed, pushed, merged or branched: every passed step has been
   * committed by coord already, and those commits are summed up in this one.
   */
  async #commit(): Promise<RawReply> {
    const place = this.#place;
    return await place.alone(async (head) => {
      if ((await place.text(['ls-files', '--unmerged', '-z'])) !== '') {
        throw new CoordError('GIT_FAILED', 'the worktree is in the middle of a merge with conflicts');
      }
      const { onto, summed } = await this.#automaticCommits(head);
      await place.git(['add', '--all', '--', '.']);
      const tree = await place.text(['write-tree']);
      const before = await place.text(['rev-parse', '--verify', `${onto}^{tree}`]);
      if (tree === before) return this.#pass({ commit: head, branch: place.branch, changed: false });
      const environment = await place.committing(head);
      const input = this.#message(`${plainLine(this.#work.request.step)}: ${plainLine(this.#work.request.name)}`);
      const commit = await place.text(['commit-tree', '--no-gpg-sign', '-p', onto, tree], { environment, input });
      await place.keep(head, commit);
      await place.setRef(`refs/heads/${place.branch}`, commit, head);
      return this.#pass({ commit, branch: place.branch, summed, changed: true });
    });
  }

  /** The commits on top that coord made for passed steps of this run and that nothing but the run's branch holds. */
  async #automaticCommits(head: string): Promise<{ readonly onto: string; readonly summed: number }> {
    const { run, branch } = this.#place;
    const trailer = (key: string): string => `%(trailers:key=${key},valueonly,separator=%x2C)`;
    const format = `--format=%P%x00${trailer('Coord-Run')}%x00${trailer('Coord-Token')}`;
    const limit = `--max-count=${String(SUMMED_LIMIT)}`;
    const held = [
      '--not',
      `--exclude=${branch}`,
      '--branches',
      '--remotes',
      '--tags',
      `--glob=refs/coord/${run}/pushed/*`,
    ];
    const args = ['log', '--first-parent', '--no-show-signature', limit, '-z', format, head, ...held, '--'];
    const fields = (await this.#place.git(args)).stdout.split('\0');
    let onto = head;
    let summed = 0;
    for (let at = 0; at + 2 < fields.length; at += 3) {
      const [parent = '', of, token] = fields.slice(at, at + 3);
      if (!/^[0-9a-f]+$/.test(parent) || of !== run || token === '') break;
      onto = parent;
      summed += 1;
    }
    return { onto, summed };
  }

  async #push(): Promise<RawReply> {
    const { params, persona } = this.#work;
    const branch = params.branch ?? this.#place.branch;
    this.#refuseForeign(branch);
    const remote = await this.#remote();
    const pushed = await remote.push(branch, { protected: persona.protected });
    return this.#pass({ remote: remote.name, branch, ...pushed });
  }

  async #merge(branch: string): Promise<RawReply> {
    const place = this.#place;
    const other = await place.resolve(branch);
    return await place.aloneAndClean(async (head) => {
      if (await place.contains(head, other)) {
        return this.#pass({ commit: head, branch, merged: other, changed: false });
      }
      await this.#refuseStrangers(branch, { head, other });
      const environment = await place.committing(head, other);
      const options = ['--no-ff', '--no-edit', '--no-verify', '--no-gpg-sign', '--no-stat', '--quiet'];
      const message = ['--cleanup=verbatim', '-m', this.#message(`Merge ${branch}`)];
      const settings = ['-c', 'rerere.enabled=false', '-c', 'merge.autoStash=false'];
      const merged = await place.git([...settings, 'merge', ...options, ...message, other], {
        environment,
        answers: [0, 1, 2, 128],
      });
      if (merged.code === 0) {
        return this.#pass({ commit: await place.head(), branch, merged: other, changed: true });
      }
      const conflicts = await place.conflicts();
      await place.git(['merge', '--abort'], { answers: [0, 128] });
      return this.#stuck(`"${branch}" could not be merged`, { head, branch, conflicts, said: merged.stderr });
    });
  }

  /** Puts the run's own commits on top of `other`. The old ones are kept under `refs/coord/<run>/`. */
  async #rebase(other: string, shown: JsonObject & { readonly branch: string }): Promise<RawReply> {
    const place = this.#place;
    const { branch } = shown;
    return await place.aloneAndClean(async (head) => {
      if (await place.contains(head, other)) {
        return this.#pass({ ...shown, commit: head, onto: other, previous: head, changed: false });
      }
      await this.#refuseStrangers(branch, { head, other });
      await place.keep(head, other);
      const environment = await place.committing(head, other);
      const options = ['--quiet', '--no-stat', '--no-verify', '--no-gpg-sign', '--no-autostash', '--no-fork-point'];
      const settings = ['rerere.enabled=false', 'rebase.updateRefs=false', 'rebase.autoSquash=false'];
      const args = [...settings.flatMap((setting) => ['-c', setting]), 'rebase', '--merge', ...options, other];
      const rebased = await place.git(args, { environment: withoutAuthorDate(environment), answers: [0, 1, 2, 128] });
      if (rebased.code === 0) {
        const commit = await place.head();
        return this.#pass({ ...shown, commit, onto: other, previous: head, changed: true });
      }
      const conflicts = await place.conflicts();
      await place.git(['rebase', '--abort'], { answers: [0, 1, 128] });
      const what = `the run's commits could not be put on top of "${branch}"`;
      return this.#stuck(what, { head, branch, conflicts, said: rebased.stderr });
    });
  }

  async #sync(): Promise<RawReply> {
    const { params } = this.#work;
    const remote = await this.#remote();
    const { branch, commit } = await remote.fetch(params.branch);
    return await this.#rebase(commit, { branch, remote: remote.name });
  }

  async #remote(): Promise<GitRemote> {
    const { params, context } = this.#work;
    const name = params.remote ?? 'origin';
    context.progress(`${params.operation}: ${name}`);
    return await GitRemote.open(name, this.#place);
  }

  /** Names that coord gives to runs are left to them. */
  #refuseForeign(branch: string): void {
    if (!branch.startsWith('coord/') || branch === this.#place.branch) return;
    refuse(
      `branch "${branch}" belongs to another run, or may one day; choose a name that does not start with "coord/"`,
    );
  }

  async #refuseStrangers(branch: string, pair: { readonly head: string; readonly other: string }): Promise<void> {
    const base = await this.#place.git(['merge-base', pair.head, pair.other], { answers: [0, 1] });
    if (base.code !== 0) refuse(`"${branch}" and the run's branch have no commit in common`);
  }

  /** What git gave up: a verdict when files are in conflict, which are named; else an error. */
  #stuck(
    what: string,
    why: {
      readonly head: string;
      readonly branch: string;
      readonly conflicts: readonly string[];
      readonly said: string;
    },
  ): RawReply {
    const { head: commit, branch, conflicts, said } = why;
    const { operation } = this.#work.params;
    if (conflicts.length === 0)
      return errorReply('PERSONA_ERROR', `${what}: ${complaintOf(said) ?? 'git did not say why'}`);
    const named = conflicts.slice(0, 5).map((name) => plainLine(name));
    const more = conflicts.length > named.length ? ` and ${String(conflicts.length - named.length)} more` : '';
    const message = `${what}: conflicts in ${named.join(', ')}${more}; nothing was changed`;
    const files = conflicts.slice(0, CONFLICTS_SHOWN);
    const result = { operation, commit, branch, changed: false, conflicts: files, conflictCount: conflicts.length };
    return { ...errorReply('REJECTED', message), result };
  }

  /** The message of the step or this one, and whose commit it is. Without the attempt: repeating gives the same commit. */
  #message(otherwise: string): string {
    const { run, step } = this.#work.request;
    const message = this.#work.params.message ?? otherwise;
    const last = message.split('\n').at(-1) ?? '';
    // Trailers of its own end a message already.
    const gap = message.includes('\n\n') && /^[A-Za-z][A-Za-z-]*: \S/.test(last) ? '\n' : '\n\n';
    return `${message}${gap}Coord-Run: ${run}\nCoord-Step: ${plainLine(step)}\n`;
  }

  #pass(result: JsonObject): RawReply {
    const { operation } = this.#work.params;
    return { status: 'pass', result: { operation, ...result }, error: null, artifacts: [] };
  }
}

/** Rebased commits keep the time they were written. */
function withoutAuthorDate(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('GIT_AUTHOR_')));
}
