/** What the command line says where people must act: questions of runs inside, forms, what could not be undone, misspelt signals. */
import { beforeEach, describe, expect, test } from 'vitest';
import { CoordError } from '../../../src/core/errors.js';
import type { StepDefinition } from '../../../src/definition/steps.js';
import { definitionHash } from '../../../src/definition/workflow.js';
import { decision, inner, loop, planning, step, wait, workflow } from '../../harness/definitions.js';
import { type Answer, gate, PASS, rejected, World } from '../world.js';

process.env['TZ'] = 'UTC';

let world: World;
beforeEach(() => {
  world = new World();
});

/** Starts a run of these steps, and follows it until `isSo`. */
async function begun(
  steps: readonly StepDefinition[],
  { answer = () => PASS, isSo }: { answer?: Answer; isSo: (out: string) => boolean },
): Promise<string> {
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  world.answer = answer;
  const { io } = world.begin(['run', 'w']);
  await world.until(() => isSo(io.out), 0);
  return /Started run (\S+)/.exec(io.out)?.[1] ?? '';
}

/** A command that follows, to its end. */
async function ended(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const command = world.begin(args);
  let done = false;
  void command.ended.then(() => {
    done = true;
  });
  await world.until(() => done);
  return command.ended;
}

describe('coord inbox', () => {
  test('says when nobody is asked anything', async () => {
    expect((await world.coord('inbox')).out).toBe('Nobody is asked anything.\n');
  });

  test('shows whom each run asks what, oldest first, with the commands that answer', async () => {
    const asking = async (id: string, assignees: readonly string[]): Promise<string> => {
      world.workflows.set('w', workflow([decision(id, { prompt: 'Ship it?', assignees })], { name: 'w' }));
      const { io } = world.begin(['run', 'w', '--new']);
      await world.until(() => io.out.includes(`${id} asks`));
      return /Started run (\S+)/.exec(io.out)?.[1] ?? '';
    };
    const first = await asking('ship', ['ann']);
    world.clock.advance(60_000);
    const second = await asking('name', []);
    await asking('late', ['bob']);
    const { out, code } = await world.coord('inbox');
    expect(code).toBe(0);
    expect(out).toMatch(/^\S+ \(w, 1m .*ago\)\n\? ship asks ann: Ship it\?\n/);
    expect(out).toContain(`coord decide ${first} ship approve`);
    expect(out.indexOf(`coord decide ${second} name`)).toBeGreaterThan(out.indexOf(`coord decide ${first} ship`));
    const steps = async (...args: readonly string[]): Promise<readonly string[]> => {
      const listed = JSON.parse((await world.coord('inbox', '--json', ...args)).out) as readonly { step: string }[];
      return listed.map(({ step: id }) => id);
    };
    expect((await steps()).toSorted()).toEqual(['late', 'name', 'ship']);
    expect((await steps('--for', 'ann')).toSorted()).toEqual(['name', 'ship']);
    expect(await steps('--mine')).toEqual(['name']);
    expect(await steps('--workflow', 'other')).toEqual([]);
    expect(await steps('--workflow', 'w', '--for', 'bob')).toEqual(['name', 'late']);
  });
});

describe('a question of a run inside', () => {
  beforeEach(() => {
    const asking = workflow([decision('approve', { prompt: 'Ship it?' })], { name: 'asking' });
    const between = workflow([inner('below', 'asking', { definition: definitionHash(asking) })], { name: 'between' });
    world.inner = [asking, between];
    world.workflows.set(
      'outer',
      workflow([inner('sub', 'between', { definition: definitionHash(between) })], { name: 'outer' }),
    );
  });

  test('ends --until-waiting with 4, and is shown and listed with its command', async () => {
    const { code, out, err } = await ended('run', 'outer', '--until-waiting');
    expect(code).toBe(4);
    const run = /Started run (\S+)/.exec(out)?.[1] ?? '';
    const [, deepest = ''] = /coord decide (\S+) approve approve/.exec(err) ?? [];
    expect(deepest.startsWith(`${run}.`)).toBe(true);
    const shown = (await world.coord('show', run)).out;
    expect(shown).toContain(`Run ${run} is waiting.\n? approve asks: Ship it?\n`);
    expect(shown).toContain(`coord decide ${deepest} approve approve`);
    expect((await world.coord('list')).out).toContain(`sub: approve asks: Ship it? (coord show ${deepest})\n`);
    const watched = await ended('watch', run, '--until-waiting', '--json');
    expect(watched.code).toBe(4);
    expect(JSON.parse(watched.out)).toMatchObject({ status: 'waiting', exitCode: 4 });
    expect(watched.err).toContain(`coord decide ${deepest} approve approve`);
  });

  test('that is answered at the outer run is refused with the run and the command', async () => {
    const { out, err } = await ended('run', 'outer', '--until-waiting');
    const run = /Started run (\S+)/.exec(out)?.[1] ?? '';
    const [, deepest = ''] = /coord decide (\S+) approve approve/.exec(err) ?? [];
    for (const named of ['sub', 'approve']) {
      expect(await world.coord('decide', run, named, 'reject')).toMatchObject({
        code: 2,
        err: `error DECISION_REFUSED: run ${run}: step "${named}" asks nothing in this run; approve of the run ${deepest} inside asks: coord decide ${deepest} approve reject\n`,
      });
    }
    expect((await world.coord('decide', deepest, 'approve', 'approve')).code).toBe(0);
    expect((await ended('watch', run)).code).toBe(0);
  });

  test('is none while the run inside waits for a time only', async () => {
    const sleeping = workflow([wait('nap', { duration: 60 })], { name: 'sleeping' });
    world.inner = [sleeping];
    world.workflows.set(
      'outer',
      workflow([inner('sub', 'sleeping', { definition: definitionHash(sleeping) })], { name: 'outer' }),
    );
    expect((await ended('run', 'outer', '--until-waiting')).code).toBe(0);
  });
});

test('steps that undo and fail are told by run, show and list', async () => {
  const undone = (id: string): StepDefinition => step(id, { compensate: [step(`${id}1`)] });
  world.workflows.set(
    'w',
    workflow([undone('a'), undone('b'), step('c', { dependencies: ['a', 'b'] })], { name: 'w' }),
  );
  world.answer = ({ step: id }) => (id === 'c' || id === 'b[compensate]/b1' ? rejected('no') : PASS);
  const line = '! 1 of 2 steps that undo failed: b[compensate]/b1';
  const { out, code } = await ended('run', 'w');
  expect(code).toBe(1);
  expect(out).toContain(`\n${line}\n`);
  const [{ id } = { id: '' }] = await world.client.list();
  expect((await world.coord('show', id)).out).toContain(`\n${line}\n`);
  expect((await world.coord('list')).out).toContain(`${line}; c: REJECTED no\n`);
});

test('steps that undo and fail are told by cancel', async () => {
  const held = gate();
  const run = await begun([step('a', { compensate: [step('a1')] }), step('b', { dependencies: ['a'] })], {
    answer: async ({ step: id }) => {
      if (id === 'b') await held.opened;
      return id === 'a' ? PASS : rejected('no');
    },
    isSo: (out) => out.includes('b working'),
  });
  expect((await ended('cancel', run)).out).toContain('! 1 of 1 step that undo failed: a[compensate]/a1\n');
  held.open();
});

describe('an answer with a form', () => {
  const FORM = {
    type: 'object',
    properties: { note: { type: 'string' }, count: { type: 'integer' } },
    required: ['note', 'count'],
  };
  const asking = (form: typeof FORM | { readonly type: string }): Promise<string> =>
    begun([decision('ok', { form })], { isSo: (out) => out.includes('ok asks') });

  test('is shown with its fields, and refused with their names', async () => {
    const run = await asking(FORM);
    const { out } = await world.coord('show', run);
    expect(out).toContain(`coord decide ${run} ok approve --set note=<text> --set count=<number>  Approve\n`);
    expect(out).toContain(`coord decide ${run} ok reject`);
    expect((await world.coord('decide', run, 'ok', 'approve')).err).toBe(
      `error DECISION_REFUSED: run ${run}: the answer does not fit the form of step ok: note: is missing; count: is missing\n`,
    );
    const { err } = await world.coord('decide', run, 'ok', 'approve', '--set', 'note=123', '--set', 'count=1');
    expect(err).toMatch(/note: expected a text, not the number 123; .*: --set 'note="123"'\n$/);
    const quoted = await world.coord('decide', run, 'ok', 'approve', '--set', 'note="123"', '--set', 'count=1');
    expect(quoted.code).toBe(0);
  });

  test('that needs no field still needs an object', async () => {
    const run = await asking({ type: 'object' });
    expect((await world.coord('show', run)).out).toContain(`coord decide ${run} ok approve --data '{}'  Approve\n`);
  });

  test('is told where the run is followed as lines', async () => {
    world.workflows.set('w', workflow([decision('ok', { form: FORM })], { name: 'w' }));
    const { io } = world.begin(['run', 'w']);
    await world.until(() => io.err !== '');
    expect(io.err).toContain('ok approve --set note=<text> --set count=<number>  Approve\n');
    io.interrupt();
  });
});

test('a signal that nobody waits for is shown while the run waits for another', async () => {
  const run = await begun([wait('paid', { signal: 'payment' })], { isSo: (out) => out.includes('waits for signal') });
  expect((await world.coord('show', run)).out).not.toContain('kept for later');
  await world.begin(['signal', run, 'paymnt'], { env: { USER: 'bank' } }).ended;
  await ended('watch', run, '--until-waiting');
  expect((await world.coord('show', run)).out).toContain(
    '! kept for later, since no step has waited for it: signal "paymnt" from bank\n',
  );
});

test('what a worker holds is what it works on: not the plan whose steps run', async () => {
  const held = gate();
  const run = await begun([planning('p')], {
    answer: async ({ step: id }) => {
      if (id === 'p') return { ...PASS, result: { steps: [{ id: 'x', persona: 'worker' }] } };
      await held.opened;
      return PASS;
    },
    isSo: (out) => out.includes('p[1]/x working'),
  });
  const { out } = await world.coord('history', run);
  expect(out).toContain('now: p[1]/x attempt 1, worker w1 has held it for ');
  expect(out).not.toContain('now: p ');
  expect((await world.coord('show', run)).out).toMatch(/\np +worker +working +1 +0\.0 s, 0 of 1 steps\n/);
  held.open();
});

test('a loop holds nothing itself', async () => {
  const held = gate();
  const run = await begun([loop('fix', [step('x')], { until: 'true' })], {
    answer: async () => {
      await held.opened;
      return PASS;
    },
    isSo: (out) => out.includes('fix[1]/x working'),
  });
  expect((await world.coord('history', run)).out).not.toContain('now: fix ');
  held.open();
});

test('a persona that nobody serves is told apart from one that nobody has written', async () => {
  world.workflows.set('w', workflow([step('a', { persona: 'ghost' })], { name: 'w' }));
  const definition = workflow([step('a', { persona: 'ghost' })], { name: 'v' });
  const { run } = await world.client.start({ definition, task: {}, workspace: null });
  world.workflows.clear();
  await world.ensureHost(
    await world.connect({ redis: null, namespace: '', directory: '' }, 'start'),
    { redis: null, namespace: '', directory: '' },
    [],
  );
  const { io } = world.begin(['watch', run]);
  await world.until(() => io.out.includes('queued for ghost'));
  world.files = new Set(['ghost']);
  expect((await world.coord('show', run)).out).toContain('! no live worker serves persona ghost: coord worker\n');
  world.files = new Set(['qa']);
  expect((await world.coord('show', run)).out).toContain(
    '! nobody serves persona ghost, and there is no persona file of that name: write personas/ghost.md, or correct the name that step a asks\n',
  );
  io.interrupt();
});

describe('what cannot be sent', () => {
  test.each([
    [['signal', ''], 'the signal cannot be sent: its name is empty'],
    [
      ['signal', 'x'.repeat(201)],
      'the signal cannot be sent: its name is too long; at most 200 characters are allowed',
    ],
    [['signal', 'go', '--key', 'k'.repeat(256)], 'the idempotency key has 256 characters; 255 are allowed'],
    [['signal', 'go', '--key', ''], 'the idempotency key is empty; leave it out, or name one'],
    [
      ['decide', 'ok', 'c'.repeat(201)],
      'the answer cannot be sent: its choice is too long; at most 200 characters are allowed',
    ],
  ])('is refused in words: %j', async ([command = '', ...args], message) => {
    const run = await begun([decision('ok')], { isSo: (out) => out.includes('ok asks') });
    expect(await world.coord(command, run, ...args)).toMatchObject({ code: 2, err: `error USAGE: ${message}\n` });
  });

  test.each([['__proto__=1'], ['a={"constructor": 1}']])('is a task with the key of %s', async (set) => {
    world.workflows.set('w', workflow([step('a')], { name: 'w' }));
    const { code, err } = await world.coord('run', 'w', '--set', set);
    expect(err).toMatch(
      /^error TASK_INVALID: the task has the key "(?:__proto__|constructor)", which nothing may read/,
    );
    expect(code).toBe(2);
  });
});

test('a terminal that is too narrow for a failure is told it below the table', async () => {
  world.workflows.set(
    'w',
    workflow([step('a', { on_error: 'continue' }), step('b', { dependencies: ['a'] })], { name: 'w' }),
  );
  const long = `${'none of the tests passed '.repeat(5)}at all`;
  world.answer = ({ step: id }) => (id === 'a' ? rejected(long) : PASS);
  await world.coord('run', 'w');
  const [{ id } = { id: '' }] = await world.client.list();
  const { out } = await world.begin(['show', id], { isTTY: true, columns: 80 }).ended;
  expect(out).toContain(`\na: REJECTED ${long}\n`);
  expect((await world.coord('show', id)).out).not.toContain('\na: REJECTED');
});

test('coord validate tells broken persona files beside what is wrong with workflows', async () => {
  world.workflows.set('bad', workflow([]));
  world.brokenPersonas = new CoordError('PERSONA_INVALID', '1 problem in persona files:\n  personas/x.md:1:1 no name');
  const { code, out } = await world.coord('validate');
  expect(out).toContain('invalid  bad\nbad.yml:1:1  missing-key');
  expect(out).toContain('invalid  personas\n1 problem in persona files:\n  personas/x.md:1:1 no name\n');
  expect(code).toBe(2);
  expect(world.asked).toEqual(['load bad unchecked']);
});

test('a run without a workflow is of the one that the task is for', async () => {
  world.workflows.set('hotfix', workflow([step('a')], { name: 'hotfix' }));
  const { code, out, err } = await ended('run', '--set', 'type=hotfix', '--no-repo');
  expect(err).toContain('Workflow hotfix, since the task\'s type is "hotfix".\n');
  expect(out).toContain('of hotfix 1.0.0');
  expect(code).toBe(0);
});
