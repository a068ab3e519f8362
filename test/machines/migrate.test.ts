import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/core/messages.js';
import { runHasEnded, stepIsSettled } from '../../src/core/statuses.js';
import { compilePlan, type Plan } from '../../src/definition/plan.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { mapRun } from '../../src/machines/mapping.js';
import { foldMigration } from '../../src/machines/migrate.js';
import { applyFold } from '../../src/machines/state.js';
import { conditional, decision, forEach, loop, parallel, step, wait, workflow } from '../harness/definitions.js';
import { Bench, FAIL, passing } from '../harness/fold-bench.js';
import { anySteps, mayHappen, World } from '../harness/random-runs.js';

function planOf(steps: readonly StepDefinition[], change: Partial<WorkflowDefinition> = {}): Plan {
  const definition = workflow(steps, change);
  return compilePlan(definition, definitionHash(definition));
}

/** Migrates as the coordinator does, and says what was armed and taken away. */
function migrate(bench: Bench, plan: Plan): { refused: string | null; arm: string[]; disarm: readonly string[] } {
  const { id, at } = bench.stamp();
  const message: Extract<Message, { kind: 'migrate' }> = { id, at, kind: 'migrate', definition: plan.hash, by: 'ada' };
  const { state, result, definition } = foldMigration(bench.state, message, plan);
  bench.last = result;
  bench.facts.push(...result.facts);
  bench.state = applyFold(state, result, '');
  const [fact] = result.facts;
  expect(definition === null).toBe(fact?.type === 'message.ignored');
  return {
    refused: fact?.type === 'message.ignored' ? fact.reason : null,
    arm: result.arm.map((timer) => timer.id),
    disarm: result.disarm,
  };
}

describe('foldMigration', () => {
  const two = [step('a'), step('b', { dependencies: ['a'] })];

  test('runs a step that is new at the end', () => {
    const bench = new Bench(two).start().pass('a');
    const { refused } = migrate(bench, planOf([...two, step('c', { dependencies: ['b'] })]));
    expect(refused).toBeNull();
    expect(bench.facts.at(-1)).toMatchObject({ type: 'run.migrated', by: 'ada', added: ['c'], gone: [] });
    expect(bench.asked).toEqual(['b']);
    bench.pass('b');
    expect(bench.asked).toEqual(['c']);
    bench.pass('c');
    expect(bench.status).toBe('completed');
  });

  test('starts at once what nothing holds back any more', () => {
    const bench = new Bench([step('a'), step('b'), step('c', { dependencies: ['a', 'b'] })]).start().pass('a');
    migrate(bench, planOf([step('a'), step('b'), step('c', { dependencies: ['a'] }), step('d')]));
    expect(bench.asked).toEqual(['b', 'c', 'd']);
    expect(bench.pass('b', 'c', 'd').status).toBe('completed');
  });

  test('holds back what waits for a new step', () => {
    const bench = new Bench(two).start();
    migrate(bench, planOf([step('a'), step('lint', { dependencies: ['a'] }), step('b', { dependencies: ['lint'] })]));
    bench.pass('a');
    expect(bench.asked).toEqual(['lint']);
    bench.pass('lint');
    expect(bench.asked).toEqual(['b']);
  });

  test('skips a new step when all that waits for it is over', () => {
    const bench = new Bench([...two, step('z', { dependencies: ['b'] })]).start().pass('a', 'b');
    const steps = [
      step('x', { dependencies: ['a'] }),
      step('y', { dependencies: ['x'] }),
      step('b', { dependencies: ['a', 'y'] }),
    ];
    migrate(bench, planOf([step('a'), ...steps, step('z', { dependencies: ['b'] })]));
    expect(bench.statuses).toEqual({ a: 'succeeded', x: 'skipped', y: 'skipped', b: 'succeeded', z: 'queued' });
    expect(bench.pass('z').status).toBe('completed');
  });

  test('forgets a step that has ended and is gone', () => {
    const bench = new Bench([step('a'), step('old'), step('b', { dependencies: ['a', 'old'] })])
      .start()
      .pass('a', 'old');
    expect(migrate(bench, planOf(two)).refused).toBeNull();
    expect(bench.last?.gone).toEqual(['old']);
    expect(bench.statuses).toEqual({ a: 'succeeded', b: 'queued' });
    expect(bench.pass('b').status).toBe('completed');
  });

  test.each<[string, readonly StepDefinition[], (bench: Bench) => unknown, readonly StepDefinition[], string]>([
    ['under way and gone', two, (b) => b, [step('z')], 'step a is queued, and is not in the new definition'],
    [
      'waiting and gone',
      [decision('ask')],
      (b) => b,
      [step('z')],
      'step ask is waiting, and is not in the new definition',
    ],
    [
      'of another type',
      two,
      (b) => b.pass('a'),
      [decision('a'), step('b', { dependencies: ['a'] })],
      'step a is succeeded as persona-request, and would be decision',
    ],
    [
      'elsewhere',
      two,
      (b) => b,
      [parallel('p', [step('a')]), step('b', { dependencies: ['p'] })],
      'step a is queued, and stands elsewhere in the new definition',
    ],
    [
      'a block that has begun and holds other steps',
      [loop('l', [step('q')], { until: 'true' })],
      (b) => b,
      [loop('l', [step('q'), step('r')], { until: 'true' })],
      'step l is working, and other steps stand inside it in the new definition',
    ],
    [
      'undoable and gone',
      [step('a', { compensate: [step('undo')] }), step('b', { dependencies: ['a'] })],
      (b) => b.pass('a'),
      [step('b')],
      'step a has succeeded and can be undone, and is not in the new definition',
    ],
  ])('refuses a step that is %s, and changes nothing', (_name, steps, before, after, reason) => {
    const bench = new Bench(steps).start();
    before(bench);
    const { record, steps: records } = bench.state;
    expect(migrate(bench, planOf(after)).refused).toBe(reason);
    expect(bench.state.record).toEqual(record);
    expect(bench.state.steps).toEqual(records);
    expect(bench.state.plan.steps.has(steps[0]?.id ?? '')).toBe(true);
  });

  test('lets what stands inside a block that has begun read otherwise', () => {
    const bench = new Bench([forEach('each', [step('q')], { items: [1, 2], concurrency: 1 })]).start();
    expect(
      migrate(bench, planOf([forEach('each', [step('q', { persona: 'other' })], { items: [1, 2] })])).refused,
    ).toBeNull();
    bench.pass('each[0]/q');
    expect(bench.requests.map(({ persona }) => persona)).toEqual(['worker', 'other']);
  });

  test('lets a block that has not begun hold anything', () => {
    const last = (inside: StepDefinition[]): StepDefinition[] => [
      step('a'),
      conditional('c', 'true', { then: inside }, { dependencies: ['a'] }),
    ];
    const bench = new Bench(last([step('x')])).start();
    migrate(bench, planOf(last([step('x'), step('y')])));
    expect(bench.pass('a').asked).toEqual(['x', 'y']);
  });

  test('a run that is being undone, one that has ended, and a task that does not fit are refused', () => {
    const undoing = [step('a', { compensate: [step('undo')] }), step('b', { dependencies: ['a'] })];
    const bench = new Bench(undoing).start().pass('a').reply('b', FAIL);
    expect(bench.status).toBe('compensating');
    expect(migrate(bench, planOf(undoing)).refused).toBe('the run is being undone');
    const ended = new Bench([step('a')]).start().pass('a');
    expect(migrate(ended, planOf(two)).refused).toBe('the run is completed');
    const input = { type: 'object', required: ['goal'] } as const;
    expect(migrate(new Bench(two).start(), planOf(two, { input })).refused).toContain("new definition's input schema");
  });

  test('after a failure new steps do not start, but those that deal with failures', () => {
    const slow = [step('a'), step('slow')];
    const bench = new Bench(slow).start().reply('a', FAIL);
    migrate(bench, planOf([...slow, step('more'), step('clean', { when: 'always' })]));
    expect(bench.statuses).toEqual({ a: 'failed', slow: 'queued', more: 'skipped', clean: 'pending' });
    expect(bench.pass('slow').asked).toEqual(['clean']);
    expect(bench.pass('clean').status).toBe('failed');
  });

  test('a run that waits for its turn begins with the new definition', () => {
    const bench = new Bench(two);
    migrate(bench, planOf([step('z')]));
    expect(bench.status).toBe('pending');
    expect(bench.start().asked).toEqual(['z']);
  });

  test('timers that the new definition does not know are taken away, and the deadline is moved', () => {
    const bench = new Bench([step('a', { queue_timeout: 30 }), parallel('p', [step('x')], { timeout: 60 })], {
      timeout: 100,
    }).start();
    const { arm, disarm } = migrate(bench, planOf([step('a'), parallel('p', [step('x')])], { timeout: 50 }));
    expect(disarm).toEqual(['queue|test-1|a|1', 'timeout|test-1|p|1']);
    expect(arm).toEqual(['deadline|test-1||1']);
    expect(bench.last?.arm).toEqual([{ id: 'deadline|test-1||1', afterMs: 49_900 }]);
    expect(migrate(bench, planOf([step('a'), parallel('p', [step('x')])])).disarm).toEqual(['deadline|test-1||1']);
  });

  test('steps in line for a free place keep it, unless they wait for more than that now', () => {
    const steps = [step('a'), step('b'), step('c')];
    const bench = new Bench(steps, { max_concurrent_steps: 1 }).start();
    migrate(bench, planOf([step('a'), step('b', { dependencies: ['c'] }), step('c')], { max_concurrent_steps: 1 }));
    expect(bench.pass('a').asked).toEqual(['c']);
    migrate(bench, planOf(steps, { max_concurrent_steps: null }));
    expect(bench.asked).toEqual(['b', 'c']);
    expect(bench.pass('b', 'c').status).toBe('completed');
  });

  test('what has waited goes on waiting', () => {
    const bench = new Bench([wait('w', { signal: 'go' })]).start();
    migrate(bench, planOf([wait('w', { signal: 'go' }), step('z', { dependencies: ['w'] })]));
    expect(bench.status).toBe('waiting');
    expect(bench.signal('go').asked).toEqual(['z']);
  });

  test('what was made of a record under the old definition is made anew, as after a takeover', () => {
    const steps = (inside: readonly string[]): StepDefinition[] => [
      conditional('c', 'true', { then: inside.map((id) => step(id)) }),
      step('m', { dependencies: ['c'] }),
      step('n', { dependencies: ['m'] }),
    ];
    const [kept, taken] = [false, true].map((takeover) => {
      const bench = new Bench(steps(['x', 'y'])).start();
      bench.reply('x', passing('of x')).reply('y', passing('of y'));
      migrate(bench, planOf(steps(['y', 'x'])));
      if (takeover) bench.reload();
      return bench.pass('m').requests.at(-1)?.results['c'];
    });
    expect(kept).toEqual(taken);
    expect(kept).toMatchObject({ result: 'of x' });
  });

  test('a mapping says of every step what becomes of it', () => {
    const bench = new Bench([step('a'), step('old', { dependencies: ['a'] })]).start();
    const { steps, refusals } = mapRun(bench.state, planOf([step('a'), step('new')]));
    expect(refusals).toEqual([]);
    expect(steps.map(({ id, fate, status }) => [id, fate, status])).toEqual([
      ['a', 'keeps', 'queued'],
      ['new', 'new', 'pending'],
      ['old', 'gone', 'pending'],
    ]);
  });
});

interface Game {
  readonly steps: readonly StepDefinition[];
  readonly choices: readonly number[];
  readonly moments: readonly number[];
  readonly limit: number;
}

const game: fc.Arbitrary<Game> = fc.record({
  steps: anySteps(25),
  choices: fc.array(fc.nat(1_000), { maxLength: 60, size: 'max' }),
  moments: fc.array(fc.nat(60), { minLength: 1, maxLength: 4 }),
  limit: fc.nat(3),
});

const RUNS = Number(process.env['RUNS'] ?? 150);

/** Plays a run; at the given moments it is migrated to what `to` says, or null: only time goes by. */
function play(
  { steps, choices, moments, limit }: Game,
  to: (bench: Bench, turn: number) => Plan | null,
): { world: World; done: number } {
  const bench = new Bench(steps, { max_concurrent_steps: limit === 0 ? null : limit });
  const world = new World(bench, 25);
  world.start();
  let done = 0;
  for (let turn = 0; turn < 3_000; turn++) {
    if (moments.includes(turn)) {
      const plan = to(bench, turn);
      if (plan === null) bench.stamp();
      else if (migrate(bench, plan).refused === null) done++;
      if (plan !== null) take(world);
    }
    const open = mayHappen(world, { bad: turn < choices.length, noise: turn < choices.length });
    const chosen = open[(choices[turn] ?? 0) % Math.max(1, open.length)];
    if (chosen === undefined || (runHasEnded(bench.state.record.status) && turn >= choices.length))
      return { world, done };
    chosen.happen(world);
  }
  throw new Error('not over');
}

/** What the last transition asks for, as the store keeps it. */
function take({ bench: { last }, armed, innerRuns }: World): void {
  for (const id of last?.disarm ?? []) armed.delete(id);
  for (const { id } of last?.arm ?? []) armed.add(id);
  for (const { run, input } of last?.starts ?? []) {
    const { parent } = JSON.parse(input) as { parent: { step: string; token: string } };
    innerRuns.push({ run, path: parent.step, token: parent.token, open: true });
  }
}

/** The run's own definition with some steps that have not begun taken out, others held back, and new ones put in. */
function changed(bench: Bench, turn: number): Plan {
  const { definition } = bench.state.plan;
  const own = definition.steps.filter(({ id }, at) => bench.step(id).status !== 'pending' || (at + turn) % 3 > 0);
  const ids = new Set(own.map(({ id }) => id));
  const early = step(`early-${String(turn)}`);
  const kept = own.map((one, at): StepDefinition => {
    const held = at % 4 === turn % 4 && one.when === 'on_success' ? [early.id] : [];
    const dependencies = [...one.dependencies.filter((id) => ids.has(id)), ...held];
    // One that deals with failures and has lost all it named would wait for the whole list: for those that wait for it, too.
    const when = dependencies.length < one.dependencies.length && dependencies.length === 0 ? 'on_success' : one.when;
    // What it read may be gone; a conditional cannot do without.
    return one.type === 'conditional'
      ? { ...one, when, condition: 'true', dependencies }
      : { ...one, when, condition: null, dependencies };
  });
  const ordinary = kept.filter(({ when, dependencies }) => when === 'on_success' || dependencies.length > 0);
  const late = step(`late-${String(turn)}`, { dependencies: ordinary.slice(-1 - (turn % 2)).map(({ id }) => id) });
  const limit = turn % 3 === 0 ? null : turn % 3;
  const next = { ...definition, steps: [...kept, late, early], max_concurrent_steps: limit };
  return compilePlan(next, definitionHash(next));
}

describe('random runs that are migrated', () => {
  test('to the same definition nothing changes but that it is told', { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(game, (given) => {
        const plain = play(given, () => null).world.bench;
        const again = ({ state: { plan } }: Bench): Plan => compilePlan(plan.definition, plan.hash);
        const { bench } = play(given, again).world;
        const told = bench.facts.filter(
          (fact) => fact.type !== 'run.migrated' && !(fact.type === 'message.ignored' && fact.kind === 'migrate'),
        );
        expect(told).toEqual(plain.facts);
        expect(bench.state.record).toEqual(plain.state.record);
        expect(bench.statuses).toEqual(plain.statuses);
      }),
      { numRuns: RUNS },
    );
  });

  test('to another definition it is refused, or the run goes on to its end', { timeout: 600_000 }, () => {
    let mapped = 0;
    fc.assert(
      fc.property(game, (given) => {
        const { world, done } = play(given, changed);
        mapped += done;
        const { bench } = world;
        const { record, steps } = bench.state;
        expect(runHasEnded(record.status)).toBe(true);
        expect(record).toMatchObject({ active: 0, waiting: 0 });
        expect([...world.armed]).toEqual([]);
        expect([...steps].filter(([, { status }]) => !stepIsSettled(status)).map(([path]) => path)).toEqual([]);
      }),
      { numRuns: RUNS },
    );
    // Most runs end before their moments: about two of five are mapped, and chance may halve that.
    expect(mapped).toBeGreaterThan(RUNS / 10);
  });
});
