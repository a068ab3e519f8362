/** A command that somebody runs under a lock: at their terminal, with their signals, and its exit code is theirs. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CoordError } from '../core/errors.js';

export interface HeldCommand {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks it to end. */
  readonly until: AbortSignal;
}

const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Its exit code; of one that a signal has ended what shells say, 128 and the signal's number. Throws USAGE when it cannot be started. */
export async function runHeldCommand({ argv, directory, environment, until }: HeldCommand): Promise<number> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { cwd: directory, env: { ...environment }, stdio: 'inherit' });
  const stop = (): void => void child.kill('SIGTERM');
  const listeners = PASSED_ON.map((signal) => ({
    signal,
    listener: (): void => {
      // A terminal sends Ctrl-C to both.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    },
  }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  until.addEventListener('abort', stop);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (error) => {
        const message = `${JSON.stringify(program)} cannot be started: ${error.message}`;
        reject(new CoordError('USAGE', message, { cause: error }));
      });
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
      if (until.aborted) stop();
    });
  } finally {
    until.removeEventListener('abort', stop);
    for (const { signal, listener } of listeners) process.off(signal, listener);
  }
}
