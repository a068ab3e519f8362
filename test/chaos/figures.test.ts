import { describe, expect, test } from 'vitest';
import { vacuities } from './check/vacuity.js';
import { type Kind, KINDS, type Weights } from './faults.js';
import { type Figures, lastLine, percentiles, summary } from './figures.js';
import { readOptions } from './options.js';

const NONE = { count: 0, p50: 0, p99: 0, max: 0 };

function figures(change: Partial<Figures> = {}): Figures {
  return {
    seed: 1,
    fsync: 'always',
    seconds: { faults: 60, drain: 3 },
    kills: 150,
    stalls: 30,
    cuts: 25,
    runs: 200,
    transitions: 2_000,
    lost: 0,
    duplicated: 0,
    stuck: 0,
    faults: Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, 2])) as Record<Kind, number>,
    inner: { kills: 10, stalls: 5 },
    failpoints: {},
    statuses: { completed: 190, failed: 10 },
    client: { calls: 4_000, confirmed: 400, refused: 3, unknown: 4 },
    power: { cuts: 2, bytes: 0, lostOperations: 0, incidents: 0 },
    attempts: { executions: 1_000, doubled: 4, rate: 0.004 },
    attacks: 30,
    canaryMs: NONE,
    timersLateMs: NONE,
    events: { 'partition.acquired': 40, 'partition.fenced': 2, stale: 3 },
    violations: [],
    vacuous: [],
    ...change,
  };
}

function missing(change: Partial<Figures>, weights: Weights = KINDS): readonly string[] {
  return vacuities(figures(change), { weights, focus: 'everything' });
}

test('the last line is exactly this', () => {
  expect(lastLine(figures({ lost: 1, duplicated: 2, stuck: 3 }))).toBe(
    '150 kills, 30 stalls, 25 cuts, 200 runs, 2000 transitions: 1 lost, 2 duplicated, 3 stuck',
  );
});

test('the lines before it say what was counted', () => {
  const text = summary(figures());
  expect(text).toContain('1000 executed, 4 of them twice (0.40 %)');
  expect(text).toContain('runs: 190 completed, 10 failed');
});

test('percentiles of nothing and of something', () => {
  expect(percentiles([])).toEqual(NONE);
  expect(percentiles([5, 1, 9, 3])).toEqual({ count: 4, p50: 5, p99: 9, max: 9 });
});

describe('a run proves nothing', () => {
  test('unless enough happened', () => {
    expect(missing({})).toEqual([]);
    expect(missing({ transitions: 100 })).toHaveLength(1);
    expect(missing({ runs: 3 })).toHaveLength(1);
    expect(missing({ client: { calls: 0, confirmed: 0, refused: 0, unknown: 0 } })).toHaveLength(2);
    expect(missing({ kills: 1, stalls: 0, cuts: 0 })).toHaveLength(1);
    expect(missing({ inner: { kills: 0, stalls: 0 } })).toHaveLength(1);
    expect(missing({ attacks: 0 })).toHaveLength(1);
    expect(missing({ events: {} })).toHaveLength(3);
  });

  test('when a kind of fault that was wanted did not happen', () => {
    const faults = { ...figures().faults, 'power cut': 0 };
    expect(missing({ faults })).toEqual(['no fault of the kind "power cut"']);
    expect(missing({ faults }, { ...KINDS, 'power cut': 0 })).toEqual([]);
  });

  test('when no power cut took anything on a server that can lose something', () => {
    expect(missing({ fsync: 'everysec' })).toHaveLength(2);
    const power = { cuts: 2, bytes: 5, lostOperations: 1, incidents: 1 };
    expect(missing({ fsync: 'everysec', power })).toEqual([]);
  });
});

describe('the command line', () => {
  test('says how long, from what seed, and to what end', () => {
    const options = readOptions(['--minutes', '2', '--seed', '7', '--kills', '10', '--fsync', 'everysec']);
    expect(options).toMatchObject({ minutes: 2, seed: 7, fsync: 'everysec' });
    expect(options.goals).toEqual({ kills: 10, runs: null, transitions: null });
  });

  test('leaves kinds of faults out', () => {
    const { weights } = readOptions(['--without', 'power cut', '--without', 'redis killed']);
    expect([weights['power cut'], weights['redis killed'], weights['worker killed'] > 0]).toEqual([0, 0, true]);
  });

  test.each([['--minutes', 'x'], ['--fsync', 'sometimes'], ['--without', 'rain'], ['--focus', 'x'], ['--what']])(
    'refuses %s %s',
    (...args) => {
      expect(() => readOptions(args.filter((arg) => arg !== undefined))).toThrow(/--/);
    },
  );
});
