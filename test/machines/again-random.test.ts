import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runHasEnded, stepIsSettled } from '../../src/core/statuses.js';
import { Bench } from '../harness/fold-bench.js';
import { anySteps, mayHappen, World } from '../harness/random-runs.js';
import { restart, retry, skip } from '../harness/steered.js';

/** Plays a run with steering in between, and checks that it can always go on to an end. */
test('whatever was taken up again, counts fit, nothing is stuck, and tokens are never used twice', {
  timeout: 300_000,
}, () => {
  let taken = 0;
  fc.assert(
    fc.property(
      anySteps(20),
      fc.array(fc.nat(1_000), { maxLength: 40, size: 'max' }),
      fc.nat(3),
      (steps, choices, limit) => {
        const bench = new Bench(steps, { max_concurrent_steps: limit === 0 ? null : limit });
        const world = new World(bench, 10);
        world.start();
        let steered = 0;
        for (let turn = 0; turn < 2_000; turn++) {
          const drawn = choices[turn] ?? 0;
          const { status } = bench.state.record;
          const paths = [...bench.state.steps.keys()].toSorted();
          const path = paths[drawn % Math.max(1, paths.length)] ?? 'none';
          if (steered < 6 && drawn % 5 === 1 && status !== 'pending' && status !== 'compensating') {
            steered++;
            const before = bench.state;
            const why = drawn % 3 === 0 ? restart(bench, path) : drawn % 3 === 1 ? skip(bench, path) : retry(bench);
            if (why === null) taken++;
            else if (bench.state.steps !== before.steps) throw new Error('a refused one has changed something');
            const { last } = bench;
            for (const id of last?.disarm ?? []) world.armed.delete(id);
            for (const { id } of last?.arm ?? []) world.armed.add(id);
            for (const { run, input } of last?.starts ?? []) {
              const { parent } = JSON.parse(input) as { parent: { step: string; token: string } };
              world.innerRuns.push({ run, path: parent.step, token: parent.token, open: true });
            }
            if (drawn % 2 === 0) bench.reload();
          } else {
            const open = mayHappen(world, { bad: turn < choices.length, noise: turn < choices.length });
            const chosen = open[drawn % Math.max(1, open.length)];
            if (chosen === undefined || (runHasEnded(status) && turn >= choices.length)) break;
            chosen.happen(world);
          }
          check(bench);
        }
        expect(bench.state.record).toMatchObject({ active: 0, waiting: 0 });
        expect(['completed', 'failed', 'canceled']).toContain(bench.status);
        const tokens = bench.facts.flatMap((fact) => (fact.type === 'step.queued' ? [fact.token] : []));
        expect(new Set(tokens).size).toBe(tokens.length);
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 200) },
  );
  expect(taken).toBeGreaterThan(50);
});

function check(bench: Bench): void {
  const records = [...bench.state.steps];
  const { record } = bench.state;
  const waiting = records.filter(([, { status }]) => status === 'waiting').length;
  expect(record.waiting).toBe(waiting);
  const queued = records.filter(([, { status }]) => status === 'queued' || status === 'retrying').length;
  expect(record.active).toBeGreaterThanOrEqual(queued);
  if (!runHasEnded(record.status)) return;
  expect(record.active).toBe(0);
  expect(
    records.filter(([, { status, attempt }]) => !stepIsSettled(status) && !(status === 'pending' && attempt >= 0)),
  ).toEqual([]);
}
