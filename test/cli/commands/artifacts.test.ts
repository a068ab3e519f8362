/** `coord artifacts --graph`: which artifact was made from which. */
import { beforeEach, expect, test } from 'vitest';
import type { ProducedArtifact } from '../../../src/coordinator/client-artifacts.js';
import { loop, step, workflow } from '../../harness/definitions.js';
import { PASS, World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World();
  world.answer = async ({ step: path }, bench) => {
    if (path.includes('think')) return PASS;
    return { ...PASS, result: path, artifacts: [await bench.artifact(`${path.replace(/.*\//, '')}.md`, path)] };
  };
});

async function graphOf(
  steps: Parameters<typeof workflow>[0],
): Promise<{ run: string; produced: readonly ProducedArtifact[] }> {
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  const { out } = await world.coord('run', 'w', '--json');
  const { id } = JSON.parse(out) as { id: string };
  const json = await world.coord('artifacts', id, '--graph', '--json');
  return { run: id, produced: JSON.parse(json.out) as ProducedArtifact[] };
}

test('parents are the nearest artifacts before it, over steps that left none', async () => {
  const { run, produced } = await graphOf([
    step('plan', { persona: 'planner' }),
    step('other'),
    step('think', { dependencies: ['plan'] }),
    step('build', { dependencies: ['think', 'other'] }),
    step('late', { dependencies: ['build'] }),
  ]);
  const parents = Object.fromEntries(
    produced.map(({ step: path, parents: of }) => [path, of.map((one) => `${one.step}/${one.name}`)]),
  );
  expect(parents).toEqual({ plan: [], other: [], build: ['other/other.md', 'plan/plan.md'], late: ['build/build.md'] });
  expect(produced[0]).toMatchObject({ name: 'plan.md', persona: 'planner', attempt: 1, commit: null, size: 4 });
  const { out, code } = await world.coord('artifacts', run, '--graph');
  expect(out).toMatchInlineSnapshot(`
    "flowchart TB
      subgraph sa0["plan<br/>planner, attempt 1"]
        a0["plan.md<br/>4 bytes, 64879f7d"]
      end
      subgraph sa1["other<br/>worker, attempt 1"]
        a1["other.md<br/>5 bytes, d9298a10"]
      end
      subgraph sa2["build<br/>worker, attempt 1"]
        a2["build.md<br/>5 bytes, 44575cf5"]
      end
      subgraph sa3["late<br/>worker, attempt 1"]
        a3["late.md<br/>4 bytes, 089001a3"]
      end
      a1 --> a2
      a0 --> a2
      a2 --> a3
    "
  `);
  expect(code).toBe(0);
});

test('a round of a loop has what was before the loop, and the round before; what follows has all of it', async () => {
  const { produced } = await graphOf([
    step('plan'),
    loop('fix', [step('work'), step('qa', { dependencies: ['work'] })], {
      dependencies: ['plan'],
      until: 'loop.round === 2',
    }),
    step('ship', { dependencies: ['fix'] }),
  ]);
  const parents = Object.fromEntries(produced.map(({ step: path, parents: of }) => [path, of.map((one) => one.step)]));
  expect(parents).toEqual({
    plan: [],
    'fix[1]/work': ['plan'],
    'fix[1]/qa': ['fix[1]/work'],
    'fix[2]/work': ['fix[1]/qa', 'fix[1]/work', 'plan'],
    'fix[2]/qa': ['fix[2]/work'],
    ship: ['fix[1]/qa', 'fix[1]/work', 'fix[2]/qa', 'fix[2]/work'],
  });
});

test('a graph is of all artifacts of a run', async () => {
  const { run } = await graphOf([step('plan')]);
  expect(await world.coord('artifacts', run, 'plan.md', '--graph')).toMatchObject({ code: 2 });
});
