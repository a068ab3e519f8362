/**
 * One child process in a group of its own, from start to the last of its group: bounded output, TERM then KILL when it
 * is aborted, and an end in bounded time even when something it started keeps its output open.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Clock } from '../core/clock.js';
import { Head, Lines, Tail } from './capture.js';
import type { CommandOutcome } from './command-reply.js';
import { killMarked, signalGroup } from './process-group.js';

export interface ChildWant {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. */
  readonly input: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** From SIGTERM to SIGKILL, ms. */
  readonly graceMs: number;
  readonly stdout: {
    readonly keep: 'head' | 'tail';
    readonly limit: number;
    /** The child is killed when it has printed more than this, bytes. */
    readonly killAt: number;
  };
  readonly stderrLimit: number;
  /** As `killAt` of stdout; left out: 64 MiB. */
  readonly stderrKillAt?: number | undefined;
  /** Parts of the environment that find processes which left the group. */
  readonly marks: Readonly<Record<string, string>>;
  /** A line of stderr. */
  line(text: string): void;
  /** A piece of stdout, as it comes. */
  printed?(chunk: Buffer): void;
  started(pid: number): void;
}

export type ChildEnd = { readonly outcome: CommandOutcome } | { readonly failure: NodeJS.ErrnoException };

const FLOOD = 64 * 1024 * 1024;
/** Nobody reads more of what is shown for a moment; a flood of it must not keep this process busy. */
const PROGRESS = { longest: 4_096, most: 50 };

/** How long output may trickle after the child itself has ended, ms; then its group is killed, then pipes are closed. */
const DRAIN_MS = 1_000;

export async function runChild(want: ChildWant): Promise<ChildEnd> {
  const [program = '', ...args] = want.argv;
  const started = await start(program, args, want);
  if ('failure' in started) return started;
  const { child, pid } = started;
  want.started(pid);

  const stdout = new (want.stdout.keep === 'head' ? Head : Tail)(want.stdout.limit);
  const stderr = new Tail(want.stderrLimit);
  const lines = new Lines((text) => want.line(text), PROGRESS);
  const ended = new AbortController();
  const flooded = (): void => {
    signalGroup(pid, 'SIGKILL');
    // Nothing of what is still printed, by whomever, is waited for.
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.add(chunk);
    want.printed?.(chunk);
    if (stdout.total > want.stdout.killAt) flooded();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.add(chunk);
    lines.add(chunk);
    if (stderr.total > (want.stderrKillAt ?? FLOOD)) flooded();
  });
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on('error', ignore);
  const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // A child that does not read its request is free to do so: EPIPE is no error.
  child.stdin.end(want.input);

  const killing = killOnAbort(pid, { ...want, ended: ended.signal });
  const { exitCode, signal } = await exited;
  await Promise.race([closed, want.clock.sleep(DRAIN_MS, AbortSignal.any([ended.signal, want.signal]))]);
  signalGroup(pid, 'SIGKILL');
  await Promise.race([closed, want.clock.sleep(DRAIN_MS, ended.signal)]);
  ended.abort();
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  await killing;
  // Also after an end of its own: what it left running is watched by nobody.
  killMarked(want.marks);
  lines.end();
  const { total: printed, truncated } = stdout;
  const said = { stderr: new TextDecoder().decode(stderr.bytes()), complained: stderr.total };
  return { outcome: { exitCode, signal, stdout: stdout.bytes(), printed, truncated, ...said } };
}

async function start(
  program: string,
  args: readonly string[],
  want: ChildWant,
): Promise<{ child: ChildProcessWithoutNullStreams; pid: number } | { failure: NodeJS.ErrnoException }> {
  let child: ChildProcessWithoutNullStreams;
  try {
    // No shell; `detached` makes it lead a session and group of its own, without a terminal to ask questions on.
    child = spawn(program, args, { cwd: want.directory, env: want.environment, detached: true, stdio: 'pipe' });
  } catch (error) {
    return { failure: error instanceof Error ? error : new Error(String(error)) };
  }
  const { pid } = child;
  if (pid !== undefined) {
    child.on('error', ignore);
    return { child, pid };
  }
  const failure = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
  return { failure };
}

/** SIGTERM to the group, then, unless everything has ended by then, SIGKILL. */
async function killOnAbort(
  pid: number,
  want: Pick<ChildWant, 'signal' | 'clock' | 'graceMs'> & { readonly ended: AbortSignal },
): Promise<void> {
  const either = AbortSignal.any([want.signal, want.ended]);
  if (!either.aborted) {
    await new Promise<void>((resolve) => {
      either.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  if (!want.signal.aborted || want.ended.aborted) return;
  signalGroup(pid, 'SIGTERM');
  await want.clock.sleep(want.graceMs, want.ended);
  if (!want.ended.aborted) signalGroup(pid, 'SIGKILL');
}

function ignore(): void {}
