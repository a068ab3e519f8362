/**
 * Decisions of schedules, as data: what is due, what is made up for, what is left out, and what is started next. Pure; the
 * scheduler stores each before it acts on it, so that whoever goes on after a crash decides nothing anew.
 */
import { instantsBetween, jitterOf, nextInstant } from '../core/instants.js';
import {
  type Change,
  type Firing,
  type Queued,
  RECENT_KEPT,
  rhythmOf,
  type ScheduleRecord,
  type ScheduleSpec,
} from './schedule-record.js';

/** Something that asks for a start. */
export interface Candidate {
  readonly id: string;
  readonly at: number;
  readonly event: Queued['event'];
  readonly change: Queued['change'];
}

/** An instant that is looked at later than this was missed; until then a coordinator may take over from another. */
const LATE_AFTER_MS = 60_000;
/** Starts that may wait for the one before. */
export const QUEUE_LIMIT = 100;
/** On-time instants that are looked at at once: no interval is shorter than a second. */
const ON_TIME_MOST = 64;

interface Now {
  readonly now: number;
  /** Whether a run that it started before has not ended. */
  readonly busy: boolean;
}

/** What the time asks for since it was looked at last; null: nothing. */
export function decideByTime(record: ScheduleRecord, at: Now): ScheduleRecord | null {
  const rhythm = rhythmOf(record);
  if (rhythm === null || record.paused !== null) return null;
  const { startsAt, endsAt, catchUpLimit, catchUp } = record.spec;
  const after = Math.max(record.cursor, (startsAt ?? Number.NEGATIVE_INFINITY) - 1);
  const until = Math.min(at.now, endsAt ?? Number.POSITIVE_INFINITY);
  if (until <= after) return null;
  const most = ON_TIME_MOST + (catchUp === 'all' ? catchUpLimit : 1);
  const { instants, dropped } = instantsBetween(rhythm, { after, until, most });
  if (instants.length === 0) return null;
  const candidates = instants.map((instant) => ({ id: String(instant), at: instant, event: null, change: null }));
  return decide({ ...record, cursor: until }, candidates, { ...at, dropped });
}

/** What events ask for that were emitted since; `feeds` says how far they are read now. */
export function decideByEvents(
  record: ScheduleRecord,
  candidates: readonly Candidate[],
  { feeds, lost, ...at }: Now & { readonly feeds: ScheduleRecord['feeds']; readonly lost: boolean },
): ScheduleRecord {
  const { startsAt, endsAt } = record.spec;
  const wanted = candidates.filter(
    (one) => one.at >= (startsAt ?? 0) && one.at <= (endsAt ?? Number.POSITIVE_INFINITY),
  );
  const read = { ...record, feeds: { ...record.feeds, ...feeds } };
  if (record.paused !== null) return read;
  const decided = wanted.length === 0 ? read : decide(read, wanted, { ...at, dropped: 0 });
  if (!lost) return decided;
  const error = 'more was told meanwhile than the feed keeps, so events may be missing';
  const { now } = at;
  const told: Firing = { at: now, decidedAt: now, reason: 'event', outcome: 'missed', count: 1, run: null, error };
  return { ...decided, recent: [told, ...decided.recent].slice(0, RECENT_KEPT) };
}

/** What a look at what it watches asks for; null: nothing has changed. The first look only remembers. */
export function decideByLook(
  record: ScheduleRecord,
  found: Readonly<Record<string, string>>,
  at: Now,
): ScheduleRecord | null {
  const { seen, changes, paused, spec } = record;
  const names = [...new Set([...Object.keys(seen ?? {}), ...Object.keys(found)])].toSorted();
  const files = names.filter((name) => seen?.[name] !== found[name]);
  if (seen !== null && files.length === 0) return null;
  const next = { ...record, seen: { ...found }, changes: changes + 1 };
  const isTime = at.now >= (spec.startsAt ?? 0) && at.now <= (spec.endsAt ?? Number.POSITIVE_INFINITY);
  if (seen === null || paused !== null || !isTime) return next;
  const { trigger } = spec;
  const change: Change =
    trigger.kind === 'branch'
      ? { branch: trigger.branch, from: seen[trigger.branch] ?? null, to: found[trigger.branch] ?? null, files: [] }
      : { branch: null, from: null, to: null, files: files.slice(0, FILES_TOLD) };
  // A schedule of the same name that was taken out has counted from one as well.
  const id = `change:${String(at.now)}:${String(next.changes)}`;
  return decide(next, [{ id, at: at.now, event: null, change }], { ...at, dropped: 0 });
}

/** Files that a run is told of: its task is not to grow with a checkout. */
const FILES_TOLD = 100;

function reasonOf({ event, change }: Candidate, isLate: boolean): Queued['reason'] {
  if (event !== null) return 'event';
  return change === null ? (isLate ? 'late' : 'time') : 'change';
}

function decide(
  record: ScheduleRecord,
  candidates: readonly Candidate[],
  { now, busy, dropped }: Now & { readonly dropped: number },
): ScheduleRecord {
  const { spec, revision, name } = record;
  const isLate = ({ at }: Candidate): boolean => at < now - LATE_AFTER_MS;
  const late = candidates.filter(isLate);
  const onTime = candidates.filter((one) => !isLate(one));
  const made = madeUp(record, late, onTime.length);
  const missed = late.length - made.length + dropped;
  const lastMissed = late.at(-made.length - 1) ?? late[0];
  const firings: Firing[] = [];
  const tell = (
    at: number,
    outcome: Firing['outcome'],
    more: Pick<Firing, 'reason' | 'error'> & { count?: number },
  ): void => {
    firings.unshift({ at, decidedAt: now, outcome, count: 1, run: null, ...more });
  };
  if (missed > 0 && lastMissed !== undefined)
    tell(lastMissed.at, 'missed', { reason: 'late', error: null, count: missed });
  const queue = [...record.queue];
  for (const one of [...made, ...onTime]) {
    const reason = reasonOf(one, isLate(one));
    if (spec.overlap === 'skip' && (busy || queue.length > 0)) tell(one.at, 'skipped', { reason, error: null });
    else if (queue.length >= QUEUE_LIMIT)
      tell(one.at, 'skipped', { reason, error: `${String(QUEUE_LIMIT)} starts wait already` });
    else {
      const due = Math.max(now, one.at + jitterOf(name, one.at, spec.jitterMs));
      queue.push({ ...one, revision, due, reason });
    }
  }
  return { ...record, queue, recent: [...firings, ...record.recent].slice(0, RECENT_KEPT) };
}

/** Which of those that were missed are started all the same: the last one unless another one is on time anyway, or several. */
function madeUp({ spec }: ScheduleRecord, late: readonly Candidate[], onTime: number): readonly Candidate[] {
  if (spec.catchUp === 'all') return late.slice(-spec.catchUpLimit);
  return spec.catchUp === 'last' && onTime === 0 ? late.slice(-1) : [];
}

/** The start that comes next, when its time has come and nothing is in its way. */
export function nextStart({ queue, spec, paused }: ScheduleRecord, { now, busy }: Now): Queued | null {
  const [first] = queue.toSorted((a, b) => a.due - b.due);
  if (first === undefined || paused !== null || first.due > now) return null;
  return spec.overlap === 'queue' && busy ? null : first;
}

/** A start is over: it happened, or cannot. `open` are the runs before that have not ended. */
export function settleStart(
  record: ScheduleRecord,
  queued: Queued,
  { now, run, error, open }: { now: number; run: string | null; error: string | null; open: readonly string[] },
): ScheduleRecord {
  const firing: Firing = {
    at: queued.at,
    decidedAt: now,
    reason: queued.reason,
    outcome: run === null ? 'failed' : 'started',
    count: 1,
    run,
    error,
  };
  return {
    ...record,
    queue: record.queue.filter((one) => one.id !== queued.id || one.revision !== queued.revision),
    // Nobody asks what is under way when runs may overlap, and they may be many.
    open: record.spec.overlap === 'allow' || run === null ? open : [...open.filter((one) => one !== run), run],
    recent: [firing, ...record.recent].slice(0, RECENT_KEPT),
  };
}

/** When it must be looked at next, ms; null: not by itself. */
export function nextLook(record: ScheduleRecord): number | null {
  if (record.paused !== null) return null;
  const following = nextDue(record, record.cursor);
  const waits = record.queue.map(({ due }) => due);
  const all = following === null ? waits : [...waits, following];
  return all.length === 0 ? null : Math.min(...all);
}

/** What of a schedule says when it is due. */
export interface Due {
  readonly spec: Pick<ScheduleSpec, 'trigger' | 'startsAt' | 'endsAt'>;
  readonly anchor: number;
}

/** The first instant after `after` that its bounds allow; null when none comes, or events start it. */
export function nextDue(record: Due, after: number): number | null {
  const rhythm = rhythmOf(record);
  const { startsAt, endsAt } = record.spec;
  const next = rhythm === null ? null : nextInstant(rhythm, Math.max(after, (startsAt ?? 0) - 1));
  return next === null || (endsAt !== null && next > endsAt) ? null : next;
}
