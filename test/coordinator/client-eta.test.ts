/** Whether estimates keep what they say: of ten runs, about eight end within the interval that was given for them. */
import { expect, test } from 'vitest';
import type { Client } from '../../src/coordinator/client.js';
import { etaOf } from '../../src/coordinator/client-eta.js';
import type { Fact } from '../../src/core/facts.js';
import type { HistoryEntry, Store } from '../../src/core/ports.js';
import type { RunView, StepView } from '../../src/core/views.js';

/** `a`, then `b` and `c` at the same time, then `d`. */
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = { a: [], b: ['a'], c: ['a'], d: ['b', 'c'] };
const STEPS = ['a', 'b', 'c', 'd'] as const;
const SECOND = 1_000;

type Took = Readonly<Record<(typeof STEPS)[number], number>>;

/** Always the same numbers from 0 to 1: a linear congruential generator. */
function numbers(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** A few seconds to some minutes, most of them short, as work is. */
function drawn(next: () => number): Took {
  const one = (): number => Math.round(5 * SECOND * Math.exp(3 * next()));
  return { a: one(), b: one(), c: one(), d: one() };
}

function endsOf({ a, b, c, d }: Took): Record<(typeof STEPS)[number], number> {
  return { a, b: a + b, c: a + c, d: a + Math.max(b, c) + d };
}

/** The facts until `now`; the run begins at 0. */
function factsOf(run: string, took: Took, now = Infinity): readonly Fact[] {
  const ends = endsOf(took);
  const facts = STEPS.flatMap((step): Fact[] => {
    const at = { run, cause: null, step, attempt: 1 };
    const begun = ends[step] - took[step];
    return [
      { ...at, type: 'step.queued', at: begun, persona: 'p', token: 't' },
      { ...at, type: 'step.working', at: begun, worker: 'w' },
      {
        ...at,
        type: 'step.succeeded',
        at: ends[step],
        worker: 'w',
        verdict: 'pass',
        result: null,
        artifacts: [],
        commit: null,
      },
    ];
  });
  return facts.filter(({ at }) => at <= now);
}

function stepsAt(took: Took, now: number): readonly StepView[] {
  const ends = endsOf(took);
  return STEPS.map((id) => {
    const begun = ends[id] - took[id];
    const status = now >= ends[id] ? 'succeeded' : now >= begun ? 'working' : 'pending';
    const at = { begunAt: begun, queuedAt: begun };
    return { id, name: id, parent: null, dependencies: DEPENDENCIES[id] ?? [], status, ...at } as unknown as StepView;
  });
}

/** What `etaOf` needs of a store in which these runs have completed and one is under way. */
function world(past: readonly Took[], { took, now }: { took: Took; now: number }): Parameters<typeof etaOf>[0] {
  const runs = new Map<string, readonly Fact[]>(past.map((one, at) => [`past-${String(at)}`, factsOf('', one)]));
  runs.set('run', factsOf('run', took, now));
  const view = { id: 'run', workflow: 'w', status: 'running', startedAt: 0, endedAt: null, steps: stepsAt(took, now) };
  return {
    partitions: 1,
    client: {
      get: async () => view as unknown as RunView,
      list: async () => past.map((_, at) => ({ id: `past-${String(at)}`, workflow: 'w' })),
    } as unknown as Client,
    store: {
      namespace: { time: async () => now },
      runs: {
        history: async ({ run }: { run: string }) => [
          { id: '1-0', facts: JSON.stringify(runs.get(run)) } as unknown as HistoryEntry,
        ],
      },
    } as unknown as Pick<Store, 'runs' | 'namespace'>,
  };
}

test.each([
  ['at its beginning', 0],
  ['in the middle of its first step', 20 * SECOND],
])('the interval that is told of a run %s holds its end in 70 to 90 of 100 runs', async (_, now) => {
  const next = numbers();
  const past = Array.from({ length: 50 }, () => drawn(next));
  let [held, all] = [0, 0];
  for (let run = 0; run < 400; run++) {
    const took = drawn(next);
    if (took.a <= now) continue;
    const { estimate } = await etaOf(world(past, { took, now }), 'run');
    const end = endsOf(took).d;
    all++;
    if (estimate !== null && end >= estimate.from && end <= estimate.to) held++;
  }
  expect(all).toBeGreaterThan(100);
  expect(held / all).toBeGreaterThan(0.7);
  expect(held / all).toBeLessThan(0.9);
});

test('a run is further the longer it goes, and never over before it is', async () => {
  const next = numbers();
  const past = Array.from({ length: 20 }, () => drawn(next));
  const took = drawn(next);
  const end = endsOf(took).d;
  const percents: number[] = [];
  for (const now of [0, end / 4, end / 2, end - 1])
    percents.push((await etaOf(world(past, { took, now }), 'run')).percent ?? -1);
  expect(percents[0]).toBe(0);
  expect(percents.at(-1)).toBeLessThanOrEqual(99);
  expect(percents.at(-1)).toBeGreaterThan(percents[1] ?? 0);
});
