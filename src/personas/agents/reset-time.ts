/**
 * When a CLI says that it may be used again, in the many ways in which they say it. Pure: the time and the zone of
 * times without one are handed in.
 */
import { instantOf, offsetAt, zoneProblem } from '../../core/zone.js';

export interface Here {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** IANA name of the zone that the CLI writes local times in. */
  readonly zone: string;
}

/** A time of day that is over by less than this has only just come: the CLI's message is a little old. */
const JUST_OVER_MS = 10 * 60_000;
const SOON_MS = 60_000;
const DAY_MS = 86_400_000;

/** Milliseconds from now, at least 1; null when the text does not say. */
export function resumesIn(text: string, here: Here): number | null {
  const ms = epoch(text, here.now) ?? span(text) ?? clockTime(text, here);
  return ms === null ? null : Math.max(1, Math.ceil(ms));
}

/** `limit reached|1762952400`, `"resets_at":1777936568`, `"resets_in_seconds":13872`. */
function epoch(text: string, now: number): number | null {
  const seconds = /resets?_in_seconds\W{1,4}(\d{1,7})/i.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  const at = /(?:\||resets?_?at\W{1,4})(\d{10}(?:\d{3})?)\b/i.exec(text)?.[1];
  if (at === undefined) return null;
  const left = (at.length === 13 ? Number(at) : Number(at) * 1000) - now;
  return left > 0 ? left : SOON_MS;
}

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(?:ms|milliseconds?)$/i, 1],
  [/^(?:s|secs?|seconds?)$/i, 1000],
  [/^(?:m|mins?|minutes?)$/i, 60_000],
  [/^(?:h|hrs?|hours?)$/i, 3_600_000],
  [/^(?:d|days?)$/i, DAY_MS],
];
const PART = String.raw`\d+(?:\.\d+)?\s*(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)`;
/** `try again in 2 days 3 hours`, `retry in 34.2s`, `reset after 2h24m55s`, `"retryDelay": "31s"`, `retry-after: 30`. */
const SPAN = new RegExp(
  String.raw`(?:again in|retry in|resets? in|resets? after|wait(?: for)?|retryDelay\W{1,6}|available in)\s*((?:${PART}(?:,?\s*(?:and\s+)?)?)+)`,
  'i',
);

function span(text: string): number | null {
  const seconds = /retry[-_ ]after\W{1,4}(\d{1,7})(?![\d.]*[^\S\n]*[a-z])/i.exec(text)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  const found = SPAN.exec(text)?.[1];
  if (found === undefined) return null;
  let ms = 0;
  for (const [, count, unit] of found.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi))
    ms += Number(count) * (UNITS.find(([name]) => name.test(unit ?? ''))?.[1] ?? 0);
  return ms > 0 ? ms : SOON_MS;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** `resets 3pm`, `reset at 5:30pm (Europe/Warsaw)`, `resets Oct 12, 8am`, `try again at Jul 5th, 2026 8:19 PM`. */
const CLOCK = new RegExp(
  [
    String.raw`(?:resets?|again)(?:\s+(?:at|on))*\s+`,
    String.raw`(?:(${WEEKDAYS.join('|')})[a-z]*,?\s+)?`,
    String.raw`(?:(${MONTHS.join('|')})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(?:(\d{4}),?\s+)?)?`,
    String.raw`(?:at\s+)?(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\b`,
    String.raw`(?:\s*\(([A-Za-z_]+(?:\/[A-Za-z_+\-0-9]+)*)\))?`,
  ].join(''),
  'i',
);

function clockTime(text: string, here: Here): number | null {
  const found = CLOCK.exec(text);
  if (found === null) return null;
  const [, weekday, month, day, year, hours, minutes, half, named] = found;
  // `again in 5` is no time of day.
  if (half === undefined && minutes === undefined) return null;
  const hour = hourOf(Number(hours), half);
  const minute = Number(minutes ?? 0);
  if (hour === null || minute > 59) return null;
  const zone = zoneOf(named) ?? here.zone;
  // What the clocks of the zone show, in ms that read right in UTC.
  const today = new Date(here.now + offsetAt(zone, here.now));
  const date =
    month === undefined
      ? { year: today.getUTCFullYear(), month: today.getUTCMonth(), day: today.getUTCDate() }
      : { year: Number(year ?? today.getUTCFullYear()), month: MONTHS.indexOf(month.toLowerCase()), day: Number(day) };
  const at = (days: number): number =>
    instantOf(zone, Date.UTC(date.year, date.month, date.day + days, hour, minute)) - here.now;
  if (month !== undefined) {
    const left = at(0);
    if (left > 0) return left;
    if (left > -JUST_OVER_MS || year !== undefined) return SOON_MS;
    return instantOf(zone, Date.UTC(date.year + 1, date.month, date.day, hour, minute)) - here.now;
  }
  const ahead =
    weekday === undefined ? 0 : (WEEKDAYS.indexOf(weekday.toLowerCase().slice(0, 3)) - today.getUTCDay() + 7) % 7;
  const left = at(ahead);
  if (left > 0) return left;
  return left > -JUST_OVER_MS ? SOON_MS : at(ahead + (weekday === undefined ? 1 : 7));
}

function hourOf(hour: number, half: string | undefined): number | null {
  if (half === undefined) return hour <= 23 ? hour : null;
  if (hour < 1 || hour > 12) return null;
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
}

/** Null for a name that is no zone. */
function zoneOf(name: string | undefined): string | null {
  return name === undefined || zoneProblem(name) !== null ? null : name;
}
