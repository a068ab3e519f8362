/** The commands that look at runs or end one: `watch`, `list`, `show`, `history`, `artifacts`, `cancel`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { RunSummary } from '../../../src/core/views.js';
import { step, workflow } from '../../harness/definitions.js';
import { gate, PASS, rejected, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow(
  [
    step('build'),
    step('qa', { dependencies: ['build'], persona: 'qa-engineer' }),
    step('review', { dependencies: ['qa'] }),
  ],
  { name: 'loop' },
);

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

/** A run that stands at `qa`, in the hands of a worker; `open` lets it go on. */
async function standing(): Promise<{ run: string; open: () => void; followed: Promise<unknown> }> {
  const held = gate();
  let arrived = false;
  world.answer = async ({ step: id }, { clock, report, artifact }) => {
    clock.advance(2_500);
    if (id === 'build') return { ...PASS, artifacts: [await artifact('plan.md', '# Plan\n', 'text/markdown')] };
    await report('3 of 5 tests\u001B[1A');
    arrived = true;
    await held.opened;
    return PASS;
  };
  const { ended } = world.begin(['run', 'loop', '--set', 'title=Coupons', '--json']);
  await world.until(() => arrived, 0);
  const [row] = await world.client.list();
  return { run: row?.id ?? '', open: () => held.open(), followed: ended };
}

async function finished(): Promise<string> {
  await world.coord('run', 'loop');
  return (await world.client.list())[0]?.id ?? '';
}

describe('coord watch', () => {
  test('follows a run that nobody hosts to its end, and hosts it', async () => {
    const { run } = await world.client.start({ definition: LOOP, task: {}, workspace: null });
    world.hosted = false;
    world.answer = ({ step: id }) => (id === 'qa' ? rejected('no') : PASS);
    const { code, out } = await world.coord('watch', run, '--personas', '.');
    expect(out).toContain('qa failed: REJECTED no\n');
    expect(code).toBe(1);
    expect(world.asked).toEqual(['connect start', `host ${world.directory}`, 'close']);
  });

  test('tells what happened to a run that has ended, and starts no host', async () => {
    const run = await finished();
    world.asked.length = 0;
    const { code, out } = await world.coord('watch', run);
    expect(out).toContain('run started (workflow loop)\n');
    expect(out.match(/ working /g)).toHaveLength(3);
    expect(out).toContain(`Run ${run} has completed after 0.0 s.\n`);
    expect(code).toBe(0);
    expect(world.asked).toEqual(['connect start', 'close']);
  });

  test('of a run that is not there ends with 2', async () => {
    const run = await finished();
    const { code, err } = await world.coord('watch', `${run.slice(0, -1)}z`);
    expect(err).toBe(
      `error RUN_NOT_FOUND: there is no run "${run.slice(0, -1)}z". Did you mean "${run}"? See \`coord list\`.\n`,
    );
    expect(code).toBe(2);
  });
});

describe('coord list', () => {
  test('says where each run stands', async () => {
    const { open, followed } = await standing();
    world.answer = () => rejected('2 of 5 tests failed');
    await world.coord('run', 'loop', '--new');
    world.clock.advance(90_000);
    const { code, out } = await world.coord('list');
    expect(out).toMatchInlineSnapshot(`
      "RUN              WORKFLOW  STATUS   STARTED     DURATION  WHERE IT STANDS
      loop-zc63w5fcdx  loop      failed   1m 30s ago  0.0 s     build: REJECTED 2 of 5 tests failed
      loop-kqwvejr95m  loop      running  1m 35s ago  1m 35s    1 of 3 steps, qa working
      "
    `);
    expect(code).toBe(0);
    open();
    await followed;
  });

  test('shows only some statuses, at most some runs, and JSON', async () => {
    await finished();
    await finished();
    const json = async (...args: string[]): Promise<RunSummary[]> =>
      JSON.parse((await world.coord('list', '--json', ...args)).out) as RunSummary[];
    expect(await json('--status', 'completed,failed')).toHaveLength(2);
    expect(await json('--status', 'running')).toEqual([]);
    expect(await json('--limit', '1')).toHaveLength(1);
    expect((await world.coord('list', '--status', 'running,paused')).out).toBe(
      'No running or paused runs; 2 others: coord list\n',
    );
    expect(await world.coord('list', '--status', 'complete')).toMatchObject({
      code: 2,
      err: expect.stringContaining(
        'There is no status "complete". Did you mean "completed"? Statuses are pending, running, ',
      ) as string,
    });
    expect((await world.coord('list', '--limit', '0')).code).toBe(2);
  });
});

describe('coord show', () => {
  test('shows the steps, who works, and how it went', async () => {
    const { run, open, followed } = await standing();
    world.clock.advance(1_000);
    expect((await world.coord('show', run)).out).toMatchInlineSnapshot(`
      "workflow    loop 1.0.0
      started     6.0 s ago
      task        Coupons

      STEP    PERSONA      STATUS     ATTEMPT  DETAIL
      build   worker       succeeded  1        2.5 s
      qa      qa-engineer  working    1        worker w1, 3.5 s  3 of 5 tests\\x1b[1A
      review  worker       pending

      Run loop-kqwvejr95m is running.
        artifacts: 1, see: coord artifacts loop-kqwvejr95m
      "
    `);
    open();
    await followed;
    expect((await world.coord('show', run)).out).toMatchInlineSnapshot(`
      "workflow    loop 1.0.0
      started     8.5 s ago, took 8.5 s
      task        Coupons

      STEP    PERSONA      STATUS     ATTEMPT  DETAIL
      build   worker       succeeded  1        2.5 s
      qa      qa-engineer  succeeded  1        3.5 s
      review  worker       succeeded  1        2.5 s

      Run loop-kqwvejr95m has completed after 8.5 s.
        artifacts: 1, see: coord artifacts loop-kqwvejr95m
      "
    `);
  });

  test('says what a run waits for', async () => {
    const { run } = await world.client.start({ definition: LOOP, task: {}, workspace: null });
    expect((await world.coord('show', run)).out).toMatch(/\n! nobody moves runs: coord daemon\n$/);
  });
});

describe('coord history', () => {
  test('lists every fact, and who holds what now', async () => {
    const { run, open, followed } = await standing();
    world.clock.advance(61_000);
    expect((await world.coord('history', run)).out).toMatchInlineSnapshot(`
      "TIME                 STEP   ATTEMPT  WORKER  FACT
      2023-11-14 22:13:20                          run started (workflow loop)
      2023-11-14 22:13:20  build  1                queued for worker
      2023-11-14 22:13:20  build  1        w1      working
      2023-11-14 22:13:22  build  1        w1      succeeded in 2.5 s, 1 artifact
      2023-11-14 22:13:22  qa     1                queued for qa-engineer
      now: qa attempt 1, worker w1 has held it for 1m 03s: 3 of 5 tests\\x1b[1A
      "
    `);
    open();
    await followed;
  });

  test('prints one JSON document per line', async () => {
    const { out } = await world.coord('history', await finished(), '--json');
    const types = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toHaveLength(11);
    expect(types.at(-1)).toBe('run.completed');
  });
});

describe('coord artifacts', () => {
  let run: string;
  beforeEach(async () => {
    world.answer = async ({ step: id }, { artifact }) => {
      if (id !== 'build') return PASS;
      const log = await artifact('build.log', '\u001B[31mred\u001B[0m \u0007text\nnext\n');
      return { ...PASS, artifacts: [log, await artifact('shop.tgz', Buffer.from([0, 1, 255]), 'application/gzip')] };
    };
    run = await finished();
  });

  test('lists them', async () => {
    expect((await world.coord('artifacts', run)).out).toMatchInlineSnapshot(`
      "ARTIFACT         TYPE              SIZE  SHA-256
      build/build.log  text/plain        24 B  66a67149aa48
      build/shop.tgz   application/gzip  3 B   26a66b061e8f
      "
    `);
    expect(JSON.parse((await world.coord('artifacts', run, '--json')).out)).toMatchObject([
      { step: 'build', name: 'build.log', size: 24 },
      { step: 'build', name: 'shop.tgz', size: 3 },
    ]);
  });

  test('prints one as it is into a pipe', async () => {
    const { io } = await world.coord('artifacts', run, 'shop.tgz');
    expect(io.written).toEqual([new Uint8Array([0, 1, 255])]);
  });

  test('prints text for reading on a terminal, without what would move the cursor', async () => {
    const { out } = await world.begin(['artifacts', run, 'build/build.log'], { isTTY: true }).ended;
    expect(out).toBe('red \\x07text\nnext\n');
  });

  test('refuses to print what is no text on a terminal, and writes it into a file', async () => {
    const refused = await world.begin(['artifacts', run, 'shop.tgz'], { isTTY: true }).ended;
    expect(refused.err).toBe(
      'error USAGE: build/shop.tgz is no text (application/gzip, 3 B), so it is not shown on a terminal; use --output FILE\n',
    );
    expect({ code: refused.code, out: refused.out }).toEqual({ code: 2, out: '' });
    const file = join(world.directory, 'shop.tgz');
    const { err } = await world.coord('artifacts', run, 'shop.tgz', '--output', 'shop.tgz');
    expect(err).toBe(`build/shop.tgz, 3 B, is in ${file}\n`);
    expect([...readFileSync(file)]).toEqual([0, 1, 255]);
  });

  test('names what there is when there is no such artifact', async () => {
    const { code, err } = await world.coord('artifacts', run, 'shop.tg');
    expect(err).toContain('error ARTIFACT_NOT_FOUND: ');
    expect(code).toBe(2);
    expect((await world.coord('artifacts', run, '--output', 'x')).code).toBe(2);
  });
});

describe('coord cancel', () => {
  test('waits until the run is canceled', async () => {
    const { run, open, followed } = await standing();
    const { ended } = world.begin(['cancel', run, '--reason', 'wrong\ntask'], { env: { USER: 'ann' } });
    const { code, out } = await ended;
    expect(out).toBe(
      `Run ${run} was canceled after 5.0 s.\n  by ann: wrong\n  task\n  artifacts: 1, see: coord artifacts ${run}\n`,
    );
    expect(code).toBe(0);
    open();
    await followed;
  });

  test('hosts a run that nobody moves, prints JSON, and refuses one that has ended', async () => {
    const { run } = await world.client.start({ definition: LOOP, task: {}, workspace: null });
    world.hosted = false;
    world.answer = () => new Promise(() => undefined);
    const { out } = await world.coord('cancel', run, '--json');
    expect(JSON.parse(out)).toMatchObject({ status: 'canceled', exitCode: 0 });
    const again = await world.coord('cancel', run);
    expect(again.err).toBe(`error RUN_ENDED: run ${run} is canceled already, so there is nothing to cancel\n`);
    expect(again.code).toBe(2);
  });
});
