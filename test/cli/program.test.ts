import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.js';
import { CoordError } from '../../src/core/errors.js';
import { FakeIo } from './fake-io.js';
import { World } from './world.js';

let world: World;
beforeEach(() => {
  world = new World();
});

describe('the program', () => {
  test('alone says what it is for and names the most used commands', async () => {
    const { code, out, err } = await world.coord();
    expect(out).toMatchInlineSnapshot(`
      "coord 1.2.3: runs workflows of AI personas; kill anything at any time, and a run goes on where it was.

        coord run <workflow> --task task.yml   start a run, or go on with one, and follow it
        coord list                             the runs, and where each stands
        coord watch <run>                      follow a run again
        coord artifacts <run>                  what its personas made
        coord doctor                           what is missing here, and how to get it

      All commands: coord --help. One of them: coord <command> --help.
      "
    `);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('has a help that names every command and no hidden option', async () => {
    const { code, out } = await world.coord('--help');
    expect(code).toBe(0);
    for (const { name, description } of buildProgram(world, new FakeIo({})).commands.map((command) => ({
      name: command.name(),
      description: command.description(),
    }))) {
      expect(out).toMatch(new RegExp(`^ {2}${name} .*${description.slice(0, 10)}`, 'm'));
    }
    expect((await world.coord('daemon', '--help')).out).not.toContain('idle');
    expect((await world.coord('run', '--help')).out).toContain('--redis <url>');
  });

  test('says its version', async () => {
    expect(await world.coord('--version')).toMatchObject({ code: 0, out: '1.2.3\n' });
  });

  test.each([
    [['lst'], "error USAGE: unknown command 'lst'\n(Did you mean list?)\n"],
    [['list', '--jsn'], "error USAGE: unknown option '--jsn'\n(Did you mean --json?)\n"],
    [['run'], 'error USAGE: name a workflow, or give a task that has a type, a title or a description\n'],
    [['up', 'there'], "error USAGE: too many arguments for 'up'. Expected 0 arguments but got 1; usage: coord up\n"],
    [['decide'], "error USAGE: missing required argument 'run'; usage: coord decide <run> [step] [choice]\n"],
    [['graph', 'loop', '-o', 'x'], "error USAGE: unknown option '-o'\n(Did you mean --output?)\n"],
    [['-C', '/no/such/folder', 'list'], 'error USAGE: there is no folder /no/such/folder\n'],
  ])('ends wrong usage with 2 and one message: %j', async (args, err) => {
    expect(await world.coord(...args)).toMatchObject({ code: 2, out: '', err });
  });
});

describe('options of every command', () => {
  test('come from the command line, before or behind the command', async () => {
    await world.coord('--redis', 'redis://a', 'list', '--namespace', 'n');
    expect(world.options).toEqual({ redis: 'redis://a', namespace: 'n', directory: world.directory });
  });

  test('come from the environment when they are not given', async () => {
    const env = { COORD_REDIS_URL: 'redis://b', COORD_NAMESPACE: 'm' };
    await world.begin(['list'], { env }).ended;
    expect(world.options).toMatchObject({ redis: 'redis://b', namespace: 'm' });
    await world.begin(['list', '--redis', 'redis://c'], { env: { ...env, COORD_NAMESPACE: '' } }).ended;
    expect(world.options).toMatchObject({ redis: 'redis://c', namespace: 'coord' });
  });

  test('name the top of the repository around the folder', async () => {
    mkdirSync(join(world.directory, '.git'));
    mkdirSync(join(world.directory, 'src/deep'), { recursive: true });
    await world.begin(['list'], { cwd: join(world.directory, 'src/deep') }).ended;
    expect(world.options?.directory).toBe(world.directory);
    await world.begin(['-C', 'src', 'list']).ended;
    expect(world.options?.directory).toBe(world.directory);
  });

  test('take colors away', async () => {
    world.findings = [{ level: 'ok', subject: 'a', message: 'b', cure: null }];
    expect((await world.begin(['doctor'], { color: true }).ended).out).toBe('\u001B[32m✓\u001B[39m a  b\n');
    expect((await world.begin(['doctor', '--no-color'], { color: true }).ended).out).toBe('✓ a  b\n');
    expect((await world.begin(['lst'], { color: true }).ended).err).toContain('\u001B[31merror USAGE\u001B[39m: ');
    expect((await world.begin(['lst', '--no-color'], { color: true }).ended).err).toMatch(/^error USAGE: /);
  });
});

describe('errors', () => {
  test('that coord raises have their code, their message made printable, and their exit code', async () => {
    world.connect = async () => {
      throw new CoordError('REDIS_UNREACHABLE', 'gone\u001B[2J\nsecond line');
    };
    expect(await world.coord('list')).toMatchObject({
      code: 1,
      out: '',
      err: 'error REDIS_UNREACHABLE: gone\\x1b[2J\nsecond line\n',
    });
    const json = await world.coord('list', '--json');
    expect(JSON.parse(json.out)).toEqual({
      error: { code: 'REDIS_UNREACHABLE', message: 'gone\u001B[2J\nsecond line' },
    });
    expect({ code: json.code, err: json.err }).toEqual({ code: 1, err: '' });
  });

  test('of wrong usage are JSON with --json too', async () => {
    const { code, out } = await world.coord('list', '--json', '--limit', 'x');
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE' } });
    expect(code).toBe(2);
  });

  test('that nobody expected show their stack only when asked to', async () => {
    world.connect = async () => {
      throw new TypeError('oops');
    };
    expect(await world.coord('list')).toMatchObject({ code: 1, err: 'error: oops\n' });
    const { err } = await world.begin(['list'], { env: { COORD_DEBUG: '1' } }).ended;
    expect(err).toMatch(/^error: oops\nTypeError: oops\n {4}at /);
  });
});
