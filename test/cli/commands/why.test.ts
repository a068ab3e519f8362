/** `coord why`: the sentences, the way down to the root, and what to do next. */
import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { decision, step, workflow } from '../../harness/definitions.js';
import { gate, PASS, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow(
  [step('build'), step('qa', { dependencies: ['build'] }), step('ship', { dependencies: ['qa'] })],
  {
    name: 'loop',
  },
);

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

test('of a run that nobody moves says so, and what to do', async () => {
  const { run } = await world.client.start({ definition: LOOP, task: {}, workspace: null });
  world.clock.advance(252_000);
  const { code, out } = await world.coord('why', run);
  expect(out).toMatchInlineSnapshot(`
    "Run loop-kqwvejr95m is pending.

    run loop-kqwvejr95m has waited for 4m 12s for its start message to be applied
      → run loop-kqwvejr95m stands still: no coordinator owns partition 0
        next: coord daemon
    "
  `);
  expect(code).toBe(0);
});

test('of a run that is worked on tells the step, the worker and what waits for it', async () => {
  const held = gate();
  let begun = false;
  world.answer = async (_, { report }) => {
    await report('3 of 5 tests\u001B[1A');
    begun = true;
    await held.opened;
    return PASS;
  };
  let over = false;
  void world.begin(['run', 'loop']).ended.then(() => {
    over = true;
  });
  await world.until(() => begun, 0);
  const [row] = await world.client.list();
  const { out } = await world.coord('why', row?.id ?? '');
  expect(out).toMatchInlineSnapshot(`
    "Run loop-kqwvejr95m is running.

    step build is worked on by w1 for 0.0 s, attempt 1, last beat 0.0 s ago: 3 of 5 tests\\x1b[1A
      next: coord logs loop-kqwvejr95m -f
      held up by it: qa, ship
    "
  `);
  held.open();
  await world.until(() => over, 100);
});

test('--json gives each cause its code, its sentence and what to do next', async () => {
  world.workflows.set('asks', workflow([decision('ask', { prompt: 'Ship it?' })], { name: 'asks' }));
  let left = false;
  void world.begin(['run', 'asks', '--until-waiting']).ended.then(() => {
    left = true;
  });
  await world.until(() => left);
  const [row] = await world.client.list();
  const { out, code } = await world.coord('why', row?.id ?? '', '--json');
  const answer = JSON.parse(out) as { waits: readonly (readonly object[])[] };
  expect(answer.waits[0]?.[0]).toMatchObject({
    code: 'decision',
    step: 'ask',
    text: expect.stringMatching(/^step ask asks: Ship it\? \(asked for /),
    next: [`coord decide ${row?.id ?? ''} ask approve`, `coord decide ${row?.id ?? ''} ask reject`],
  });
  expect(code).toBe(0);
});

test('of a run that is not there ends with 2', async () => {
  const { code, err } = await world.coord('why', 'nothing-1');
  expect(err).toContain('error RUN_NOT_FOUND: there is no run "nothing-1".');
  expect(code).toBe(2);
});

test('the page of commands names every code', () => {
  const read = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
  const codes = [...read('src/core/causes.ts').matchAll(/code: '([a-z-]+)'/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(25);
  const page = read('docs/cli.md');
  expect(codes.filter((code) => !page.includes(`\`${code}\``))).toEqual([]);
});
