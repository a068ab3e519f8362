/** Durations and times for people. All arguments are ms. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `3.2 s`, `42 s`, `4m 12s`, `2h 05m`, `3d 4h`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  if (whole < 10 * SECOND) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`;
  if (whole < MINUTE) return `${part(whole, SECOND)} s`;
  if (whole < HOUR) return `${part(whole, MINUTE)}m ${part(whole % MINUTE, SECOND).padStart(2, '0')}s`;
  if (whole < DAY) return `${part(whole, HOUR)}h ${part(whole % HOUR, MINUTE).padStart(2, '0')}m`;
  return `${part(whole, DAY)}d ${part(whole % DAY, HOUR)}h`;
}

/** `3.2 s ago`; `now` is the store's clock, as `at` is. */
export function ago(at: number, now: number): string {
  return `${duration(now - at)} ago`;
}

/** `12:03:04`, where this process is. */
export function timeOfDay(at: number): string {
  const time = new Date(at);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(':');
}

/** `2026-11-20 12:03:04`, where this process is. */
export function dateAndTime(at: number): string {
  const time = new Date(at);
  const date = [String(time.getFullYear()), twoDigits(time.getMonth() + 1), twoDigits(time.getDate())].join('-');
  return `${date} ${timeOfDay(at)}`;
}

function part(ms: number, unit: number): string {
  return String(Math.floor(ms / unit));
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
