import { describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import { ExpressionError } from '../../src/expression/problem.js';
import { compileValue, hasHoles, parseTemplate, renderValue } from '../../src/expression/template.js';
import { sampleScope } from './sample-scope.js';

const render = (text: string): unknown => parseTemplate(text).render(sampleScope());

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CoordError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no failure';
}

describe('a template', () => {
  it.each<[string, unknown]>([
    ['{{variables.timeout_base}}', 1800],
    ['{{ task.tags }}', ['auth', 'urgent']],
    ['{{task.urgent}}', true],
    ['{{ task.nested.deep }}', { value: 7 }],
    ['{{variables.branch_prefix}}{{task.slug}}', 'feat/login-loop'],
    ['Setup {{ task.slug }}!', 'Setup login-loop!'],
    ['{{ task.score }} points, urgent: {{ task.urgent }}', '79 points, urgent: true'],
    [' {{task.score}}', ' 79'],
    ["{{ task.gone ?? 'none' }}", 'none'],
    ["<{{ task.gone ?? '' }}>", '<>'],
    ['{{ task.gone ?? null }}', null],
    ["{{ '}}' }}", '}}'],
    ['{{ "a\\"}}" }}', 'a"}}'],
    ['{{ `${task.slug}` }}', 'login-loop'],
    ['no holes } } }}', 'no holes } } }}'],
    ['${task.slug}', '${task.slug}'],
    ['', ''],
  ])('%s', (text, expected) => {
    expect(render(text)).toEqual(expected);
  });

  it('fails by name when a value is missing or has no text', () => {
    expect(
      [
        '{{task.gone}}',
        'a {{task.gone}}',
        '{{task.nothing}}',
        'a {{ task.nested }}',
        'a{{task.tags}}',
        'a{{ task.gone ?? null }}',
        '{{ task.gone.x }}',
      ].map((text) => failure(() => render(text))),
    ).toMatchInlineSnapshot(`
      [
        "EXPRESSION_FAILED: "{{task.gone}}" has no value; give it one with "?? …" if it may be missing",
        "EXPRESSION_FAILED: "{{task.gone}}" has no value; give it one with "?? …" if it may be missing",
        "EXPRESSION_FAILED: "{{task.nothing}}" has no value; give it one with "?? …" if it may be missing",
        "EXPRESSION_FAILED: "{{task.nested}}" is an object, which cannot be part of a text",
        "EXPRESSION_FAILED: "{{task.tags}}" is a list, which cannot be part of a text",
        "EXPRESSION_FAILED: "{{task.gone ?? null}}" is null, which cannot be part of a text",
        "EXPRESSION_FAILED: "x" cannot be read from a value that is missing; write "?." where it may be: "task.gone.x"",
      ]
    `);
  });

  it('is limited in what it makes', () => {
    const scope = { ...sampleScope(), task: { big: 'x'.repeat(60_000) } };
    expect(failure(() => parseTemplate('{{task.big}}{{task.big}}').render(scope))).toMatch(
      /more than 102400 characters/,
    );
    expect(parseTemplate('{{task.big}}').render(scope)).toHaveLength(60_000);
  });

  it('names the exact place of what is wrong', () => {
    const places = ['a {{ tsk.slug }}', 'a {{', 'a {{ }} b', "{{ 'x }}", '{{ task.a + }} {{ b }}', '{{a}}{{b}}'].map(
      (text) => {
        try {
          parseTemplate(text);
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          const { offset, length, message } = error.problem;
          return `${text} ⟶ "${text.slice(offset, offset + length)}" at ${String(offset)}: ${message}`;
        }
        return `${text} ⟶ accepted`;
      },
    );
    expect(places).toMatchInlineSnapshot(`
      [
        "a {{ tsk.slug }} ⟶ "tsk" at 5: unknown name "tsk"",
        "a {{ ⟶ "{{" at 2: "{{" is not closed by "}}"",
        "a {{ }} b ⟶ "{{ }}" at 2: the hole is empty",
        "{{ 'x }} ⟶ "'" at 3: unterminated string constant",
        "{{ task.a + }} {{ b }} ⟶ " " at 11: the expression ends too early",
        "{{a}}{{b}} ⟶ "a" at 2: unknown name "a"",
      ]
    `);
  });

  it('says whether a text has holes', () => {
    expect([hasHoles('a {{b}}'), hasHoles('a {b}')]).toEqual([true, false]);
  });
});

describe('a value', () => {
  it('is rendered deep inside, with types, and keys as they are', () => {
    const value = { '{{key}}': ['{{task.score}}', { text: 'x {{task.slug}}', plain: 1 }], none: null, yes: true };
    expect(renderValue(value, sampleScope())).toEqual({
      '{{key}}': [79, { text: 'x login-loop', plain: 1 }],
      none: null,
      yes: true,
    });
  });

  it('without holes is itself', () => {
    const value = { a: [1, { b: 'c' }] };
    expect(renderValue(value, sampleScope())).toBe(value);
    expect(compileValue(value).holes).toEqual([]);
  });

  it('names every expression in it', () => {
    expect(compileValue({ a: '{{task.a}} {{task.b}}', c: ['{{task.c}}'] }).holes.map(({ source }) => source)).toEqual([
      'task.a',
      'task.b',
      'task.c',
    ]);
  });
});
