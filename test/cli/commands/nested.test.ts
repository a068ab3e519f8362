/** Steps inside steps on the command line: how they are shown, and how runs that wait are answered. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CoordError } from '../../../src/core/errors.js';
import type { RunSummary, RunView } from '../../../src/core/views.js';
import type { StepDefinition } from '../../../src/definition/steps.js';
import { definitionHash } from '../../../src/definition/workflow.js';
import {
  conditional,
  decision,
  emit,
  forEach,
  inner,
  loop,
  parallel,
  step,
  wait,
  workflow,
} from '../../harness/definitions.js';
import { type Answer, gate, PASS, rejected, World } from '../world.js';

process.env['TZ'] = 'UTC';

let world: World;
beforeEach(() => {
  world = new World();
});

/** Starts a run and follows it in the background, until `isSo`. */
async function begun(
  steps: readonly StepDefinition[],
  { answer = () => PASS, isSo }: { answer?: Answer; isSo: (out: string) => boolean },
): Promise<{ run: string; followed: ReturnType<World['begin']> }> {
  world.workflows.set('w', workflow(steps, { name: 'w' }));
  world.answer = answer;
  const followed = world.begin(['run', 'w']);
  await world.until(() => isSo(followed.io.out), 0);
  return { run: /Started run (\S+)/.exec(followed.io.out)?.[1] ?? '', followed };
}

const show = async (run: string): Promise<string> => (await world.coord('show', run)).out;

describe('coord show', () => {
  test('puts what is inside a block below it, with its round, branch and how far it is', async () => {
    const held = gate();
    const steps = [
      conditional('choose', 'task.fast === true', { then: [step('quick')], else: [step('slow')] }),
      loop('fix', [step('code'), step('qa', { dependencies: ['code'], on_error: 'continue' })], {
        dependencies: ['choose'],
        until: "steps.qa.status === 'pass'",
      }),
      parallel('both', [step('left'), step('right', { on_error: 'continue' })], { dependencies: ['fix'] }),
      forEach('each', [step('check', { dependencies: [] })], {
        items: ['a', 'b', 'c'],
        concurrency: 1,
        dependencies: ['both'],
      }),
    ];
    const { run } = await begun(steps, {
      answer: async ({ step: path }) => {
        if (path === 'fix[1]/qa') return rejected('2 of 5 tests failed');
        if (path === 'right')
          return { ...PASS, status: 'error', error: { class: 'PERSONA_ERROR', message: 'no tokens' } };
        if (path === 'each[1]/check') await held.opened;
        return PASS;
      },
      isSo: (out) => out.includes('each[1]/check working'),
    });
    expect(await show(run)).toMatchInlineSnapshot(`
      "workflow    w 1.0.0
      started     0.0 s ago

      STEP         PERSONA        STATUS     ATTEMPT  DETAIL
      choose       (conditional)  succeeded           0.0 s, else branch
        quick      worker         skipped             never reached
        slow       worker         succeeded  1        0.0 s
      fix          (loop)         succeeded           0.0 s, round 2 of 3
        [1] code   worker         succeeded  1        0.0 s
        [1] qa     worker         failed     1        passed over: REJECTED 2 of 5 tests failed
        [2] code   worker         succeeded  1        0.0 s
        [2] qa     worker         succeeded  1        0.0 s
      both         (parallel)     succeeded           0.0 s, 2 of 2 steps, 1 passed over
        left       worker         succeeded  1        0.0 s
        right      worker         failed     1        passed over: PERSONA_ERROR no tokens
      each         (for_each)     working             0.0 s, 1 of 3 items
        [0] check  worker         succeeded  1        0.0 s
        [1] check  worker         working    1        worker w1, 0.0 s

      Run w-fxpp0a5dcj is running.
      "
    `);
    held.open();
  });

  test('counts what is inside a very large block, and lists what is under way or failed', async () => {
    const held = gate();
    const items = Array.from({ length: 60 }, (_, index) => index);
    const { run } = await begun(
      [forEach('each', [step('check', { on_error: 'continue' })], { items, concurrency: 30 })],
      {
        answer: async ({ step: path }) => {
          if (path === 'each[7]/check') return rejected('no');
          if (['each[33]/check', 'each[35]/check'].includes(path)) await held.opened;
          return PASS;
        },
        isSo: (out) => out.includes('each[59]/check succeeded'),
      },
    );
    expect(await show(run)).toMatchInlineSnapshot(`
      "workflow    w 1.0.0
      started     0.0 s ago

      STEP          PERSONA     STATUS   ATTEMPT  DETAIL
      each          (for_each)  working           0.0 s, 58 of 60 items, 57 succeeded, 2 working, 1 passed over
        [33] check  worker      working  1        worker w1, 0.0 s
        [35] check  worker      working  1        worker w1, 0.0 s
      and 58 more steps: coord show w-fxpp0a5dcj --json

      Run w-fxpp0a5dcj is running.
      "
    `);
    const json = JSON.parse((await world.coord('show', run, '--json')).out) as RunView;
    expect(json.steps).toHaveLength(61);
    held.open();
  });

  test('shows the result of a run that has completed, and of a large one where the rest is', async () => {
    const result: Record<string, string> = { note: 'short' };
    world.workflows.set('w', workflow([step('a')], { name: 'w' }));
    world.answer = () => ({ ...PASS, result });
    expect((await world.coord('run', 'w')).out).toContain('  result: {"note":"short"}\n');
    for (let line = 0; line < 20; line++) result[`line ${String(line)}`] = 'x'.repeat(10);
    const { out } = await world.coord('run', 'w', '--new');
    const id = /Started run (\S+)/.exec(out)?.[1] ?? '';
    expect(out).toMatch(/\n {2}result:\n {4}\{\n {4} {2}"note": "short",\n/);
    expect(out).toMatch(new RegExp(`\\n {4}… all of it: coord show ${id} --json\\n$`));
  });

  test('names the run that a step has started, and that one the run it works for', async () => {
    const child = workflow([step('inside')], { name: 'child' });
    world.inner = [child];
    const held = gate();
    const { run } = await begun([inner('sub', 'child', { definition: definitionHash(child) })], {
      answer: async () => {
        await held.opened;
        return PASS;
      },
      isSo: (out) => out.includes('sub started run'),
    });
    const inside = (await world.client.list()).find(({ parent }) => parent !== null)?.id ?? '';
    expect(await show(run)).toContain(
      `sub   (workflow)  working  1        0.0 s, run ${inside}: coord show ${inside}\n`,
    );
    expect(await show(inside)).toContain(`Run ${inside} is running.\n  inside run ${run}, step sub\n`);
    held.open();
  });
});

describe('coord list', () => {
  test('leaves out runs inside others unless they are asked for', async () => {
    const child = workflow([step('inside')], { name: 'child' });
    world.inner = [child];
    world.workflows.set('w', workflow([inner('sub', 'child', { definition: definitionHash(child) })], { name: 'w' }));
    await world.coord('run', 'w');
    await world.coord('run', 'w', '--new');
    const ids = async (...args: string[]): Promise<string[]> =>
      (JSON.parse((await world.coord('list', '--json', ...args)).out) as RunSummary[]).map(({ id }) => id);
    const outer = await ids();
    expect(outer).toHaveLength(2);
    expect(await ids('--limit', '1')).toHaveLength(1);
    const all = await ids('--all');
    expect(all).toHaveLength(4);
    const [first = ''] = outer;
    const [inside] = await ids('--parent', first);
    expect(inside).toBe(all.find((id) => id.startsWith(`${first}.`)));
    const { out } = await world.coord('list', '--all');
    expect(out).toMatch(new RegExp(`\\n${inside ?? ''} +${first} sub +child +completed `));
    expect((await world.coord('list', '--all', '--parent', first)).code).toBe(2);
    expect((await world.coord('list', '--parent', 'w-0000000000')).err).toMatch(/^error RUN_NOT_FOUND: /);
  });

  test('says whose turn it is, and names only a few of many steps under way', async () => {
    const held = gate();
    const definition = workflow(
      [
        parallel(
          'many',
          ['a', 'b', 'c', 'd', 'e'].map((id) => step(id)),
        ),
      ],
      {
        name: 'w',
        concurrency: { key: 'deploy {{ task.to }}', limit: 1 },
      },
    );
    world.workflows.set('w', definition);
    world.answer = async () => {
      await held.opened;
      return PASS;
    };
    const { io } = world.begin(['run', 'w', '--set', 'to=live']);
    await world.until(() => io.out.includes('e working'), 0);
    const { run } = await world.client.start({ definition, task: { to: 'live' }, workspace: null });
    const { out } = await world.coord('list');
    expect(out).toContain('waits for its turn: at most 1 run with key "deploy live"\n');
    expect(out).toContain('0 of 6 steps, a working, b working, c working, 2 more\n');
    expect(await show(run)).toContain(
      `Run ${run} is pending.\n  waits for its turn: at most 1 run with key "deploy live"\n`,
    );
    held.open();
  });
});

const SHIP = [
  decision('approve', {
    prompt: 'Ship {{ task.title }}?',
    assignees: ['ann'],
    context: { risk: 'low' },
    choices: [
      { id: 'approve', label: 'Ship it' },
      { id: 'reject', label: 'Not now' },
    ],
    form: { type: 'object', properties: { note: { type: 'string' } }, required: ['note'] },
  }),
  wait('paid', { signal: 'payment', dependencies: ['approve'] }),
  emit('told', 'shipped', { data: { to: '{{ task.title }}' }, dependencies: ['paid'] }),
];

describe('a run that waits for people', () => {
  const asking = (out: string): boolean => out.includes('approve asks');

  test('says so with the commands that answer, goes on with the answers, and its history tells of them', async () => {
    world.workflows.set('w', workflow(SHIP, { name: 'w' }));
    const { io, ended } = world.begin(['run', 'w', '--set', 'title=Cart'], { env: { USER: 'bob' } });
    await world.until(() => asking(io.out), 0);
    const [{ id: run } = { id: '' }] = await world.client.list();
    expect(io.out).toContain(
      `approve asks ann: Ship Cart?; to answer: coord decide ${run} approve approve, or reject\n`,
    );
    expect(await show(run)).toMatchInlineSnapshot(`
      "workflow    w 1.0.0
      started     0.0 s ago
      task        Cart

      STEP     PERSONA     STATUS   ATTEMPT  DETAIL
      approve  (decision)  waiting           asks ann: Ship Cart?
      paid     (wait)      pending
      told     (emit)      pending

      Run w-fxpp0a5dcj is waiting.
      ? approve asks ann: Ship Cart?
          risk: low
          coord decide w-fxpp0a5dcj approve approve --set note=<text>  Ship it
          coord decide w-fxpp0a5dcj approve reject                     Not now
      "
    `);
    expect((await world.coord('list')).out).toContain('0 of 3 steps, approve asks ann: Ship Cart?\n');
    const decided = await world.begin(['decide', run, 'approve', 'approve', '--set', 'note=go'], {
      env: { USER: 'ann' },
    }).ended;
    expect(decided).toMatchObject({
      code: 0,
      out: `Step approve of run ${run} is answered with approve: coord watch ${run}\n`,
    });
    await world.until(() => io.out.includes('waits for signal'), 0);
    expect(io.out).toContain(`paid waits for signal "payment"; to send it: coord signal ${run} payment\n`);
    writeFileSync(join(world.directory, 'paid.json'), '{"sum": 12}');
    const signal = ['signal', run, 'payment', '--data', '@paid.json', '--key', 'once'];
    const sent = await world.begin(signal, { env: { USER: 'bank' } }).ended;
    expect(sent).toMatchObject({ code: 0, out: `Signal "payment" is with run ${run}: coord watch ${run}\n` });
    expect((await ended).code).toBe(0);
    expect((await world.coord('history', run)).out).toMatchInlineSnapshot(`
      "TIME                 STEP     ATTEMPT  WORKER  FACT
      2023-11-14 22:13:20                            run started (workflow w)
      2023-11-14 22:13:20  approve                   asks ann: Ship Cart?
      2023-11-14 22:13:20  approve                   answered approve by ann (coord on host-1): {"note":"go"}
      2023-11-14 22:13:20  approve  1                succeeded
      2023-11-14 22:13:20  paid                      waits for signal "payment"
      2023-11-14 22:13:20  paid                      got signal "payment" from bank: {"sum":12}
      2023-11-14 22:13:20  paid     1                succeeded
      2023-11-14 22:13:20  told                      emitted "shipped": {"to":"Cart"}
      2023-11-14 22:13:20  told                      succeeded
      2023-11-14 22:13:20                            run completed: {"event":"shipped","data":{"to":"Cart"}}
      "
    `);
  });

  test('is left with exit code 4 where that is wanted', async () => {
    world.workflows.set('w', workflow(SHIP, { name: 'w' }));
    let done = false;
    const { ended } = world.begin(['run', 'w', '--set', 'title=x', '--until-waiting']);
    void ended.then(() => {
      done = true;
    });
    await world.until(() => done);
    expect((await ended).code).toBe(4);
    const [{ id } = { id: '' }] = await world.client.list();
    expect((await world.coord('watch', id, '--until-waiting')).code).toBe(4);
    expect((await world.coord('run', 'w', '--until-waiting', '--detach')).code).toBe(2);
  });

  test('is followed while it waits, and left to its host by Ctrl-C', async () => {
    world.workflows.set('w', workflow(SHIP, { name: 'w' }));
    const { io, ended } = world.begin(['run', 'w', '--set', 'title=x']);
    let done = false;
    void ended.then(() => {
      done = true;
    });
    await world.until(() => asking(io.out), 0);
    const until = world.clock.now() + 60_000;
    await world.until(() => world.clock.now() > until);
    expect(done).toBe(false);
    io.interrupt();
    const [{ id } = { id: '' }] = await world.client.list();
    expect(await ended).toMatchObject({
      code: 130,
      err: expect.stringMatching(new RegExp(`\\nDetached\\. The run goes on: coord watch ${id}\\n$`)) as string,
    });
  });

  test('tells what is asked on stderr when stdout is for JSON, and what a run inside asks', async () => {
    const child = workflow(SHIP, { name: 'child' });
    world.inner = [child];
    world.workflows.set('w', workflow([inner('sub', 'child', { definition: definitionHash(child) })], { name: 'w' }));
    for (const args of [['--json'], ['--new']]) {
      const { io } = world.begin(['run', 'w', '--set', 'title=x', ...args]);
      await world.until(() => io.err.includes('asks'));
      const inside = /w-\w+\.\w+/.exec(io.err)?.[0] ?? '';
      expect(io.err).toContain(
        `approve asks ann: Ship x?\n  risk: low\n  coord decide ${inside} approve approve --set note=<text>  Ship it\n`,
      );
      io.interrupt();
    }
  });
});

describe('coord decide', () => {
  test('finds the step by its id alone when only one of that id asks, and names what asks when it is none', async () => {
    const steps = [loop('fix', [decision('ok', { reject: [] })], { until: "steps.ok.result.choice === 'approve'" })];
    const { run } = await begun(steps, { isSo: (out) => out.includes('ok asks') });
    expect((await world.coord('decide', run, 'okay', 'approve')).err).toBe(
      `error DECISION_REFUSED: run ${run}: there is no step "okay". Asking are fix[1]/ok.\n`,
    );
    expect(await show(run)).toContain(`coord decide ${run} 'fix[1]/ok' approve`);
    expect((await world.coord('decide', run, 'ok', 'aprove')).err).toContain('Did you mean "approve"?');
    expect((await world.coord('decide', run, 'fix', 'approve')).err).toContain('step fix asks nothing: it is working');
    expect((await world.coord('decide', run, 'ok', 'approve')).code).toBe(0);
  });

  test('wants the step named when several of that id ask', async () => {
    const { run } = await begun([forEach('each', [decision('ok')], { items: [1, 2] })], {
      isSo: (out) => out.includes('each[1]/ok asks'),
    });
    expect(await world.coord('decide', run, 'ok', 'approve')).toMatchObject({
      code: 2,
      err: `error DECISION_REFUSED: run ${run}: several steps "ok" ask; name one of them: each[0]/ok, each[1]/ok\n`,
    });
  });

  test('hosts a run that nobody moves, and stores the answer when nobody can', async () => {
    const { run, followed } = await begun([decision('ok'), decision('sure')], {
      isSo: (out) => out.includes('sure asks'),
    });
    followed.io.interrupt();
    await followed.ended;
    world.hosted = false;
    world.asked.length = 0;
    await world.coord('decide', run, 'ok', 'approve');
    expect(world.asked).toEqual(['connect start', 'host as before', 'close']);
    world.hosted = false;
    world.ensureHost = async () => {
      throw new CoordError('HOST_START_FAILED', 'no fork');
    };
    expect(await world.coord('decide', run, 'sure', 'approve')).toMatchObject({
      code: 0,
      err: 'It is stored, but nobody moves runs now: no fork\n',
    });
  });

  test.each([
    [['--data', '{oops'], '--data is no JSON'],
    [['--data', '@gone.json'], 'gone.json of --data cannot be read'],
    [['--data', '[1]', '--set', 'a=1'], '--set sets fields of an object'],
    [['--set', 'a'], 'It must be key=value.'],
  ])('refuses data that is none: %j', async (args, message) => {
    const { code, err } = await world.coord('decide', 'w-1', 'ok', 'approve', ...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(world.asked).toEqual([]);
  });
});

test('coord run does not go on with a run that works for another one', async () => {
  const child = workflow([step('inside')], { name: 'child' });
  world.inner = [child];
  world.workflows.set('child', child);
  const held = gate();
  const { run } = await begun([inner('sub', 'child', { definition: definitionHash(child) })], {
    answer: async ({ run: asking }) => {
      if (asking.includes('.')) await held.opened;
      return PASS;
    },
    isSo: (out) => out.includes('sub started run'),
  });
  const { code, out, err } = await world.coord('run', 'child');
  expect(out).not.toContain(run);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  held.open();
});

test('coord run hands over the environment and the runs inside', async () => {
  world.workflows.set('w', workflow([step('a')], { name: 'w' }));
  await world.coord('run', 'w', '--env', 'staging');
  await world.coord('graph', 'w', '--env', 'staging');
  expect(world.asked.filter((asked) => asked.startsWith('load'))).toEqual([
    'load w in staging',
    'load w unchecked in staging',
  ]);
});
