/** A run that was begun and not ended: the same workflow, task and repository, so that what was paid for is not paid twice. */
import type { Client } from '../coordinator/client.js';
import { hasCode } from '../core/errors.js';
import { canonicalJson, type JsonObject } from '../core/json.js';
import { RUN_STATUSES, runHasEnded } from '../core/statuses.js';
import type { RunView } from '../core/views.js';

const UNFINISHED = RUN_STATUSES.filter((status) => !runHasEnded(status));
/** Most unfinished runs that are looked at, newest first. */
const LOOKED_AT = 1_000;

export interface Wanted {
  readonly workflow: string;
  readonly task: JsonObject;
  /** Top of the repository, or null without one. */
  readonly repo: string | null;
}

/** The newest, or null. Runs that were set aside do not count: they cannot go on. */
export async function findUnfinished(client: Client, wanted: Wanted): Promise<RunView | null> {
  const task = canonicalJson(wanted.task);
  for (const row of await client.list({ statuses: UNFINISHED, limit: LOOKED_AT })) {
    // A run inside another one goes on with that one.
    if (row.workflow !== wanted.workflow || row.quarantined !== null || row.parent !== null) continue;
    const view = await readable(client, row.id);
    if (view === null || runHasEnded(view.status)) continue;
    if (canonicalJson(view.task) === task && (view.workspace?.repo ?? null) === wanted.repo) return view;
  }
  return null;
}

async function readable(client: Client, run: string): Promise<RunView | null> {
  try {
    return await client.get(run);
  } catch (error) {
    if (hasCode(error, 'RUN_UNREADABLE') || hasCode(error, 'RUN_NOT_FOUND')) return null;
    throw error;
  }
}
