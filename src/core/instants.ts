/** When a schedule is due: the instants of a cron text or of an interval, in order, and those between two times. Pure. */
import { type Cron, nextTimeOfDay, parseCron } from './cron.js';
import { sha256 } from './json.js';
import { instantOf, latestShown } from './zone.js';

/** What makes instants. `every` counts from `anchor`, ms, and has its first instant there. */
export type Rhythm =
  | { readonly kind: 'cron'; readonly cron: string; readonly zone: string }
  | { readonly kind: 'every'; readonly everyMs: number; readonly anchor: number };

/** The first instant after `after`, ms; null when none ever comes. The cron text must have been read without a problem. */
export function nextInstant(rhythm: Rhythm, after: number): number | null {
  if (rhythm.kind === 'every') {
    const { everyMs, anchor } = rhythm;
    return after < anchor ? anchor : anchor + (Math.floor((after - anchor) / everyMs) + 1) * everyMs;
  }
  const cron = cronOf(rhythm.cron);
  // What the clocks have shown by then is over, although its hour may come once more.
  const shown = cron === null ? null : nextTimeOfDay(cron, latestShown(rhythm.zone, after));
  return shown === null ? null : instantOf(rhythm.zone, shown);
}

/** The instants in (`after`, `until`]: the last `most` (1 or more) of them, and how many come before those, up to `COUNTED`. */
export function instantsBetween(
  rhythm: Rhythm,
  { after, until, most }: { readonly after: number; readonly until: number; readonly most: number },
): { readonly instants: readonly number[]; readonly dropped: number } {
  const every = rhythm.kind === 'every' ? rhythm.everyMs : CRON_AT_LEAST_MS;
  // Looked at from the end, in stretches that double: after a year of silence nobody counts a year of minutes.
  for (let stretch = every * most; ; stretch *= 2) {
    const from = Math.max(after, until - stretch);
    const found = allBetween(rhythm, from, until);
    if (found.length < most && from > after) continue;
    const instants = found.slice(-most);
    const [first = until + 1] = instants;
    return { instants, dropped: countBetween(rhythm, after, first - 1) };
  }
}

/** Instants that are counted at most, where they are only told. */
const COUNTED = 1_000;
const CRON_AT_LEAST_MS = 60_000;

/** A delay below `jitterMs`, always the same one for the same instant. */
export function jitterOf(name: string, instant: number, jitterMs: number): number {
  if (jitterMs <= 0) return 0;
  return Number.parseInt(sha256(`${name}\n${String(instant)}`).slice(0, 12), 16) % jitterMs;
}

function allBetween(rhythm: Rhythm, after: number, until: number): readonly number[] {
  const found: number[] = [];
  for (let at = nextInstant(rhythm, after); at !== null && at <= until; at = nextInstant(rhythm, at)) found.push(at);
  return found;
}

function countBetween(rhythm: Rhythm, after: number, until: number): number {
  let count = 0;
  for (let at = nextInstant(rhythm, after); at !== null && at <= until && count < COUNTED; at = nextInstant(rhythm, at))
    count++;
  return count;
}

const crons = new Map<string, Cron | null>();

function cronOf(text: string): Cron | null {
  const known = crons.get(text);
  if (known !== undefined) return known;
  const read = parseCron(text);
  const cron = 'cron' in read ? read.cron : null;
  // A process sees the schedules of one namespace; whoever tries out texts without end starts afresh.
  if (crons.size > 10_000) crons.clear();
  crons.set(text, cron);
  return cron;
}
