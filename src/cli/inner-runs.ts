/** Runs inside a run, as far as they are looked at for what they ask people: whoever follows the outer one is the one to answer. */
import type { Client } from '../coordinator/client.js';
import { hasCode } from '../core/errors.js';
import { stepIsSettled } from '../core/statuses.js';
import type { RunView } from '../core/views.js';
import { oneLine } from './render/printable.js';
import { type Ask, asksOf } from './render/waiting.js';

/** Runs inside that are looked at for what they ask. */
const INNER_RUNS = 20;

/** What the runs inside ask, in the order of the workflow. */
export async function asksInside(client: Client, outer: RunView): Promise<readonly Ask[]> {
  return (await openInnerRuns(client, outer)).flatMap(asksOf);
}

/** Runs inside that stand still since they were set aside, with why, as lines for people: the outer run waits for them. */
export async function setAsideInside(client: Client, outer: RunView): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { id, run, status } of outer.steps) {
    if (run === null || stepIsSettled(status) || lines.length >= INNER_RUNS) continue;
    const why = await whySetAside(client, run);
    if (why === null) continue;
    lines.push(`step ${oneLine(id)} waits for run ${run}, which is set aside: ${oneLine(why)}; coord repair ${run}`);
  }
  return lines;
}

async function whySetAside(client: Client, run: string): Promise<string | null> {
  try {
    return (await client.get(run)).quarantined;
  } catch (error) {
    if (!hasCode(error, 'RUN_UNREADABLE') && !hasCode(error, 'RUN_NOT_FOUND')) throw error;
    return error.message;
  }
}

/** The runs inside that are under way, and those inside them; one that cannot be read has nothing to ask. */
export async function openInnerRuns(client: Client, outer: RunView): Promise<readonly RunView[]> {
  const found: RunView[] = [];
  const open = openInside(outer);
  for (let run = open.shift(); run !== undefined && found.length < INNER_RUNS; run = open.shift()) {
    const view = await readable(client, run);
    if (view === null) continue;
    found.push(view);
    open.push(...openInside(view));
  }
  return found;
}

async function readable(client: Client, run: string): Promise<RunView | null> {
  try {
    return await client.get(run);
  } catch (error) {
    if (!hasCode(error, 'RUN_UNREADABLE') && !hasCode(error, 'RUN_NOT_FOUND')) throw error;
    return null;
  }
}

function openInside({ steps }: RunView): string[] {
  return steps.flatMap(({ run, status }) => (run === null || stepIsSettled(status) ? [] : [run]));
}
