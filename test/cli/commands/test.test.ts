/** `coord test`: what it prints and how it ends. What tests mean is tested in test/testing. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { TestResult } from '../../../src/core/test-report.js';
import { World } from '../world.js';

const PASSED: TestResult = {
  file: 'workflows/tests/loop.test.yml',
  line: 3,
  workflow: 'loop',
  name: 'goes well',
  kind: 'test',
  ok: true,
  differences: [],
  virtualMs: 3_900_000,
  realMs: 12,
  interleavings: null,
  choices: [],
  startedAt: 1_000,
  facts: [],
};
const FAILED: TestResult = {
  ...PASSED,
  line: 9,
  name: 'never merges',
  kind: 'property',
  ok: false,
  differences: [{ what: 'status', expected: 'completed', actual: 'failed: step qa\u001b[31m' }],
  interleavings: { checked: 41, all: true },
  choices: ['qa answers fail', 'time passes'],
  facts: [
    { type: 'run.started', run: 'r', at: 1_000, cause: null, workflow: 'loop', definition: 'd' },
    { type: 'step.queued', run: 'r', at: 61_000, cause: null, step: 'qa', attempt: 2, persona: 'qa', token: 't' },
  ],
};

let world: World;
beforeEach(() => {
  world = new World();
  const coverage = [{ workflow: 'loop', covered: 3, total: 4, missed: ['qa: never fails'] }];
  world.report = { tests: [PASSED], coverage, seed: 7, realMs: 40 };
});

describe('coord test', () => {
  test('prints each test, what was not reached, and the sum', async () => {
    const { code, out } = await world.coord('test', 'flows');
    expect(out).toMatchInlineSnapshot(`
      "workflows/tests/loop.test.yml
        ✓ goes well (1h 05m in 12 ms)

      loop: 3 of 4 points reached
        not reached  qa: never fails
      1 passed, 0 failed, coverage 75 %, 1h 05m of runs in 0.0 s
      "
    `);
    expect(code).toBe(0);
    expect(world.asked).toEqual([`test ${world.directory}/flows`]);
  });

  test('shows of a failure the place, the difference, the choices and the history', async () => {
    world.report = { ...world.report, tests: [PASSED, FAILED] };
    const { code, out } = await world.coord('test');
    expect(out.slice(out.indexOf('  ✗'), out.indexOf('\n\n'))).toMatchInlineSnapshot(`
      "  ✗ never merges (1h 05m in 12 ms, all 41 orders of events)
          workflows/tests/loop.test.yml:9
          status
            expected  completed
            actual    failed: step qa\\x1b[31m
          choices that lead there:
            qa answers fail
            time passes
          history:
            +0.0 s    run started (workflow loop)
            +1m 00s   qa (attempt 2) queued for qa"
    `);
    expect(out).toContain('1 passed, 1 failed');
    expect(out).toContain('seed 7');
    expect(code).toBe(1);
  });

  test('fails below the coverage that is asked for', async () => {
    expect(await world.coord('test', '--min-coverage', '75')).toMatchObject({ code: 0 });
    const { code, err } = await world.coord('test', '--min-coverage', '76');
    expect({ code, err }).toEqual({ code: 1, err: 'coverage is 75 %, and 76 % are asked for\n' });
    expect(await world.coord('test', '--min-coverage', '101')).toMatchObject({ code: 2 });
  });

  test('prints JSON and nothing else', async () => {
    world.report = { ...world.report, tests: [FAILED] };
    const { code, out } = await world.coord('test', '--json');
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(world.report)));
    expect(code).toBe(1);
  });

  test('says so when a filter fits no test', async () => {
    world.report = { ...world.report, tests: [] };
    expect(await world.coord('test', '--filter', 'x')).toMatchObject({ code: 2 });
  });

  test('prints a run as a test, and plays one again', async () => {
    expect(await world.coord('test', '--record', 'loop-1')).toMatchObject({
      code: 0,
      out: 'workflow: loop # of loop-1\n',
    });
    world.report = { ...world.report, tests: [FAILED] };
    const replayed = await world.coord('test', '--replay', 'loop-1');
    expect(replayed.code).toBe(1);
    expect(replayed.out).toContain('✗ never merges');
    expect(world.asked).toEqual(['connect find', 'close', 'connect find', 'close']);
  });

  test.each([[['--record', 'a', '--replay', 'b']], [['--record', 'a', 'flows']]])('refuses %j', async (args) => {
    expect(await world.coord('test', ...args)).toMatchObject({ code: 2, out: '' });
  });
});
