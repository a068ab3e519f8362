/** Temporary git repositories, and personas of the project run in them as a worker would: a child with JSON on stdin. */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { loadPersonas } from '../../src/personas/catalog.js';
import { checkReply, type DeclaredReply } from '../../src/personas/reply.js';

const ROOT = resolve(import.meta.dirname, '../..');
export const EXAMPLE = join(ROOT, 'examples/shopping-cart');
export const BUILT_IN = [join(ROOT, 'personas')];
export const OF_EXAMPLE = [join(EXAMPLE, 'personas')];
export const WITH_BROKEN = [join(EXAMPLE, 'broken-personas'), ...OF_EXAMPLE];

export class Repository {
  readonly folder: string;
  readonly base: string;

  constructor(files: Readonly<Record<string, string>> | 'shop') {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'coord-example-')));
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    if (files === 'shop') cpSync(join(EXAMPLE, 'project'), this.folder, { recursive: true });
    else this.write(files);
    this.git('-c', 'init.defaultBranch=main', 'init', '--quiet');
    this.base = this.commit();
  }

  git(...args: readonly string[]): string {
    const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...identity, ...args], { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
  }

  remove(path: string): void {
    rmSync(join(this.folder, path));
  }

  /** Commits everything; returns the commit. */
  commit(): string {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'work');
    return this.git('rev-parse', 'HEAD');
  }

  /** What is not committed, one line per file. */
  status(): string {
    return this.git('status', '--porcelain');
  }

  /** The workspace of a request that finds the repository as it stands. */
  workspace(): JsonObject {
    return { repo: this.folder, base: this.base, branch: 'main', commit: this.git('rev-parse', 'HEAD') };
  }
}

/** What a persona answered, after the same check that a worker makes. `result` is loose, as JSON is. */
export interface Answer {
  readonly status: DeclaredReply['status'];
  readonly result: JsonObject;
  readonly error: string | null;
  readonly artifacts: Readonly<Record<string, string>>;
  readonly progress: string;
}

export interface Ask {
  /** Persona folders; the first that has the persona wins. */
  readonly from: readonly string[];
  readonly persona: string;
  readonly in: Repository;
  readonly task?: JsonObject;
  readonly params?: JsonObject;
  readonly results?: Readonly<Record<string, JsonValue>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a persona's own command once, with a request made by hand. */
export async function ask(want: Ask): Promise<Answer> {
  const persona = (await loadPersonas(want.from)).get(want.persona);
  if (persona?.kind !== 'command') throw new Error(`no command persona "${want.persona}"`);
  const [program = '', ...args] = persona.command;
  const run = { COORD_RUN: 'r1', COORD_STEP: want.persona, COORD_ATTEMPT: '1', COORD_TOKEN: 't1' };
  const env = { PATH: process.env['PATH'] ?? '', HOME: want.in.folder, ...run, ...want.env };
  const child = spawn(program, args, { cwd: want.in.folder, env });
  const outcomes = Object.entries(want.results ?? {}).map(([step, result]) => [
    step,
    { status: 'pass', result, artifacts: [] },
  ]);
  child.stdin.end(
    JSON.stringify({
      protocol: 1,
      run: 'r1',
      workflow: 'project-loop',
      step: want.persona,
      name: want.persona,
      persona: want.persona,
      attempt: 1,
      token: 't1',
      params: want.params ?? {},
      task: want.task ?? { title: 'a task' },
      results: Object.fromEntries(outcomes),
      omitted: [],
      workspace: want.in.workspace(),
      timeoutMs: null,
    }),
  );
  let stdout = '';
  let progress = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (progress += text));
  const exitCode = await new Promise((settle) => child.on('close', settle));
  expect({ exitCode, progress }).toMatchObject({ exitCode: 0 });
  const { reply, problems } = checkReply(JSON.parse(stdout));
  expect(problems).toEqual([]);
  if (reply === null) throw new Error(stdout);
  return {
    status: reply.status,
    result: (reply.result ?? {}) as JsonObject,
    error: reply.error?.message ?? null,
    artifacts: Object.fromEntries(
      reply.artifacts.map(({ name, source }) => [name, 'content' in source ? source.content : source.path]),
    ),
    progress,
  };
}
