import { describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { checkSchema, compileSchema } from '../../src/definition/json-schema.js';
import { SCHEMA_LIMITS } from '../../src/definition/schema-words.js';

function issues(schema: JsonObject, value: JsonValue): string[] {
  return compileSchema(schema)(value).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}

function problems(schema: JsonValue): string[] {
  return checkSchema(schema).map(({ path, message }) => `${path.join('/')}: ${message}`);
}

const REVIEW: JsonObject = {
  type: 'object',
  required: ['verdict', 'score'],
  additionalProperties: false,
  properties: {
    verdict: { enum: ['accept', 'reject'] },
    score: { type: 'number', minimum: 0, maximum: 100 },
    findings: {
      type: 'array',
      items: {
        type: 'object',
        required: ['file'],
        properties: { file: { type: 'string' }, line: { type: 'integer' } },
      },
    },
  },
};

describe('a value', () => {
  it('is told what is wrong with it, and where', () => {
    expect(issues(REVIEW, { verdict: 'accept', score: 'high' })).toEqual([
      'score: expected a number, not the text "high"',
    ]);
    expect(
      issues(REVIEW, { verdict: 'acept', score: 101, findings: [{ file: 'a', line: 1.5 }, {}], scores: 1 }),
    ).toEqual([
      'verdict: expected one of "accept", "reject", not the text "acept". Did you mean "accept"?',
      'score: expected at most 100, not 101',
      'findings[0].line: expected a whole number, not the number 1.5',
      'findings[1].file: is missing',
      'scores: is not known here. Did you mean "score"?',
    ]);
    expect(issues(REVIEW, [])).toEqual(['expected an object, not a list']);
    expect(issues(REVIEW, {})).toEqual(['verdict: is missing', 'score: is missing']);
    expect(issues(REVIEW, { verdict: 'accept', score: 7, findings: [] })).toEqual([]);
  });

  it('is told five issues at most', () => {
    expect(issues({ items: { type: 'null' } }, [1, 2, 3, 4, 5, 6, 7])).toHaveLength(5);
  });

  it('has members with any names', () => {
    const schema = { additionalProperties: { type: 'number' } };
    expect(issues(schema, JSON.parse('{"a b":"x","__proto__":"y","":"z","ok":1}') as JsonValue)).toEqual([
      '["a b"]: expected a number, not the text "x"',
      '__proto__: expected a number, not the text "y"',
      '[""]: expected a number, not the text "z"',
    ]);
    expect(issues({ required: ['toString'] }, {})).toEqual(['toString: is missing']);
  });

  it.each<[string, JsonObject, readonly JsonValue[], readonly JsonValue[]]>([
    ['type list', { type: ['string', 'null'] }, ['a', null], [1, [], {}, false]],
    ['integer', { type: 'integer' }, [1, -3, 2.0], [1.5, '1']],
    ['nullable', { type: 'string', nullable: true, enum: ['a'] }, ['a', null], ['b', 1]],
    ['enum', { enum: [1, 'a', null, { b: [1] }] }, [1, 'a', null, { b: [1] }], ['1', { b: [2] }, [], '{}{"b":[1]}']],
    ['const', { const: { a: 1, b: 2 } }, [{ b: 2, a: 1 }], [{ a: 1 }, 1]],
    [
      'typeless keywords look only at their own types',
      { minLength: 3, minimum: 3, required: ['a'] },
      ['abc', 3, { a: 1 }, null, []],
      ['ab', 2, {}],
    ],
    ['properties without a type', { properties: { a: { type: 'number' } } }, [{}, { a: 1 }, 'text'], [{ a: 'x' }]],
    [
      'additionalProperties',
      { properties: { a: {} }, additionalProperties: { type: 'null' } },
      [{ a: 1, b: null }],
      [{ b: 1 }],
    ],
    [
      'patternProperties',
      { patternProperties: { '^x_': { type: 'number' } }, additionalProperties: false },
      [{ x_a: 1 }, {}],
      [{ x_a: '1' }, { y: 1 }],
    ],
    ['propertyNames', { propertyNames: { maxLength: 2 } }, [{ ab: 1 }], [{ abc: 1 }]],
    ['member counts', { minProperties: 1, maxProperties: 2 }, [{ a: 1 }], [{}, { a: 1, b: 1, c: 1 }]],
    ['dependentRequired', { dependentRequired: { a: ['b'] } }, [{}, { b: 1 }, { a: 1, b: 1 }], [{ a: 1 }]],
    ['dependentSchemas', { dependentSchemas: { a: { required: ['c'] } } }, [{}, { a: 1, c: 1 }], [{ a: 1 }]],
    ['items', { items: { type: 'number' }, minItems: 1, maxItems: 2 }, [[1], [1, 2]], [[], ['a'], [1, 2, 3]]],
    [
      'prefixItems',
      { prefixItems: [{ type: 'string' }, true], items: false },
      [[], ['a'], ['a', 1]],
      [[1], ['a', 1, 2]],
    ],
    [
      'items as a list, of an older draft',
      { items: [{ type: 'string' }], additionalItems: { type: 'number' } },
      [['a', 1]],
      [[1], ['a', 'b']],
    ],
    [
      'uniqueItems',
      { uniqueItems: true },
      [[1, '1', { a: 1 }, { a: 2 }, null]],
      [
        [1, 1],
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
      ],
    ],
    [
      'contains',
      { contains: { const: 1 }, minContains: 2, maxContains: 3 },
      [
        [1, 1],
        [1, 1, 1, 2],
      ],
      [[1], [1, 1, 1, 1]],
    ],
    ['lengths in characters', { minLength: 2, maxLength: 3 }, ['ab', '😀😀😀'], ['😀', 'abcd']],
    ['pattern', { pattern: 'a.c' }, ['xabcx', 'a😀c'], ['abd', 'ac']],
    ['bounds', { exclusiveMinimum: 0, exclusiveMaximum: 1, minimum: 0 }, [0.5], [0, 1]],
    ['multipleOf', { multipleOf: 0.1 }, [0.3, 1, -0.7], [0.35]],
    ['allOf', { allOf: [{ type: 'number' }, { minimum: 3 }] }, [3], [2, 'a']],
    ['anyOf', { anyOf: [{ type: 'number' }, { type: 'string', minLength: 2 }] }, [3, 'ab'], ['a', null]],
    ['oneOf', { oneOf: [{ type: 'number' }, { type: 'integer' }] }, [1.5], [1, 'a']],
    ['not', { not: { required: ['a'] } }, [{}], [{ a: 1 }, 1]],
    [
      'if',
      {
        if: { properties: { a: { const: 1 } }, required: ['a'] },
        then: { required: ['b'] },
        else: { required: ['c'] },
      },
      [{ a: 1, b: 1 }, { c: 1 }, 7],
      [{ a: 1 }, { a: 2 }],
    ],
    ['$ref', { $defs: { 'a/b %': { type: 'number' } }, items: { $ref: '#/$defs/a~1b %25' } }, [[1]], [['a']]],
    [
      '$ref to a property',
      { properties: { a: { type: 'number' }, b: { $ref: '#/properties/a' } } },
      [{ b: 1 }],
      [{ b: 'x' }],
    ],
    ['$ref beside other keywords', { $defs: { n: { type: 'number' } }, $ref: '#/$defs/n', minimum: 3 }, [3], [2, 'a']],
    [
      'recursion',
      { type: 'object', properties: { left: { $ref: '#' }, value: { type: 'number' } } },
      [{ left: { left: { value: 1 } } }],
      [{ left: { left: { value: 'x' } } }, { left: 1 }],
    ],
    ['false', { properties: { a: false } }, [{ b: 1 }], [{ a: 1 }]],
    [
      'date-time',
      { format: 'date-time' },
      ['2026-11-20T14:00:00Z', '2024-02-29t00:00:00.5+01:00', 3],
      ['2026-02-29T00:00:00Z', '2026-11-20', '2026-11-20T25:00:00Z'],
    ],
    ['date', { format: 'date' }, ['2000-02-29'], ['1900-02-29', '2026-13-01', '2026-00-01', '26-01-01']],
    ['email', { format: 'email' }, ['a.b+c@example.org'], ['a@', '@b', 'a b@c.org', 'a@-b.org']],
    ['uri', { format: 'uri' }, ['https://a.org/b?c#d', 'urn:x:y'], ['a/b', 'https://a b', '//a']],
    ['ip', { format: 'ipv6' }, ['::1', '2001:db8::1'], [':::', '1.2.3.4', ']/']],
    ['ipv4', { format: 'ipv4' }, ['1.2.3.4'], ['256.1.1.1', '1.2.3', '01.2.3.4']],
    ['uuid', { format: 'uuid' }, ['5f2b1c9e-0d4f-4b7e-9a57-1f3c8e6d2a10'], ['5f2b1c9e']],
    ['duration', { format: 'duration' }, ['P1D', 'PT1H30M', 'P1Y2M3DT4H'], ['P', 'PT', '1h']],
    ['time', { format: 'time' }, ['14:00:00Z'], ['14:00', '24:00:00Z']],
    ['hostname', { format: 'hostname' }, ['a.example'], ['a..b', '-a']],
    ['a format of somebody else', { format: 'flight-number' }, ['anything'], []],
  ])('%s', (_name, schema, good, bad) => {
    expect(problems(schema)).toEqual([]);
    expect(good.map((value) => issues(schema, value))).toEqual(good.map(() => []));
    expect(bad.filter((value) => issues(schema, value).length === 0)).toEqual([]);
  });

  it('is told which alternative it comes nearest to', () => {
    const schema = {
      oneOf: [
        {
          type: 'object',
          required: ['kind', 'size'],
          properties: { kind: { const: 'box' }, size: { type: 'number' } },
        },
        { type: 'string' },
        { type: 'null' },
      ],
    };
    expect(issues(schema, { kind: 'box', size: 'big' })).toEqual(['size: expected a number, not the text "big"']);
    expect(issues(schema, 7)).toEqual([
      'fits none of the 3 alternatives: expected an object, not the number 7; or expected a text, not the number 7; or expected null, not the number 7',
    ]);
    expect(issues({ oneOf: [true, { type: 'null' }] }, null)).toEqual([
      'fits more than one of the alternatives, but must fit exactly one (oneOf)',
    ]);
  });

  it('is not remembered from one check to the next', () => {
    const schema: JsonObject = { anyOf: [{ type: 'number' }, { type: 'string' }] };
    const test = compileSchema(schema);
    expect(compileSchema(schema)).toBe(test);
    expect([test(1), test('a'), test(null).length, test(1)]).toEqual([[], [], 1, []]);
  });

  it('may be anything for true', () => {
    expect(compileSchema(true)({ any: 'thing' })).toEqual([]);
  });
});

describe('a schema', () => {
  it('that can be used has no problems', () => {
    expect(problems(true)).toEqual([]);
    expect(problems({})).toEqual([]);
    expect(
      problems({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        title: 'A review',
        'x-mine': { any: 'thing' },
        default: { type: 'this is no schema' },
        examples: [1],
        ...REVIEW,
      }),
    ).toEqual([]);
  });

  it('is told all that is wrong with it, and where', () => {
    expect(
      problems({
        type: 'strin',
        propertys: {},
        required: true,
        properties: {
          a: { type: ['text', 3], minLength: -1, pattern: '(', format: 'datetime' },
          b: 'string',
          c: { $ref: 'https://example.org/schema.json' },
          d: { $ref: '#/$defs/itm' },
          e: { enum: [], exclusiveMinimum: true, multipleOf: 0 },
          f: { anyOf: [], items: 3, additionalProperties: 'no', unevaluatedProperties: false },
          g: { $ref: '#/properties/a/pattern' },
        },
        $defs: { item: { type: [] } },
      }),
    ).toMatchInlineSnapshot(`
      [
        "type: unknown type "strin". Did you mean "string"?",
        "propertys: unknown keyword "propertys" in a schema. Did you mean "properties"?",
        "required: "required" must be a list of names, not true; it stands beside "properties" and lists their names",
        "properties/a/type: unknown type "text". Did you mean "string"?",
        "properties/a/type: unknown type the number 3. Types are string, number, integer, boolean, null, array, object.",
        "properties/a/minLength: "minLength" must be a whole number from 0, not the number -1",
        "properties/a/pattern: the pattern is no regular expression: /(/: Unterminated group: "("",
        "properties/a/format: unknown format "datetime". Did you mean "date-time"?",
        "properties/b: a schema is a map such as "type: string", or true, not the text "string"",
        "properties/e/enum: "enum" must be a list of at least one value, not an empty list",
        "properties/e/exclusiveMinimum: "exclusiveMinimum" must be a number, not true; put the number itself there",
        "properties/e/multipleOf: "multipleOf" must be a number above 0, not the number 0",
        "properties/f/anyOf: "anyOf" must be a list of at least one schema, not an empty list",
        "properties/f/unevaluatedProperties: "unevaluatedProperties" is not supported; write additionalProperties",
        "properties/f/items: a schema is a map such as "type: string", or true, not the number 3",
        "properties/f/additionalProperties: a schema is a map such as "type: string", or true, not the text "no"",
        "$defs/item/type: "type" lists no type",
        "properties/c/$ref: "$ref" can only lead to a place of the same schema, such as "#/$defs/name", not "https://example.org/schema.json"",
        "properties/d/$ref: "$ref" leads to "#/$defs/itm", where no schema is. Did you mean "#/$defs/item"?",
        "properties/g/$ref: "$ref" leads to "#/properties/a/pattern", where no schema is.",
      ]
    `);
  });

  it.each<[string, JsonValue, RegExp]>([
    ['a text', 'string', /a schema is a map/],
    ['null', null, /a schema is a map .* not null/],
    ['a list', [], /not an empty list/],
    ['false', false, /allows nothing/],
    ['a proto key', JSON.parse('{"properties":{"__proto__":{}}}') as JsonValue, /"__proto__" is not allowed/],
    ['a constructor', { properties: { constructor: { type: 'string' } } }, /"constructor" is not allowed/],
    ['a prototype in a note', { default: { prototype: 1 } }, /"prototype" is not allowed/],
    ['a remote reference', { $ref: 'http://169.254.169.254/' }, /can only lead to a place of the same schema/],
    ['a reference to a file', { $ref: 'file:///etc/passwd' }, /can only lead to a place/],
    ['a reference to nothing', { $ref: '#/__proto__' }, /where no schema is/],
    ['a reference to a method', { $ref: '#/toString' }, /where no schema is/],
    ['a reference to a broken escape', { $ref: '#/%E0%A4%A' }, /where no schema is/],
    ['a reference to itself', { $ref: '#' }, /leads back to itself/],
    [
      'references in a circle',
      {
        $ref: '#/$defs/a',
        $defs: { a: { allOf: [{ $ref: '#/$defs/b' }] }, b: { anyOf: [true, { $ref: '#/$defs/a' }] } },
      },
      /leads back to itself/,
    ],
    ['a circle by way of not', { not: { $ref: '#' } }, /leads back to itself/],
    ['depth', nested(31), /nested deeper than 30/],
    ['a depth beyond every stack', deep(50_000), /nested deeper than 100/],
    ['many schemas', { properties: members(2_001, {}) }, /more than 2000 schemas/],
    ['many values', { enum: Array.from({ length: 20_001 }, (_, index) => index) }, /more than 20000 values/],
    ['a reference back', { pattern: '(a)\\1' }, /refers back/],
    ['a named reference back', { pattern: '(?<x>a)\\k<x>' }, /refers back/],
    ['looking ahead', { pattern: '^(?=a)b' }, /looks ahead or behind/],
    ['looking behind', { pattern: '(?<!a)b' }, /looks ahead or behind/],
    ['a pattern with counts that multiply', { pattern: '(?:a{50}){50}' }, /repeats too much/],
    ['a pattern with large counts', { pattern: '(?:a{100}){100}' }, /repeats too much/],
    ['a pattern with empty repeats', { pattern: '(?:(?:(?:){9999}){9999}){9999}' }, /repeats too much/],
    ['a long pattern', { pattern: 'a'.repeat(201) }, /201 characters, more than 200/],
    [
      'many patterns',
      { patternProperties: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`^p${String(index)}$`, {}])) },
      /more than 100 patterns/,
    ],
    ['a broken pattern of a name', { patternProperties: { '[': {} } }, /no regular expression/],
    ['names that are none', { required: [1] }, /"required" must be a list of names/],
    ['dependentRequired', { dependentRequired: { a: 'b' } }, /map of lists of names/],
  ])('with %s is refused', (_name, schema, reason) => {
    const found = problems(schema);
    expect(found.join('\n')).toMatch(reason);
    expect(found.length).toBeLessThanOrEqual(SCHEMA_LIMITS.problems);
  });

  it('that cannot be used is not compiled', () => {
    const compiling = (): unknown => compileSchema({ properties: { a: { type: 'strin' } } });
    expect(compiling).toThrow(
      new CoordError(
        'DEFINITION_INVALID',
        'the JSON Schema cannot be used at properties.a.type: unknown type "strin". Did you mean "string"?',
      ),
    );
  });

  it('is told fifty problems at most', () => {
    expect(problems({ properties: members(500, { type: 'x' }) })).toHaveLength(50);
  });

  it('just below the limits is fine', () => {
    expect(problems(nested(30))).toEqual([]);
    expect(problems({ properties: members(1_999, {}) })).toEqual([]);
  });
});

describe('what would not end', () => {
  /** Takes time that grows with the exponent or the power of the text, in JavaScript's own matcher. */
  it.each([
    ['^(a+)+$', 'a', '!'],
    ['^(a|a)*$', 'a', '!'],
    ['^(a|aa)+$', 'a', '!'],
    ['^(.*)*x$', 'a', ''],
    ['^([a-z]+-?)+$', 'a', '!'],
    ['.*a.*b.*c.*d', 'abc', ''],
    ['a*a*a*a*a*a*b', 'a', ''],
    ['^(?:a?){40}a{40}$', 'a', ''],
    ['^(\\w+\\s?)*$', 'word ', '!'],
    ['(x+x+)+y', 'x', ''],
  ])('the pattern %s is matched in time', (pattern, part, end) => {
    const text = part.repeat(Math.floor(10_000 / part.length)) + end;
    const start = performance.now();
    expect(issues({ pattern }, text)).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('patterns find what JavaScript finds', () => {
    const patterns = [
      '^[a-z]+(-[a-z]+)*$',
      '^v?\\d+\\.\\d+(?:\\.\\d+)?(-[\\w.]+)?$',
      '^(feat|fix|docs)(\\([^)]*\\))?!?: .{1,20}$',
      '\\bcat\\b',
      '\\Bcat',
      '^$',
      'a{2,3}b?',
      '^a{2,}$',
      '[\\]\\-x]',
      '^\\u{1F600}$',
      '^\\uD83D\\uDE00$',
      '\\p{Lu}\\P{Lu}',
      '^[^a]$',
      '\\x41\\u0042\\cJ?',
      'a|b|^c$|',
      '(?<year>\\d{4})|x',
      '^.$',
      'a{,2}',
      '^\\@\\_$',
      '(?:)',
      '^(?:a*)*b$',
      '\\.\\*\\/',
    ];
    const texts = [
      '',
      'a',
      'b',
      'aab',
      'aaab',
      'aa',
      'c',
      'feature',
      'one-two-three',
      'one--two',
      'v1.2',
      '1.2.3-rc.1',
      'feat: add it',
      'fix(core)!: x',
      'the cat sat',
      'concat',
      '😀',
      'Ab',
      'AB',
      'AB\n',
      'x]',
      '-',
      '2026',
      'a{,2}',
      '@_',
      '\n',
      './*',
      '.*/',
      'aaaab',
    ];
    const different = patterns.flatMap((pattern) =>
      texts
        .filter((text) => (issues({ pattern }, text).length === 0) !== native(pattern).test(text))
        .map((text) => [pattern, text]),
    );
    expect(different).toEqual([]);
  });

  it('a text too long for a pattern does not fit it', () => {
    expect(issues({ pattern: 'a' }, 'a'.repeat(10_241))).toEqual([
      'expected at most 10240 characters where a pattern is asked for, not 10241',
    ]);
  });

  it('alternatives that multiply are given up', () => {
    const both = { properties: { x: { $ref: '#/$defs/a' } } };
    const schema = {
      $ref: '#/$defs/a',
      $defs: {
        a: {
          type: 'object',
          anyOf: [
            { ...both, required: ['y'] },
            { ...both, required: ['z'] },
          ],
        },
      },
    };
    let value: JsonObject = { y: 1 };
    for (let depth = 0; depth < 60; depth++) value = { x: value };
    const start = performance.now();
    expect(issues(schema, value)).toEqual(['cannot be checked: it is too large for its schema']);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it('large lists are given up, and common ones are not', () => {
    const list = (length: number): JsonValue => Array.from({ length }, (_, index) => ({ name: `n${String(index)}` }));
    const schema = {
      items: { type: 'object', properties: { name: { type: 'string', pattern: '^n' } } },
      uniqueItems: true,
    };
    expect(issues(schema, list(5_000))).toEqual([]);
    expect(issues(schema, list(200_000))).toEqual(['cannot be checked: it is too large for its schema']);
  });

  it('deep values are given up before a stack is', () => {
    const tree = { type: ['object', 'array', 'null'], properties: { a: { $ref: '#' } }, items: { $ref: '#' } };
    expect(issues(tree, deep(SCHEMA_LIMITS.valueDepth - 2))).toEqual([]);
    expect(issues(tree, deep(100_000))).toEqual(['is nested too deep to be checked']);
    const heavy = {
      $ref: '#/$defs/a',
      $defs: { a: { allOf: Array.from({ length: 3 }, () => wrapped({ items: { $ref: '#/$defs/a' } }, 20)) } },
    };
    expect(issues(heavy, deep(100))).toEqual(['cannot be checked: it is nested too deep for its schema']);
  });

  it('nothing of a check remains on the language objects', () => {
    compileSchema({ properties: { a: {} } })(JSON.parse('{"__proto__":{"admin":true},"a":1}') as JsonValue);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

function native(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    return new RegExp(pattern);
  }
}

function members(count: number, schema: JsonValue): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${String(index)}`, schema]));
}

/** `depth` schemas inside each other. */
function nested(depth: number): JsonValue {
  let schema: JsonValue = {};
  for (let level = 1; level < depth; level++) schema = { items: schema };
  return schema;
}

function wrapped(schema: JsonObject, times: number): JsonObject {
  let inner = schema;
  for (let level = 0; level < times; level++) inner = { allOf: [inner] };
  return inner;
}

/** Lists inside each other. */
function deep(depth: number): JsonValue {
  let value: JsonValue = [];
  for (let level = 1; level < depth; level++) value = [value];
  return value;
}
