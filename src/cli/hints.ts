/** Why a run does not move, as far as it can be seen from outside, each with the command that changes it. */
import type { WorkerInfo } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import type { Client } from '../coordinator/client.js';
import type { Call } from './call.js';
import { setAsideInside } from './inner-runs.js';
import { oneLine } from './render/printable.js';

/** Workers say that they are there every 5 s; who was silent for longer than this is gone. */
export const SILENT_MS = 15_000;

export async function hintsFor({ app, options }: Call, client: Client, view: RunView): Promise<readonly string[]> {
  if (runHasEnded(view.status)) return [];
  const [workers, owners, now] = await Promise.all([client.workers(), client.owners(), client.time()]);
  const seen = { workers, owned: owners.length > 0, now };
  const files = unservedIn(view, seen).length === 0 ? null : await app.knownPersonas(options);
  return [...waitingFor(view, { ...seen, files }), ...(await setAsideInside(client, view))];
}

/** Personas that somebody serves now, wherever their files are. */
export async function servedPersonas(client: Client): Promise<readonly string[]> {
  const [workers, now] = await Promise.all([client.workers(), client.time()]);
  return servedBy(workers, now);
}

function servedBy(workers: readonly WorkerInfo[], now: number): readonly string[] {
  return workers.filter(({ seenAt }) => now - seenAt <= SILENT_MS).flatMap(({ personas }) => personas);
}

interface Seen {
  readonly workers: readonly WorkerInfo[];
  readonly owned: boolean;
  readonly now: number;
}

/** `files`: the personas that the project has; null when that is not known. */
export function waitingFor(
  view: RunView,
  seen: Seen & { readonly files: ReadonlySet<string> | null },
): readonly string[] {
  const aside =
    view.quarantined === null
      ? []
      : [`the run is set aside and stands still: ${oneLine(view.quarantined)}; coord repair ${oneLine(view.id)}`];
  const nobody = seen.owned ? [] : ['nobody moves runs: coord daemon'];
  const unserved = unservedIn(view, seen).map(({ persona, id }) => {
    const name = oneLine(persona);
    if (seen.files === null || seen.files.has(persona)) return `no live worker serves persona ${name}: coord worker`;
    const where = `write personas/${name}.md, or correct the name that step ${oneLine(id)} asks`;
    return `nobody serves persona ${name}, and there is no persona file of that name: ${where}`;
  });
  return [...aside, ...nobody, ...unserved];
}

/** The first step of every persona that is asked and that nobody serves. */
function unservedIn({ steps }: RunView, { workers, now }: Seen): readonly StepView[] {
  const served = new Set(servedBy(workers, now));
  const found = new Map<string, StepView>();
  for (const step of steps)
    if (step.status === 'queued' && !served.has(step.persona) && !found.has(step.persona))
      found.set(step.persona, step);
  return [...found.values()];
}
