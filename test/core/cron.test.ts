import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextTimeOfDay, parseCron } from '../../src/core/cron.js';
import { instantsBetween, jitterOf, nextInstant, type Rhythm } from '../../src/core/instants.js';
import { instantOf, latestShown, offsetAt, zoneProblem } from '../../src/core/zone.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function due(cron: string, zone: string, after: string, count: number): readonly string[] {
  const rhythm: Rhythm = { kind: 'cron', cron, zone };
  const found: string[] = [];
  for (
    let at = nextInstant(rhythm, Date.parse(after));
    at !== null && found.length < count;
    at = nextInstant(rhythm, at)
  )
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  return found;
}

describe('a cron text', () => {
  test.each([
    ['0 3 * * *', ['2026-03-01T03:00Z', '2026-03-02T03:00Z']],
    ['*/20 9-10 * * *', ['2026-03-01T09:00Z', '2026-03-01T09:20Z', '2026-03-01T09:40Z', '2026-03-01T10:00Z']],
    ['30 8 * * mon-fri', ['2026-03-02T08:30Z', '2026-03-03T08:30Z']],
    ['0 0 * * fri-sun', ['2026-03-01T00:00Z', '2026-03-06T00:00Z', '2026-03-07T00:00Z', '2026-03-08T00:00Z']],
    ['0 0 * * 7', ['2026-03-01T00:00Z', '2026-03-08T00:00Z']],
    ['5/25 0 1 MAR *', ['2026-03-01T00:05Z', '2026-03-01T00:30Z', '2026-03-01T00:55Z', '2027-03-01T00:05Z']],
    ['0 12 1,15 * *', ['2026-03-01T12:00Z', '2026-03-15T12:00Z']],
    // Neither day field has a star: one of them is enough.
    ['0 0 13 * 5', ['2026-03-06T00:00Z', '2026-03-13T00:00Z', '2026-03-20T00:00Z']],
    // One has: both must fit.
    ['0 0 */2 * 5', ['2026-03-13T00:00Z', '2026-03-27T00:00Z', '2026-04-03T00:00Z']],
    ['0 0 29 2 *', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
    ['0 0 29 2 */7', ['2032-02-29T00:00Z', '2060-02-29T00:00Z']],
    ['@hourly', ['2026-03-01T00:00Z', '2026-03-01T01:00Z']],
    ['@Weekly', ['2026-03-01T00:00Z', '2026-03-08T00:00Z']],
  ])('%s', (text, wanted) => {
    expect(due(text, 'UTC', '2026-02-28T23:59:59Z', wanted.length)).toEqual(wanted);
  });

  test.each([
    ['', 'has 5 fields, not 0 fields', 0, 1],
    ['* * * *', 'has 5 fields, not 4 fields', 0, 7],
    ['0 0 3 * * *', 'seconds are not known', 0, 11],
    ['60 * * * *', 'there is no minute "60"', 0, 2],
    ['0 1,24 * * *', 'there is no hour "24"', 4, 2],
    ['0 0 0 * *', 'there is no day of the month "0"', 4, 1],
    ['0 0 1 13 *', 'there is no month "13"', 6, 2],
    ['0 0 1 jam *', 'there is no month "jam"', 6, 3],
    ['0 0 * * 8', 'there is no day of the week "8"', 8, 1],
    ['0 0 L * *', 'there is no day of the month "L"', 4, 1],
    ['0 0 * * 5#2', '"5#2" cannot be read as a day of the week', 8, 3],
    ['*/0 * * * *', 'cannot be taken every 0', 0, 3],
    ['*/60 * * * *', 'cannot be taken every 60', 0, 4],
    ['30-10 * * * *', 'ends before it begins', 0, 5],
    ['0 ,1 * * *', '"" cannot be read as a hour', 2, 1],
    ['0 0 30 2 *', 'the time never comes', 4, 2],
    ['0 0 31 2,4,6 *', 'the time never comes', 4, 2],
    ['@dayly', 'is no word for a time', 0, 6],
    ['-1 * * * *', 'cannot be read as a minute', 0, 2],
  ])('%j is refused at its place', (text, message, offset, length) => {
    const read = parseCron(text);
    expect('problem' in read ? read.problem : null).toMatchObject({ offset, length });
    expect('problem' in read ? read.problem.message : '').toContain(message);
  });

  test('says what was probably meant', () => {
    const hint = (text: string): string | null => {
      const read = parseCron(text);
      return 'problem' in read ? read.problem.hint : null;
    };
    expect(hint('0 0 1 jam *')).toBe('Did you mean "jan"?');
    expect(hint('@dayly')).toBe('Did you mean "@daily"?');
    expect(hint('0 0 L * *')).toContain('not known here');
  });

  test('reads whatever it is given without falling over', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d*\-,/a-z]{1,6}( [\d*\-,/a-z]{1,6}){4}$/)), (text) => {
        const read = parseCron(text);
        const next = 'cron' in read ? nextTimeOfDay(read.cron, 1_800_000_000_000) : null;
        const told = 'problem' in read ? read.problem : { message: 'none', offset: 0, length: 0 };
        expect(told.message).not.toBe('');
        expect(told.offset + told.length).toBeLessThanOrEqual(text.length + 1);
        expect(next ?? 1_800_000_060_000).toBeGreaterThan(1_800_000_000_000);
      }),
    );
  });
});

describe('the changes of clocks', () => {
  test('a time that does not exist comes in the instant of the change', () => {
    // Berlin, 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
    expect(due('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    // Everything that is left out comes once, together with what is due anyway.
    expect(due('*/15 1-3 * * *', 'Europe/Berlin', '2026-03-29T00:40:00Z', 3)).toEqual([
      '2026-03-29T00:45Z',
      '2026-03-29T01:00Z',
      '2026-03-29T01:15Z',
    ]);
  });

  test('a time that comes twice is taken the first time', () => {
    // Berlin, 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
    expect(due('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00:00Z', 3)).toEqual([
      '2026-10-24T00:30Z',
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
    expect(due('0 * * * *', 'Europe/Berlin', '2026-10-24T23:30:00Z', 3)).toEqual([
      '2026-10-25T00:00Z',
      '2026-10-25T02:00Z',
      '2026-10-25T03:00Z',
    ]);
    // Asked in the middle of the hour that comes once more: it is over.
    expect(due('30 2 * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', 1)).toEqual(['2026-10-26T01:30Z']);
  });

  test('a day that was left out altogether', () => {
    // Samoa had no 30 December 2011.
    expect(due('0 9 30 12 *', 'Pacific/Apia', '2011-12-01T00:00:00Z', 1)).toEqual(['2011-12-30T10:00Z']);
  });

  test('half an hour, and a midnight that is not there', () => {
    expect(due('15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z', 1)).toEqual(['2026-10-03T15:30Z']);
    expect(due('0 0 4 11 *', 'America/Sao_Paulo', '2018-11-01T00:00:00Z', 1)).toEqual(['2018-11-04T03:00Z']);
  });

  test('zones are known by their names', () => {
    expect(zoneProblem('Europe/Berlin')).toBeNull();
    expect(zoneProblem('UTC')).toBeNull();
    expect(zoneProblem('Europe/Berlim')).toContain('Did you mean "Europe/Berlin"?');
    expect(zoneProblem('Nowhere')).toContain('IANA');
    expect(zoneProblem('+02:00')).toContain('is an offset');
  });
});

/** All instants of a stretch, found by looking at the clock of every minute. */
function bySearch(text: string, zone: string, from: number, until: number): readonly number[] {
  const read = parseCron(text);
  if ('problem' in read) throw new Error(read.problem.message);
  const { cron } = read;
  const fits = (shown: number): boolean => nextTimeOfDay(cron, shown - 1) === shown;
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const found: number[] = [];
  let latest = Number.NEGATIVE_INFINITY;
  let shown = 0;
  for (let at = from - 2 * DAY; at <= until; at += MINUTE) {
    // Clocks are changed at full quarters of an hour.
    if (at % (15 * MINUTE) === 0) shown = Date.parse(`${format.format(at).replace(', ', 'T')}Z`);
    else shown += MINUTE;
    let isDue = false;
    for (let time = Math.max(latest + MINUTE, shown - 30 * HOUR); time <= shown; time += MINUTE) isDue ||= fits(time);
    latest = Math.max(latest, shown);
    if (isDue && at > from) found.push(at);
  }
  return found;
}

const ZONES = [
  ['Europe/Berlin', '2026-03-28', '2026-10-24'],
  ['America/New_York', '2026-03-07', '2026-10-31'],
  ['Australia/Lord_Howe', '2026-10-03', '2026-04-04'],
  ['America/Sao_Paulo', '2018-11-03', '2018-02-17'],
  ['Pacific/Apia', '2011-12-29', '2012-03-31'],
  ['Africa/Casablanca', '2026-02-14', '2026-03-21'],
  ['Asia/Kathmandu', '2026-01-01', '2026-06-01'],
] as const;

const field = (from: number, to: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: from, max: to }).map(String),
    fc.integer({ min: 2, max: 20 }).map((step) => `*/${String(Math.min(step, to))}`),
    fc
      .tuple(fc.integer({ min: from, max: to }), fc.integer({ min: from, max: to }))
      .map(([a, b]) => `${String(Math.min(a, b))}-${String(Math.max(a, b))}`),
    fc.array(fc.integer({ min: from, max: to }), { minLength: 2, maxLength: 4 }).map((values) => values.join(',')),
  );

describe('the next instant', () => {
  test('is the one that looking at the clock of every minute finds, around every change of clocks', () => {
    const texts = fc.tuple(field(0, 59), fc.oneof(field(0, 5), field(0, 23)), field(1, 31), field(0, 6));
    const when = fc.tuple(fc.constantFrom(...ZONES), fc.boolean(), fc.integer({ min: 0, max: 36 * 60 }));
    fc.assert(
      fc.property(texts, when, ([minute, hour, day, weekday], [[zone, forward, back], isForward, minutes]) => {
        const text = `${minute} ${hour} ${day} * ${weekday}`;
        const from = Date.parse(`${isForward ? forward : back}T00:00:00Z`) + minutes * MINUTE - 12 * HOUR;
        const until = from + 2.5 * DAY;
        const rhythm: Rhythm = { kind: 'cron', cron: text, zone };
        const found: number[] = [];
        for (let at = nextInstant(rhythm, from); at !== null && at <= until; at = nextInstant(rhythm, at))
          found.push(at);
        expect(found).toEqual(bySearch(text, zone, from, until));
      }),
      { numRuns: 60 },
    );
  });

  test.each(['Europe/Berlin', 'America/New_York'])('is the same as by looking for two whole years in %s', (zone) => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    const until = Date.parse('2028-01-01T00:00:00Z');
    for (const text of ['30 2 * * *', '15,45 */6 1-7 * 1']) {
      const rhythm: Rhythm = { kind: 'cron', cron: text, zone };
      const found: number[] = [];
      for (let at = nextInstant(rhythm, from); at !== null && at <= until; at = nextInstant(rhythm, at)) found.push(at);
      expect(found).toEqual(bySearch(text, zone, from, until));
    }
  });

  test('clocks only go on: what has been shown by an instant is reached by it, and what comes next is not', () => {
    const when = fc.tuple(
      fc.constantFrom(...ZONES.map(([zone]) => zone)),
      fc.integer({ min: 21_700_000, max: 31_700_000 }),
    );
    fc.assert(
      fc.property(when, ([zone, minute]) => {
        const instant = minute * MINUTE;
        const shown = latestShown(zone, instant);
        expect(instantOf(zone, shown)).toBeLessThanOrEqual(instant);
        expect(instantOf(zone, shown + MINUTE)).toBeGreaterThan(instant);
        expect(Math.abs(offsetAt(zone, instant))).toBeLessThanOrEqual(15 * HOUR);
      }),
    );
  });

  test('of an interval lies on a grid that begins at its anchor', () => {
    const rhythm: Rhythm = { kind: 'every', everyMs: 100, anchor: 1_000 };
    expect([0, 999, 1_000, 1_050, 1_099, 1_100].map((after) => nextInstant(rhythm, after))).toEqual([
      1_000, 1_000, 1_100, 1_100, 1_100, 1_200,
    ]);
  });
});

describe('the instants of a stretch', () => {
  test('are the last ones, with how many were before them', () => {
    const rhythms: readonly Rhythm[] = [
      { kind: 'every', everyMs: 7 * MINUTE, anchor: 0 },
      { kind: 'cron', cron: '*/10 9-10 * * 1-5', zone: 'Europe/Berlin' },
      { kind: 'cron', cron: '* 9 1 * *', zone: 'UTC' },
    ];
    const stretch = fc.tuple(fc.integer({ min: 0, max: 40 * DAY }), fc.integer({ min: 0, max: 40 * DAY }));
    fc.assert(
      fc.property(fc.constantFrom(...rhythms), stretch, fc.integer({ min: 1, max: 50 }), (rhythm, [a, b], most) => {
        const base = Date.parse('2026-03-01T00:00:00Z');
        const [after, until] = [base + Math.min(a, b), base + Math.max(a, b)];
        const all: number[] = [];
        for (let at = nextInstant(rhythm, after); at !== null && at <= until; at = nextInstant(rhythm, at))
          all.push(at);
        const { instants, dropped } = instantsBetween(rhythm, { after, until, most });
        expect(instants).toEqual(all.slice(-most));
        expect(dropped).toBe(Math.min(1_000, all.length - instants.length));
      }),
      { numRuns: 60 },
    );
  });

  test('are found quickly after years of silence', () => {
    const until = Date.parse('2026-03-01T00:00:00Z');
    const rhythm: Rhythm = { kind: 'cron', cron: '* * * * *', zone: 'Europe/Berlin' };
    const found = instantsBetween(rhythm, { after: until - 3_000 * DAY, until, most: 2 });
    expect(found).toEqual({ instants: [until - MINUTE, until], dropped: 1_000 });
  });
});

test('jitter is the same for the same instant, and below its bound', () => {
  expect(jitterOf('a', 5, 0)).toBe(0);
  const delays = Array.from({ length: 50 }, (_, index) => jitterOf('a', index, 1_000));
  expect(delays).toEqual(Array.from({ length: 50 }, (_, index) => jitterOf('a', index, 1_000)));
  expect(new Set(delays).size).toBeGreaterThan(30);
  expect(Math.max(...delays)).toBeLessThan(1_000);
});
