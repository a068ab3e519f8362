/** What a run was: `history` with its filters, and `show --at`. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fact } from '../../../src/core/facts.js';
import { loop, step, workflow } from '../../harness/definitions.js';
import { PASS, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow(
  [
    step('build'),
    loop('fix', [step('qa')], { until: 'steps.qa.result.good', dependencies: ['build'] }),
    step('ship', { dependencies: ['fix'] }),
  ],
  { name: 'loop' },
);

let world: World;
let run: string;
beforeEach(async () => {
  world = new World();
  world.workflows.set('loop', LOOP);
  world.answer = async ({ step: id }, { clock, artifact }) => {
    clock.advance(60_000);
    if (id === 'build') return { ...PASS, result: { files: 3 }, artifacts: [await artifact('plan.md', '# Plan')] };
    return { ...PASS, result: { good: id === 'fix[2]/qa' } };
  };
  await world.coord('run', 'loop', '--set', 'title=Coupons');
  run = (await world.client.list())[0]?.id ?? '';
});

async function facts(...args: readonly string[]): Promise<readonly Fact[]> {
  const { out, code } = await world.coord('history', run, '--json', ...args);
  expect(code).toBe(0);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fact);
}

function stepsOf(all: readonly Fact[]): readonly string[] {
  return [...new Set(all.map((fact) => ('step' in fact ? (fact.step ?? '') : '')))];
}

describe('coord history', () => {
  test('--step gives a step with what it holds, or all of one id', async () => {
    expect(stepsOf(await facts('--step', 'fix'))).toEqual(['fix', 'fix[1]/qa', 'fix[2]/qa']);
    expect(stepsOf(await facts('--step', 'qa'))).toEqual(['fix[1]/qa', 'fix[2]/qa']);
    expect(stepsOf(await facts('--step', 'fix[2]/qa'))).toEqual(['fix[2]/qa']);
  });

  test('--type gives facts of these types only, and says what was meant', async () => {
    const all = await facts('--type', 'step.succeeded,run.completed');
    expect(new Set(all.map(({ type }) => type))).toEqual(new Set(['step.succeeded', 'run.completed']));
    const { code, err } = await world.coord('history', run, '--type', 'step.succeded');
    expect(err).toContain('Did you mean "step.succeeded"?');
    expect(code).toBe(2);
  });

  test('--since gives what is newer than a duration, or than a time', async () => {
    const all = await facts();
    const last = await facts('--since', '61s');
    expect(last.length).toBeGreaterThan(0);
    expect(last).toEqual(all.filter(({ at }) => at >= world.clock.now() - 61_000));
    expect(last.length).toBeLessThan(all.length);
    const at = all.find((fact) => fact.type === 'step.round' && fact.round === 2)?.at ?? 0;
    expect(await facts('--since', new Date(at).toISOString())).toEqual(all.filter((fact) => fact.at >= at));
    expect((await world.coord('history', run, '--since', 'soon')).err).toContain('It must be a duration such as 10m');
  });

  test('of a step that is not there says what was meant', async () => {
    const { code, err } = await world.coord('history', run, '--step', 'biuld');
    expect(err).toBe(`error USAGE: run ${run} has no step "biuld". Did you mean "build"? See \`coord show ${run}\`.\n`);
    expect(code).toBe(2);
  });
});

describe('coord show --at', () => {
  test('shows what was known when the step ended, and nothing of later', async () => {
    const { out, code } = await world.coord('show', run, '--at', 'fix[1]/qa', '--json');
    const { steps, task } = JSON.parse(out) as { steps: readonly { step: string; status: string }[]; task: object };
    expect(task).toEqual({ title: 'Coupons' });
    expect(steps).toMatchObject([
      { step: 'build', status: 'succeeded', result: { files: 3 }, artifacts: [{ name: 'plan.md' }] },
      { step: 'fix', status: 'working' },
      { step: 'fix[1]/qa', status: 'succeeded', result: { good: false } },
    ]);
    expect(code).toBe(0);
    const text = (await world.coord('show', run, '--at', 'fix[1]/qa')).out;
    expect(text).toMatch(/build +succeeded +\S+ \S+ +plan\.md +\{"files":3\}\n/);
    expect(text).not.toContain('fix[2]');
  });

  test('of a step that has not ended, or is not there, is refused', async () => {
    const { run: other } = await world.client.start({ definition: LOOP, task: {}, workspace: null });
    const { code, err } = await world.coord('show', other, '--at', 'build');
    expect(err).toContain(`step build of run ${other} has not ended yet`);
    expect(code).toBe(2);
    expect((await world.coord('show', other, '--at', 'bild')).err).toContain('Did you mean "build"?');
  });
});
