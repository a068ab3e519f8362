/**
 * Runs git: arguments as lists, no shell, no hooks, no helpers that the repository could name, no questions, nothing
 * inherited from the environment, and an end in bounded time.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { lastLines } from './plain-text.js';

export interface GitOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Written to standard input. */
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Exit codes that are answers, not failures; 0 by default. */
  readonly answers?: readonly number[];
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
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
  readonly stderr: string;
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
        timeout: DEADLINE_MS,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_LIMIT,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        const fine = (options.answers ?? [0]).includes(code);
        resolve({ code, stdout, stderr, failure: fine ? null : reasonOf(error, stderr) });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

function reasonOf(error: ExecFileException | null, stderr: string): string {
  if (error?.name === 'AbortError') return 'it was stopped';
  if (String(error?.code) === 'ENOENT') return 'git or the folder was not found';
  const killed = error?.killed === true;
  if (killed) return `it took longer than ${String(DEADLINE_MS / 1000)} s`;
  // What is wrong stands in the first line that says so; the last one is often advice.
  const said = stderr.split('\n').find((line) => /^(fatal|error): /.test(line));
  return said ?? lastLines(stderr, 1)[0] ?? `exit code ${String(error?.code ?? 0)} and no message`;
}

function failed(directory: string, args: readonly string[], execution: Execution): CoordError {
  const message = `git ${args.join(' ')} in ${directory}: ${execution.failure ?? ''}`;
  return new CoordError('GIT_FAILED', redacted(message));
}

/** Passwords in URLs do not belong in messages. */
function redacted(text: string): string {
  return text.replace(/:\/\/[^/\s@]+@/g, '://***@');
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
    GIT_OPTIONAL_LOCKS: '0',
    ...added,
  };
}
