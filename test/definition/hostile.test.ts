/** Files written to stop the process, to reach its prototypes, or to mislead the person at the terminal. */
import { describe, expect, it } from 'vitest';
import { formatProblems } from '../../src/definition/frame.js';
import { lines, problemsOf } from './workflow-text.js';

const head = 'name: w\nsteps: [{ id: a, persona: p }]\n';

function timed(text: string): { first: string; ms: number } {
  const start = performance.now();
  const [first = 'no problems'] = lines(text);
  return { first, ms: performance.now() - start };
}

describe('S9: tags', () => {
  it.each([
    '!!js/function "function () {}"',
    '!!python/object:os.system x',
    '!custom x',
    '!!binary aGk=',
    '!!set { a }',
    '! x',
    '!<tag:evil> x',
  ])('%s', (tagged) => {
    expect(lines(`${head}variables: { x: ${tagged} }\n`)[0]).toMatch(
      /^3:\d+ yaml-unsafe: the tag ".*" is not accepted$/,
    );
  });

  it('of the core are harmless', () => {
    expect(lines(`${head}variables: { x: !!str 1, y: !!map {} }\n`)).toEqual([]);
  });
});

describe('S10: keys that reach for prototypes', () => {
  it.each(['__proto__', 'constructor', 'prototype', '"__proto__"', '"\\x5f_proto__"'])('%s', (key) => {
    expect(lines(`${head}variables: { ${key}: { admin: true } }\n`)[0]).toMatch(
      /^3:14 yaml-unsafe: the key ".*" is not accepted$/,
    );
    expect(lines(`${key}: { admin: true }\n${head}`)[0]).toMatch(/^1:1 yaml-unsafe/);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('merge keys', () => {
    expect(lines(`${head}variables:\n  a: &a { __proto__: { admin: true } }\n  b: { <<: *a }\n`)).toEqual([
      '4:11 yaml-unsafe: the key "__proto__" is not accepted',
      '5:8 yaml-unsafe: merge keys are not part of YAML 1.2',
    ]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('S11: size, depth and bytes', () => {
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'
      .split('')
      .map(
        (name, index) =>
          `  ${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[index] ?? ''}`).join(',')}]`,
      ),
  ].join('\n');

  it.each<[string, string, RegExp]>([
    [
      '20,000 brackets',
      `${head}variables: { x: ${'['.repeat(20_000)} }`,
      /too-large: lists and maps are nested deeper than 50/,
    ],
    ['100,000 brackets', '['.repeat(100_000), /too-large: lists and maps are nested deeper than 50/],
    ['100,000 braces', '{'.repeat(100_000), /too-large: lists and maps are nested deeper than 50/],
    ['100,000 dashes', '- '.repeat(100_000), /too-large: lists and maps are nested deeper than 50/],
    ['100,000 explicit keys', '? '.repeat(100_000), /too-large: lists and maps are nested deeper than 50/],
    ['an alias bomb', `${head}variables:\n  ${bomb}\n`, /too-large: the file has more than 100000 values/],
    [
      '50,000 keys',
      `${head}variables:\n${Array.from({ length: 50_000 }, (_, index) => ` k${String(index)}: 1`).join('\n')}`,
      /no problems/,
    ],
    [
      '40,000 unknown keys',
      Array.from({ length: 40_000 }, (_, index) => `k${String(index)}: 1`).join('\n'),
      /unknown-key/,
    ],
    ['a list of 150,000', `${head}variables: { x: [${'1,'.repeat(150_000)}] }`, /more than 100000 values/],
    [
      '10 MB',
      `${head}description: "${'x'.repeat(10_000_000)}"`,
      /1:1 too-large: the file has 100000\d\d bytes, more than 1048576/,
    ],
    ['50,000 tags', '!a '.repeat(50_000), /yaml-/],
    ['100,000 documents', '---\n'.repeat(100_000), /yaml-syntax: a second document/],
    [
      '2,001 steps',
      `name: w\nsteps:\n${Array.from({ length: 2_001 }, (_, index) => `- { id: s${String(index)}, persona: p }`).join('\n')}`,
      /too-large: the workflow has 2001 steps, more than 2000/,
    ],
    [
      'dependencies by alias',
      `name: w\nvariables: { all: &all [${Array.from({ length: 900 }, (_, index) => `s${String(index)}`).join(',')}] }\nsteps:\n${Array.from({ length: 900 }, (_, index) => `- { id: s${String(index)}, persona: p, dependencies: *all }`).join('\n')}`,
      /more than 100000 values/,
    ],
    [
      '20,000 unknown dependencies',
      `name: w\nsteps:\n${Array.from({ length: 1_000 }, (_, index) => `- { id: step-with-a-rather-long-name-${String(index)}, persona: p, dependencies: [${Array.from({ length: 20 }, (__, other) => `stepp-with-a-rather-long-nam-${String(other)}-${String(index)}`).join(',')}] }`).join('\n')}`,
      /unknown-dependency/,
    ],
    ['NUL', `name: "a\0b"\n`, /^1:9 yaml-unsafe: the file contains a NUL character/],
    [
      'half a surrogate pair',
      `${head}description: "\uD800"`,
      /^3:15 yaml-unsafe: the file contains half of a surrogate pair/,
    ],
    [
      'a number that is none',
      `${head}variables: { x: 1e400 }`,
      /^3:17 wrong-type: "1e400" is not a number that can be kept exactly/,
    ],
    ['infinity', `${head}variables: { x: .inf }`, /^3:17 wrong-type/],
    ['an unclosed quote over a megabyte', `${head}description: "${'a\n '.repeat(300_000)}`, /yaml-syntax/],
  ])('%s', (_name, text, expected) => {
    const { first, ms } = timed(text);
    expect(first).toMatch(expected);
    // The slowest of them is bound by the tokenizer's own speed on a megabyte.
    expect(ms).toBeLessThan(8_000);
  });

  it('2,000 steps in one chain parse', () => {
    const chain = Array.from(
      { length: 2_000 },
      (_, index) =>
        `- { id: s${String(index)}, persona: p${index === 0 ? '' : `, dependencies: [s${String(index - 1)}]`} }`,
    );
    expect(lines(`name: w\nsteps:\n${chain.join('\n')}\n`)).toEqual([]);
  });

  it('a cycle through 2,000 steps is shown short', () => {
    const ring = Array.from(
      { length: 2_000 },
      (_, index) => `- { id: s${String(index)}, persona: p, dependencies: [s${String((index + 1) % 2_000)}] }`,
    );
    expect(lines(`name: w\nsteps:\n${ring.join('\n')}\n`)).toEqual([
      '2002:43 cycle: Circular dependency detected: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> … -> s1996 -> s1997 -> s1998 -> s1999 -> s0',
    ]);
  });
});

describe('what reaches the terminal', () => {
  it('holds no control characters of the file', () => {
    const text = `name: w\n"\\e[31mred\\u009b2J": 1\nsteps: [{ id: "x\u202Ey", persona: p }] # \u001B]0;title\u0007\n`;
    const shown = formatProblems(problemsOf(text), text, { color: false });
    expect(shown).toContain('unknown key');
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001F\u007F-\u009F\u202E]/);
  });
});
