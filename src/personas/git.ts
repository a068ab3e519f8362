/**
 * Runs git: arguments as lists, no shell, no hooks, no helpers that the repository could name, no questions, nothing
 * inherited from the environment, and an end in bounded time.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { abbreviate, lastLines } from './plain-text.js';

export interface GitOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Written to standard input. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes that are answers, not failures; 0 by default. */
  readonly answers?: readonly number[];
  /** How long it may take, ms; 2 minutes by default. */
  readonly deadlineMs?: number;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.pager=cat',
  'core.editor=true',
  'core.quotePath=false',
  'protocol.ext.allow=never',
  'commit.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
];
const DEADLINE_MS = 120_000;
const OUTPUT_LIMIT = 64 * 1024 * 1024;
/** Another process holds one of git's lock files for a moment. */
const CONTENTION = /\.lock': File exists|could not lock config file/;
const RETRY_DELAYS_MS = [50, 100, 200, 400, 800];

/**
 * Throws GIT_FAILED naming the command and git's last line. Waits out other processes' locks for about two seconds.
 */
export async function git(directory: string, args: readonly string[], options: GitOptions): Promise<GitResult> {
  for (const delay of [...RETRY_DELAYS_MS, null]) {
    const attempt = await execute(directory, args, options);
    if (attempt.failure === null) return attempt;
    if (delay === null || !CONTENTION.test(attempt.stderr) || options.signal?.aborted === true) {
      throw failed(directory, args, attempt);
    }
    await options.clock.sleep(delay, options.signal);
  }
  throw new CoordError('GIT_FAILED', `git ${args.join(' ')} in ${directory} was never run`);
}

/** The output without its final newline. */
export async function gitText(directory: string, args: readonly string[], options: GitOptions): Promise<string> {
  const { stdout } = await git(directory, args, options);
  return stdout.replace(/\n$/, '');
}

interface Execution extends GitResult {
  /** Null for an answer; else why it is none. */
  readonly failure: string | null;
}

function execute(directory: string, args: readonly string[], options: GitOptions): Promise<Execution> {
  const all = [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args];
  return new Promise((resolve) => {
    const child = execFile(
      'git',
      all,
      {
        cwd: directory,
        env: gitEnvironment(options.environment ?? {}),
        timeout: options.deadlineMs ?? DEADLINE_MS,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_LIMIT,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        const fine = (options.answers ?? [0]).includes(code);
        resolve({ code, stdout, stderr, failure: fine ? null : reasonOf(error, { stderr, options }) });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

function reasonOf(
  error: ExecFileException | null,
  about: { readonly stderr: string; readonly options: GitOptions },
): string {
  if (error?.name === 'AbortError') return 'it was stopped';
  if (String(error?.code) === 'ENOENT') return 'git or the folder was not found';
  const killed = error?.killed === true;
  if (killed) return `it took longer than ${String((about.options.deadlineMs ?? DEADLINE_MS) / 1000)} s`;
  return complaintOf(about.stderr) ?? `exit code ${String(error?.code ?? 0)} and no message`;
}

/** What is wrong stands in the first line that says so; the last one is often advice. Null when nothing was said. */
export function complaintOf(stderr: string): string | null {
  const lines = lastLines(stderr, 200);
  const at = lines.findIndex((line) => /^(fatal|error): /.test(line));
  const said = lines[at] ?? lines.at(-1) ?? null;
  const before = lines[at - 1];
  // Of a connection that failed, the program that made it knows more than git.
  const vague = said !== null && /Could not read from remote|remote end hung up|early EOF/.test(said);
  return redacted(vague && before !== undefined ? `${before} (${said})` : (said ?? '')) || null;
}

function failed(directory: string, args: readonly string[], execution: Execution): CoordError {
  const shown = args.map((argument) => abbreviate(argument, 120)).join(' ');
  return new CoordError('GIT_FAILED', redacted(`git ${shown} in ${directory}: ${execution.failure ?? ''}`));
}

/** Names and passwords in URLs do not belong in messages. */
export function redacted(text: string): string {
  return text.replace(/:\/\/[^/\s]*@/g, '://***@');
}

function gitEnvironment(added: Readonly<Record<string, string>>): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('GIT_')) environment[name] = value;
  }
  return {
    ...environment,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: 'true',
    SSH_ASKPASS: 'true',
    // Without it ssh asks the terminal that a host may have been started from.
    SSH_ASKPASS_REQUIRE: 'force',
    GCM_INTERACTIVE: 'never',
    GIT_OPTIONAL_LOCKS: '0',
    ...added,
  };
}

export const COORD_IDENTITY = {
  GIT_AUTHOR_NAME: 'coord',
  GIT_AUTHOR_EMAIL: 'coord@localhost',
  GIT_COMMITTER_NAME: 'coord',
  GIT_COMMITTER_EMAIL: 'coord@localhost',
};

/** Who commits: the user as configured, or coord where nobody is. As environment. */
export async function identity(directory: string, options: GitOptions): Promise<Readonly<Record<string, string>>> {
  const settings = await Promise.all(
    ['user.name', 'user.email'].map((key) => git(directory, ['config', '--get', key], { ...options, answers: [0, 1] })),
  );
  return settings.every((setting) => setting.stdout.trim() !== '') ? {} : COORD_IDENTITY;
}
