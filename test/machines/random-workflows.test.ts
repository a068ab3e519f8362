import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runHasEnded, stepIsSettled } from '../../src/core/statuses.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { Bench } from '../harness/fold-bench.js';
import { happenings, randomSteps } from '../harness/random-workflows.js';

const MOST = 3_000;

/** Plays a run to its end: `choices` picks what happens next, in turn and then the first. */
function play(bench: Bench, choices: readonly number[], { bad, reload }: { bad: boolean; reload: boolean }): Bench {
  bench.start();
  for (let turn = 0; turn < MOST; turn++) {
    const open = happenings(bench, bad && turn < choices.length);
    const [first] = open;
    if (first === undefined) return bench;
    (open[(choices[turn] ?? 0) % open.length] ?? first).happen(bench);
    if (reload) bench.reload();
  }
  throw new Error(`the run has not ended after ${String(MOST)} messages`);
}

/** The run as it stands in the end, without what the order of arrival may change: times, numbers and tokens. */
function joined(bench: Bench): unknown {
  const { status, result, failure } = bench.state.record;
  const steps = [...bench.state.steps]
    .map(([path, step]) => [path, step.status, step.verdict, step.result, step.reason] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { status, result, failure, steps };
}

const limited = (steps: readonly StepDefinition[], limit: number): Bench =>
  new Bench(steps, { max_concurrent_steps: limit === 0 ? null : limit });

describe('random workflows', () => {
  const wild = randomSteps({ steps: 200, failures: true });
  const tame = randomSteps({ steps: 200, failures: false });
  const choices = fc.array(fc.nat(1_000), { maxLength: 80 });

  test('a run always ends, and until then waits for something that has a name', () => {
    fc.assert(
      fc.property(wild, choices, fc.nat(3), (steps, picks, limit) => {
        const bench = limited(steps, limit);
        bench.start();
        for (let turn = 0; turn < MOST && !runHasEnded(bench.state.record.status); turn++) {
          const open = happenings(bench, turn < picks.length);
          expect(open).not.toEqual([]);
          const records = [...bench.state.steps.values()];
          const waiting = records.filter(({ status }) => status === 'waiting').length;
          const asked = records.filter(({ status }) => status === 'queued' || status === 'retrying').length;
          expect(bench.state.record).toMatchObject({ waiting, active: asked });
          expect(asked).toBeLessThanOrEqual(limit === 0 ? MOST : limit);
          expect(bench.status === 'waiting').toBe(asked === 0 && bench.status !== 'compensating');
          open[(picks[turn] ?? 0) % open.length]?.happen(bench);
        }
        expect(runHasEnded(bench.state.record.status)).toBe(true);
        const left = [...bench.state.steps].filter(([, { status }]) => !stepIsSettled(status));
        expect(left).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('a run that is taken over after every message goes on as one that is not', () => {
    fc.assert(
      fc.property(wild, choices, fc.nat(3), (steps, picks, limit) => {
        const kept = play(limited(steps, limit), picks, { bad: true, reload: false });
        const taken = play(limited(steps, limit), picks, { bad: true, reload: true });
        expect(joined(taken)).toEqual(joined(kept));
        expect(taken.facts).toEqual(kept.facts);
      }),
      { numRuns: 100 },
    );
  });

  test('the same answers in any order of arrival come to the same end', () => {
    fc.assert(
      fc.property(tame, choices, choices, fc.nat(3), (steps, one, other, limit) => {
        const first = play(limited(steps, limit), one, { bad: false, reload: false });
        const second = play(limited(steps, limit), other, { bad: false, reload: false });
        expect(joined(second)).toEqual(joined(first));
        expect(first.state.record.status).toBe('completed');
      }),
      { numRuns: 150 },
    );
  });
});
