/**
 * Clocks on the wall in a time zone, and when one reaches a time. Two rules make each time of day one instant: a time that
 * does not exist, since the clock was put forward over it, is reached in the instant of that change; and one that comes
 * twice, since the clock was put back, is reached when it comes first.
 */
import { nearest } from './suggest.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Further than any clock is from UTC, with a change of a day on top. */
const AROUND_MS = 40 * HOUR_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

/** What is wrong with the name of a time zone, or null. */
export function zoneProblem(zone: string): string | null {
  try {
    // The machine's own names only: an offset such as "+01:00" knows nothing of summer.
    if (/^[+-]/.test(zone)) return `"${zone}" is an offset; name a time zone such as "Europe/Berlin"`;
    formatOf(zone);
    return null;
  } catch {
    const guess = nearest(zone, Intl.supportedValuesOf('timeZone'));
    const hint =
      guess === null ? ' Names are as in the IANA list, for example "Europe/Berlin".' : ` Did you mean "${guess}"?`;
    return `there is no time zone "${zone}".${hint}`;
  }
}

/** How far the clocks of the zone are ahead of UTC in an instant, ms. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === 'UTC') return 0;
  const parts = new Map(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const get = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return wall - Math.floor(instant / 1_000) * 1_000;
}

/**
 * The latest time that the clocks of the zone had shown by that instant, in ms that read right in UTC. While an hour comes
 * for the second time it is still the end of the first one: whatever fits in it has been already.
 */
export function latestShown(zone: string, instant: number): number {
  const now = offsetAt(zone, instant);
  const before = offsetAt(zone, instant - AROUND_MS);
  if (before <= now) return instant + now;
  const change = changeBetween(zone, instant - AROUND_MS, instant);
  return Math.max(instant + now, change + before - MINUTE_MS);
}

/** The first instant in which the clocks of the zone show that time or a later one. */
export function instantOf(zone: string, shown: number): number {
  const early = offsetAt(zone, shown - AROUND_MS);
  const late = offsetAt(zone, shown + AROUND_MS);
  if (early === late) return shown - early;
  const change = changeBetween(zone, shown - AROUND_MS, shown + AROUND_MS);
  if (shown - early < change) return shown - early;
  return Math.max(change, shown - late);
}

/** The instant in which the offset changes, between two that have different ones. */
function changeBetween(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from);
  let low = Math.floor(from / 1_000);
  let high = Math.ceil(to / 1_000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * 1_000) === before) low = middle;
    else high = middle;
  }
  return high * 1_000;
}

/** Throws RangeError for a zone that is not known. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, format);
  return format;
}
