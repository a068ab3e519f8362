/** A project made by `coord init` runs and tests itself at once; workflows made by `coord new` load. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/app/application.js';
import { ensureStateDirectory } from '../../src/app/connect.js';
import { startMemoryEngine } from '../../src/app/memory.js';
import { runCommandLine } from '../../src/cli/program.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { loadPersonas } from '../../src/personas/catalog.js';
import { FakeIo } from '../cli/fake-io.js';

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));
/** A machine on which nobody is installed who could work. */
const app = createApplication({ ...process.env, PATH: '/usr/bin:/bin', ANTHROPIC_API_KEY: '', OPENAI_API_KEY: '' });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'coord-new-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const optionsOf = (): Parameters<typeof app.stepTypes>[0] => ({ redis: null, namespace: 'coord', directory });

async function coord(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const io = new FakeIo({ cwd: directory });
  const code = await runCommandLine(['node', 'coord', ...args], app, io);
  return { code, out: io.out, err: io.err };
}

const read = (file: string): string => readFileSync(join(directory, file), 'utf8');

describe('coord init', () => {
  test('makes a project whose workflow is valid, passes its tests and runs without a model', async () => {
    const { code, out } = await coord('init');
    expect(out).toContain('created  workflows/hello.yml\n');
    expect(out).toContain('Try it: coord run hello --set name=Ann\n');
    expect(code).toBe(0);
    expect(await coord('validate', '--strict')).toMatchObject({ code: 0, err: '' });
    expect(await coord('test')).toMatchObject({ code: 0, err: '' });
    expect(read('.gitignore')).toBe('.coord/\n');

    const { definition, inner } = await app.loadWorkflow('hello', optionsOf(), { directories: [], served: [] });
    const personas = [...(await loadPersonas([join(directory, 'personas')])).values()];
    const engine = await startMemoryEngine({ personas, stateDirectory: join(directory, '.coord') });
    const { client } = engine;
    const { run } = await client.start({ definition, inner, task: { name: 'Ann' }, workspace: null });
    for await (const fact of client.follow(run, new AbortController().signal)) if (fact.type === 'run.failed') break;
    const view = await client.get(run);
    await engine.stop();
    expect(view).toMatchObject({ status: 'completed', failure: null, result: 'Hello, Ann!' });
    expect(runHasEnded(view.status)).toBe(true);
  });

  test('leaves alone what is there, and can be repeated', async () => {
    mkdirSync(join(directory, 'workflows'));
    writeFileSync(join(directory, 'workflows/hello.yml'), 'mine');
    writeFileSync(join(directory, '.gitignore'), 'node_modules');
    const { out } = await coord('init');
    expect(out).toContain('is there workflows/hello.yml\n');
    expect(read('workflows/hello.yml')).toBe('mine');
    expect(read('.gitignore')).toBe('node_modules\n.coord/\n');
    const again = JSON.parse((await coord('init', '--json')).out) as { files: { created: boolean }[] };
    expect(again.files.filter(({ created }) => created)).toEqual([]);
  });

  test('makes the folder, and says when commands would look elsewhere', async () => {
    mkdirSync(join(directory, '.git'));
    const { code, err, out } = await coord('init', 'shop');
    expect(existsSync(join(directory, 'shop/workflows/hello.yml'))).toBe(true);
    expect(out).toContain('Test it: coord -C shop test\n');
    expect(err).toMatch(/shop lies in the repository .*`git init .*shop` makes it a project of its own\.\n$/);
    expect(code).toBe(0);
    writeFileSync(join(directory, 'file'), '');
    expect(await coord('init', 'file')).toMatchObject({
      code: 2,
      err: expect.stringContaining('no project can be made') as string,
    });
  });
});

describe('coord new', () => {
  test('makes a valid workflow of every template, under its own name', async () => {
    const templates = await app.listTemplates();
    expect(templates.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['sequence', 'review-loop', 'fan-out', 'approval', 'feature', 'hotfix', 'project-loop']),
    );
    for (const { name, description } of templates) {
      expect(description).not.toBe('');
      await app.newWorkflow(optionsOf(), { name: `my-${name}`, template: name });
      const { definition, warnings } = await app.loadWorkflow(`my-${name}`, optionsOf(), null);
      expect(definition.name).toBe(`my-${name}`);
      expect(warnings).toEqual([]);
    }
    expect((await coord('new', '--list')).out).toMatch(/^TEMPLATE +DESCRIPTION\napproval +Test, ask people/);
  });

  test('names the schema that editors check the file against, in the package', async () => {
    await coord('new', 'outside');
    const [line = ''] = read('workflows/outside.yml').split('\n');
    const file = /^# yaml-language-server: \$schema=(file:\S+)$/.exec(line)?.[1] ?? '';
    expect(JSON.parse(readFileSync(new URL(file), 'utf8'))).toMatchObject({ title: 'coord workflow' });
    expect(fileURLToPath(file)).toBe(join(PACKAGE, 'schema/workflow.schema.json'));
  });

  test('says which personas are to be written', async () => {
    const { code, out, err } = await coord('new', 'ship', '--from', 'review-loop');
    expect(out).toBe('Created workflows/ship.yml. Run it: coord run ship\n');
    expect(err).toBe('It asks personas that have no file yet: personas/lead-engineer.md\n');
    expect(code).toBe(0);
  });

  test.each([
    [['ship', '--from', 'aproval'], 'there is no template "aproval". Did you mean "approval"?'],
    [['a/b'], '"a/b" cannot be the name of a workflow file'],
    [[], 'a name is missing'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await coord('new', ...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  test('overwrites nothing', async () => {
    await coord('new', 'ship');
    const text = read('workflows/ship.yml');
    expect((await coord('new', 'ship', '--from', 'approval')).err).toContain('ship.yml is there already');
    expect(read('workflows/ship.yml')).toBe(text);
  });
});

describe('coord plugins', () => {
  const PLUGIN = `export default {
  name: 'deploy-to', description: 'Deploys, then tests',
  params: { type: 'object', properties: { host: { type: 'string' }, wait: { type: 'number' } }, required: ['host'], additionalProperties: false },
  expand: ({ params }) => [{ id: 'go', persona: 'deployer', params: { host: params.host } }],
};`;

  test('lists the types of the project with their params and files, and workflows may use them', async () => {
    mkdirSync(join(directory, 'plugins'));
    writeFileSync(join(directory, 'plugins/deploy.mjs'), PLUGIN);
    const { out } = await coord('plugins');
    expect(out).toContain('deploy-to  host, wait?  plugins/deploy.mjs  Deploys, then tests\n');
    expect(out).toMatch(/\nloop +repeats steps until or while a condition holds\n/);
    expect(JSON.parse((await coord('plugins', '--json')).out)).toMatchObject({ plugins: [{ name: 'deploy-to' }] });
    mkdirSync(join(directory, 'workflows'));
    writeFileSync(
      join(directory, 'workflows/w.yml'),
      'name: w\nsteps:\n  - { id: a, type: deploy-to, params: { host: x } }\n',
    );
    const { definition } = await app.loadWorkflow('w', optionsOf(), null);
    expect(definition.steps).toMatchObject([{ type: 'parallel', steps: [{ id: 'a-go', persona: 'deployer' }] }]);
    expect((await coord('fmt', '--check')).code).toBe(0);
    writeFileSync(
      join(directory, 'workflows/w.test.yml'),
      'workflow: w.yml\ntests:\n  - { name: goes, expect: { status: completed } }\n',
    );
    expect(await coord('test')).toMatchObject({ code: 0, err: '' });
    const findings = await app.doctor(optionsOf(), []);
    expect(
      findings.find(({ subject, message }) => subject === 'workflow' && message.startsWith('w'))?.message,
    ).not.toContain('deploy-to');
  });

  test('names the file of one that cannot be loaded', async () => {
    mkdirSync(join(directory, 'plugins'));
    writeFileSync(join(directory, 'plugins/bad.mjs'), 'export default { name: "loop" };');
    const { code, err } = await coord('plugins');
    expect(err).toMatch(/^error DEFINITION_INVALID: .*plugins\/bad\.mjs: the step type "loop" is built in/);
    expect(code).toBe(2);
  });

  test('says that there are none', async () => {
    expect((await coord('plugins')).out).toMatch(/^No plugins in .*\/plugins\.\n/);
  });
});

describe('coord fmt', () => {
  const OLD = 'name: w\nsteps:\n  - { id: a, agent: p }\n';
  const NEW = OLD.replace('agent', 'persona');
  beforeEach(() => {
    mkdirSync(join(directory, 'workflows'));
    writeFileSync(join(directory, 'workflows/old.yml'), OLD);
    writeFileSync(join(directory, 'workflows/new.yml'), NEW);
  });

  test('prints the present spelling', async () => {
    expect(await coord('fmt', 'old')).toEqual({ code: 0, out: NEW, err: '' });
    expect(await coord('fmt', 'workflows/old.yml')).toEqual({ code: 0, out: NEW, err: '' });
    expect(read('workflows/old.yml')).toBe(OLD);
    expect((await coord('fmt')).out).toMatch(/^# .*new\.yml\n[^#]*# .*old\.yml\n/);
  });

  test('says which files would change, writes them, and is content then', async () => {
    const check = await coord('fmt', '--check');
    expect(check.out).toMatch(/^\S*old\.yml has old spellings: coord fmt --write \S*old\.yml\n$/);
    expect(check.code).toBe(1);
    expect((await coord('fmt', '--write')).out).toMatch(/^\S*old\.yml is rewritten\n$/);
    expect(read('workflows/old.yml')).toBe(NEW);
    expect(await coord('fmt', '--check')).toEqual({ code: 0, out: '', err: '' });
  });

  test('goes on after a file with problems, and ends with 2', async () => {
    writeFileSync(join(directory, 'workflows/bad.yml'), 'name: w\nsteps: []\n');
    const { code, err } = await coord('fmt', '--write');
    expect(err).toContain('the workflow has no steps');
    expect(read('workflows/old.yml')).toBe(NEW);
    expect(code).toBe(2);
  });

  test.each([
    [['olt'], 'the project has no workflow "olt". Did you mean "old"?'],
    [['gone.yml'], 'gone.yml cannot be read'],
    [['a.ts', '--write'], 'a.ts is a program'],
    [['a.ts', '--check'], 'a.ts is a program'],
    [['./a.ts'], 'a.ts cannot be read'],
    [['--check', '--write'], 'cannot be used together'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await coord('fmt', ...args);
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  test('prints what a program exports as YAML', async () => {
    writeFileSync(
      join(directory, 'workflows/made.ts'),
      "export default { name: 'made', steps: ['a', 'b'].map((id) => ({ id, persona: 'p', timeout: 1800 })) };\n",
    );
    const text =
      'name: made\n\nsteps:\n  - id: a\n    persona: p\n    timeout: 30m\n\n  - id: b\n    persona: p\n    timeout: 30m\n';
    expect(await coord('fmt', 'made')).toEqual({ code: 0, out: text, err: '' });
    expect((await coord('fmt')).out).not.toContain('made');
  });

  test('follows a link to a file rather than replacing it', async () => {
    writeFileSync(join(directory, 'real.yml'), OLD);
    symlinkSync('../real.yml', join(directory, 'workflows/link.yml'));
    await coord('fmt', 'link', '--write');
    expect(read('real.yml')).toBe(NEW);
  });
});

describe('places that cannot be written to, and files that are none', () => {
  test('end coord init at once, wherever they are', async () => {
    writeFileSync(join(directory, 'file'), '');
    expect(await coord('init', 'file/below')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^error USAGE: no project can be made in .*file\/below: .*\/file is a file, not a folder\n$/,
      ) as string,
    });
  });

  test.runIf(existsSync('/proc/self'))('end coord init below /proc, where folders never come to be', async () => {
    expect(await coord('init', '/proc/x/y')).toMatchObject({
      code: 2,
      err: 'error USAGE: no project can be made in /proc/x/y: there is no such file or folder\n',
    });
  });

  test('end coord new with the place and the cause', async () => {
    writeFileSync(join(directory, 'workflows'), '');
    const { code, err } = await coord('new', 'mine');
    expect(err).toMatch(
      /^error USAGE: .*workflows\/mine\.yml cannot be written: .*workflows is a file, not a folder\n$/,
    );
    expect(code).toBe(2);
  });

  test.runIf(existsSync('/sys/kernel'))(
    'end what needs the state folder with the cause, not with what follows from it',
    async () => {
      const means = { directory: '/sys', redis: null, namespace: 'coord' };
      await expect(ensureStateDirectory(means)).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringMatching(
          /^\/sys\/\.coord cannot be used: .*\((?:EROFS|EACCES|EPERM)\); coord keeps/,
        ) as string,
      });
    },
  );

  test('end commands that are to read a pipe which nobody writes to', async () => {
    mkdirSync(join(directory, 'workflows'));
    execFileSync(
      'mkfifo',
      ['pipe.yml', 'pipe.ts', 'pipe.test.yml', 'workflows/named.yml'].map((name) => join(directory, name)),
    );
    const git = '{ id: a, type: git-operation, operation: commit, message: x }';
    writeFileSync(join(directory, 'workflows/w.yml'), `name: w\nsteps:\n  - ${git}\n`);
    for (const args of [
      ['validate', './pipe.yml'],
      ['validate', './pipe.ts'],
      ['validate', 'named'],
      ['fmt', './pipe.yml'],
      ['test', join(directory, 'pipe.test.yml')],
      ['run', 'w', '--task', 'pipe.yml'],
      ['signal', 'w-1', 'go', '--data', '@pipe.yml'],
    ]) {
      const { code, out, err } = await coord('-C', directory, ...args);
      expect(`${out}${err}`).toMatch(/cannot be read: it is (?:a pipe, )?not a regular file\n/);
      expect(code).toBe(2);
    }
  });
});
