/** `coord eta` and `coord stats`: what earlier runs took, and what that says of the next one. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Eta } from '../../../src/coordinator/client-eta.js';
import type { Stats } from '../../../src/coordinator/client-stats.js';
import { loop, step, workflow } from '../../harness/definitions.js';
import { gate, PASS, rejected, World } from '../world.js';

process.env['TZ'] = 'UTC';

const MINUTE = 60_000;
const LOOP = workflow(
  [
    step('build'),
    loop('fix', [step('qa', { persona: 'qa-engineer' })], { until: 'steps.qa.result.good', dependencies: ['build'] }),
    step('ship', { dependencies: ['fix'] }),
  ],
  { name: 'loop' },
);

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

/** Runs whose steps take `build`, two rounds of 2 minutes, and 1 minute. */
async function past(builds: readonly number[]): Promise<void> {
  for (const minutes of builds) {
    world.answer = ({ step: id }, { clock }) => {
      clock.advance((id === 'build' ? minutes : id === 'ship' ? 1 : 2) * MINUTE);
      return { ...PASS, result: { good: id === 'fix[2]/qa' } };
    };
    await world.coord('run', 'loop', '--new');
  }
}

async function eta(run: string): Promise<Eta> {
  return JSON.parse((await world.coord('eta', run, '--json')).out) as Eta;
}

describe('coord eta', () => {
  test('says how far a run is and when it may be over', async () => {
    await past([2, 4, 6]);
    const held = gate();
    let at = '';
    world.answer = async ({ step: id }) => {
      at = id;
      await held.opened;
      return PASS;
    };
    void world.begin(['run', 'loop', '--new']);
    await world.until(() => at === 'build', 0);
    const [row] = await world.client.list();
    const run = row?.id ?? '';
    const fresh = await eta(run);
    expect(fresh).toMatchObject({
      percent: 0,
      steps: { settled: 0, total: 3 },
      samples: 3,
      phases: [{ step: 'build' }],
    });
    const minutes = (at_: number, { now }: Eta): number => Math.round((at_ - now) / MINUTE);
    const { estimate } = fresh;
    // 2, 4 or 6 minutes of building, 4 of fixing, 1 of shipping.
    expect([estimate?.from, estimate?.at, estimate?.to].map((one) => minutes(one ?? 0, fresh))).toEqual([7, 9, 11]);
    world.clock.advance(3 * MINUTE);
    const later = await eta(run);
    // The run of 2 minutes says nothing of one that builds for 3: it counts as the next longer one.
    expect([later.estimate?.from, later.estimate?.to].map((one) => minutes(one ?? 0, later))).toEqual([6, 8]);
    expect(later.percent).toBe(33);
    expect(later.estimate?.overdue).toBe(false);
    world.clock.advance(5 * MINUTE);
    expect((await eta(run)).estimate).toMatchObject({ overdue: true });
    const { out, code } = await world.coord('eta', run);
    expect(out).toContain(`Run ${run} is running, 8m 00s: 61 %, 0 of 3 steps\n  build  working 8m 00s\n`);
    expect(out).toContain('over in about 5m 00s');
    expect(out).toContain('a step takes longer already');
    expect(code).toBe(0);
    held.open();
  });

  test('says that it has too little to go by', async () => {
    await past([2, 4]);
    const held = gate();
    world.answer = async () => {
      await held.opened;
      return PASS;
    };
    const { run } = await world.client.start({ definition: LOOP, task: { n: 1 }, workspace: null });
    const { out, code } = await world.coord('eta', run);
    expect(out).toContain('no estimate: there are 2 completed runs of loop, and 3 are needed');
    expect(await eta(run)).toMatchObject({ estimate: null, percent: null });
    expect(code).toBe(0);
    held.open();
  });

  test('of a run that has ended is 100 %', async () => {
    await past([2]);
    const [row] = await world.client.list();
    expect(await eta(row?.id ?? '')).toMatchObject({ percent: 100, estimate: null, status: 'completed' });
  });
});

describe('coord stats', () => {
  async function stats(...args: readonly string[]): Promise<Stats> {
    return JSON.parse((await world.coord('stats', '--json', ...args)).out) as Stats;
  }

  test('shows durations, endings and bottlenecks by workflow, step, persona and day', async () => {
    await past([2, 4, 6]);
    world.answer = (_, { clock }) => {
      clock.advance(MINUTE);
      return rejected('no');
    };
    await world.coord('run', 'loop', '--new');
    const { workflows, personas, days, runs, more } = await stats();
    expect({ runs, more }).toEqual({ runs: 4, more: false });
    expect(workflows).toMatchObject([
      { workflow: 'loop', runs: { completed: 3, failed: 1, canceled: 0 }, successRate: 0.75, took: { count: 3 } },
    ]);
    const minutesOf = (value: number | null | undefined): number => Math.round((value ?? 0) / MINUTE);
    const { took, steps = [] } = workflows[0] ?? {};
    expect([took?.p50, took?.p90].map(minutesOf)).toEqual([9, 11]);
    // 13 minutes of building, 12 of fixing in six rounds, 3 of shipping.
    expect(steps.map(({ step: name, share }) => [name, Math.round(share * 28)])).toEqual([
      ['build', 13],
      ['fix/qa', 12],
      ['ship', 3],
    ]);
    expect(steps[1]?.took).toMatchObject({ count: 6 });
    expect(steps[0]).toMatchObject({ failed: 1 });
    expect(personas).toMatchObject([
      { persona: 'qa-engineer', attempts: { succeeded: 6 }, successRate: 1 },
      { persona: 'worker', attempts: { succeeded: 6, failed: 1, retried: 0 } },
    ]);
    expect(days).toMatchObject([{ completed: 3, failed: 1 }]);
    const { out, code } = await world.coord('stats');
    expect(out).toMatch(/^4 ended runs\n/);
    expect(out).toMatch(/STEP OF loop +SHARE +P50 +P90 +RETRIES +FAILED\nbuild +46 %/);
    expect(code).toBe(0);
  });

  test('--since, --workflow and --limit look at fewer runs, and say so', async () => {
    await past([2, 4, 6]);
    expect((await stats('--since', '15m')).runs).toBe(2);
    expect((await stats('--workflow', 'other')).runs).toBe(0);
    expect(await stats('--limit', '2')).toMatchObject({ runs: 2, more: true });
    expect((await world.coord('stats', '--workflow', 'other')).out).toBe('No such run has ended yet.\n');
  });
});
