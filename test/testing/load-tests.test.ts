/** Test files on the disk, and the workflows that they name. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTests, loadTests } from '../../src/testing/load-tests.js';
import { LOOP, workflowOf } from './workflow-tests.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'coord-tests-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, text: string): string {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
  return join(folder, file);
}

const TEST = 'workflow: loop\ntests: [{ name: x }]\n';

describe('finding', () => {
  it('takes files as they are, and all test files of folders', async () => {
    const files = ['a/one.test.yml', 'a/deep/er/two.test.yaml', 'a/three.test.json'].map((file) => write(file, TEST));
    write('a/node_modules/x/four.test.yml', TEST);
    write('a/five.yml', TEST);
    write('a/six.test.ts', 'throw 1');
    const named = write('b/seven.yml', TEST);
    expect(new Set(await findTests([join(folder, 'a'), named, named]))).toEqual(new Set([...files, named]));
  });

  it('refuses what does not exist', async () => {
    await expect(findTests([join(folder, 'gone')])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('gone') as unknown,
    });
  });
});

describe('loading', () => {
  const asked: string[] = [];
  const load = async (name: string, environment: string | null): Promise<ReturnType<typeof workflowOf>> => {
    asked.push(`${name} in ${environment ?? 'none'}`);
    return workflowOf(LOOP);
  };
  const means = (): Parameters<typeof loadTests>[1] => ({ load, color: false, directory: folder });
  beforeEach(() => void asked.splice(0));

  it('finds a workflow by name, or by a path relative to the file', async () => {
    write('tests/a.test.yml', TEST);
    write('tests/b.test.yml', TEST.replace('loop', '../flows/loop.yml'));
    const { files } = await loadTests(['tests/a.test.yml', 'tests/b.test.yml'], means());
    expect(files.map(({ file }) => file)).toEqual(['tests/a.test.yml', 'tests/b.test.yml']);
    expect(asked).toEqual(['loop in none', `${join(folder, 'flows/loop.yml')} in none`]);
  });

  it('loads each workflow once per environment', async () => {
    write('a.test.yml', `${TEST.trim().slice(0, -1)}, { name: y, env: staging }, { name: z, env: staging }]`);
    const { files, workflowOf: of } = await loadTests(['a.test.yml'], means());
    const [file] = files;
    if (file === undefined) throw new Error('no file');
    for (const test of file.tests) await of(file, test.environment);
    expect(asked).toEqual(['loop in none', 'loop in staging']);
  });

  it('reads programs that are named', async () => {
    write('a.test.mjs', "export default { workflow: 'loop', tests: [{ name: 'from ' + 'code' }] };");
    const { files } = await loadTests(['a.test.mjs'], means());
    expect(files[0]?.tests[0]?.name).toBe('from code');
    write('b.test.mjs', "export default { workflow: 'loop', tests: [{ name: 'x', replies: { qa: 'pas' } }] };");
    await expect(loadTests(['b.test.mjs'], means())).rejects.toThrow(/tests\[0\]\.replies\.qa: the reply/);
  });

  it('refuses what is no text', async () => {
    writeFileSync(join(folder, 'a.test.yml'), Buffer.from([0xff, 0xfe]));
    await expect(loadTests(['a.test.yml'], means())).rejects.toMatchObject({ code: 'TEST_INVALID' });
    await expect(loadTests(['gone.test.yml'], means())).rejects.toMatchObject({ code: 'TEST_INVALID' });
  });
});
