/** The commands that look at a project or serve it: `validate`, `graph`, `daemon`, `worker`, `up`, `down`, `doctor`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ServeOptions } from '../../../src/cli/application.js';
import type { Problem } from '../../../src/definition/problem.js';
import { step, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

let world: World;
beforeEach(() => {
  world = new World();
  world.workflows.set('loop', workflow([step('build'), step('qa', { dependencies: ['build'] })], { name: 'loop' }));
});

describe('coord validate', () => {
  test('checks all workflows of the project', async () => {
    world.workflows.set('bad', workflow([]));
    const { code, out } = await world.coord('validate');
    expect(out).toMatchInlineSnapshot(`
      "ok  loop 1.0.0, 2 steps, workflows/loop.yml
      invalid  bad
      bad.yml:1:1  missing-key
      > 1 | name: x
          | ^^^^
      "
    `);
    expect(code).toBe(2);
  });

  test('checks those that are named, with the personas that are given', async () => {
    expect(await world.coord('validate', 'loop', '--personas', '.')).toMatchObject({
      code: 0,
      out: 'ok  loop 1.0.0, 2 steps, workflows/loop.yml\n',
    });
    expect(world.asked).toEqual([`load loop ${world.directory}`]);
    const { code, out } = await world.coord('validate', 'gone', 'loop', '--json');
    expect(JSON.parse(out)).toMatchObject([
      { workflow: 'gone', ok: false },
      { workflow: 'loop', ok: true },
    ]);
    expect(code).toBe(2);
  });

  test('shows warnings, which are problems only where they are said to be', async () => {
    const warning: Problem = {
      code: 'unbounded-loop',
      severity: 'warning',
      message: 'the body cannot change it',
      file: 'workflows/loop.yml',
      line: 1,
      column: 3,
      endColumn: 5,
      hint: null,
    };
    world.warnings.set('loop', [warning]);
    const { code, out } = await world.coord('validate', 'loop');
    expect(out).toMatch(
      /^ok {2}loop 1\.0\.0.*\nworkflows\/loop\.yml:1:3 {2}unbounded-loop {2}the body cannot change it\n/,
    );
    expect(out).toContain('1 warning in workflows/loop.yml');
    expect(code).toBe(0);
    const strict = await world.coord('validate', 'loop', '--strict');
    expect(strict.out).toMatch(/^invalid {2}loop\nworkflows\/loop\.yml:1:3/);
    expect(strict.code).toBe(2);
    const json = await world.coord('validate', 'loop', '--json', '--strict');
    expect(JSON.parse(json.out)).toEqual([expect.objectContaining({ ok: false, warnings: [warning] })]);
  });

  test('checks with the variables of an environment', async () => {
    await world.coord('validate', 'loop', '--env', 'staging');
    expect(world.asked).toEqual(['load loop in staging']);
  });

  test('hands on paths as they were given, or from the folder of -C', async () => {
    await world.coord('validate', 'flows/a.yml');
    await world.coord('-C', world.directory, 'validate', 'flows/a.yml');
    expect(world.asked).toEqual(['load flows/a.yml', `load ${join(world.directory, 'flows/a.yml')}`]);
  });
});

describe('coord graph', () => {
  test('draws in the form that is asked for', async () => {
    expect((await world.coord('graph', 'loop')).out).toBe(
      'flowchart TD\n  step_build["build<br/>worker"]\n  step_qa["qa<br/>worker"]\n  step_build --> step_qa\n',
    );
    expect((await world.coord('graph', 'loop', '--format', 'svg')).out).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(JSON.parse((await world.coord('graph', 'loop', '--format', 'xstate')).out)).toMatchObject({ id: 'loop' });
    expect((await world.coord('graph', 'loop', '--format', 'png')).code).toBe(2);
  });

  test('writes into a file', async () => {
    const { out } = await world.coord('graph', 'loop', '--output', 'loop.mmd');
    expect(out).toBe('');
    expect(readFileSync(join(world.directory, 'loop.mmd'), 'utf8')).toMatch(/^flowchart TD\n/);
    expect(await world.coord('graph', 'loop', '--output', 'no/such/folder.mmd')).toMatchObject({ code: 2 });
  });
});

describe('coord daemon and coord worker', () => {
  const DAEMON: ServeOptions = {
    coordinate: true,
    work: false,
    personas: [],
    only: null,
    partitions: null,
    retentionMs: 30 * 86_400_000,
    idleExitMs: null,
    log: 'pretty',
  };

  test.each([
    [['daemon'], DAEMON],
    [
      ['daemon', '--work', '--partitions', '3', '--log', 'json', '--idle-exit', '5'],
      { ...DAEMON, work: true, partitions: 3, log: 'json', idleExitMs: 5_000 },
    ],
    [['daemon', '--retention', '12h'], { ...DAEMON, retentionMs: 43_200_000 }],
    [['daemon', '--retention', 'off'], { ...DAEMON, retentionMs: null }],
    [
      ['worker', '--only', 'qa, review'],
      { ...DAEMON, coordinate: false, work: true, only: ['qa', 'review'], retentionMs: null },
    ],
  ])('serves as asked, until Ctrl-C: %j', async (args, serve) => {
    const { io, ended } = world.begin(args);
    await world.until(() => world.served.length > 0);
    expect(world.served[0]?.serve).toEqual(serve);
    io.interrupt();
    // A second Ctrl-C is to end the process at once.
    expect(io.listening).toBe(false);
    expect((await ended).code).toBe(0);
    expect(world.served[0]?.ended).toBe(true);
  });

  test('takes the personas of the folders that are given, which must be there', async () => {
    const { io, ended } = world.begin(['worker', '--personas', '.']);
    await world.until(() => world.served.length > 0);
    expect(world.served[0]?.serve.personas).toEqual([world.directory]);
    io.interrupt();
    await ended;
    expect(await world.coord('worker', '--personas', 'gone')).toMatchObject({
      code: 2,
      err: `error USAGE: there is no folder of personas ${join(world.directory, 'gone')}\n`,
    });
  });
});

describe('coord up and coord down', () => {
  test('say what they did', async () => {
    expect((await world.coord('up')).out).toBe('Started unix:.coord/redis/redis.sock\n');
    expect((await world.coord('down')).out).toBe(
      'Stopped the background host and the Redis server. Runs go on when you do.\n',
    );
    world.up = async () => ({ started: false, label: 'x' });
    world.down = async () => ({ host: false, server: false });
    expect((await world.coord('up')).out).toBe('Already running: x\n');
    expect((await world.coord('down')).out).toBe('Nothing was running.\n');
  });
});

describe('coord doctor', () => {
  test('shows what it found with its cures, and exits with 1 for an error', async () => {
    world.findings = [
      { level: 'ok', subject: 'Node', message: '20.20.2', cure: null },
      { level: 'warning', subject: 'Redis', message: 'no AOF', cure: 'CONFIG SET appendonly yes' },
    ];
    const { code, out } = await world.coord('doctor');
    expect(out).toMatchInlineSnapshot(`
      "✓ Node   20.20.2
      ! Redis  no AOF
               → CONFIG SET appendonly yes
      "
    `);
    expect(code).toBe(0);
    world.findings = [{ level: 'error', subject: 'git', message: 'not found', cure: null }];
    const json = await world.coord('doctor', '--json');
    expect(JSON.parse(json.out)).toEqual(world.findings);
    expect(json.code).toBe(1);
  });
});
