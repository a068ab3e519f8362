/**
 * The built-in persona of `verify` steps: runs commands where nothing but the run's commit is, and says what they came to. What
 * other personas claim or leave lying about has no part in it.
 */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../core/clock.js';
import type { Finding } from '../core/finding.js';
import { messageOf } from '../core/errors.js';
import { globMatcher } from '../core/glob.js';
import type { JsonObject } from '../core/json.js';
import type { PersonaRequest } from '../core/exchange.js';
import { attemptMarks, fileSafe } from './attempt-files.js';
import { type ChildEnd, runChild } from './child.js';
import { personaEnvironment } from './environment.js';
import { git, type GitOptions, gitText } from './git.js';
import { abbreviate, plainLine } from './plain-text.js';
import { lookForProgram } from './program.js';
import { type AttemptContext, errorReply, type PersonaKind, type RawReply } from './runner.js';
import { countTests, NO_TESTS, sumOfTests, type TestCounts } from './test-counts.js';

const LIMITS = { graceMs: 5_000, outputBytes: 256 * 1024, floodBytes: 256 * 1024 * 1024 } as const;
/** Names of files in a message. */
const SHOWN = 10;

const paramsSchema = z.object({
  run: z.array(z.array(z.coerce.string()).min(1)).min(1),
  tests: z.int().positive().nullable(),
  protect: z.array(z.string()),
});
type Params = z.infer<typeof paramsSchema>;

interface CommandEnd {
  readonly command: readonly string[];
  /** Null: a signal has ended it, or it could not be started. */
  readonly exit: number | null;
  readonly tests: TestCounts | null;
  readonly durationMs: number;
  readonly output: string;
  /** Why it could not be started. */
  readonly failure: string | null;
}

interface Work {
  readonly request: PersonaRequest;
  readonly context: AttemptContext;
  readonly workspace: NonNullable<PersonaRequest['workspace']>;
  readonly params: Params;
}

export class VerifyRunner implements PersonaKind {
  readonly understandsWords = false;
  readonly #clock: Clock;

  constructor(means: { readonly clock: Clock }) {
    this.#clock = means.clock;
  }

  async run(request: PersonaRequest, context: AttemptContext): Promise<RawReply> {
    const { workspace } = request;
    if (workspace === null)
      return errorReply('REJECTED', 'the run has no repository; start it with one to use verify steps');
    const params = paramsSchema.safeParse(request.params);
    if (!params.success)
      return errorReply('REJECTED', `its params are not those of a verify step: ${params.error.message}`);
    const scratch = await realpath(await mkdtemp(join(tmpdir(), 'coord-verify-')));
    try {
      return await this.#verify({ request, context, workspace, params: params.data }, scratch);
    } catch (error) {
      return errorReply('PERSONA_ERROR', messageOf(error));
    } finally {
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  async check(): Promise<readonly Finding[]> {
    return [await lookForProgram('git')];
  }

  async #verify(work: Work, scratch: string): Promise<RawReply> {
    const { workspace, params, context } = work;
    // A reference can have git read one object for another; what is looked at is what the commit names.
    const environment = { GIT_NO_REPLACE_OBJECTS: '1' };
    const options: GitOptions = { clock: this.#clock, signal: context.signal, environment };
    const { commit, repo } = workspace;
    const tree = await gitText(repo, ['rev-parse', '--verify', `${commit}^{tree}`], options);
    const changed = await this.#changed(work, options);
    if (changed.length > 0) {
      const more = changed.length > SHOWN ? `, and ${String(changed.length - SHOWN)} more` : '';
      const message = `files that are protected were changed since the run began: ${changed.slice(0, SHOWN).join(', ')}${more}`;
      return {
        ...errorReply('REJECTED', message),
        result: { commit, tree, commands: [], changed: changed.slice(0, 100) },
      };
    }
    const directory = join(scratch, 'tree');
    await checkOut(directory, { repo, commit, options });
    const ends: CommandEnd[] = [];
    for (const command of params.run) {
      const end = await this.#runOne(command, { work, directory });
      ends.push(end);
      if (end.exit !== 0) break;
    }
    return replyOf(work, { ends, tree });
  }

  /** Protected files that are not as they were when the run began. */
  async #changed({ workspace, params }: Work, options: GitOptions): Promise<readonly string[]> {
    if (params.protect.length === 0) return [];
    const range = ['diff', '--name-only', '--no-renames', '-z', workspace.base, workspace.commit];
    const { stdout } = await git(workspace.repo, range, options);
    const matchers = params.protect.map(globMatcher);
    return stdout.split('\0').filter((path) => path !== '' && matchers.some((matches) => matches(path)));
  }

  async #runOne(
    command: readonly string[],
    { work, directory }: { readonly work: Work; readonly directory: string },
  ): Promise<CommandEnd> {
    const { request, context } = work;
    const begun = this.#clock.now();
    context.progress(`runs ${abbreviate(command.join(' '), 200)}`);
    const end = await runChild({
      argv: command,
      directory,
      environment: personaEnvironment([], {
        CI: '1',
        COORD_RUN: request.run,
        COORD_STEP: request.step,
        COORD_PERSONA: request.persona,
        GIT_CEILING_DIRECTORIES: join(directory, '..'),
        ...attemptMarks(context.token, context.worker),
      }),
      input: '',
      signal: context.signal,
      clock: this.#clock,
      graceMs: LIMITS.graceMs,
      stdout: { keep: 'tail', limit: LIMITS.outputBytes, killAt: LIMITS.floodBytes },
      stderrLimit: LIMITS.outputBytes,
      marks: attemptMarks(context.token, context.worker),
      line: (text) => {
        const line = plainLine(text);
        if (line !== '') context.progress(line);
      },
      started: (pid) => context.groupStarted(pid),
    });
    return { command, durationMs: this.#clock.now() - begun, ...endOf(end) };
  }
}

/**
 * The files of a commit, in a repository of their own that borrows the objects of the other one: nothing of it is known to that one,
 * and nothing that is done here reaches its branches.
 */
async function checkOut(
  directory: string,
  { repo, commit, options }: { readonly repo: string; readonly commit: string; readonly options: GitOptions },
): Promise<void> {
  const common = resolve(repo, await gitText(repo, ['rev-parse', '--git-common-dir'], options));
  await mkdir(directory);
  await git(directory, ['init', '--quiet', '--template='], options);
  await mkdir(join(directory, '.git', 'objects', 'info'), { recursive: true });
  await writeFile(join(directory, '.git', 'objects', 'info', 'alternates'), `${join(common, 'objects')}\n`);
  await git(directory, ['checkout', '--quiet', '--detach', commit], options);
}

function endOf(end: ChildEnd): Pick<CommandEnd, 'exit' | 'failure' | 'output' | 'tests'> {
  if ('failure' in end) return { exit: null, failure: end.failure.message, output: '', tests: null };
  const { exitCode, signal, stdout, stderr } = end.outcome;
  const output = `${new TextDecoder().decode(stdout)}${stderr === '' ? '' : `\n${stderr}`}`;
  const failure = exitCode === null ? `it was ended by ${signal ?? 'a signal'}` : null;
  return { exit: exitCode, failure, output, tests: countTests(output) };
}

function replyOf(
  { request, params, workspace }: Work,
  { ends, tree }: { readonly ends: readonly CommandEnd[]; readonly tree: string },
): RawReply {
  const commands = ends.map(
    ({ command, exit, tests, durationMs }): JsonObject => ({
      command: [...command],
      exit,
      tests: tests === null ? null : { ...tests },
      durationMs,
    }),
  );
  const log = ends.map(({ command, output }) => `$ ${command.join(' ')}\n${output.trimEnd()}\n`).join('\n');
  const name = `${fileSafe(request.step)}.${String(request.attempt)}.log`;
  const artifacts = [{ name, type: 'text/plain', content: new TextEncoder().encode(log) }];
  const result = { commit: workspace.commit, tree, commands };
  const why = whyNot(ends, params.tests);
  if (why === null) return { status: 'pass', result, error: null, artifacts };
  return { ...errorReply('REJECTED', why), result, artifacts };
}

/** Why what the commands came to is no pass, or null. */
function whyNot(ends: readonly CommandEnd[], least: number | null): string | null {
  const bad = ends.find(({ exit }) => exit !== 0);
  if (bad !== undefined) {
    const shown = abbreviate(bad.command.join(' '), 200);
    if (bad.failure !== null) return `"${shown}" did not end by itself: ${bad.failure}`;
    const failed = bad.tests === null || bad.tests.failed === 0 ? '' : `, ${String(bad.tests.failed)} tests failed`;
    return `"${shown}" exited with ${String(bad.exit)}${failed}`;
  }
  if (least === null) return null;
  const { passed, failed } = ends.reduce((sum, { tests }) => sumOfTests(sum, tests ?? NO_TESTS), NO_TESTS);
  if (failed > 0) return `${String(failed)} tests failed, although all commands exited with 0`;
  if (passed === 0) return 'no test ran, as far as what the commands printed tells';
  return passed < least ? `${String(passed)} tests passed, and ${String(least)} must` : null;
}
