/** Real processes of a test: started with a mark in their environment, found again by it, and killed all at once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/core/clock.js';

export const TOP = fileURLToPath(new URL('../../', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

export function start(
  command: readonly [string, ...string[]],
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Started {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // 'exit', not 'close': a host or server that it left behind holds nothing, but must not be waited for either.
  const ended = new Promise<Ended>((resolve) =>
    child.once('exit', (code) => setImmediate(() => resolve({ code, stdout, stderr }))),
  );
  return { child, ended };
}

/** Resolves when the program has said so on its log. */
export async function says(program: Started, text: string): Promise<void> {
  let heard = '';
  await new Promise<void>((resolve, reject) => {
    program.child.stdout?.on('data', (chunk: string) => {
      heard += chunk;
      if (heard.includes(text)) resolve();
    });
    void program.ended.then(({ stderr }) => reject(new Error(`ended before it said "${text}": ${heard}${stderr}`)));
  });
}

/** Processes whose environment holds the mark or which work inside the folder: coord, its host, its server, its personas. */
function processesOf({ mark, folder }: { mark: string; folder: string }): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${String(pid)}/environ`, 'latin1').includes(mark) ||
          readlinkSync(`/proc/${String(pid)}/cwd`).startsWith(folder)
        );
      } catch {
        return false;
      }
    });
}

/** kill -9 for all of them, again and again until none is left: one of them may be starting another. */
export async function killTree(tree: { mark: string; folder: string }): Promise<number> {
  let killed = 0;
  for (let found = processesOf(tree); found.length > 0; found = processesOf(tree)) {
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // It ended in this moment.
      }
    }
    await systemClock.sleep(5);
  }
  return killed;
}

/** Resolves when the file exists or the process has ended. */
export async function fileOrEnd(file: string, started: Started): Promise<'file' | 'end'> {
  let over = false;
  void started.ended.then(() => {
    over = true;
  });
  while (!existsSync(file)) {
    if (over) return existsSync(file) ? 'file' : 'end';
    await systemClock.sleep(5);
  }
  return 'file';
}

export const COORD = join(TOP, 'bin', 'coord');
