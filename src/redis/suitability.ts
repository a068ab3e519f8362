/** Whether a server keeps what coord promises: its version, its role, and the settings that would break a promise. */
import type { Clock } from '../core/clock.js';
import { noFailpoints } from '../core/failpoints.js';
import { type Address, describe } from './address.js';
import { Connection } from './connection.js';
import { pairsOf } from './replies.js';

export interface ServerFacts {
  readonly label: string;
  readonly version: string;
  readonly role: string;
  readonly appendOnly: boolean;
  /** `always`, `everysec`, `no`; null when the server does not tell. */
  readonly appendFsync: string | null;
  readonly evictionPolicy: string;
  /** Bytes; 0 for no limit. */
  readonly maxMemory: number;
  readonly usedMemory: number;
}

export interface ServerProblem {
  readonly level: 'error' | 'warning';
  readonly message: string;
  readonly cure: string | null;
}

/** Scripts with flags, which say what may run when memory is short, came with 7.0. */
export const OLDEST_MAJOR = 7;

/** Throws REDIS_UNREACHABLE. */
export async function inspectServer(address: Address, clock: Clock, deadlineMs = 5_000): Promise<ServerFacts> {
  const connection = new Connection({
    address,
    clock,
    failpoints: noFailpoints,
    deadlineMs,
    scripts: new Map(),
  });
  try {
    await connection.ready();
    const info = infoOf(String(await connection.read('INFO', [])));
    // A managed service may forbid CONFIG; what it does not tell is not judged.
    const fsync = await connection.read('CONFIG', ['GET', 'appendfsync']).catch(() => []);
    return {
      label: describe(address),
      version: info.get('redis_version') ?? '0',
      role: info.get('role') ?? 'master',
      appendOnly: info.get('aof_enabled') === '1',
      appendFsync: pairsOf(fsync).get('appendfsync') ?? null,
      evictionPolicy: info.get('maxmemory_policy') ?? 'noeviction',
      maxMemory: Number(info.get('maxmemory') ?? 0),
      usedMemory: Number(info.get('used_memory') ?? 0),
    };
  } finally {
    connection.close();
  }
}

/** Errors first. */
export function problemsOf(facts: ServerFacts): readonly ServerProblem[] {
  const problems: ServerProblem[] = [];
  const found = (level: ServerProblem['level'], message: string, cure: string | null): void =>
    void problems.push({ level, message, cure });
  if (Number(facts.version.split('.')[0]) < OLDEST_MAJOR) {
    found(
      'error',
      `Redis at ${facts.label} is ${facts.version}`,
      `coord needs ${String(OLDEST_MAJOR)}.0 or newer, or any Valkey`,
    );
  }
  if (facts.role !== 'master')
    found('error', `Redis at ${facts.label} is a replica, so nothing can be written`, 'use the address of its master');
  if (facts.maxMemory > 0 && facts.evictionPolicy !== 'noeviction') {
    found(
      'error',
      `Redis at ${facts.label} evicts keys (maxmemory-policy ${facts.evictionPolicy}), which loses runs`,
      'redis-cli CONFIG SET maxmemory-policy noeviction',
    );
  }
  if (!facts.appendOnly) {
    found(
      'warning',
      `Redis at ${facts.label} keeps no append-only file: a crash of the server loses runs`,
      'redis-cli CONFIG SET appendonly yes, and appendfsync always',
    );
  } else if (facts.appendFsync !== null && facts.appendFsync !== 'always') {
    found(
      'warning',
      `Redis at ${facts.label} has appendfsync ${facts.appendFsync}: a power cut may undo the last seconds`,
      'redis-cli CONFIG SET appendfsync always',
    );
  }
  if (facts.maxMemory > 0 && facts.usedMemory > 0.8 * facts.maxMemory) {
    found(
      'warning',
      `Redis at ${facts.label} uses ${String(Math.round((100 * facts.usedMemory) / facts.maxMemory))} % of its memory limit`,
      'raise maxmemory',
    );
  }
  return problems;
}

function infoOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}
