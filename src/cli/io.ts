/**
 * The world as a command sees it: where it prints, what the terminal can do, who can be asked, and Ctrl-C. Handed in,
 * so that a test is a terminal of its own.
 */
import { hostname } from 'node:os';
import { type Prompts, terminalPrompts } from './prompts.js';

export interface Writer {
  write(text: string | Uint8Array): void;
}

export interface Io {
  readonly stdout: Writer;
  readonly stderr: Writer;
  /** Whether stdout is a terminal whose cursor can be moved. */
  readonly isTTY: boolean;
  /** Of the terminal, as they are now; it may be resized at any time. */
  readonly columns: number;
  readonly rows: number;
  /** Whether colors are wanted, before `--no-color` is looked at. */
  readonly color: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Name of this machine, as histories name where something was said. */
  readonly host: string;
  /** Asks the person at the terminal; null when nobody can be asked. */
  readonly prompts: Prompts | null;
  /** Calls back on every Ctrl-C and every polite request to end, instead of ending; the returned function takes it back. */
  onInterrupt(callback: () => void): () => void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The world of this process. */
export function processIo(): Io {
  const { stdin, stdout, stderr, env } = process;
  const callbacks = new Set<() => void>();
  for (const stream of [stdout, stderr]) {
    // A reader that went away (`coord watch … | head`) is one that wants no more.
    stream.on('error', () => {
      for (const callback of callbacks) callback();
    });
  }
  const isTTY = stdout.isTTY && env['TERM'] !== 'dumb';
  return {
    stdout: { write: (text) => void stdout.write(text) },
    stderr: { write: (text) => void stderr.write(text) },
    isTTY,
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    color: wantsColor(env, isTTY),
    env,
    cwd: process.cwd(),
    host: hostname(),
    // A terminal that does not tell its width cannot be drawn a question on.
    prompts: stdin.isTTY && isTTY && stdout.columns > 0 ? terminalPrompts(env) : null,
    onInterrupt: (callback) => {
      const called = (): void => callback();
      callbacks.add(called);
      for (const signal of SIGNALS) process.on(signal, called);
      return () => {
        callbacks.delete(called);
        for (const signal of SIGNALS) process.off(signal, called);
      };
    },
  };
}

/** NO_COLOR (no-color.org) says no to everything, FORCE_COLOR says yes to a pipe. */
export function wantsColor(env: Io['env'], isTTY: boolean): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  return force === undefined ? isTTY : force !== '0' && force !== 'false';
}
