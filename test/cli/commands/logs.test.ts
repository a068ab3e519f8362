/** `coord logs`, and `coord watch` of all runs: what is reported is told when it happens, on a clock that stands still. */
import { beforeEach, describe, expect, test } from 'vitest';
import { step, workflow } from '../../harness/definitions.js';
import { gate, PASS, World } from '../world.js';

process.env['TZ'] = 'UTC';

const LOOP = workflow([step('build'), step('qa', { dependencies: ['build'] })], { name: 'loop' });

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', LOOP);
});

/** A run whose step `qa` reports and waits for `open`. */
async function reporting(): Promise<{ run: string; report: (text: string) => Promise<void>; open: () => void }> {
  const held = gate();
  let say: ((text: string) => Promise<void>) | null = null;
  world.answer = async ({ step: id }, { report, artifact }) => {
    if (id === 'build')
      return {
        ...PASS,
        artifacts: [await artifact('build.log', 'compiled\u001B[1A\nlinked\n'), await artifact('plan.md', '# no log')],
      };
    await report('1 of 5 tests');
    say = report;
    await held.opened;
    return PASS;
  };
  void world.begin(['run', 'loop']);
  await world.until(() => say !== null, 0);
  const [row] = await world.client.list();
  return { run: row?.id ?? '', report: (text) => say?.(text) ?? Promise.resolve(), open: () => held.open() };
}

describe('coord logs', () => {
  test('tells attempts, progress and logs in order, and ends', async () => {
    const { run, report } = await reporting();
    await report('2 of 5 tests');
    const { out, code } = await world.coord('logs', run);
    expect(out.replaceAll(/\d\d:\d\d:\d\d /g, '')).toMatchInlineSnapshot(`
      "build working (worker w1)
      build succeeded in 0.0 s, 2 artifacts
        build/build.log:
        | compiled
        | linked
      qa working (worker w1)
      qa reports: 1 of 5 tests
      qa reports: 2 of 5 tests
      "
    `);
    expect(code).toBe(0);
    const one = await world.coord('logs', run, '--step', 'qa', '--json');
    const types = one.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(['step.working', 'step.progress', 'step.progress']);
    expect((await world.coord('logs', run, '--step', 'qq')).err).toContain('Did you mean "qa"?');
  });

  test('-f tells what is reported without any time passing, and ends with the run', async () => {
    const { run, report, open } = await reporting();
    const { io, ended } = world.begin(['logs', run, '-f']);
    await world.until(() => io.out.includes('1 of 5 tests'), 0);
    const at = world.clock.now();
    for (const text of ['2 of 5 tests', '3 of 5 tests']) {
      await report(text);
      await world.until(() => io.out.includes(text), 0);
    }
    expect(world.clock.now()).toBe(at);
    open();
    await world.until(() => io.out.includes('qa succeeded'), 0);
    await world.until(() => !io.listening);
    expect((await ended).code).toBe(0);
    expect(io.out.match(/1 of 5 tests/g)).toHaveLength(1);
  });

  test('shows what an attempt left that was tried again, also while it is followed', async () => {
    const retries = { count: 2, backoff: { initial: 1, factor: 1, max: 1, jitter: 0 }, retry_on: null };
    world.workflows.set('again', workflow([step('qa', { retries })], { name: 'again' }));
    const held = gate();
    world.answer = async ({ attempt }, { artifact }) => {
      if (attempt === 2) await held.opened;
      if (attempt === 3) return PASS;
      const artifacts = [await artifact(`qa.${String(attempt)}.log`, `attempt ${String(attempt)} broke`)];
      return { ...PASS, status: 'error', artifacts, error: { class: 'PERSONA_ERROR', message: 'broke' } };
    };
    void world.begin(['run', 'again']);
    await world.until(() => world.contents.at(0).runs.size > 0, 0);
    const [row] = await world.client.list();
    const { io, ended } = world.begin(['logs', row?.id ?? '', '-f']);
    await world.until(() => io.out.includes('| attempt 1 broke'));
    held.open();
    await world.until(() => io.out.includes('| attempt 2 broke'));
    await world.until(() => !io.listening);
    expect((await ended).code).toBe(0);
    expect((await world.coord('logs', row?.id ?? '')).out.match(/\| attempt \d broke/g)).toHaveLength(2);
  });

  test('-f is left with Ctrl-C', async () => {
    const { run } = await reporting();
    const { io, ended } = world.begin(['logs', run, '--follow']);
    await world.until(() => io.out.includes('1 of 5 tests'), 0);
    io.interrupt();
    expect((await ended).code).toBe(130);
  });
});

describe('coord watch of all runs', () => {
  test('tells what happens to each, without any time passing, until Ctrl-C', async () => {
    const { run, report, open } = await reporting();
    const { io, ended } = world.begin(['watch']);
    const at = world.clock.now();
    let told = false;
    let count = 2;
    await world.until(() => {
      if (!told) void report(`${String(count++)} tests`);
      told = io.out.includes('reports:');
      return told;
    }, 0);
    expect(io.out).toMatch(new RegExp(`^${run}  \\S+ qa reports: \\S+ tests\n`));
    expect(world.clock.now()).toBe(at);
    const { run: other } = await world.client.start({ definition: LOOP, task: { n: 2 }, workspace: null });
    await world.until(() => io.out.includes(`${other}  `), 0);
    open();
    await world.until(() => io.out.includes('run completed'));
    io.interrupt();
    expect((await ended).code).toBe(0);
  });

  test('takes no option that is for one run', async () => {
    const { code, err } = await world.coord('watch', '--until-waiting');
    expect(err).toContain('error USAGE: --personas and --until-waiting are for one run');
    expect(code).toBe(2);
  });
});
