import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runHasEnded } from '../../src/core/statuses.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { pastBefore } from '../../src/machines/forking.js';
import { forEach, step, wait } from '../harness/definitions.js';
import { Bench } from '../harness/fold-bench.js';
import { anySteps, mayHappen, World } from '../harness/random-runs.js';

/** Everybody answers, and a path is always answered the same way. Plays so many turns, or to the end. */
function play(world: World, turns: number): void {
  for (let turn = 0; turn < turns && !runHasEnded(world.bench.state.record.status); turn++) {
    const [next] = mayHappen(world, { bad: false, noise: false });
    if (next === undefined) throw new Error(`nothing can happen: ${JSON.stringify(world.bench.statuses)}`);
    next.happen(world);
  }
}

/** What is canceled when enough of the others have passed depends on who was first, which is another one in a fork. */
const isRace = (steps: readonly StepDefinition[]): boolean => /"wait_for":("any"|\d)/.test(JSON.stringify(steps));

/** The second item has begun when the first one begins anew: it goes on from where it was once its turn comes. */
const ONE_BY_ONE: readonly StepDefinition[] = [
  forEach('each', [wait('pause', { duration: 60 }), step('work', { dependencies: ['pause'] })], {
    items: [1, 2],
    concurrency: 1,
  }),
];

const outcomeOf = (bench: Bench): unknown =>
  Object.fromEntries([...bench.state.steps].map(([path, { status, result }]) => [path, { status, result }]));

test('a fork runs nothing again that it shares, and ends as the other run with the same answers', {
  timeout: 300_000,
}, () => {
  const seen = { forks: 0, shared: 0, completed: 0, compared: 0 };
  fc.assert(
    fc.property(anySteps(20), fc.nat(60), fc.nat(1_000), (steps, turns, drawn) => {
      fc.pre(!isRace(steps));
      const source = new World(new Bench(steps), 0);
      source.start();
      play(source, turns);
      const paths = [...source.bench.state.steps.keys()].toSorted();
      const path = paths[drawn % Math.max(1, paths.length)] ?? 'none';
      const before = structuredClone(outcomeOf(source.bench));
      const past = pastBefore(source.bench.state, path);
      expect(outcomeOf(source.bench)).toEqual(before);
      play(source, 5_000);
      if ('refused' in past) return;

      const bench = new Bench(steps);
      const shared = { run: 'source-1', step: path, by: 'ada', steps: past.steps };
      bench.state = { ...bench.state, input: { ...bench.state.input, past: shared } };
      const forked = new World(bench, 0);
      forked.start();
      if (drawn % 2 === 0) bench.reload();
      play(forked, 5_000);
      const settled = Object.entries(past.steps).flatMap(([at, { status }]) => (status === 'working' ? [] : [at]));
      const asked = bench.facts.flatMap((fact) => (fact.type === 'step.queued' ? [fact.step] : []));
      expect(asked.filter((at) => settled.includes(at))).toEqual([]);
      expect(bench.status).toBe(source.bench.status);
      seen.forks++;
      seen.shared += settled.length;
      if (bench.status !== 'completed') return;
      seen.completed++;
      // What is left out for a failure that was tolerated depends on what was under way just then.
      if ([...source.bench.state.steps.values()].some(({ status }) => status === 'failed')) return;
      seen.compared++;
      expect(outcomeOf(bench)).toEqual(outcomeOf(source.bench));
      expect(bench.facts.at(-1)).toMatchObject({ type: 'run.completed' });
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300), examples: [[ONE_BY_ONE, 3, 1]] },
  );
  expect(seen.forks).toBeGreaterThan(100);
  expect(seen.shared).toBeGreaterThan(100);
  expect(seen.completed).toBeGreaterThan(50);
  expect(seen.compared).toBeGreaterThan(30);
});
