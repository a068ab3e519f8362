/** Schedules for people: one line each, or one of them whole. */
import type { Firing, ListedSchedule, ScheduleRecord } from '../../coordinator/client-schedules.js';
import { isJsonObject, type JsonObject } from '../../core/json.js';
import { type Call, tableLook } from '../call.js';
import { dateAndTime, duration } from './duration.js';
import { oneLine } from './printable.js';
import { table } from './table.js';

/** `2026-11-29 03:00 Europe/Berlin (2026-11-29T02:00:00.000Z)`; without a zone the instant alone. */
export function instantWords(at: number, zone: string | null): string {
  const utc = new Date(at).toISOString().replace('.000Z', 'Z');
  if (zone === null || zone === 'UTC') return utc;
  const shown = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    dateStyle: 'short',
    timeStyle: 'short',
  }).format(at);
  return `${shown.replace(', ', ' ')} ${zone} (${utc})`;
}

export function scheduleTable(call: Call, all: readonly ListedSchedule[]): string {
  const columns = [
    { title: 'SCHEDULE', cell: ({ name }: ListedSchedule) => name },
    { title: 'WORKFLOW', cell: ({ schedule }: ListedSchedule) => schedule?.spec.workflow ?? '' },
    { title: 'WHEN', cell: ({ schedule }: ListedSchedule) => (schedule === null ? '' : triggerWords(schedule)) },
    { title: 'NEXT', cell: nextWords },
    {
      title: 'LAST',
      cell: ({ schedule }: ListedSchedule) =>
        schedule?.recent[0] === undefined ? '' : firingWords(schedule.recent[0]),
    },
  ];
  return table(columns, all, tableLook(call));
}

/** `due` are the next instants. */
export function scheduleWords(call: Call, record: ScheduleRecord, due: readonly number[]): string {
  const { spec, paused, queue, open, recent, revision, changedAt, changedBy } = record;
  const zone = spec.trigger.kind === 'cron' ? spec.trigger.zone : null;
  const bounds = [
    ...(spec.startsAt === null ? [] : [`from ${instantWords(spec.startsAt, zone)}`]),
    ...(spec.endsAt === null ? [] : [`until ${instantWords(spec.endsAt, zone)}`]),
  ];
  const rows: readonly (readonly [string, string])[] = [
    ['schedule', `${record.name}, revision ${String(revision)} of ${dateAndTime(changedAt)} by ${changedBy}`],
    ['workflow', `${spec.workflow}, pinned as ${spec.definition.slice(0, 12)}`],
    ['when', [triggerWords(record), ...bounds].join(' ')],
    ...(spec.jitterMs === 0 ? [] : [['jitter', `up to ${duration(spec.jitterMs)} later`] as const]),
    ['overlap', spec.overlap],
    ['catch up', spec.catchUp === 'all' ? `all, at most ${String(spec.catchUpLimit)}` : spec.catchUp],
    ...(spec.repo === null ? [] : [['repository', spec.repo] as const]),
    ['task', JSON.stringify(spec.task)],
    ...(paused === null ? [] : [['paused', `since ${dateAndTime(paused.at)} by ${paused.by}`] as const]),
    ...due.map((at, index) => [index === 0 ? 'next' : '', instantWords(at, zone)] as const),
    ...queue.map(
      ({ at, reason }, index) => [index === 0 ? 'waiting' : '', `${instantWords(at, zone)} ${reason}`] as const,
    ),
    ...open.map((run, index) => [index === 0 ? 'started' : '', run] as const),
    ...recent.map((firing, index) => [index === 0 ? 'last' : '', firingWords(firing)] as const),
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  return rows.map(([title, text]) => `${call.colors.dim(title.padEnd(width))}  ${oneLine(text)}`).join('\n');
}

function triggerWords({ spec: { trigger } }: ScheduleRecord): string {
  if (trigger.kind === 'cron') return `${trigger.cron} ${trigger.zone}`;
  if (trigger.kind === 'every') return `every ${duration(trigger.everyMs)}`;
  if (trigger.kind === 'branch') return `branch ${trigger.branch}`;
  return trigger.kind === 'files' ? `files ${trigger.files}` : `on ${JSON.stringify(trigger.event)}`;
}

function nextWords({ schedule, next, error }: ListedSchedule): string {
  if (error !== null) return error;
  if (schedule?.paused !== null) return 'paused';
  const waits = schedule.queue.length === 0 ? '' : `${String(schedule.queue.length)} waiting; `;
  if (next !== null) return `${waits}${instantWords(next, null)}`;
  return `${waits}${schedule.spec.trigger.kind === 'cron' || schedule.spec.trigger.kind === 'every' ? 'never' : 'when it comes'}`;
}

/** `2026-11-29T02:00:00Z started nightly-7k2m9x4h0q`. */
function firingWords({ at, outcome, count, run, error, reason }: Firing): string {
  const many = count === 1 ? '' : ` (${String(count)} of them)`;
  const why = reason === 'time' || outcome === 'missed' ? '' : ` by ${reason === 'late' ? 'catching up' : reason}`;
  return `${instantWords(at, null)} ${outcome}${many}${run === null ? '' : ` ${run}`}${why}${error === null ? '' : `: ${error}`}`;
}

/** What a schedule says in the task of a run that it started, as lines; none for any other run. */
export function startedBy({ schedule }: JsonObject): readonly string[] {
  if (!isJsonObject(schedule)) return [];
  const { name, at, reason } = schedule;
  if (typeof name !== 'string' || typeof at !== 'string' || typeof reason !== 'string') return [];
  return [`${name}, for ${at} (${reason})`];
}
