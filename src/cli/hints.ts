/** Why a run does not move, as far as it can be seen from outside, each with the command that changes it. */
import type { WorkerInfo } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { RunView } from '../core/views.js';
import type { Client } from '../coordinator/client.js';
import { oneLine } from './render/printable.js';

/** Workers say that they are there every 5 s; who was silent for longer than this is gone. */
const SILENT_MS = 15_000;

export async function hintsFor(client: Client, view: RunView): Promise<readonly string[]> {
  if (runHasEnded(view.status)) return [];
  const [workers, owners, now] = await Promise.all([client.workers(), client.owners(), client.time()]);
  return waitingFor(view, { workers, owned: owners.length > 0, now });
}

/** Personas that somebody serves now, wherever their files are. */
export async function servedPersonas(client: Client): Promise<readonly string[]> {
  const [workers, now] = await Promise.all([client.workers(), client.time()]);
  return servedBy(workers, now);
}

function servedBy(workers: readonly WorkerInfo[], now: number): readonly string[] {
  return workers.filter(({ seenAt }) => now - seenAt <= SILENT_MS).flatMap(({ personas }) => personas);
}

export function waitingFor(
  view: RunView,
  seen: { readonly workers: readonly WorkerInfo[]; readonly owned: boolean; readonly now: number },
): readonly string[] {
  const aside =
    view.quarantined === null ? [] : [`the run is set aside and stands still: ${oneLine(view.quarantined)}`];
  const nobody = seen.owned ? [] : ['nobody moves runs: coord daemon'];
  const served = new Set(servedBy(seen.workers, seen.now));
  const queued = view.steps.filter(({ status, persona }) => status === 'queued' && !served.has(persona));
  const unserved = [...new Set(queued.map(({ persona }) => persona))].map(
    (persona) => `no live worker serves persona ${oneLine(persona)}: coord worker`,
  );
  return [...aside, ...nobody, ...unserved];
}
