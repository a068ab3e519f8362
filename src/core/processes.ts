/**
 * Processes of this machine as found again later. Identities carry the start time, because a pid alone may belong to
 * somebody else by now; and a process that was killed but not yet waited for by its parent is dead, whatever `kill`
 * says of its pid.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process as found again later. `startTime` null: this system does not tell, and nothing is ever killed on a guess. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string | null;
}

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: startTimeOf(pid) };
}

/** Whether that very process still runs: `unknown` when the pid is in use and start times cannot be compared. */
export function isAlive(identity: ProcessIdentity): 'yes' | 'no' | 'unknown' {
  if (!signalProcess(identity.pid, 0)) return 'no';
  if (identity.startTime === null) return 'unknown';
  const now = startTimeOf(identity.pid);
  // On Linux a process without a start time has just gone or is a zombie; elsewhere `ps` may only have been late.
  if (now === null) return process.platform === 'linux' ? 'no' : 'unknown';
  return now === identity.startTime ? 'yes' : 'no';
}

/** Whether a process of that pid runs, whichever it is. */
export function processRuns(pid: number): boolean {
  return signalProcess(pid, 0) && (process.platform !== 'linux' || startTimeOf(pid) !== null);
}

/** Sends a signal to a process, or with a negative pid to a group; false when there is none. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  // 0 and 1, and their negatives, mean "my own group", "init" and "everybody".
  if (!Number.isSafeInteger(pid) || Math.abs(pid) < 2) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat; elsewhere what `ps` says; null when neither is there. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The command name, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    if (process.platform === 'linux') return null;
  }
  try {
    const options = {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
      timeout: 2_000,
    } as const;
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], options).trim();
    return text === '' ? null : text;
  } catch {
    return null;
  }
}
