/**
 * Cron texts: five fields (minute, hour, day of the month, month, day of the week), or a word such as `@daily`. Pure
 * calendar: times of day without a zone, as milliseconds that read right in UTC. `core/zone.ts` puts them on real clocks.
 */
import { nearest } from './suggest.js';

/** What a text asks for: for each field the values that fit. */
export interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly months: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly weekdays: ReadonlySet<number>;
  /** Whether both day fields must fit. When neither is written with a `*`, one of them is enough, as in every cron. */
  readonly bothDays: boolean;
}

/** What is wrong with a text, and where in it. */
export interface CronProblem {
  readonly offset: number;
  readonly length: number;
  readonly message: string;
  readonly hint: string | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** The 29th of February can stay away from a day of the week for 40 years. */
const YEARS_AHEAD = 60;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const;
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Names of the values, beginning at `from`. */
  readonly names: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'minute', from: 0, to: 59, names: [] },
  { name: 'hour', from: 0, to: 23, names: [] },
  { name: 'day of the month', from: 1, to: 31, names: [] },
  { name: 'month', from: 1, to: 12, names: MONTHS },
  // 7 is Sunday too.
  { name: 'day of the week', from: 0, to: 7, names: WEEKDAYS },
];

const FORM = 'Five fields are: minute hour day month weekday, for example "30 8 * * mon-fri".';

type Read = { readonly cron: Cron } | { readonly problem: CronProblem };

/** Never throws: what is wrong is told with its place in the text. */
export function parseCron(text: string): Read {
  const word = text.trim().toLowerCase();
  if (word.startsWith('@')) return wordOf(text, word);
  const fields = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], offset: match.index }));
  if (fields.length !== FIELDS.length) {
    const count = fields.length === 6 ? '6 fields; seconds are not known here' : `${String(fields.length)} fields`;
    return problem({ offset: 0, length: Math.max(1, text.length) }, `a cron text has 5 fields, not ${count}`, FORM);
  }
  const values: ReadonlySet<number>[] = [];
  for (const [index, field] of FIELDS.entries()) {
    const { text: written = '', offset = 0 } = fields[index] ?? {};
    const read = readField(field, written, offset);
    if ('problem' in read) return read;
    values.push(read.values);
  }
  const [minutes, hours, days, months, weekdays] = values as [Values, Values, Values, Values, Values];
  const cron: Cron = {
    minutes: sorted(minutes),
    hours: sorted(hours),
    days,
    months,
    weekdays: new Set([...weekdays].map((day) => day % 7)),
    bothDays: fields[2]?.text.startsWith('*') === true || fields[4]?.text.startsWith('*') === true,
  };
  const longest = Math.max(...[...months].map((month) => DAYS_IN_MONTH[month - 1] ?? 0));
  if (cron.bothDays && Math.min(...days) > longest) {
    const at = { offset: fields[2]?.offset ?? 0, length: fields[2]?.text.length ?? 1 };
    return problem(at, 'no month that is asked for has such a day, so the time never comes', null);
  }
  return { cron };
}

type Values = ReadonlySet<number>;

/** The first time after `after` that fits, both as times of day in ms that read right in UTC; null when none ever comes. */
export function nextTimeOfDay(cron: Cron, after: number): number | null {
  const from = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
  const first = Math.floor(from / DAY_MS) * DAY_MS;
  const lastYear = new Date(first).getUTCFullYear() + YEARS_AHEAD;
  for (let day = first; ; ) {
    const date = new Date(day);
    if (date.getUTCFullYear() > lastYear) return null;
    if (!cron.months.has(date.getUTCMonth() + 1)) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    const found = dayFits(cron, date) ? firstInDay(cron, Math.max(0, from - day)) : null;
    if (found !== null) return day + found;
    day += DAY_MS;
  }
}

function dayFits({ days, weekdays, bothDays }: Cron, date: Date): boolean {
  const day = days.has(date.getUTCDate());
  const weekday = weekdays.has(date.getUTCDay());
  return bothDays ? day && weekday : day || weekday;
}

/** Ms of the day, at or after `from` ms of it. */
function firstInDay({ hours, minutes }: Cron, from: number): number | null {
  const atLeast = from / MINUTE_MS;
  for (const hour of hours)
    for (const minute of minutes) if (hour * 60 + minute >= atLeast) return (hour * 60 + minute) * MINUTE_MS;
  return null;
}

function wordOf(text: string, word: string): Read {
  const meant = WORDS[word];
  if (meant !== undefined) return parseCron(meant);
  const guess = nearest(word, Object.keys(WORDS));
  const hint = guess === null ? `Known are ${Object.keys(WORDS).join(', ')}.` : `Did you mean "${guess}"?`;
  return problem({ offset: 0, length: text.length }, `"${text.trim()}" is no word for a time`, hint);
}

function readField(
  field: Field,
  text: string,
  offset: number,
): { readonly values: Values } | { readonly problem: CronProblem } {
  const values = new Set<number>();
  let at = offset;
  for (const part of text.split(',')) {
    const read = readPart(field, part);
    if (typeof read === 'string') {
      const place = { offset: at, length: Math.max(1, part.length) };
      return problem(place, read, hintFor(field, part));
    }
    for (let value = read.from; value <= read.to; value += read.step) values.add(value);
    at += part.length + 1;
  }
  return { values };
}

/** `*`, `5`, `1-5`, each with `/2` behind it; a text says what is wrong. */
function readPart(field: Field, part: string): { from: number; to: number; step: number } | string {
  const { name, from, to } = field;
  const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,4}))?$/i.exec(part);
  if (match === null) return `"${part}" cannot be read as a ${name}`;
  const [, star, first, last, every] = match;
  const step = every === undefined ? 1 : Number(every);
  if (step < 1 || step > to) return `a ${name} cannot be taken every ${String(step)}`;
  if (star !== undefined) return { from, to: name === 'day of the week' ? 6 : to, step };
  const begin = valueOf(field, first ?? '');
  // A value with a step behind it goes on to the end, as in every cron.
  const end = last === undefined ? (every === undefined ? begin : endOf(field)) : valueOf(field, last);
  if (begin === null || end === null) return `there is no ${name} "${(begin === null ? first : last) ?? ''}"`;
  // `fri-sun` ends with the Sunday that is 7.
  const until = end < begin && field.names === WEEKDAYS && end === 0 ? 7 : end;
  if (until < begin) return `"${part}" ends before it begins`;
  return { from: begin, to: until, step };
}

function endOf({ names, to }: Field): number {
  return names === WEEKDAYS ? 6 : to;
}

function valueOf({ from, to, names }: Field, text: string): number | null {
  const named = names.indexOf(text.toLowerCase());
  if (named !== -1) return from + named;
  if (!/^\d{1,2}$/.test(text)) return null;
  const value = Number(text);
  return value >= from && value <= to ? value : null;
}

function hintFor({ name, from, to, names }: Field, part: string): string {
  if (/[LW#?]/.test(part) && !/^[a-z]{3}/i.test(part)) return '"L", "W", "#" and "?" are not known here.';
  const guess = nearest(part, names);
  if (guess !== null) return `Did you mean "${guess}"?`;
  const named = names.length === 0 ? '' : `, or ${names.join(', ')}`;
  return `A ${name} is from ${String(from)} to ${String(to)}${named}; also a range 1-5, a list 1,3 or a step */2.`;
}

function problem(
  at: { readonly offset: number; readonly length: number },
  message: string,
  hint: string | null,
): { readonly problem: CronProblem } {
  return { problem: { ...at, message, hint } };
}

function sorted(values: Values): readonly number[] {
  return [...values].toSorted((a, b) => a - b);
}
