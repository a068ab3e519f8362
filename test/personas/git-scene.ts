/** A run in a real repository with a bare remote, whose steps ask the git persona as a worker would. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type { JsonObject } from '../../src/core/json.js';
import { AttemptFiles } from '../../src/personas/attempt-files.js';
import { builtInPersonas } from '../../src/personas/catalog.js';
import type { GitPersona } from '../../src/personas/persona.js';
import type { RawReply } from '../../src/personas/runner.js';
import { runnerFor } from '../../src/personas/runners.js';
import { type WorkspaceRequest, Workspaces } from '../../src/personas/workspace.js';
import { aRepository, gitIn } from './repositories.js';
import { aContext, aFolder, aRequest } from './requests.js';

export function theGitPersona(change: Partial<GitPersona> = {}): GitPersona {
  const persona = builtInPersonas().get('git');
  if (persona?.kind !== 'git') throw new Error('there is no built-in persona "git"');
  return { ...persona, ...change };
}

export class GitScene {
  readonly repo: string;
  readonly base: string;
  readonly remote: string;
  readonly run: string;
  readonly branch: string;
  readonly workspaces: Workspaces;
  /** Where the next step starts, as the engine would say. */
  commit: string;
  #token = 0;

  constructor(outer: { readonly repo: string; readonly base: string } | null = null, run = 'demo-1') {
    const { repo, base } = outer ?? aRepository();
    this.repo = repo;
    this.base = base;
    this.commit = base;
    this.run = run;
    this.branch = `coord/${run}`;
    this.remote = join(aFolder(), 'remote.git');
    this.workspaces = new Workspaces({ clock: systemClock, attempts: new AttemptFiles(aFolder()) });
    if (outer !== null) return;
    gitIn(repo, 'init', '-q', '--bare', '-b', 'main', this.remote);
    gitIn(repo, 'remote', 'add', 'origin', this.remote);
    gitIn(repo, 'push', '-q', 'origin', 'main');
  }

  get path(): string {
    return join(this.repo, '.coord', 'worktrees', this.run);
  }

  request(step: string, persona: string): WorkspaceRequest {
    const { repo, base, branch, commit, run } = this;
    this.#token += 1;
    const token = `token-${String(this.#token)}`;
    return { run, step, attempt: 1, persona, token, worker: 'w', workspace: { repo, base, branch, commit } };
  }

  /** A step of another persona that writes files and passes; returns the commit that coord made of it. */
  async work(files: Readonly<Record<string, string>>, step = 'build'): Promise<string> {
    const request = this.request(step, 'builder');
    const path = await this.workspaces.prepare(request, new AbortController().signal);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
    return await this.#conclude(request, 'pass');
  }

  /** One attempt of a git step, as a worker makes it. */
  async git(params: JsonObject, change: { persona?: Partial<GitPersona>; step?: string } = {}): Promise<RawReply> {
    const request = this.request(change.step ?? 'git', 'git');
    const directory = await this.workspaces.prepare(request, new AbortController().signal);
    const runner = runnerFor(theGitPersona(change.persona), { clock: systemClock });
    const all = { branch: null, from: null, message: null, remote: null, ...params };
    const reply = await runner.run(aRequest({ ...request, name: 'Git', params: all }), aContext({ directory }));
    await this.#conclude(request, reply.status);
    return reply;
  }

  /** The result of one that has to pass. */
  async passed(params: JsonObject, change: { persona?: Partial<GitPersona>; step?: string } = {}): Promise<JsonObject> {
    const reply = await this.git(params, change);
    if (reply.status !== 'pass') throw new Error(reply.error?.message);
    return reply.result as JsonObject;
  }

  /** Somebody else pushes a commit to a branch of the remote. */
  pushFromElsewhere(branch: string, files: Readonly<Record<string, string>>): string {
    const clone = aFolder();
    gitIn(clone, 'clone', '-q', this.remote, '.');
    const there = gitIn(clone, 'branch', '-r', '--list', `origin/${branch}`) !== '';
    gitIn(clone, 'switch', '-q', '-C', branch, there ? `origin/${branch}` : 'origin/main');
    for (const [name, content] of Object.entries(files)) appendFileSync(join(clone, name), content);
    gitIn(clone, 'add', '-A');
    gitIn(clone, 'commit', '-q', '-m', 'from elsewhere');
    gitIn(clone, 'push', '-q', 'origin', branch);
    return gitIn(clone, 'rev-parse', 'HEAD');
  }

  at(ref: string): string {
    return gitIn(this.repo, 'rev-parse', '--verify', ref);
  }

  /** Where a branch of the remote stands; empty when there is none. */
  atRemote(branch: string): string {
    return gitIn(this.remote, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);
  }

  log(format = '%s'): readonly string[] {
    return gitIn(this.repo, 'log', '--topo-order', `--format=${format}`, this.branch).split('\n');
  }

  async #conclude(request: WorkspaceRequest, status: RawReply['status']): Promise<string> {
    await this.workspaces.conclude(request, { status }, async (commit) => {
      this.commit = commit ?? this.commit;
    });
    return this.commit;
  }
}

/** A verdict, and an error, with a message like this. */
export const rejected = (message: RegExp | string): object => ({
  status: 'fail',
  error: { class: 'REJECTED', message: expect.stringMatching(message) },
});
export const failed = (message: RegExp | string): object => ({
  status: 'error',
  error: { class: 'PERSONA_ERROR', message: expect.stringMatching(message) },
});
