import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { loadStepTypes } from '../../src/definition/load-types.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { type CustomStepType, defineStepType } from '../../src/definition/step-types.js';

const audit = defineStepType({
  name: 'audit',
  description: 'Looks at a part from two sides',
  params: z.object({ of: z.string(), deep: z.boolean().optional() }),
  expand: ({ id, params }) => [
    { id: 'read', persona: 'p', params: { of: params['of'] ?? null } },
    { id: 'judge', agent: 'q', depends_on: ['read'], condition: `steps['${id}-read'].result !== null` },
  ],
});
/** As plugins make them with zod: keys that it does not know may be there. */
const open = defineStepType({
  ...audit,
  params: {
    type: 'object',
    properties: { of: { type: 'string' }, deep: { type: 'boolean' } },
    required: ['of'],
  },
});
const typed = (expand: () => unknown): CustomStepType =>
  defineStepType({ name: 'odd', description: 'd', params: true, expand: expand as CustomStepType['expand'] });

function parse(yaml: string, ...types: readonly CustomStepType[]) {
  const text = `name: w\nsteps:\n  - ${yaml.replaceAll('\n', '\n    ')}\n`;
  return parseWorkflow(text, { file: 'w.yml', personas: null, types: new Map(types.map((type) => [type.name, type])) });
}

function said(yaml: string, ...types: readonly CustomStepType[]): readonly string[] {
  const parsed = parse(yaml, ...types);
  return parsed.ok
    ? []
    : parsed.problems.map(({ line, column, code, message }) => `${String(line)}:${String(column)} ${code}: ${message}`);
}

describe('a step of a plugin', () => {
  it('becomes a parallel of what it stands for', () => {
    expect(parse('id: sec\ntype: audit\nparams: { of: "{{ task.part }}" }\ntimeout: 1h', audit)).toMatchObject({
      ok: true,
      definition: {
        steps: [
          {
            id: 'sec',
            type: 'parallel',
            wait_for: 'all',
            timeout: 3_600,
            steps: [
              { id: 'sec-read', persona: 'p', params: { of: '{{ task.part }}' } },
              { id: 'sec-judge', persona: 'q', dependencies: ['sec-read'] },
            ],
          },
        ],
      },
    });
  });

  it('has its params checked, at their place', () => {
    expect(said('id: sec\ntype: audit\nparams:\n  of: 7', audit)[0]).toMatch(
      /^6:\d+ wrong-type: the params of step "sec" do not fit the step type "audit": /,
    );
    expect(said('id: sec\ntype: audit\nparams: { of: x, deep: "{{ task.deep }}" }', audit)).toEqual([]);
    expect(said('id: sec\ntype: audit', audit)[0]).toMatch(/^3:5 wrong-type: the params of step "sec" do not fit/);
    expect(said('id: sec\ntype: audit\nsteps: []\nparams: { of: x }', audit)).toEqual([
      '5:5 unknown-key: unknown key "steps" in step "sec"',
    ]);
    expect(said('id: sec\ntype: audi', audit)[0]).toBe('4:11 unknown-type: unknown step type "audi"');
  });

  it('has a misspelt key of its params told at its place, also where the schema is open', () => {
    expect(said('id: sec\ntype: audit\nparams: { off: x }', open)).toEqual([
      '5:15 wrong-type: the params of step "sec" do not fit the step type "audit": "of": is missing',
    ]);
    expect(parse('id: sec\ntype: audit\nparams: { of: x, dep: 1, other: 2 }', open)).toMatchObject({
      ok: true,
      warnings: [
        {
          code: 'unknown-key',
          line: 5,
          column: 22,
          message: 'the params of step "sec" have a key that the step type "audit" does not read: "dep"',
          hint: 'Did you mean "deep"?',
        },
      ],
    });
  });

  it.each<[string, () => unknown, string]>([
    ['throws', () => JSON.parse('{'), 'expand failed: '],
    ['gives no list', () => ({ id: 'a' }), 'expand must return a list of steps'],
    ['gives nothing', () => [], 'the list is empty'],
    ['gives texts', () => ['a'], 'every step must be a map'],
    ['gives too much', () => Array.from({ length: 201 }, () => ({ id: 'a' })), '201 steps, more than 200'],
    ['gives functions', () => [{ id: 'a', persona: () => 1 }], '[0].persona is a function, which is no JSON'],
    [
      'gives a circle',
      () => {
        const step: Record<string, unknown> = { id: 'a' };
        step['params'] = step;
        return [step];
      },
      'lists and maps are nested deeper than 50 levels',
    ],
  ])('that %s is a problem of the plugin', (_name, expand, expected) => {
    const [first = ''] = said('{ id: x, type: odd }', typed(expand));
    expect(first).toMatch(/^3:20 invalid-expansion: the step type "odd" gave nothing that can be run for step "x": /);
    expect(first).toContain(expected);
  });

  it('that is made of itself ends', () => {
    expect(
      said(
        '{ id: x, type: odd }',
        typed(() => [{ id: 'y', type: 'odd' }]),
      ).join(),
    ).toMatch(/too-large: steps are nested deeper than 8 levels/);
    const many = typed(() => Array.from({ length: 100 }, (_, index) => ({ id: `y${String(index)}`, type: 'odd' })));
    expect(said('{ id: x, type: odd }', many).join()).toMatch(/too-large/);
  });
});

describe('plugins', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'coord-plugins-'));
    const write = (name: string, file: string, text: string): void => {
      mkdirSync(join(folder, name), { recursive: true });
      writeFileSync(join(folder, name, file), text);
    };
    const type = (name: string): string =>
      `{ name: '${name}', description: 'd', params: true, expand: () => [{ id: 'a', persona: 'p' }] }`;
    write('good', 'one.mjs', `export default ${type('one')};`);
    write(
      'good',
      'two.ts',
      `const types: readonly object[] = [${type('two')}, ${type('three')}];\nexport default types;`,
    );
    write(
      'good',
      'defined.ts',
      `import { defineStepType } from 'coord/define';\nexport default defineStepType(${type('four')});`,
    );
    write('good', 'one.test.ts', 'export default 1;');
    write('good', 'readme.md', 'nothing');
    write('clash', 'a.js', `export default ${type('loop')};`);
    write('twice', 'a.mjs', `export default [${type('one')}, ${type('one')}];`);
    write('broken', 'a.ts', 'export default {');
    write('empty', 'a.mjs', 'export const x = 1;');
    write('schema', 'a.mjs', `export default { ...${type('s')}, params: { type: 'nothing' } };`);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('are loaded from folders', async () => {
    const types = await loadStepTypes([join(folder, 'nowhere'), join(folder, 'good')]);
    expect([...types.keys()].toSorted()).toEqual(['four', 'one', 'three', 'two']);
    expect(types.get('two')?.expand({ id: 'x', params: {} })).toEqual([{ id: 'a', persona: 'p' }]);
  });

  it.each([
    ['clash', /clash\/a\.js: the step type "loop" is built in; choose another name$/],
    ['twice', /twice\/a\.mjs: the step type "one" is there already, from .*a\.mjs; rename one of them$/],
    ['broken', /broken\/a\.ts cannot be run: /],
    ['empty', /empty\/a\.mjs has no default export; write "export default …"$/],
    ['schema', /schema\/a\.mjs: the params of the step type "s" are no schema that is accepted/],
  ])('%s', async (name, expected) => {
    await expect(loadStepTypes([join(folder, name)])).rejects.toThrow(expected);
    await expect(loadStepTypes([join(folder, name)])).rejects.toMatchObject({ code: 'DEFINITION_INVALID' });
  });
});
