/** What the harness tells a process of the chaos run, and what all of them begin and end with. */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../src/core/clock.js';
import { hasCode } from '../../../src/core/errors.js';
import type { Failpoints } from '../../../src/core/failpoints.js';
import { randomIds } from '../../../src/core/ids.js';
import { processRuns } from '../../../src/core/processes.js';
import type { Store } from '../../../src/core/ports.js';
import { openRedisStore } from '../../../src/redis/store.js';

export interface Settings {
  readonly role: 'coordinator' | 'worker';
  /** Place in the crew, for example `worker-2`. */
  readonly slot: string;
  /** Socket of its own proxy. */
  readonly socket: string;
  readonly namespace: string;
  readonly partitions: number;
  readonly stateDir: string;
  readonly seed: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly beatMs: number;
  /** Longest wait for one answer of Redis, ms. */
  readonly deadlineMs: number;
  /** Where what it reports goes, a line of JSON each. */
  readonly events: string;
  /** Where each execution of a persona goes. */
  readonly effects: string;
  /** Where forged calls go, with what they were answered. */
  readonly attacks: string;
  /** Whether it knows by the pid that another one is dead, as on one machine; else only by its silence. */
  readonly knowsDead: boolean;
  /** Whether the log of Redis may lose what was confirmed: then a little less is certain. */
  readonly lossy: boolean;
  /** As COORD_FAILPOINTS. */
  readonly failpoints: string;
  /** Where each failpoint that was hit goes. */
  readonly failpointLog: string;
}

/** Waits for the harness to say who this process is: until then it is a spare, loaded and ready. */
export function received(): Promise<Settings> {
  return new Promise((resolve) => {
    process.once('message', (message) => resolve(message as Settings));
  });
}

/** Whether an owner or worker of that name, `…:pid:…`, is a process that has ended. */
export function isDead(name: string): boolean {
  const pid = Number(name.split(':')[1]);
  return Number.isInteger(pid) && !processRuns(pid);
}

/** Aborted when this process is told to stop. It ends at once when the harness is gone. */
export function told(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  process.once('disconnect', () => process.exit(1));
  return stop.signal;
}

export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Tries until the server is there, and says so to the harness; null when told to stop first. */
export async function openPatiently(
  settings: Settings,
  { failpoints, signal }: { failpoints: Failpoints; signal: AbortSignal },
): Promise<Store | null> {
  const { socket, namespace, deadlineMs, partitions } = settings;
  const means = { clock: systemClock, ids: randomIds, failpoints, deadlineMs };
  while (!signal.aborted) {
    let store: Store | null = null;
    try {
      store = await openRedisStore({ address: { socket }, namespace, ...means });
      await store.namespace.open(partitions);
      process.send?.('up');
      return store;
    } catch (error) {
      await store?.close();
      if (!hasCode(error, 'REDIS_UNREACHABLE') && !hasCode(error, 'OUTCOME_UNKNOWN')) throw error;
      await delay(50);
    }
  }
  return null;
}

/** One line, appended at once: it is there even if this process dies in the next moment. */
export function writeLine(file: string, line: object): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}
