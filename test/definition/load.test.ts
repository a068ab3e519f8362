import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import { listWorkflows, loadWorkflow } from '../../src/definition/load.js';

const workflows = fileURLToPath(new URL('../../workflows', import.meta.url));
const GOOD = 'name: good\nsteps: [{ id: a, persona: p }]\n';
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-load-'));
  mkdirSync(join(folder, 'own'));
  mkdirSync(join(folder, 'folder.yml'));
  writeFileSync(join(folder, 'own', 'hotfix.yaml'), GOOD);
  writeFileSync(join(folder, 'own', 'both.yml'), GOOD);
  writeFileSync(join(folder, 'own', 'both.yaml'), 'not loaded');
  writeFileSync(join(folder, 'own', 'bad.yml'), 'name: 7\nstep: []\n');
  writeFileSync(
    join(folder, 'own', 'latin.yml'),
    Buffer.concat([Buffer.from('name: w\n# '), Buffer.from([0xe9, 0x0a])]),
  );
  writeFileSync(join(folder, 'own', 'bom.yml'), `\uFEFF${GOOD}`);
  writeFileSync(join(folder, 'own', 'big.yml'), 'x'.repeat(10_000_000));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const load = (name: string) => loadWorkflow(name, { directories: [join(folder, 'own'), workflows], personas: null });

async function failure(name: string): Promise<string> {
  const error: unknown = await load(name).catch((thrown: unknown) => thrown);
  return error instanceof CoordError
    ? `${error.code}: ${error.message.replaceAll(folder, '<folder>').replaceAll(workflows, '<workflows>')}`
    : 'no failure';
}

describe('loading', () => {
  it('finds a workflow by name, in the first folder that has it', async () => {
    expect(await load('hotfix')).toMatchObject({
      file: join(folder, 'own', 'hotfix.yaml'),
      definition: { name: 'good' },
      text: GOOD,
      warnings: [],
    });
    expect(await load('feature')).toMatchObject({
      file: join(workflows, 'feature.yml'),
      definition: { name: 'feature' },
    });
    expect(await load('both')).toMatchObject({ file: join(folder, 'own', 'both.yml') });
  });

  it('takes a path', async () => {
    expect(await load(join(workflows, 'project-loop.yml'))).toMatchObject({ definition: { name: 'project-loop' } });
    expect(await load('bom')).toMatchObject({ definition: { name: 'good' } });
  });

  it('checks personas when it knows them', async () => {
    await expect(
      loadWorkflow('hotfix', { directories: [join(folder, 'own')], personas: new Set(['q']) }),
    ).rejects.toThrow(/unknown-persona/);
  });

  it('says where it looked', async () => {
    expect(await failure('hotfx')).toBe(
      'DEFINITION_NOT_FOUND: there is no workflow "hotfx"; looked for <folder>/own/hotfx.yml, <workflows>/hotfx.yml. Did you mean "hotfix"?',
    );
    expect(await failure('zzzzzzzz')).toMatch(
      / Known are bad, big, bom, both, feature, feature_integration, hotfix, hotfix_deployment, implementation, latin, pr_processing, project-loop, ticket\.$/,
    );
    expect(await failure('./gone.yml')).toMatch(
      /^DEFINITION_NOT_FOUND: the workflow file \.\/gone\.yml cannot be read: there is no such file or folder$/,
    );
    expect(await failure(join(folder, 'folder.yml'))).toMatch(
      /^DEFINITION_NOT_FOUND: .*folder\.yml cannot be read: it is a folder, not a regular file$/,
    );
    expect(await failure('../hotfix')).toMatch(/^DEFINITION_NOT_FOUND/);
  });

  it('shows every problem of a file', async () => {
    expect(await failure('bad')).toMatchInlineSnapshot(`
      "DEFINITION_INVALID: <folder>/own/bad.yml:1:7  wrong-type  "name" of the workflow must be a text, not the number 7
      > 1 | name: 7
          |       ^
        2 | step: []
        3 |
      hint: Put it in quotes: name: "7"

      <folder>/own/bad.yml:2:1  unknown-key  unknown key "step" in the workflow
        1 | name: 7
      > 2 | step: []
          | ^^^^
        3 |
      hint: Did you mean "steps"?

      2 problems in <folder>/own/bad.yml"
    `);
  });

  it('refuses what is no text, before reading all of it', async () => {
    expect(await failure('latin')).toBe(
      'DEFINITION_INVALID: <folder>/own/latin.yml:2:1  yaml-unsafe  the line is not valid UTF-8; save the file as UTF-8',
    );
    expect(await failure('big')).toBe(
      'DEFINITION_INVALID: <folder>/own/big.yml:1:1  too-large  the file has more than 1048576 bytes',
    );
  });

  it('lists by name', async () => {
    expect((await listWorkflows([workflows, join(folder, 'nowhere')])).map(({ name }) => name)).toEqual([
      'feature',
      'feature_integration',
      'hotfix',
      'hotfix_deployment',
      'implementation',
      'pr_processing',
      'project-loop',
      'ticket',
    ]);
  });
});
