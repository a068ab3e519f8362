/** Workflows that run others, and workflows that are programs. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import { listWorkflows, loadWorkflow, type LoadedWorkflow, type LoadOptions } from '../../src/definition/load.js';
import { definitionHash } from '../../src/definition/workflow.js';

let folder = '';
const FILES: Readonly<Record<string, string>> = {
  'outer.yml':
    'name: outer\nvariables: { v: 1 }\nenvironments: { staging: { variables: { v: 2 } } }\nsteps:\n  - { id: a, type: workflow, workflow: middle }\n  - { id: b, type: parallel, steps: [{ id: c, type: workflow, workflow: ./own/leaf.yml }] }\n',
  'middle.yaml':
    'name: middle\nsteps: [{ id: a, type: workflow, workflow: leaf, compensate: { type: workflow, workflow: undo } }]\n',
  'leaf.json': '{ "name": "leaf", "steps": [{ "id": "a", "persona": "p" }] }',
  'undo.ts': "export default { steps: [{ id: 'a', persona: 'p' }] };\n",
  'own/leaf.yml': 'name: own-leaf\nsteps: [{ id: a, persona: p }]\n',
  'ring.yml': 'name: ring\nsteps: [{ id: a, type: workflow, workflow: ring-b }]\n',
  'ring-b.yml': 'name: ring-b\nsteps:\n  - { id: a, type: workflow, workflow: ring-c }\n',
  'ring-c.yml': 'name: ring-c\nsteps:\n  - { id: a, type: workflow, workflow: ring }\n',
  'lost.yml':
    'name: lost\nsteps:\n  - { id: a, type: workflow, workflow: laef }\n  - { id: b, type: workflow, workflow: ./gone.yml }\n',
  'above-bad.yml': 'name: above\nsteps:\n  - { id: a, type: workflow, workflow: bad, tmeout: 1 }\n',
  'bad.yml': 'name: bad\nsteps:\n  - { id: a }\n',
  'program.ts': `import { defineWorkflow } from 'coord/define';
import { z } from '${import.meta.resolve('zod')}';
interface Part { readonly id: string }
const parts: readonly Part[] = [{ id: 'left' }, { id: 'right' }];
export default defineWorkflow({
  name: 'program',
  input: z.object({ slug: z.string() }),
  steps: parts.map(({ id }) => ({ id, persona: 'p', params: { id, note: 'a: "b"\\n- c' }, output: z.object({ score: z.number() }) })),
});
`,
  'wrong.mjs':
    "export default { name: 'wrong', steps: [{ id: 'a', persona: 'p' }, { id: 'b', persona: 'p', retries: 2.5, params: { deep: ['{{ task.x + }}'] } }] };\n",
  'thrower.mjs': "throw new Error('not today');\n",
  'circle.mjs': 'const w = { steps: [] };\nw.steps.push(w);\nexport default w;\n',
  'a.test.yml': 'tests: []\n',
  'package.json': '{}',
  'types.d.ts': 'export {};\n',
  'tabs.json':
    '{\n\t"steps": [\n\t\t{ "id": "a", "persona": "p", "timeout": "soon", "params": { "x": "\\u00e9\\/\\ud83d\\ude00" } }\n\t]\n}\n',
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coord-inner-'));
  mkdirSync(join(folder, 'own'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const load = (name: string, options: Partial<LoadOptions> = {}): Promise<LoadedWorkflow> =>
  loadWorkflow(name, { directories: [folder], personas: null, ...options });

async function failure(name: string): Promise<string> {
  const error: unknown = await load(name).catch((thrown: unknown) => thrown);
  return error instanceof CoordError ? `${error.code}: ${error.message.replaceAll(folder, '<folder>')}` : 'no failure';
}

describe('workflows inside workflows', () => {
  it('are pinned by what they are', async () => {
    const { definition, inner } = await load('outer');
    const hashes = new Map(inner.map((found) => [found.name, definitionHash(found)]));
    expect([...hashes.keys()].toSorted()).toEqual(['leaf', 'middle', 'own-leaf', 'undo']);
    expect(definition.steps).toMatchObject([
      { definition: hashes.get('middle') },
      { steps: [{ workflow: './own/leaf.yml', definition: hashes.get('own-leaf') }] },
    ]);
    expect(inner.find(({ name }) => name === 'middle')?.steps).toMatchObject([
      { definition: hashes.get('leaf'), compensate: [{ id: 'a-undo', definition: hashes.get('undo') }] },
    ]);
    expect((await load('leaf')).inner).toEqual([]);
  });

  it('keep their variables where they lack the environment', async () => {
    expect(await load('outer', { environment: 'staging' })).toMatchObject({ definition: { variables: { v: 2 } } });
    await expect(load('leaf', { environment: 'staging' })).rejects.toThrow(/unknown-environment/);
  });

  it('may not run each other', async () => {
    const message = await failure('ring');
    expect(message).toMatch(
      /^DEFINITION_INVALID: <folder>\/ring-c\.yml:3:40  cycle  workflows run each other: ring -> ring-b -> ring-c -> ring\n/,
    );
    expect(message.match(/\d problem/g)).toEqual(['1 problem']);
  });

  it('must be there', async () => {
    const message = await failure('lost');
    expect(message).toMatch(
      /lost\.yml:3:40 {2}unknown-workflow {2}there is no workflow "laef"\n[\s\S]*hint: Did you mean "leaf"\?/,
    );
    expect(message).toMatch(
      /lost\.yml:4:40 {2}unknown-workflow {2}the workflow file <folder>\/gone\.yml cannot be read: there is no such file or folder/,
    );
  });

  it('show their problems with those of the outer one', async () => {
    const message = await failure('above-bad');
    expect(message).toMatch(
      /above-bad\.yml:3:45 {2}unknown-key[\s\S]*bad\.yml:3:7 {2}missing-key {2}step "a" has no "persona"/,
    );
    expect(await failure('bad')).toMatch(/^DEFINITION_INVALID: <folder>\/bad\.yml:3:7/);
  });
});

describe('workflows of other kinds of files', () => {
  it('are listed by name', async () => {
    const names = (await listWorkflows([folder])).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['leaf', 'outer', 'program', 'undo', 'wrong']));
    for (const other of ['a.test', 'package', 'types.d', 'types']) expect(names).not.toContain(other);
  });

  it('a program, with zod schemas', async () => {
    const { definition, text } = await load('program');
    expect(definition).toMatchObject({
      name: 'program',
      input: { type: 'object', properties: { slug: { type: 'string' } } },
      steps: [
        {
          id: 'left',
          params: { id: 'left', note: 'a: "b"\n- c' },
          output: { properties: { score: { type: 'number' } } },
        },
        { id: 'right' },
      ],
    });
    expect(text).toMatch(/^name: program\n/);
  });

  it('a program sees its changes', async () => {
    const file = join(folder, 'changing.mjs');
    writeFileSync(file, "export default { steps: [{ id: 'a', persona: 'p' }] };");
    expect((await load(file)).definition).toMatchObject({ name: 'changing', steps: [{ id: 'a' }] });
    writeFileSync(file, "export default { steps: [{ id: 'b', persona: 'p' }] };");
    expect((await load(file)).definition).toMatchObject({ steps: [{ id: 'b' }] });
    rmSync(file);
  });

  it('its problems name the path of what is wrong', async () => {
    expect(await failure('wrong')).toBe(
      'DEFINITION_INVALID: <folder>/wrong.mjs  wrong-type  steps[1].retries: "retries" of step "b" must be a whole number from 0 to 100, not the number 2.5\n\n' +
        '<folder>/wrong.mjs  expression  steps[1].params.deep[0]: the expression ends too early',
    );
    expect(await failure('thrower')).toBe('DEFINITION_INVALID: <folder>/thrower.mjs cannot be run: not today');
    expect(await failure('circle')).toMatch(
      /circle\.mjs exports what cannot be written as JSON: lists and maps are nested deeper than 50/,
    );
    expect(await failure('./gone.ts')).toMatch(
      /^DEFINITION_NOT_FOUND: the workflow file \.\/gone\.ts cannot be read: there is no such file or folder$/,
    );
  });

  it('JSON, with places', async () => {
    expect(await failure('tabs')).toMatch(/<folder>\/tabs\.json:3:\d+ {2}wrong-type {2}"timeout" of step "a" must be/);
    writeFileSync(join(folder, 'fine.json'), (FILES['tabs.json'] ?? '').replace('soon', '1m'));
    expect(await load('fine')).toMatchObject({ definition: { steps: [{ timeout: 60, params: { x: 'é/😀' } }] } });
  });
});
