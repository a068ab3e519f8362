/**
 * The shape of `src`, held by rules. Every rule is first seen to report a planted violation, since a check that
 * cannot fail checks nothing; then it is asked about the real files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { edgesOf, type FileTable, RULES } from './architecture/rules.js';
import { importsOf, readSource } from './architecture/source.js';
import { RINGS } from './architecture/table.js';

const top = fileURLToPath(new URL('..', import.meta.url));
const src: FileTable = new Map(
  readdirSync(join(top, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|lua)$/.test(file))
    .map((file): [string, string] => [`src/${file}`, readFileSync(join(top, 'src', file), 'utf8')]),
);

function reports(rule: string, files: Readonly<Record<string, string>>): readonly string[] {
  const check = RULES[rule];
  if (check === undefined) throw new Error(`no rule ${rule}`);
  return check(new Map(Object.entries(files)));
}

const KEY_TEXT = 'export const inbox = (ns: string, p: number) => `{${ns}:${p}}:inbox`;';

/** rule → files that break it, each with a word its report must contain. */
const PLANTED: Readonly<Record<string, readonly { files: Record<string, string>; says: string }[]>> = {
  importsPointInward: [
    plant('src/core/a.ts', "import { b } from '../machines/b.js';", 'src/machines/b.ts', 'src/machines/b.ts'),
    plant('src/core/a.ts', "export * from '../expression/b.js';", 'src/expression/b.ts', 'nothing of ours'),
    plant('src/personas/a.ts', "import type { B } from '../definition/b.js';", 'src/definition/b.ts', 'personas may'),
    plant('src/redis/a.ts', "const b = await import('../coordinator/b.js');", 'src/coordinator/b.ts', 'redis may'),
    plant('src/memory/a.ts', "import '../redis/b.js';", 'src/redis/b.ts', 'memory may'),
    plant('src/machines/a.ts', "type B = import('../coordinator/b.js').B;", 'src/coordinator/b.ts', 'machines may'),
    plant('src/cli/a.ts', "import { b } from '../expression/b.js';", 'src/expression/b.ts', 'cli may'),
    plant('src/cli/a.ts', "import { b } from '../coordinator/turn.js';", 'src/coordinator/turn.ts', 'cli may'),
    plant('src/cli/a.ts', "import { b } from '../app/wire.js';", 'src/app/wire.ts', 'cli may'),
    plant('src/coordinator/a.ts', "import {\n  b,\n} from '../app/b.js';", 'src/app/b.ts', 'coordinator may'),
    plant('src/billing/a.ts', "import { b } from '../core/b.js';", 'src/core/b.ts', 'no row'),
    { files: { 'src/core/a.ts': "import { b } from './gone.js';" }, says: 'there is no src/core/gone.ts' },
    { files: { 'src/core/a.ts': "import { b } from '../../test/b.js';" }, says: 'outside src' },
  ],
  packagesStayInTheirFolder: [
    { files: { 'src/core/a.ts': "import { Redis } from 'ioredis';" }, says: 'belongs to redis' },
    { files: { 'src/coordinator/a.ts': "import { setup } from 'xstate';" }, says: 'belongs to machines' },
    { files: { 'src/app/a.ts': "import pc from 'picocolors';" }, says: 'belongs to cli' },
    { files: { 'src/memory/a.ts': "import { parse } from 'yaml';" }, says: 'belongs to definition' },
    { files: { 'src/app/a.ts': "import { Command } from '@commander-js/extra-typings';" }, says: 'belongs to cli' },
    { files: { 'src/definition/a.ts': "import * as acorn from 'acorn';" }, says: 'belongs to expression' },
    { files: { 'src/core/a.ts': "import fc from 'fast-check';" }, says: 'does not list' },
    { files: { 'src/machines/a.ts': "import { readFileSync } from 'node:fs';" }, says: 'does not touch' },
    { files: { 'src/expression/a.ts': "const { run } = require('child_process');" }, says: 'does not touch' },
    { files: { 'src/definition/plan.ts': "import { readFileSync } from 'node:fs';" }, says: 'does not touch' },
  ],
  noCycles: [
    {
      files: {
        'src/core/a.ts': "import { b } from './b.js';",
        'src/core/b.ts': "import type { C } from './c.js';",
        'src/core/c.ts': "export { a } from './a.js';",
      },
      says: 'src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    },
    { files: { 'src/core/a.ts': "import { a } from './a.js';" }, says: 'src/core/a.ts → src/core/a.ts' },
  ],
  keysInOnePlace: [
    { files: { 'src/redis/lease.ts': KEY_TEXT }, says: 'src/redis/keys.ts' },
    { files: { 'src/redis/lease.ts': 'const tag = `{${namespace}:${partition}}`;' }, says: 'src/redis/keys.ts' },
    { files: { 'src/coordinator/turn.ts': "const key = '{coord:0}:inbox';" }, says: 'src/redis/keys.ts' },
    { files: { 'src/cli/keys.ts': "const key = '{' + ns + '}:lease';" }, says: 'src/redis/keys.ts' },
    { files: { 'src/redis/scripts/a.lua': "local key = '{' .. ns .. '}:lease'" }, says: 'src/redis/keys.ts' },
  ],
  filesStaySmall: [{ files: { 'src/core/a.ts': 'const a = 1;\n'.repeat(351) }, says: '351 lines' }],
  foldersAreNamedBySubject: [
    { files: { 'src/core/utils/a.ts': '' }, says: '"utils"' },
    { files: { 'src/redis/types.ts': '' }, says: '"types.ts"' },
  ],
  filesAreKebabCase: [
    { files: { 'src/core/runStore.ts': '' }, says: 'kebab-case' },
    { files: { 'src/redis/scripts/commit_run.lua': '' }, says: 'kebab-case' },
  ],
  houseRules: [
    ban('const at = Date.now();', 'Date.now'),
    ban('const at = new Date();', 'new Date()'),
    ban('const at = new Date;', 'new Date'),
    ban('const at = Date();', 'Date('),
    ban('const at = performance.now();', 'performance.now'),
    ban('const at = process.hrtime.bigint();', 'process.hrtime'),
    ban("import { setTimeout as delay } from 'node:timers/promises';", 'setTimeout'),
    ban('globalThis.setInterval(() => {}, 10);', 'setInterval'),
    ban('setImmediate(() => {});', 'setImmediate'),
    ban('const signal = AbortSignal.timeout(10);', 'AbortSignal.timeout'),
    ban('const id = `${prefix}-${Math.random()}`;', 'Math.random'),
    ban('const id = crypto.randomUUID();', 'randomUUID'),
    ban("import { randomBytes } from 'node:crypto';", 'randomBytes'),
    ban("throw new Error('x');", 'throw new Error'),
    ban("throw new TypeError('x');", 'throw new TypeError'),
    ban("reject(new Error('x'));", 'reject(new Error'),
    ban('export const enum Color { red }', 'enum C'),
  ],
};

function plant(from: string, text: string, to: string, says: string) {
  return { files: { [from]: text, [to]: 'export const b = 1;' }, says };
}

function ban(text: string, says: string) {
  return {
    files: { 'src/coordinator/a.ts': `/** First line. */\n${text}` },
    says: `src/coordinator/a.ts:2 uses "${says}`,
  };
}

function firstOf(files: Readonly<Record<string, string>>): string {
  const [file, text] = Object.entries(files)[0] ?? ['', ''];
  return `${file} with ${text.split('\n').at(-1)?.slice(0, 80) ?? ''}`;
}

describe('a planted violation is reported', () => {
  it('for every rule there is one', () => {
    expect(Object.keys(PLANTED)).toEqual(Object.keys(RULES));
  });

  for (const [rule, plants] of Object.entries(PLANTED)) {
    for (const { files, says } of plants) {
      it(`${rule}: ${firstOf(files)} (${says})`, () => {
        const found = reports(rule, files);
        expect(found).toHaveLength(1);
        expect(found[0]).toContain(says);
      });
    }
  }
});

describe('what is allowed is not reported', () => {
  const fine = {
    'src/core/clock.ts': 'export const now = () => Date.now();\nsetTimeout(() => {}, 1);',
    'src/core/ids.ts': "import { randomBytes } from 'node:crypto';",
    'src/core/errors.ts': "import { z } from 'zod';",
    'src/definition/load.ts': "import { readFileSync } from 'node:fs';\nimport { parseDocument } from 'yaml';",
    'src/redis/keys.ts': KEY_TEXT,
    'src/redis/scripts/commit.lua': '-- KEYS[1] {ns:p}:inbox\nlocal inbox = KEYS[1]',
    'src/coordinator/client.ts': "import { b } from '../core/errors.js';\nthrow new CoordError('USAGE', 'x');",
    'src/coordinator/turn.ts': [
      '// Date.now() and setTimeout would be wrong here; `new Date()` too',
      '/* throw new Error */ const text = "never call Date.now() or setInterval()";',
      'const when = new Date(run.createdAt).toISOString();',
      'const share = total / count / 2; const pattern = /Math.random|"/; const rest = `randomUUID`;',
    ].join('\n'),
    'src/cli/graph.ts':
      "import { c } from '../coordinator/client.js';\nimport '../definition/load.js';\nconst node = `a{{b}}:::waiting`;",
    'src/app/main.ts': "import '../cli/graph.js';\nimport '../redis/keys.js';\nconst loaded = await import(path);",
  };

  it.each(Object.keys(RULES))('%s', (rule) => {
    expect(reports(rule, fine)).toEqual([]);
  });
});

describe('reading source text', () => {
  it('finds every way to import', () => {
    const text = [
      "import a from 'a';",
      "import { b, type C } from 'b'; import 'c';",
      "import {\n  d,\n} from 'd';",
      "export * from 'e'; export { f } from 'f';",
      "const g = await import('g'); type H = import('h').H;",
      'const i = require("i"); const j = await import(`j`);',
      "import data from 'k' with { type: 'json' };",
      "// import l from 'l'\nconst text = \"import m from 'm'\";",
    ].join('\n');
    expect(
      importsOf(readSource(text))
        .map(({ specifier }) => specifier)
        .toSorted(),
    ).toEqual('abcdefghijk'.split(''));
  });

  it('keeps code inside templates and drops what only looks like code', () => {
    const source = readSource("const a = `x ${f({ b: `y ${g('z')}` })} w`; // h()\nconst r = /[/'\"]`/g; i();");
    expect(source.texts).toContain('x § w');
    expect(source.texts).toContain('/[/\'"]`/');
    expect(source.code).toMatch(/f\(\{ b: .*g\(.*\n.*i\(\);/);
    expect(source.code).not.toContain('h()');
  });
});

describe('src', () => {
  it('is read: its files and their imports are there', () => {
    const edges = edgesOf(src);
    expect(edges).toContainEqual({ from: 'src/core/messages.ts', to: 'src/core/json.ts', specifier: './json.js' });
    const folders = new Set([...src.keys()].map((file) => file.split('/')[1] ?? ''));
    expect(folders).toEqual(new Set(Object.keys(RINGS)));
  });

  it.each(Object.entries(RULES))('%s', (_name, rule) => {
    expect(rule(src)).toEqual([]);
  });
});
