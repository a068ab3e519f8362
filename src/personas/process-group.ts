/**
 * Process groups: every command attempt leads its own, so that ending it ends what it started. Identities carry the
 * start time, because a pid alone may belong to somebody else by now.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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
  for (const pid of processIds()) {
    if (pid !== process.pid && carries(pid, marks) && signalProcess(pid, 'SIGKILL')) killed += 1;
  }
  return killed;
}

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

function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
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
