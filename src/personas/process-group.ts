/** Process groups: every command attempt leads its own, so that ending it ends what it started. */
import { readdirSync, readFileSync } from 'node:fs';
import { signalProcess } from '../core/processes.js';

/** Sends a signal to a whole group; false when there is no such group. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  return signalProcess(-leader, signal);
}

/**
 * Ends processes that left their group but still carry the attempt's marks in their environment. Linux only; other
 * systems have no cheap way to see another process's environment, so there only the group is ended.
 */
export function killMarked(marks: Readonly<Record<string, string>>): number {
  let killed = 0;
  // Again, since one may have started another while the list was read; what is killed may be listed for a moment more.
  for (let round = 0; round < ROUNDS; round++) {
    const found = processIds().filter((pid) => pid !== process.pid && carries(pid, marks));
    if (found.length === 0) break;
    for (const pid of found) if (signalProcess(pid, 'SIGKILL')) killed += 1;
  }
  return killed;
}

const ROUNDS = 5;

function processIds(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function carries(pid: number, marks: Readonly<Record<string, string>>): boolean {
  try {
    const entries = readFileSync(`/proc/${String(pid)}/environ`, 'utf8').split('\0');
    return Object.entries(marks).every(([name, value]) => entries.includes(`${name}=${value}`));
  } catch {
    return false;
  }
}
