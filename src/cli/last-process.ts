/**
 * Whether processes of a run that has ended still work somewhere: its workers say with every announcement which runs they have
 * processes or worktrees of, and an attempt is in hand until the last process of its group is dead.
 */
import type { WorkerInfo } from '../core/ports.js';
import type { RunView } from '../core/views.js';
import type { Client } from '../coordinator/client.js';
import type { Call } from './call.js';
import { duration } from './render/duration.js';
import { oneLine } from './render/printable.js';
import { SILENT_MS } from './hints.js';

/** A worker hears of it with its next heartbeat (2 s), gives its processes 5 s to end, and says so within a second. */
const WAIT_MS = 15_000;
const LOOK_AGAIN_MS = 100;

/** Workers that hold attempts of a run or of those inside it, as far as they can be seen now. */
export async function holdersOf(client: Client, run: string): Promise<ReadonlySet<string>> {
  // One that cannot be read can be canceled all the same.
  const view = await client.get(run).catch(() => null);
  const claimed = (view?.steps ?? []).flatMap(({ status, worker }) => (status === 'working' && worker ? [worker] : []));
  const known = await client.workers();
  return new Set([...claimed, ...known.filter((one) => holds(one, run)).map(({ worker }) => worker)]);
}

/** Waits until nobody has processes of the run any more, and says so; or who does not say it. Null when nobody had any. */
export async function lastProcess(
  { app }: Call,
  client: Client,
  { view, holders, from }: { view: RunView; holders: ReadonlySet<string>; from: number },
): Promise<string | null> {
  const { clock } = app;
  if (holders.size === 0) return null;
  for (const until = clock.monotonic() + WAIT_MS; ; await clock.sleep(LOOK_AGAIN_MS)) {
    const [workers, now] = await Promise.all([client.workers(), client.time()]);
    const there = new Map(workers.map((one) => [one.worker, one]));
    const waitedFor = [...holders].find((name) => !isOver(there.get(name), { view, now }));
    if (waitedFor === undefined) return told({ view, holders, there, took: clock.monotonic() - from });
    if (clock.monotonic() < until) continue;
    return `${nameOf(waitedFor)} has not said within ${duration(WAIT_MS)} that its processes are gone: look there`;
  }
}

/** Whether nothing more will be heard of the worker, or it has none of the run's processes. */
function isOver(worker: WorkerInfo | undefined, { view, now }: { view: RunView; now: number }): boolean {
  if (worker === undefined || worker.runs === undefined || now - worker.seenAt > SILENT_MS) return true;
  // What it said before the end says nothing of what it held then.
  return worker.seenAt >= (view.endedAt ?? now) && !holds(worker, view.id);
}

function told(of: {
  view: RunView;
  holders: ReadonlySet<string>;
  there: ReadonlyMap<string, WorkerInfo>;
  took: number;
}): string {
  const { view, holders, there, took } = of;
  const silent = [...holders].find((name) => {
    const worker = there.get(name);
    return worker?.runs === undefined || worker.seenAt < (view.endedAt ?? 0);
  });
  if (silent !== undefined)
    return `${nameOf(silent)} does not answer, so nobody can say whether its processes are gone: look there`;
  const [name = ''] = holders;
  const who = holders.size === 1 ? nameOf(name) : `${String(holders.size)} workers`;
  return `the last process (${who}) is gone after ${duration(took)}`;
}

function holds({ runs = [] }: WorkerInfo, run: string): boolean {
  return runs.some((one) => one === run || one.startsWith(`${run}.`));
}

/** Workers are named `host:pid:nonce`. */
function nameOf(worker: string): string {
  const [host = '', pid] = worker.split(':');
  return oneLine(pid === undefined ? `worker ${host}` : `worker on ${host}, pid ${pid}`);
}
