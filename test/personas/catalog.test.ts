import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionPersona, loadPersonas } from '../../src/personas/catalog.js';
import { aFolder } from './requests.js';

const good = (name: string): string => `---\nname: ${name}\nkind: command\ncommand: [x]\n---\n`;

function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = aFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

describe('loadPersonas', () => {
  it('takes the first folder of a name, and no other files', async () => {
    const first = folderWith({ 'a.md': good('qa'), 'README.md': '# Personas', 'notes.txt': 'x' });
    const second = folderWith({ 'b.md': good('qa'), 'c.md': good('planner') });
    const personas = await loadPersonas([first, second, '/does/not/exist']);
    expect([...personas].map(([name, { file }]) => [name, file])).toEqual([
      ['qa', join(first, 'a.md')],
      ['planner', join(second, 'c.md')],
      ['git', null],
      ['verify', null],
    ]);
  });

  it('brings git without a file, unless a file has that name', async () => {
    expect((await loadPersonas([])).get('git')).toMatchObject({ kind: 'git', file: null, protected: null });
    const own = folderWith({ 'git.md': '---\nkind: git\nprotected: [release]\n---\n' });
    expect((await loadPersonas([own])).get('git')).toMatchObject({
      kind: 'git',
      file: join(own, 'git.md'),
      protected: ['release'],
    });
  });

  it('brings an agent whose service the environment names, unless a file has its name', async () => {
    const env = {
      CLAUDE_CODE_ENDPOINT: 'https://x',
      CLAUDE_CODE_ENDPOINT_SECRET: 's',
      AIDER_ENDPOINT: 'https://y',
      GOOSE_ENDPOINT: ' ',
    };
    const own = folderWith({ 'aider.md': good('aider') });
    const personas = await loadPersonas([own], env);
    expect([...personas.keys()]).toEqual(['aider', 'git', 'verify', 'claude-code']);
    expect(personas.get('aider')).toMatchObject({ kind: 'command' });
    expect(personas.get('claude-code')).toMatchObject({
      kind: 'http',
      endpoint: { variable: 'CLAUDE_CODE_ENDPOINT' },
      secretVariable: 'CLAUDE_CODE_ENDPOINT_SECRET',
    });
    expect((await loadPersonas([], env)).get('aider')).toMatchObject({ kind: 'http', secretVariable: null });
  });

  it('reports all problems of all files', async () => {
    const first = folderWith({ 'a.md': 'x', 'b.md': good('qa'), 'c.md': good('qa') });
    const second = folderWith({ 'd.md': new Uint8Array([0x2d, 0xff, 0xfe]) });
    mkdirSync(join(second, 'e.md'));
    const loading = loadPersonas([first, second]);
    await expect(loading).rejects.toMatchObject({ code: 'PERSONA_INVALID' });
    const message = await loading.catch((error: unknown) =>
      String(error).replaceAll(first, '/1').replaceAll(second, '/2'),
    );
    expect(message).toMatchInlineSnapshot(`
      "CoordError: 4 problems in persona files:
        /1/a.md:1:1 no_front_matter: must begin with front matter: a line "---", YAML keys, and a line "---"
        /1/c.md:1:1 duplicate_name: persona "qa" is defined by /1/b.md already; give one another name
        /2/d.md:1:1 not_readable: is not UTF-8 text
        /2/e.md:1:1 not_readable: is not a file"
    `);
  });
});

describe('functionPersona', () => {
  it('fills what a file would say', () => {
    const run = (): unknown => ({ status: 'pass' });
    expect(functionPersona({ name: 'qa', run })).toMatchObject({ kind: 'function', name: 'qa', concurrency: 1, run });
  });

  it.each([{ name: 'Q A' }, { name: 'qa', concurrency: 0 }, { name: 'qa', concurrency: 1.5 }])('refuses %o', (want) => {
    expect(() => functionPersona({ ...want, run: () => null })).toThrow(
      expect.objectContaining({ code: 'PERSONA_INVALID' }),
    );
  });
});
