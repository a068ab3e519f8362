import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../../src/coordinator/client.js';
import { CoordError } from '../../../src/core/errors.js';
import type { RunView } from '../../../src/core/views.js';
import { step, workflow } from '../../harness/definitions.js';
import { type Ended, gate, HEAD, PASS, rejected, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow(
  [
    step('build', { retries: 1 }),
    step('qa', { dependencies: ['build'] }),
    step('review', { dependencies: ['qa'], condition: "context.state.get('qa_status') === 'pass'" }),
  ],
  { name: 'loop' },
);

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

const REPOSITORY = { top: '/code/shop', head: HEAD, dirty: false };

async function documentOf(ended: Promise<Ended>): Promise<RunView & { exitCode: number }> {
  return JSON.parse((await ended).out) as RunView & { exitCode: number };
}

describe('coord run into a pipe', () => {
  test('tells every fact in a line of its own and ends with a summary', async () => {
    world.answer = async (request, { clock, report, artifact }) => {
      clock.advance(3_200);
      if (request.step === 'build') await report('compiling');
      return { ...PASS, artifacts: request.step === 'qa' ? [await artifact('qa.log', 'ok')] : [] };
    };
    const { code, out, err } = await world.coord('run', 'loop');
    expect(out).toMatchInlineSnapshot(`
      "Started run loop-kqwvejr95m of loop 1.0.0.
      22:13:20 run started (workflow loop)
      22:13:20 build queued for worker
      22:13:20 build working (worker w1)
      22:13:23 build reports: compiling
      22:13:23 build succeeded in 3.2 s
      22:13:23 qa queued for worker
      22:13:23 qa working (worker w1)
      22:13:26 qa succeeded in 3.2 s, 1 artifact
      22:13:26 review queued for worker
      22:13:26 review working (worker w1)
      22:13:29 review succeeded in 3.2 s
      22:13:29 run completed
      Run loop-kqwvejr95m has completed after 9.6 s.
        artifacts: 1, see: coord artifacts loop-kqwvejr95m
      "
    `);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(world.asked).toEqual(['load loop', 'connect start', 'host', 'close']);
  });

  test('exits with 1 and names the step and the reason when a step is rejected', async () => {
    world.answer = ({ step: id }) => (id === 'qa' ? rejected('2 of 5 tests failed') : PASS);
    const { code, out } = await world.coord('run', 'loop');
    expect(out).toMatchInlineSnapshot(`
      "Started run loop-kqwvejr95m of loop 1.0.0.
      22:13:20 run started (workflow loop)
      22:13:20 build queued for worker
      22:13:20 build working (worker w1)
      22:13:20 build succeeded in 0.0 s
      22:13:20 qa queued for worker
      22:13:20 qa working (worker w1)
      22:13:20 qa failed: REJECTED 2 of 5 tests failed
      22:13:20 review skipped: step qa failed
      22:13:20 run failed: step qa, REJECTED 2 of 5 tests failed
      Run loop-kqwvejr95m has failed after 0.0 s.
        step qa: REJECTED 2 of 5 tests failed
      "
    `);
    expect(code).toBe(1);
  });

  test('says that an attempt did not succeed, why, and when the next one comes', async () => {
    world.answer = ({ attempt }) =>
      attempt === 1 ? { ...PASS, status: 'error', error: { class: 'PERSONA_ERROR', message: 'no tokens' } } : PASS;
    const { ended } = world.begin(['run', 'loop']);
    let done: Ended | null = null;
    void ended.then((result) => {
      done = result;
    });
    await world.until(() => done !== null);
    const { code, out } = await ended;
    expect(out).toContain('build did not succeed: PERSONA_ERROR no tokens; next attempt in 1.0 s\n');
    expect(out).toContain('build (attempt 2) queued for worker\n');
    expect(out).toContain('qa failed: PERSONA_ERROR no tokens\n');
    expect(code).toBe(1);
  });

  test('exits with 3 when the run is canceled', async () => {
    const held = gate();
    world.answer = async ({ run }) => {
      await world.client.cancel(run, { reason: 'not needed', by: 'ann' });
      await held.opened;
      return PASS;
    };
    const { code, out } = await world.coord('run', 'loop');
    expect(out).toContain('was canceled after 0.0 s.\n  by ann: not needed\n');
    expect(code).toBe(3);
    held.open();
  });

  test('names the branch with the work, and how to look at it', async () => {
    world.repository = { ...REPOSITORY, dirty: true };
    world.answer = ({ step: id }) => ({ ...PASS, commit: id === 'build' ? 'b'.repeat(40) : null });
    const { out, err } = await world.coord('run', 'loop', '--repo', 'shop');
    expect(err).toBe('/code/shop has changes that are not committed; the run does not see them.\n');
    expect(world.asked).toContain(`repository ${join(world.directory, 'shop')}`);
    const branch = /coord\/loop-\w+/.exec(out)?.[0] ?? '';
    expect(out).toContain(
      `  branch: ${branch}\n    git -C /code/shop log --oneline aaaaaaaaaaaa..${branch}\n    git -C /code/shop merge ${branch}\n`,
    );
  });

  test('escapes what personas say, so that nothing reaches the terminal but text', async () => {
    world.answer = async (_request, { report }) => {
      await report('\u001B[2J\u0007done\nqa succeeded');
      return rejected('bad \u001B]0;title\u0007 \u202E end');
    };
    const { out } = await world.coord('run', 'loop');
    expect(out).toContain('build reports: \\x1b[2J\\x07done\\nqa succeeded\n');
    expect(out).toContain('build failed: REJECTED bad \\x1b]0;title\\x07 \\u202e end\n');
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe('the task of coord run', () => {
  test('is read from a file or JSON, and single fields are set over it', async () => {
    world.tasks.set('task.yml', { title: 'old', size: 1 });
    const set = ['--set', 'title=new', '--set', 'size=2', '--set', 'tags=["a"]', '--set', 'text=a=b'];
    expect((await documentOf(world.coord('run', 'loop', '--json', '--task', 'task.yml', ...set))).task).toEqual({
      title: 'new',
      size: 2,
      tags: ['a'],
      text: 'a=b',
    });
    expect((await documentOf(world.coord('run', 'loop', '--json', '--task', '{"a": 1}'))).task).toEqual({ a: 1 });
    expect((await documentOf(world.coord('run', 'loop', '--json'))).task).toEqual({});
  });

  test.each([
    [
      ['--set', 'novalue'],
      "error USAGE: option '--set <key=value>' argument 'novalue' is invalid. It must be key=value.\n",
    ],
    [['--task', 'gone.yml'], 'error TASK_INVALID: the task gone.yml cannot be read\n'],
  ])('that is wrong ends with 2: %j', async (args, message) => {
    expect(await world.coord('run', 'loop', ...args)).toMatchObject({ code: 2, out: '', err: message });
  });
});

describe('the repository of coord run', () => {
  const inRepository = (): string | undefined => mkdirSync(join(world.directory, '.git'), { recursive: true });

  test('is the project by default', async () => {
    inRepository();
    world.repository = REPOSITORY;
    const { workspace } = await documentOf(world.coord('run', 'loop', '--json'));
    expect(workspace).toMatchObject({ repo: '/code/shop', base: HEAD });
    expect(world.asked).toContain(`repository ${world.directory}`);
  });

  test('is none with --no-repo, and none when the project is no repository', async () => {
    expect((await documentOf(world.coord('run', 'loop', '--json'))).workspace).toBeNull();
    inRepository();
    expect((await documentOf(world.coord('run', 'loop', '--json', '--no-repo'))).workspace).toBeNull();
  });

  test('that cannot be used is an error that names the way without one', async () => {
    inRepository();
    world.repository = new CoordError('WORKSPACE_INVALID', 'it has no commit');
    const { code, err } = await world.coord('run', 'loop');
    expect(err).toBe('error WORKSPACE_INVALID: it has no commit; or run without a repository: --no-repo\n');
    expect(code).toBe(2);
  });
});

describe('an unfinished run of the same task', () => {
  let unfinished: string;
  const held = gate();
  beforeEach(async () => {
    world.answer = async () => {
      await held.opened;
      return PASS;
    };
    ({ run: unfinished } = await world.client.start({ definition: LOOP, task: { a: 1, b: 2 }, workspace: null }));
    world.clock.advance(60_000);
    held.open();
  });
  const args = ['run', 'loop', '--task', '{"b": 2, "a": 1}'];

  test('is gone on with, and that is said, when nobody can be asked', async () => {
    const { code, out, err } = await world.coord(...args);
    expect(err).toBe(
      `Going on with the unfinished run ${unfinished} of the same task, started 1m 00s ago (--new starts another).\n`,
    );
    expect(out).toContain(`Run ${unfinished} has completed`);
    expect(code).toBe(0);
    expect(await world.client.list()).toHaveLength(1);
  });

  test.each([
    ['with --new', ['run', 'loop', '--task', '{"a": 1, "b": 2}', '--new']],
    ['with a key', ['run', 'loop', '--task', '{"a": 1, "b": 2}', '--key', 'k']],
    ['for another task', ['run', 'loop', '--task', '{"a": 1}']],
    ['for another workflow', ['run', 'other', '--task', '{"a": 1, "b": 2}']],
    ['in another repository', ['run', 'loop', '--task', '{"a": 1, "b": 2}', '--repo', '.']],
  ])('is left alone %s', async (_how, other) => {
    world.workflows.set('other', { ...LOOP, name: 'other' });
    world.repository = REPOSITORY;
    const { code, out, err } = await world.coord(...other);
    expect(out).not.toContain(unfinished);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await world.client.list()).toHaveLength(2);
  });

  test('is asked about on a terminal, and the answer decides', async () => {
    const yes = await world.begin(args, { answer: true }).ended;
    expect(yes.io.questions).toEqual([
      `Go on with the unfinished run ${unfinished} of the same task, started 1m 00s ago? (No starts another.)`,
    ]);
    expect(yes.out).toContain(`Run ${unfinished} has completed`);
    const { run } = await world.client.start({ definition: LOOP, task: { a: 1, b: 2 }, workspace: null });
    const no = await world.begin(args, { answer: false }).ended;
    expect(no.out).not.toContain(run);
    expect(no.code).toBe(0);
  });

  test('is neither gone on with nor followed by another when the person leaves the question', async () => {
    const { code, out } = await world.begin(args, { answer: null }).ended;
    expect({ code, out }).toEqual({ code: 130, out: '' });
    expect(await world.client.list()).toHaveLength(1);
    expect(world.asked).not.toContain('host');
  });

  test('is gone on with --resume without a question, and the newest of several is taken', async () => {
    world.clock.advance(1_000);
    const { run } = await world.client.start({ definition: LOOP, task: { a: 1, b: 2 }, workspace: null });
    const { out, io } = await world.begin([...args, '--resume'], { answer: false }).ended;
    expect(io.questions).toEqual([]);
    expect(out).toContain(`Run ${run} has completed`);
  });

  test('keeps the workflow it was started with, and that is said when the file has changed', async () => {
    world.workflows.set('loop', { ...LOOP, version: '2.0.0' });
    const { err } = await world.coord(...args);
    expect(err).toContain('The workflow was changed since; the run keeps the one it was started with.\n');
  });

  test('and contradicting options end with 2', async () => {
    const { code, err } = await world.coord(...args, '--resume', '--new');
    expect(err).toBe("error USAGE: option '--resume' cannot be used with option '--new'\n");
    expect(code).toBe(2);
  });
});

describe('coord run', () => {
  test('starts the same run once for a key', async () => {
    const first = await world.coord('run', 'loop', '--key', 'nightly');
    const second = await world.coord('run', 'loop', '--key', 'nightly');
    expect(second.out).toContain('has started run loop-');
    expect(second.code).toBe(0);
    expect(await world.client.list()).toHaveLength(1);
    const third = await world.coord('run', 'loop', '--key', 'nightly', '--set', 'a=1');
    expect(third.err).toMatch(/^error IDEMPOTENCY_CONFLICT: /);
    expect([first.code, third.code]).toEqual([0, 2]);
  });

  test('prints one JSON document and nothing else with --json', async () => {
    world.notice = 'no Redis';
    world.answer = ({ step: id }) => (id === 'qa' ? rejected('no') : PASS);
    const { code, out, err } = await world.coord('run', 'loop', '--json');
    const document = JSON.parse(out) as RunView & { exitCode: number };
    expect(document).toMatchObject({ status: 'failed', exitCode: 1, failure: { step: 'qa' } });
    expect(document.steps.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'skipped']);
    expect({ code, err }).toEqual({ code: 1, err: 'no Redis\n' });
  });

  test('prints an error as JSON with --json', async () => {
    const { code, out, err } = await world.coord('run', 'gone', '--json');
    expect(JSON.parse(out)).toEqual({
      error: { code: 'DEFINITION_NOT_FOUND', message: 'there is no workflow "gone"' },
    });
    expect({ code, err }).toEqual({ code: 2, err: '' });
  });

  test('prints the problems of a workflow, with their lines, and exits with 2', async () => {
    world.workflows.set('bad', workflow([]));
    const { code, out, err } = await world.coord('run', 'bad');
    expect(err).toBe('error DEFINITION_INVALID: bad.yml:1:1  missing-key\n> 1 | name: x\n    | ^^^^\n');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(world.asked).toEqual(['load bad', 'connect find', 'close']);
  });

  test('leaves the run alone with --detach', async () => {
    const held = gate();
    world.answer = async () => {
      await held.opened;
      return PASS;
    };
    const { code, out, err } = await world.coord('run', 'loop', '--detach');
    const [run] = await world.client.list();
    expect({ code, out }).toEqual({ code: 0, out: `${run?.id ?? ''}\n` });
    expect(err).toBe(`Moved by the background host (pid 77, log /log). Follow it: coord watch ${run?.id ?? ''}\n`);
    const json = await documentOf(world.coord('run', 'loop', '--detach', '--json', '--new'));
    expect(json).toMatchObject({ exitCode: 0, workflow: 'loop' });
    held.open();
  });

  test('does not detach from a run that would end with it', async () => {
    world.durable = false;
    const { code, err } = await world.coord('run', 'loop', '--detach');
    expect(err).toBe('error USAGE: without Redis a run ends with this command, so --detach would end it at once\n');
    expect(code).toBe(2);
    expect(await world.client.list()).toEqual([]);
  });

  test('starts nothing when nobody can host it', async () => {
    world.ensureHost = async () => {
      throw new CoordError('HOST_START_FAILED', 'see the log');
    };
    const { code, err } = await world.coord('run', 'loop');
    expect({ code, err }).toEqual({ code: 1, err: 'error HOST_START_FAILED: see the log\n' });
    expect(await world.client.list()).toEqual([]);
    expect(world.asked.at(-1)).toBe('close');
  });
});

describe('following', () => {
  const working = (): boolean => world.asked.includes('working');
  let held: ReturnType<typeof gate>;
  beforeEach(() => {
    held = gate();
    world.answer = async () => {
      world.asked.push('working');
      await held.opened;
      return PASS;
    };
  });

  test('Ctrl-C leaves the run to its host and exits with 130', async () => {
    const { io, ended } = world.begin(['run', 'loop']);
    await world.until(working);
    expect(io.interrupt()).toBe(true);
    const { code, err } = await ended;
    const [run] = await world.client.list();
    expect(err).toBe(`Detached. The run goes on: coord watch ${run?.id ?? ''}\n`);
    expect(code).toBe(130);
    expect(run?.status).toBe('running');
    expect(io.listening).toBe(false);
    expect(world.asked.at(-1)).toBe('close');
    held.open();
  });

  test('Ctrl-C with --json still prints the run', async () => {
    const { io, ended } = world.begin(['run', 'loop', '--json']);
    await world.until(working);
    io.interrupt();
    expect(await documentOf(ended)).toMatchObject({ status: 'running', exitCode: 130 });
    held.open();
  });

  test('the first Ctrl-C only warns when the run lives in this process', async () => {
    world.hosting = { kind: 'in-process' };
    world.durable = false;
    const { io, ended } = world.begin(['run', 'loop']);
    await world.until(working);
    io.interrupt();
    expect(io.err).toBe('The run lives in this process only: a second Ctrl-C ends both.\n');
    io.interrupt();
    const { code, err } = await ended;
    expect(err).toMatch(/\nThe run loop-\w+ ended with this process\.\n$/);
    expect(code).toBe(130);
    held.open();
  });

  test('a host that is gone is replaced, and that is said', async () => {
    const { io, ended } = world.begin(['run', 'loop', '--personas', '.']);
    await world.until(working);
    world.hosted = false;
    await world.until(() => io.err !== '');
    expect(io.err).toBe('The host of the run was gone; the background host (pid 77, log /log) goes on with it.\n');
    expect(world.asked.filter((asked) => asked === `host ${world.directory}`)).toHaveLength(2);
    held.open();
    expect((await ended).code).toBe(0);
  });

  test('says why a run does not move when that lasts', async () => {
    world.workflows.set('loop', { ...LOOP, steps: [step('build', { persona: 'nobody' })] });
    const { requests } = world.store;
    const take = requests.take.bind(requests);
    requests.take = (want) => take({ ...want, personas: want.personas.filter((name) => name !== 'nobody') });
    const { namespace } = world.store;
    const announce = namespace.announceWorker.bind(namespace);
    namespace.announceWorker = (info) => announce({ ...info, personas: [] });
    const { io, ended } = world.begin(['run', 'loop']);
    await world.until(() => io.err.includes('nobody: coord worker'));
    expect(io.err).toBe('no live worker serves persona nobody: coord worker\n');
    io.interrupt();
    expect((await ended).code).toBe(130);
  });
});

describe('a run that comes to rest without an end', () => {
  class RestingClient extends Client {
    rest: Partial<RunView> = {};
    override async get(run: string): Promise<RunView> {
      return { ...(await super.get(run)), ...this.rest };
    }
  }

  test.each([
    [{ status: 'paused' }, 4, 'is paused.\n'],
    [{ quarantined: 'its record is damaged' }, 1, 'is set aside.\n  its record is damaged\n'],
  ] as const)('is left with its exit code: %j', async (rest, code, words) => {
    const resting: RestingClient[] = [];
    world = new World((params) => {
      const client = new RestingClient(params);
      resting.push(client);
      return client;
    });
    world.workflows.set('loop', LOOP);
    const held = gate();
    world.answer = async () => {
      await held.opened;
      return PASS;
    };
    const { io, ended } = world.begin(['run', 'loop']);
    await world.until(() => io.out.includes('working'));
    for (const client of resting) client.rest = rest;
    let done = false;
    void ended.then(() => {
      done = true;
    });
    await world.until(() => done);
    expect(await ended).toMatchObject({ code, out: expect.stringContaining(words) as string });
    held.open();
  });
});
