/**
 * What people are told of bad definitions: every problem with its place, its words and its hint, and nothing else, since
 * one mistake is one problem. Hostile texts are refused in a moment, and leave nothing behind in memory.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import type { JsonSchema } from '../../src/definition/steps.js';
import type { CustomStepType } from '../../src/definition/step-types.js';
import { loadWorkflow } from '../../src/definition/load.js';
import { type ParseOptions, parseWorkflow } from '../../src/definition/parse.js';
import { BAD_FILES } from './bad-files.js';
import { BAD_STEPS } from './bad-steps.js';
import { BAD_TYPES } from './bad-types.js';
import { leftBehind } from '../harness/heap.js';

function plugin(name: string, expand: CustomStepType['expand'], params: JsonSchema = true): [string, CustomStepType] {
  return [name, { name, description: name, params, expand }];
}

const TYPES = new Map([
  plugin('notify', () => [{ id: 'x', persona: 'p' }], {
    type: 'object',
    properties: { channel: { type: 'string' } },
    required: ['channel'],
    additionalProperties: false,
  }),
  plugin('broken', () => {
    throw new Error('no network');
  }),
  plugin('empty', () => []),
  plugin('wrong', () => [{ id: 'x', persona: 'p', dependencies: ['y'] }]),
]);

interface Case {
  readonly what: string;
  readonly text: string;
  readonly expected: readonly string[];
  readonly options: ParseOptions;
}

/** `### name [personas a b]`, the text, `~~~`, what is said. */
function casesOf(table: string): readonly Case[] {
  return table
    .split(/^### /m)
    .slice(1)
    .map((part) => {
      const [title, rest] = halves(part, '\n');
      const [, what = '', kind, words = ''] = /^(.*?)(?: \[(personas|environment) (.*)\])?$/.exec(title) ?? [];
      const [text, listed] = halves(rest, '~~~\n');
      const options = {
        file: 'w.yml',
        personas: kind === 'personas' ? new Set(words.split(' ')) : null,
        environment: kind === 'environment' ? words : null,
        types: TYPES,
      };
      return { what, text, expected: listed.split('\n').filter((line) => line !== ''), options };
    });
}

function halves(text: string, by: string): readonly [string, string] {
  const at = text.indexOf(by);
  return [text.slice(0, at), text.slice(at + by.length)];
}

const PLAIN: ParseOptions = { file: 'w.yml', personas: null, environment: null, types: TYPES };

/** Most that one definition, and all of them, may take. */
const ONE_MS = 1_000;
const ALL_MS = 10_000;
let took = 0;
const codes: string[] = [];

function said(text: string, options: ParseOptions = PLAIN): readonly string[] {
  const began = performance.now();
  const parsed = parseWorkflow(text, options);
  const ms = performance.now() - began;
  took += ms;
  expect(ms).toBeLessThan(ONE_MS);
  const problems = parsed.ok ? parsed.warnings : parsed.problems;
  codes.push(...problems.map(({ code }) => code));
  return problems.map(({ line, column, severity, code, message, hint }) => {
    const place = `${String(line)}:${String(column)}${severity === 'warning' ? ' warning' : ''}`;
    return `${place} ${code} ${message}${hint === null ? '' : ` | ${hint}`}`;
  });
}

describe.each(Object.entries({ ...BAD_FILES, ...BAD_STEPS, ...BAD_TYPES }))('%s', (_group, table) => {
  it.each(casesOf(table).map((one) => [one.what, one] as const))('%s', (_what, { text, expected, options }) => {
    expect(expected).not.toEqual([]);
    expect(said(text, options)).toEqual(expected);
  });
});

const HEAD = 'name: w\nsteps: [{ id: a, persona: p }]\n';
const NAMES = 'abcdefghi'.split('');
/** Nine lists, each of nine times the one before: 400 million values. */
const BOMB = `name: w
variables:
  a: &a [x, x, x, x, x, x, x, x, x]
${NAMES.slice(1)
  .map((name, at) => `  ${name}: &${name} [${Array.from({ length: 9 }, () => `*${NAMES[at] ?? ''}`).join(', ')}]`)
  .join('\n')}
steps: [{ id: a, persona: p }]
`;

const HOSTILE: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a tag that makes a function',
    'name: w\nsteps:\n  - id: a\n    persona: !!js/function "function () {}"\n',
    ['4:28 yaml-unsafe the tag "!!js/function" is not accepted | Write the value without a tag.'],
  ],
  [
    'a tag that makes an object',
    'name: w\nvariables: { x: !!python/object:os.system "ls" }\nsteps:\n  - { id: a, persona: p }\n',
    ['2:43 yaml-unsafe the tag "!!python/object:os.system" is not accepted | Write the value without a tag.'],
  ],
  [
    'a tag of its own',
    'name: w\nsteps:\n  - id: a\n    persona: p\n    params: !custom { a: 1 }\n',
    ['5:21 yaml-unsafe the tag "!custom" is not accepted | Write the value without a tag.'],
  ],
  [
    '__proto__',
    'name: w\nsteps:\n  - id: a\n    persona: p\n    params: { __proto__: { admin: true } }\n',
    ['5:15 yaml-unsafe the key "__proto__" is not accepted | Choose another name.'],
  ],
  [
    'constructor as a variable',
    'name: w\nvariables: { constructor: { prototype: 1 } }\nsteps:\n  - { id: a, persona: p }\n',
    ['2:14 yaml-unsafe the key "constructor" is not accepted | Choose another name.'],
  ],
  [
    'a merge key',
    'name: w\nvariables:\n  base: &base { a: 1 }\n  all: { <<: *base, b: 2 }\nsteps: [{ id: a, persona: p }]\n',
    ['4:10 yaml-unsafe merge keys are not part of YAML 1.2 | Write the members out.'],
  ],
  [
    'a merge key with __proto__',
    'name: w\nvariables: { a: &a { "__proto__": { admin: true } }, b: { <<: *a } }\nsteps:\n  - { id: a, persona: p }\n',
    [
      '2:22 yaml-unsafe the key "__proto__" is not accepted | Choose another name.',
      '2:59 yaml-unsafe merge keys are not part of YAML 1.2 | Write the members out.',
    ],
  ],
  [
    '20,000 brackets',
    `${HEAD}variables: { x: ${'['.repeat(20_000)} }\n`,
    ['3:65 too-large lists and maps are nested deeper than 50 levels'],
  ],
  [
    '20,000 brackets that are closed',
    `${HEAD}variables: { x: ${'['.repeat(20_000)}${']'.repeat(20_000)} }\n`,
    ['3:65 too-large lists and maps are nested deeper than 50 levels'],
  ],
  [
    '20,000 braces in a step',
    `name: w\nsteps:\n  - ${'{a: '.repeat(20_000)}`,
    ['3:197 too-large lists and maps are nested deeper than 50 levels'],
  ],
  [
    '10 MB',
    `${HEAD}description: "${'x'.repeat(10_000_000)}"\n`,
    ['1:1 too-large the file has 10000055 bytes, more than 1048576'],
  ],
  ['an alias bomb', BOMB, ['8:10 too-large the file has more than 100000 values, with its aliases written out']],
  [
    'an alias inside what it names',
    'name: w\nvariables: { a: &a [1, *a] }\nsteps:\n  - { id: a, persona: p }\n',
    ['2:24 yaml-unsafe the alias *a stands inside what it names'],
  ],
  [
    'an alias of nothing',
    'name: w\nvariables: { a: *nobody }\nsteps:\n  - { id: a, persona: p }\n',
    ['2:17 yaml-unsafe the alias *nobody names nothing above it'],
  ],
  [
    'NUL',
    'name: w\nsteps:\n  - { id: a, persona: "p\u0000" }\n',
    ['3:25 yaml-unsafe the file contains a NUL character | Save it as plain UTF-8 text.'],
  ],
  [
    'half of a surrogate pair',
    'name: w\ndescription: "\ud83d"\nsteps: [{ id: a, persona: p }]\n',
    ['2:15 yaml-unsafe the file contains half of a surrogate pair | Save it as plain UTF-8 text.'],
  ],
  [
    '1e400',
    'name: w\nsteps:\n  - id: a\n    persona: p\n    timeout: 1e400\n',
    ['5:14 wrong-type "1e400" is not a number that can be kept exactly | Put it in quotes to keep it as a text.'],
  ],
  [
    'infinity and no number',
    'name: w\nvariables: { a: .inf, b: .nan }\nsteps:\n  - { id: a, persona: p }\n',
    [
      '2:17 wrong-type ".inf" is not a number that can be kept exactly | Put it in quotes to keep it as a text.',
      '2:26 wrong-type ".nan" is not a number that can be kept exactly | Put it in quotes to keep it as a text.',
    ],
  ],
  [
    'more digits than a number holds',
    'name: w\nvariables: { id: 12345678901234567890 }\nsteps:\n  - { id: a, persona: p }\n',
    [
      '2:18 wrong-type "12345678901234567890" is not a number that can be kept exactly | Put it in quotes to keep it as a text.',
    ],
  ],
  [
    '12:30:00 for a duration',
    'name: w\nsteps:\n  - id: a\n    persona: p\n    timeout: 12:30:00\n',
    [
      '5:14 wrong-type "timeout" of step "a" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "12:30:00"',
    ],
  ],
  [
    '0o17 for a text',
    'name: w\nsteps:\n  - id: a\n    persona: 0o17\n',
    ['4:14 wrong-type "persona" of step "a" must be a text, not the number 0o17 | Put it in quotes: persona: "0o17"'],
  ],
  [
    'y and n for true and false',
    'name: w\nsteps:\n  - id: a\n    type: parallel\n    wait_for: y\n    steps: [{ id: b, persona: p, parallel: n }]\n',
    [
      '5:15 wrong-type "wait_for" of step "a" must be all, any or the number of steps that must succeed, not the text "y"',
      '6:44 wrong-type "parallel" of a step must be true or false, not the text "n"',
    ],
  ],
  [
    'a list as a key',
    'name: w\nvariables: { [a, b]: 1 }\nsteps:\n  - { id: a, persona: p }\n',
    ['2:14 yaml-syntax a key can only be a text'],
  ],
  [
    'control characters in names',
    'name: "\\e[31mred"\nsteps: [{ id: "a\\u202Eb", persona: p }]\n',
    [
      '1:7 wrong-type "�[31mred" cannot be the name of a workflow | A name is one line of up to 100 visible characters.',
      '2:15 wrong-type "a�b" cannot be the id of a step | An id starts with a letter and has up to 64 letters, digits, "-" and "_".',
    ],
  ],
  [
    '2,001 steps',
    `name: w\nsteps:\n${Array.from({ length: 2_001 }, (_, at) => `- { id: s${String(at)}, persona: p }`).join('\n')}\n`,
    ['2003:3 too-large the workflow has 2001 steps, more than 2000'],
  ],
  [
    'steps in steps in steps',
    `name: w\nsteps: ${Array.from({ length: 10 }, (_, at) => `[{ id: s${String(at)}, type: parallel, steps: `).join('')}[{ id: a, persona: p }]${' }]'.repeat(10)}\n`,
    ['2:315 too-large steps are nested deeper than 8 levels'],
  ],
  [
    'an expression that is longer than can be',
    `name: w\nsteps: [{ id: a, persona: p, condition: "task.a${' || task.a'.repeat(300)}" }]\n`,
    ['2:2042 expression the expression has 3006 characters, more than 2000'],
  ],
];

describe('hostile YAML', () => {
  it.each(HOSTILE)('%s', (_what, text, expected) => {
    expect(said(text)).toEqual(expected);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('leaves nothing behind in memory', () => {
    const all = (): void => {
      for (const [, text] of HOSTILE) said(text);
    };
    all();
    expect(leftBehind(all)).toBeLessThan(4 * 1024 * 1024);
  });
});

describe('what only a loader sees', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'coord-bad-'));
    writeFileSync(join(folder, 'hotfix.yml'), HEAD);
    writeFileSync(join(folder, 'latin.yml'), Buffer.concat([Buffer.from(`${HEAD}# caf`), Buffer.from([0xe9, 0x0a])]));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['a misspelt workflow', 'hotfx', '3:40 unknown-workflow there is no workflow "hotfx" | Did you mean "hotfix"?'],
    [
      'a file that is not there',
      './gone.yml',
      '3:40 unknown-workflow the workflow file <folder>/gone.yml cannot be read: there is no such file or folder',
    ],
    [
      'itself',
      'self',
      '3:40 cycle workflows run each other: w -> w | Each of them would wait for the next for ever. Remove one of these steps.',
    ],
  ])('%s', async (_what, workflow, expected) => {
    const file = join(folder, 'self.yml');
    writeFileSync(file, `name: w\nsteps:\n  - { id: a, type: workflow, workflow: ${workflow} }\n`);
    const shown = await failureOf(file);
    const [, place = '', code = '', message = ''] = /:(\d+:\d+) {2}(\S+) {2}(.*)\n/.exec(shown) ?? [];
    const hint = /^hint: (.*)$/m.exec(shown)?.[1];
    codes.push(code);
    expect(`${place} ${code} ${message}${hint === undefined ? '' : ` | ${hint}`}`.replaceAll(folder, '<folder>')).toBe(
      expected,
    );
  });

  it('bytes that are no text', async () => {
    expect(await failureOf(join(folder, 'latin.yml'))).toContain(
      'latin.yml:3:1  yaml-unsafe  the line is not valid UTF-8; save the file as UTF-8',
    );
  });

  async function failureOf(file: string): Promise<string> {
    const error: unknown = await loadWorkflow(file, { directories: [folder], personas: null }).catch(
      (thrown: unknown) => thrown,
    );
    return error instanceof CoordError ? error.message : 'no failure';
  }
});

describe('all of them together', () => {
  it('are many, and take seconds', () => {
    const count = Object.values({ ...BAD_FILES, ...BAD_STEPS, ...BAD_TYPES }).flatMap(casesOf).length + HOSTILE.length;
    expect(count).toBeGreaterThan(150);
    expect(took).toBeLessThan(ALL_MS);
  });

  it('show every code of the documentation, each at least twice', () => {
    const page = readFileSync(new URL('../../docs/workflow-yaml.md', import.meta.url), 'utf8');
    const listed = [...page.slice(page.indexOf('## Problems')).matchAll(/^\| `([a-z-]+)`/gm)].map(
      ([, code]) => code ?? '',
    );
    expect(listed.length).toBeGreaterThan(20);
    const seen = (code: string): number => codes.filter((other) => other === code).length;
    expect(listed.filter((code) => seen(code) < 2)).toEqual([]);
  });
});
