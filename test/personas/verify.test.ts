/** The built-in persona `verify`, on real repositories and commands. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import type { JsonObject } from '../../src/core/json.js';
import { builtInPersonas, functionPersona, loadPersonas } from '../../src/personas/catalog.js';
import type { RawReply } from '../../src/personas/runner.js';
import { runnerFor } from '../../src/personas/runners.js';
import { aRepository, gitIn } from './repositories.js';
import { aContext, aFolder, aRequest, script, type TestContext } from './requests.js';

const NODE = process.execPath;

interface Wanted {
  readonly repo?: { readonly repo: string; readonly base: string };
  readonly commit?: string;
  readonly context?: TestContext;
}

async function verified(
  params: JsonObject,
  { repo = aRepository(), commit, context = aContext() }: Wanted = {},
): Promise<RawReply> {
  const persona = builtInPersonas().get('verify');
  if (persona === undefined) throw new Error('there is no built-in persona "verify"');
  const workspace = { repo: repo.repo, base: repo.base, branch: 'coord/demo-1', commit: commit ?? repo.base };
  const all = { tests: null, protect: [], ...params };
  const request = aRequest({ persona: 'verify', step: 'proof', params: all, workspace });
  return runnerFor(persona, { clock: systemClock }).run(request, context);
}

/** Changes a file and commits it. */
function change(repo: string, file: string, text: string | null): string {
  if (text === null) rmSync(join(repo, file));
  else writeFileSync(join(repo, file), text);
  gitIn(repo, 'add', '-A');
  gitIn(repo, 'commit', '-q', '-m', file);
  return gitIn(repo, 'rev-parse', 'HEAD');
}

describe('commands', () => {
  test('run one after the other, where the commit is and nothing else', async () => {
    const { repo, base } = aRepository();
    const commit = change(repo, 'b.txt', 'b\n');
    writeFileSync(join(repo, 'left.txt'), 'not committed');
    writeFileSync(join(repo, 'a.txt'), 'changed and not committed');
    const list =
      "console.log(require('fs').readdirSync('.').sort().join(), require('fs').readFileSync('a.txt', 'utf8'))";
    const make = "require('fs').writeFileSync('made.txt', '')";
    const run = [script(make), script(list)].map((words) => [...words]);
    const reply = await verified({ run }, { repo: { repo, base }, commit });
    expect(reply).toMatchObject({
      status: 'pass',
      result: {
        commit,
        tree: gitIn(repo, 'rev-parse', `${commit}^{tree}`),
        commands: [
          { exit: 0, tests: null },
          { exit: 0, tests: null, durationMs: expect.any(Number) },
        ],
      },
    });
    const [log] = reply.artifacts;
    expect(log?.name).toBe('proof.1.log');
    expect(new TextDecoder().decode(log?.content)).toContain('.git,.gitignore,a.txt,b.txt,made.txt a\n');
    expect(existsSync(join(repo, 'made.txt'))).toBe(false);
    expect(gitIn(repo, 'worktree', 'list').split('\n')).toHaveLength(1);
  });

  test('leave nothing behind', async () => {
    await verified({ run: [[...script('')]] });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('coord-verify-'))).toEqual([]);
  });

  test('that fail end it, with what they printed', async () => {
    const reply = await verified({
      run: [[...script("console.log('# pass 1'); console.log('# fail 2'); process.exit(3)")], [...script('')]],
    });
    expect(reply).toMatchObject({
      status: 'fail',
      error: { class: 'REJECTED', message: expect.stringMatching(/exited with 3, 2 tests failed$/) },
      result: { commands: [{ exit: 3, tests: { passed: 1, failed: 2 } }] },
    });
    expect(new TextDecoder().decode(reply.artifacts[0]?.content)).toContain('# fail 2');
  });

  test('that are not there, or kill themselves, are no pass', async () => {
    expect(await verified({ run: [['no-such-program']] })).toMatchObject({ status: 'fail' });
    expect(await verified({ run: [[...script("process.kill(process.pid, 'SIGKILL')")]] })).toMatchObject({
      status: 'fail',
      error: { message: expect.stringContaining('SIGKILL') },
    });
  });

  test('get the environment of personas, not that of the worker', async () => {
    process.env['COORD_TEST_SECRET'] = 'x';
    const code = "process.exit('COORD_TEST_SECRET' in process.env || process.env.COORD_PERSONA !== 'verify' ? 1 : 0)";
    expect((await verified({ run: [[NODE, '-e', code]] })).status).toBe('pass');
    delete process.env['COORD_TEST_SECRET'];
  });

  test('end with the attempt', async () => {
    const context = aContext();
    const reply = verified({ run: [[...script("console.error('begun'); setTimeout(() => {}, 60_000)")]] }, { context });
    await context.said('begun');
    context.abort();
    expect((await reply).status).toBe('fail');
  });
});

describe('tests', () => {
  const printing = (text: string): JsonObject => ({ run: [[...script(`console.log(${JSON.stringify(text)})`)]] });

  test.each([
    ['enough of them', '# pass 2\n# fail 0', null],
    ['too few', '# pass 1\n# fail 0', '1 tests passed, and 2 must'],
    ['none', '# pass 0\n# fail 0\n# skipped 2', 'no test ran'],
    ['nothing that can be read', 'all fine', 'no test ran'],
    ['a failure that the exit hides', '# pass 5\n# fail 1', '1 tests failed, although'],
  ])('%s', async (_, text, why) => {
    const reply = await verified({ ...printing(text), tests: 2 });
    expect(reply.status).toBe(why === null ? 'pass' : 'fail');
    expect(reply.error?.message ?? '').toContain(why ?? '');
  });
});

describe('protected files', () => {
  const params = { run: [[...script('')]], protect: ['test/**', 'package.json'] };

  test.each([
    ['changed', 'package.json', '{ "x": 1 }'],
    ['deleted', 'package.json', null],
  ])('that were %s are a refusal, and nothing is run', async (_, file, text) => {
    const { repo } = aRepository();
    const base = change(repo, 'package.json', '{}');
    const commit = change(repo, file, text);
    const reply = await verified(params, { repo: { repo, base }, commit });
    expect(reply).toMatchObject({ status: 'fail', result: { commands: [], changed: ['package.json'] } });
    expect(reply.error?.message).toContain('package.json');
  });

  test('that were changed before the run, or others, are none', async () => {
    const { repo } = aRepository();
    const base = change(repo, 'package.json', '{}');
    const commit = change(repo, 'b.txt', 'b');
    expect((await verified(params, { repo: { repo, base }, commit })).status).toBe('pass');
  });
});

test('a reference that has git read other files than the commit names deceives nobody', async () => {
  const { repo, base } = aRepository();
  writeFileSync(join(repo, 'good.txt'), 'good\n');
  const good = gitIn(repo, 'hash-object', '-w', 'good.txt');
  gitIn(repo, 'replace', gitIn(repo, 'rev-parse', 'HEAD:a.txt'), good);
  const code = "process.exit(require('fs').readFileSync('a.txt', 'utf8') === 'a\\n' ? 0 : 1)";
  expect((await verified({ run: [[NODE, '-e', code]] }, { repo: { repo, base } })).status).toBe('pass');
});

test('nor does one that has git read another commit', async () => {
  const { repo } = aRepository();
  const base = change(repo, 'package.json', '{}');
  const commit = change(repo, 'package.json', '{ "scripts": { "test": "true" } }');
  const tree = gitIn(repo, 'rev-parse', `${commit}^{tree}`);
  gitIn(repo, 'replace', commit, base);
  const reply = await verified({ run: [[...script('')]], protect: ['package.json'] }, { repo: { repo, base }, commit });
  expect(reply).toMatchObject({ status: 'fail', result: { tree, changed: ['package.json'] } });
});

test('nobody else can be called verify', async () => {
  const folder = aFolder();
  writeFileSync(join(folder, 'verify.md'), '---\nkind: command\ncommand: ["true"]\n---\n');
  await expect(loadPersonas([folder])).rejects.toThrow("coord's own");
  expect(() => functionPersona({ name: 'verify', run: () => null })).toThrow("coord's own");
  expect((await loadPersonas([])).get('verify')).toMatchObject({ kind: 'verify' });
});

test('without a repository there is nothing to verify', async () => {
  const persona = builtInPersonas().get('verify');
  if (persona === undefined) throw new Error('there is no built-in persona "verify"');
  const request = aRequest({ persona: 'verify', params: { run: [['true']], tests: null, protect: [] } });
  expect(await runnerFor(persona, { clock: systemClock }).run(request, aContext())).toMatchObject({
    status: 'fail',
    error: { message: expect.stringContaining('no repository') },
  });
});
