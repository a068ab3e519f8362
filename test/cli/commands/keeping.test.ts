/** The commands that keep house: `dead`, `repair`, `gc`. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readArchive } from '../../../src/coordinator/client-archive.js';
import { verifyRun } from '../../../src/coordinator/client-verify.js';
import { Plans } from '../../../src/coordinator/plans.js';
import type { RunView } from '../../../src/core/views.js';
import { definitionHash } from '../../../src/definition/workflow.js';
import { inner, step, workflow } from '../../harness/definitions.js';
import { foldsAgain } from '../../invariants/replay.js';
import { transitionsOf } from '../../invariants/violation.js';
import { gate, PASS, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow([step('build'), step('qa', { dependencies: ['build'] })], { name: 'loop' });
const DAY = 86_400_000;

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

/** A run whose step `build` is in the hands of a worker until `open` is called. */
async function standing(workflowName = 'loop'): Promise<{ run: string; open: () => void; followed: Promise<unknown> }> {
  const held = gate();
  let arrived = false;
  world.answer = async () => {
    arrived = true;
    await held.opened;
    return PASS;
  };
  const { ended } = world.begin(['run', workflowName, '--json']);
  await world.until(() => arrived, 0);
  const [row] = await world.client.list();
  return { run: row?.id ?? '', open: () => held.open(), followed: ended };
}

/** What a person with an editor can do to a store. */
async function tear(run: string, fields: Record<string, string>): Promise<void> {
  await set(run, { quarantined: 'torn' });
  const { keeping, partitions } = world.store;
  const stored = await partitions.load(0, run);
  await keeping.reinstate({
    partition: 0,
    run,
    version: String(stored?.version),
    status: 'running',
    set: new Map(Object.entries(fields)),
    drop: [],
    letters: [],
    action: 'rebuilt',
    by: 'test',
  });
}

/** Has the coordinator set the run aside: it meets a message that it cannot evaluate. */
async function set(run: string, { quarantined }: { quarantined: string }): Promise<void> {
  const { store } = world;
  const [owner] = await store.namespace.owners();
  if (owner === undefined) throw new Error('nobody owns the partition');
  const entry = { id: '1-0', run, kind: 'none', head: '', body: '' };
  expect(await store.partitions.discard(owner, { entry, reason: quarantined, quarantine: true })).toBe('ok');
  // Whoever takes the partition knows nothing of the run but what is stored.
  await store.partitions.release(owner);
  await eventually(async () => (await store.namespace.owners()).length > 0);
}

async function letterOf(kind: string): Promise<string> {
  const { out } = await world.coord('dead', 'list', '--json');
  const all = JSON.parse(out) as { id: string; kind: string }[];
  return all.find((one) => one.kind === kind)?.id ?? '';
}

async function signaled(run: string): Promise<void> {
  await world.client.signal(run, { name: 'go', by: 'ada' });
  await eventually(async () => (await world.keeper.letters({ run, olderThanMs: null })).length > 0);
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let turns = 0; !(await isSo()); turns++) {
    if (turns > 2_000) throw new Error('it never came to that');
    world.clock.advance(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('coord dead', () => {
  test('lists, shows, replays once and drops', async () => {
    const { run, open, followed } = await standing();
    await set(run, { quarantined: 'torn' });
    await signaled(run);
    expect((await world.coord('dead')).out).toContain('signal');
    const id = await letterOf('signal');
    expect(id).toMatch(/^0:\d+-\d+$/);
    const shown = await world.coord('dead', 'show', id);
    expect(shown.out).toContain(`run     ${run}`);
    expect(shown.out).toContain('"name": "go"');
    expect((await world.coord('dead', 'list', '--run', 'other-0000000000')).out).toBe('No dead letters.\n');
    expect(await world.coord('dead', 'replay', id)).toMatchObject({
      code: 1,
      out: `${id}  not replayed: run ${run} is set aside: coord repair ${run}\n`,
    });
    expect(await world.coord('dead', 'drop', id)).toMatchObject({ code: 0, out: `${id}  dropped\n` });
    expect(await world.coord('dead', 'drop', id)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`there is no dead letter ${id} (any more)`) as string,
    });
    expect(await world.keeper.audit(5)).toMatchObject([{ action: 'dropped', what: id.slice(2) }]);
    await world.coord('repair', run, '--release');
    open();
    await followed;
  });

  test('replays what was discarded, and says when it is not there any more', async () => {
    const { run, open, followed } = await standing();
    await set(run, { quarantined: 'torn' });
    await signaled(run);
    const id = await letterOf('signal');
    // The run goes on, but its letters stay.
    const stored = await world.store.partitions.load(0, run);
    const change = {
      partition: 0,
      run,
      version: String(stored?.version),
      status: 'running',
      letters: [],
      by: 'x',
    } as const;
    await world.store.keeping.reinstate({ ...change, set: new Map(), drop: [], action: 'released' });
    const { code, out } = await world.coord('dead', 'replay', '--run', run, '--json');
    expect({ code, out: JSON.parse(out) as unknown }).toEqual({ code: 0, out: [{ id, outcome: 'replayed' }] });
    expect((await world.coord('dead', 'replay', '--all')).out).toBe('No dead letters to replay.\n');
    open();
    await followed;
    expect((await world.client.history(run)).filter(({ type }) => type === 'signal.received')).toHaveLength(1);
  });

  test('asks before it drops many, or wants --yes', async () => {
    const { run, open, followed } = await standing();
    await set(run, { quarantined: 'torn' });
    await signaled(run);
    expect(await world.coord('dead', 'drop', '--all')).toMatchObject({
      code: 2,
      err: 'error USAGE: this would delete 1 dead letter for good; say --yes where nobody can be asked\n',
    });
    const no = await world.begin(['dead', 'drop', '--all'], { answer: false }).ended;
    expect(no.io.questions).toEqual(['Delete 1 dead letter for good?']);
    expect(no.code).toBe(1);
    expect((await world.coord('dead', 'drop', '--older-than', '1d', '--yes')).out).toBe('No dead letters to drop.\n');
    expect((await world.coord('dead', 'drop', '--all', '--yes')).out).toContain('dropped\n');
    expect((await world.coord('dead', 'drop', '--all', '--yes')).out).toBe('No dead letters to drop.\n');
    await world.coord('repair', run, '--release');
    open();
    await followed;
  });

  test.each([
    [['replay'], 'say which dead letters are meant: their ids, or --run or --all'],
    [['drop'], 'say which dead letters are meant: their ids, or --older-than or --all'],
    [['drop', '0:1-0', '--all'], 'only one way of saying which letters are meant can be used'],
    [['show', '7:1-0'], '"7:1-0" names no dead letter'],
    [['drop', '--older-than', 'long'], 'It must be a duration such as 12h or 30d.'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await world.coord('dead', ...args);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('coord repair', () => {
  test('says what is damaged, and what can be done; --rebuild does it, and the run goes on', async () => {
    const { run, open, followed } = await standing();
    await tear(run, { 's:build': '{"status":"nothing"}' });
    await set(run, { quarantined: 'RUN_UNREADABLE: the record of step build is damaged' });
    expect(await world.coord('show', run)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`; \`coord repair ${run}\` says what can be done`) as string,
    });
    const looked = await world.coord('repair', run);
    expect(looked.code).toBe(1);
    expect(looked.out).toContain('It is set aside: RUN_UNREADABLE: the record of step build is damaged\n');
    expect(looked.out).toContain('  damaged: s:build: it is damaged: status ');
    expect(looked.out).toContain('  Its history is whole, and gives its records back.\n');
    expect(looked.out).toContain(`  coord repair ${run} --rebuild\n`);
    expect(looked.out).not.toContain(`coord repair ${run} --release`);
    expect(await world.coord('repair', run, '--release')).toMatchObject({
      code: 1,
      err: expect.stringContaining(`error RUN_UNREADABLE: run ${run} cannot be released: s:build: `) as string,
    });
    expect(await world.coord('repair', run, '--rebuild')).toMatchObject({
      code: 0,
      out: `Run ${run} is rebuilt from its history and back in service: coord watch ${run}\n`,
    });
    open();
    await followed;
    await until(run, 'completed');
    expect(await problemsOf(run)).toEqual([]);
    expect(await world.coord('repair', run)).toMatchObject({
      code: 0,
      out: expect.stringContaining('It is not set aside.\n') as string,
    });
    expect((await world.coord('repair', run, '--rebuild')).err).toBe(
      `error USAGE: run ${run} is not set aside, so there is nothing to repair\n`,
    );
  });

  test('--release takes a run that can be read back into service, and sends its messages again', async () => {
    const { run, open, followed } = await standing();
    await set(run, { quarantined: 'torn' });
    await signaled(run);
    const looked = JSON.parse((await world.coord('repair', run, '--json')).out) as {
      ways: string[];
      damage: unknown[];
    };
    expect(looked).toMatchObject({ damage: [], ways: ['--release', '--fail "reason"'], quarantined: 'torn' });
    expect(JSON.parse((await world.coord('repair', run, '--release', '--json')).out)).toEqual({
      run,
      action: 'released',
      sent: 1,
    });
    open();
    await followed;
    await until(run, 'completed');
  });

  test('a letter that would set the run aside again is named', async () => {
    const { run, open, followed } = await standing();
    const [owner] = await world.store.namespace.owners();
    if (owner === undefined) throw new Error('nobody owns the partition');
    await world.store.admission.admit({
      kind: 'signal',
      partition: 0,
      run,
      idempotencyKey: 'k',
      requestHash: 'h',
      body: '[]',
    });
    await eventually(async () => (await letterOf('signal')) !== '');
    const id = await letterOf('signal');
    await set(run, { quarantined: 'torn' });
    const { out } = await world.coord('repair', run);
    expect(out).toContain(`  dead letter ${id}: signal: not a signal message`);
    expect(out).toContain('; it would set the run aside again: not a signal message');
    expect(out).toContain(`  coord dead drop ${id}\n`);
    await world.coord('repair', run, '--release');
    open();
    await followed;
  });

  test('--fail ends a run whose history does not help either, says so in its history, and stops its worker', async () => {
    const { run, open, followed } = await standing();
    await tear(run, { record: '{}', 's:build': 'x', input: 'x' });
    await set(run, { quarantined: 'torn' });
    const looked = await world.coord('repair', run);
    expect(looked.out).toContain('  Its history does not give them back: ');
    expect((await world.coord('repair', run, '--rebuild')).code).toBe(1);
    expect(await world.coord('repair', run, '--fail', ' ')).toMatchObject({ code: 2 });
    const io = { env: { USER: 'ada' } };
    expect(await world.begin(['repair', run, '--fail', 'disk went bad'], io).ended).toMatchObject({
      code: 0,
      out: `Run ${run} is ended as failed: coord show ${run}\n`,
    });
    const facts = await world.client.history(run);
    const error = { class: 'CANCELED', message: 'ada ended it: disk went bad (it was set aside: torn)' };
    expect(facts.at(-1)).toMatchObject({ type: 'run.failed', step: null, error });
    expect((await world.client.list()).map(({ id, status }) => [id, status])).toEqual([[run, 'failed']]);
    expect(await world.keeper.audit(1)).toMatchObject([{ action: 'failed', what: run, by: 'ada' }]);
    open();
    void followed;
  });

  test('--fail of a run inside has the run around it go on', async () => {
    const small = workflow([step('build')], { name: 'small' });
    const outer = workflow(
      [
        inner('sub', 'small', { definition: definitionHash(small), on_error: 'continue' }),
        step('after', { dependencies: ['sub'] }),
      ],
      { name: 'outer' },
    );
    world.workflows.set('outer', outer);
    world.inner = [small];
    const { run, open, followed } = await standing('outer');
    const outside = run.includes('.') ? run.slice(0, run.indexOf('.')) : run;
    const inside = (await world.client.get(outside)).steps[0]?.run ?? '';
    await set(inside, { quarantined: 'torn' });
    world.answer = () => PASS;
    expect((await world.coord('repair', inside, '--fail', 'no')).code).toBe(0);
    await until(outside, 'completed');
    const view = await world.client.get(outside);
    expect(view.steps[0]).toMatchObject({
      status: 'failed',
      error: { class: 'RUN_FAILED', message: expect.stringContaining('ended it: no') as string },
    });
    expect((await world.client.get(inside)).steps[0]).toMatchObject({ status: 'canceled' });
    expect(await problemsOf(inside)).toEqual([]);
    open();
    await followed;
  });

  test.each([
    [['nobody-0000000000'], 2, 'error RUN_NOT_FOUND: there is no run "nobody-0000000000"'],
    [['x', '--release', '--rebuild'], 2, 'cannot be used together'],
  ])('%j is wrong usage', async (args, code, message) => {
    const ended = await world.coord('repair', ...args);
    expect(ended.code).toBe(code);
    expect(ended.err).toContain(message);
  });

  /** What is wrong with a run by its own history. */
  async function problemsOf(run: string): Promise<readonly unknown[]> {
    const { inspection, runs, namespace } = world.store;
    return (await verifyRun({ inspection, runs, plans: new Plans(namespace) }, { partition: 0, run })).problems;
  }

  async function until(run: string, status: RunView['status']): Promise<void> {
    await eventually(async () => (await world.client.get(run)).status === status);
  }
});

describe('coord gc', () => {
  async function finished(name = 'loop'): Promise<string> {
    world.answer = async ({ step: id }, { artifact }) => ({
      ...PASS,
      artifacts: [await artifact(`${id}.md`, `${name} ${id}`)],
    });
    const { out } = await world.coord('run', name, '--new', '--json');
    return (JSON.parse(out) as RunView).id;
  }
  const archives = (): readonly string[] => {
    const folder = join(world.directory, '.coord', 'archive', '2023-11');
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  test('tells with --dry-run what it would do, and does it: archive first, then the run, then what nobody names', async () => {
    const run = await finished();
    expect((await world.coord('gc')).out).toBe('Nothing was to be deleted.\n');
    world.clock.advance(2 * DAY);
    const dry = await world.coord('gc', '--older-than', '1d', '--dry-run');
    expect(dry.out).toContain(`${run}  `);
    expect(dry.out).toMatch(/Would delete 1 ended run \(\d\.\d kB\), archived in /);
    expect(dry.out).toContain('Would delete 2 artifacts that no run names (17 B)\n');
    expect(dry.out).toContain('Would delete 1 idempotency key whose time is over\n');
    expect(archives()).toEqual([]);
    expect((await world.client.get(run)).status).toBe('completed');
    const { out } = await world.coord('gc', '--older-than', '1d');
    expect(out).toContain('Deleted 2 artifacts that no run names (17 B)\n');
    expect(out).toMatch(/^Deleted 1 ended run /);
    expect(await world.client.list()).toEqual([]);
    expect(archives()).toEqual([`${run}.jsonl`]);
    expect(await world.store.keeping.artifacts(0)).toEqual([]);
    expect((await world.coord('gc', '--older-than', '1d')).out).toBe('Nothing was to be deleted.\n');
    // Asking for its retention has touched the definition: it goes a day later.
    world.clock.advance(2 * DAY);
    expect((await world.coord('gc', '--json')).out).toContain('"definitions": {\n    "count": 1');
    expect(await world.store.keeping.definitions()).toEqual([]);
  });

  test('an archive says everything: it is folded again, printed, and one that was cut short is none', async () => {
    const run = await finished();
    const plans = new Plans(world.store.namespace);
    const plan = await plans.get(definitionHash(LOOP));
    const stored = await world.store.partitions.load(0, run);
    world.clock.advance(2 * DAY);
    await world.coord('gc', '--older-than', '1d', '--archive', 'kept', '--with-artifacts');
    const file = join('kept', '2023-11', `${run}.jsonl`);
    const archived = await readArchive(join(world.directory, file));
    expect(archived).toMatchObject({ run, partition: 0, stored });
    expect(definitionHash(JSON.parse(archived.definition.json ?? '') as typeof LOOP)).toBe(definitionHash(LOOP));
    const history = transitionsOf({ partition: 0, run }, archived.history);
    expect(history.length).toBeGreaterThan(2);
    expect(foldsAgain(archived.stored, plan, { run, history })).toEqual([]);
    expect(archived.artifacts.map(({ content }) => Buffer.from(content ?? []).toString()).toSorted()).toEqual([
      'loop build',
      'loop qa',
    ]);
    const shown = await world.coord('gc', '--show', file);
    expect(shown.out).toContain(`Run ${run}, archived 2023-11-`);
    expect(shown.out).toContain('run completed');
    expect(JSON.parse((await world.coord('gc', '--show', file, '--json')).out)).toMatchObject({
      run,
      record: { status: 'completed' },
    });
    const text = readFileSync(join(world.directory, file), 'utf8');
    for (const [name, broken] of [
      ['cut', text.slice(0, -200)],
      ['changed', text.replace('completed', 'Completed')],
      ['empty', ''],
    ] as const) {
      writeFileSync(join(world.directory, name), broken);
      expect(await world.coord('gc', '--show', name)).toMatchObject({
        code: 2,
        err: expect.stringContaining('is no whole archive of a run') as string,
      });
    }
  });

  test('keeps what a workflow says is to be kept, what is open, and what open runs name', async () => {
    world.workflows.set('kept', { ...LOOP, name: 'kept', retention: 'forever' });
    world.workflows.set('short', { ...LOOP, name: 'short', retention: 3_600 });
    const kept = await finished('kept');
    const short = await finished('short');
    const usual = await finished();
    world.clock.advance(2 * DAY);
    const runs = async (...args: string[]): Promise<readonly string[]> =>
      (
        JSON.parse((await world.coord('gc', '--json', '--no-archive', ...args)).out) as { runs: { run: string }[] }
      ).runs.map(({ run }) => run);
    expect(await runs()).toEqual([short]);
    expect(await runs('--older-than', '0s')).toEqual([usual]);
    expect((await world.client.artifact(kept, 'build.md')).content).toHaveLength(10);
    expect(archives()).toEqual([]);
  });

  test('runs inside go with the run around them, and not before', async () => {
    const small = workflow([step('build')], { name: 'small' });
    world.workflows.set(
      'outer',
      workflow([inner('sub', 'small', { definition: definitionHash(small) })], {
        name: 'outer',
        retention: 5 * 86_400,
      }),
    );
    world.inner = [small];
    const run = await finished('outer');
    const inside = (await world.client.get(run)).steps[0]?.run ?? '';
    world.clock.advance(2 * DAY);
    await world.coord('gc', '--older-than', '1d');
    expect(archives()).toEqual([]);
    world.clock.advance(4 * DAY);
    const collected = JSON.parse((await world.coord('gc', '--older-than', '1d', '--json')).out) as {
      runs: { run: string }[];
    };
    expect(collected.runs.map((one) => one.run)).toEqual([run, inside]);
    expect(archives().toSorted()).toEqual([`${inside}.jsonl`, `${run}.jsonl`].toSorted());
    await expect(world.client.get(inside)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' });
  });

  test('an ended run that cannot be read stays, and is told', async () => {
    const run = await finished();
    const place = await world.store.partitions.load(0, run);
    await set(run, { quarantined: 'torn' });
    const change = {
      partition: 0,
      run,
      version: String(place?.version),
      status: 'completed',
      letters: [],
      by: 'x',
    } as const;
    await world.store.keeping.reinstate({ ...change, set: new Map([['record', '{}']]), drop: [], action: 'rebuilt' });
    world.clock.advance(2 * DAY);
    expect((await world.coord('gc', '--older-than', '1d')).err).toContain(
      `kept, since nobody can read when they ended: ${run}`,
    );
  });

  test('dead letters go only when that is asked for', async () => {
    const { run, open, followed } = await standing();
    await set(run, { quarantined: 'torn' });
    await signaled(run);
    void followed;
    world.clock.advance(40 * DAY);
    expect((await world.coord('gc')).out).not.toContain('dead letter');
    expect((await world.coord('gc', '--dead')).out).toContain('Deleted 1 dead letter\n');
    open();
  });

  test('wrong usage', async () => {
    expect(await world.coord('gc', '--no-archive', '--with-artifacts')).toMatchObject({ code: 2 });
    expect(await world.coord('gc', '--older-than', 'x')).toMatchObject({ code: 2 });
  });
});
