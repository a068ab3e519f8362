import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.js';
import { checkSchema, compileSchema, type KnownValue, typeOf } from '../../src/definition/json-schema.js';

const REVIEW: JsonObject = {
  $defs: {
    finding: {
      type: 'object',
      required: ['file'],
      properties: { file: { type: 'string' } },
      additionalProperties: false,
    },
  },
  type: 'object',
  required: ['verdict', 'nested'],
  properties: {
    verdict: { enum: ['accept', 'reject'] },
    score: { type: ['integer', 'null'] },
    findings: { type: 'array', items: { $ref: '#/$defs/finding' } },
    pair: { prefixItems: [{ type: 'number' }], items: false, type: 'array' },
    nested: { type: 'object', required: ['flag'], properties: { flag: { type: 'boolean' } } },
    either: {
      anyOf: [
        { type: 'object', properties: { a: { type: 'number' } }, additionalProperties: false },
        { type: 'string' },
      ],
    },
    both: { allOf: [{ type: ['string', 'number'] }, { type: ['number', 'null'] }] },
  },
  additionalProperties: { type: 'number' },
};

/** In one line: types, values, names, whether there are no others, exists. */
function known(schema: JsonObject | true, ...path: (string | number)[]): string {
  const { types, values, names, others, exists } = typeOf(schema, path);
  const shown = [types === null ? 'any' : [...types].toSorted().join('|')];
  if (values !== null) shown.push(JSON.stringify(values));
  if (names.length > 0) shown.push(`{${names.join(',')}}`);
  return [...shown, ...(others === 'no' ? ['closed'] : []), exists].join(' ');
}

describe('what a schema says for certain', () => {
  it.each<[readonly (string | number)[], string]>([
    [[], 'object {verdict,score,findings,pair,nested,either,both} yes'],
    [['verdict'], 'string ["accept","reject"] yes'],
    [['score'], 'null|number maybe'],
    [['score', 'x'], 'any no'],
    [['findings'], 'array maybe'],
    [['findings', 0], 'object {file} closed maybe'],
    [['findings', '0', 'file'], 'string maybe'],
    [['findings', 0, 'line'], 'any no'],
    [['findings', 'length'], 'number maybe'],
    [['findings', 'size'], 'any no'],
    [['pair', 0], 'number maybe'],
    [['pair', 1], 'any no'],
    [['nested', 'flag'], 'boolean yes'],
    [['nested', 'other'], 'any maybe'],
    [['verdict', 'length'], 'number yes'],
    [['verdict', 'x'], 'any no'],
    [['either', 'a'], 'number maybe'],
    [['either', 'b'], 'any no'],
    [['either', 'length'], 'number maybe'],
    [['both'], 'number maybe'],
    [['anything'], 'number maybe'],
  ])('of %j', (path, expected) => {
    expect(checkSchema(REVIEW)).toEqual([]);
    expect(known(REVIEW, ...path)).toBe(expected);
  });

  it('is nothing where nothing is said', () => {
    expect(known(true)).toBe('any yes');
    expect(known(true, 'a', 0)).toBe('any maybe');
    expect(known({ patternProperties: { a: { type: 'number' } }, additionalProperties: false }, 'a')).toBe('any maybe');
    expect(known({ not: { type: 'string' } })).toBe('any yes');
    expect(known({ type: 'string', nullable: true, enum: ['a'] })).toBe('null|string ["a",null] yes');
  });

  it.each<[JsonObject, KnownValue['others']]>([
    [{ type: 'object', properties: { a: true } }, 'unsaid'],
    [{ type: ['object', 'null'], properties: { a: true }, additionalProperties: false }, 'no'],
    [{ type: 'object', properties: { a: true }, additionalProperties: true }, 'yes'],
    [{ type: 'object', properties: { a: true }, additionalProperties: { type: 'string' } }, 'yes'],
    [{ type: 'object', properties: { a: true }, patternProperties: { b: true }, additionalProperties: false }, 'yes'],
    [{ type: 'object', properties: { a: true }, if: true, then: { properties: { b: true } } }, 'yes'],
    [{ type: 'object' }, 'yes'],
    [{ anyOf: [{ properties: { a: true }, additionalProperties: false }, { properties: { b: true } }] }, 'yes'],
    [{ anyOf: [{ additionalProperties: false }, { properties: { b: true }, additionalProperties: false }] }, 'no'],
  ])('tells whether members without a name are possible: %j', (schema, others) => {
    expect(typeOf(schema, []).others).toBe(others);
  });

  it('is nothing once the effort is spent that one file is worth', () => {
    const properties = Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`p${String(index)}`, true]));
    const schema: JsonObject = { type: 'object', properties, additionalProperties: false };
    const effort = { left: 350 };
    expect(typeOf(schema, ['other'], effort).exists).toBe('no');
    expect(typeOf(schema, ['other'], effort).exists).toBe('no');
    expect(typeOf(schema, ['other'], effort).exists).toBe('no');
    expect(typeOf(schema, ['other'], effort)).toEqual({
      types: null,
      values: null,
      names: [],
      others: 'yes',
      exists: 'maybe',
    });
  });

  it('ends for schemas that contain themselves and for ones that multiply', () => {
    const tree: JsonObject = { type: 'object', properties: { left: { $ref: '#' } } };
    expect(known(tree, ...Array.from({ length: 200 }, () => 'left'))).toBe('object {left} maybe');
    const two = (schema: JsonValue): JsonValue => ({ allOf: [{ anyOf: [schema, true] }, { anyOf: [schema, true] }] });
    let schema: JsonValue = { type: 'string' };
    for (let depth = 0; depth < 12; depth++) schema = two(schema);
    expect(checkSchema(schema)).not.toEqual([]);
    let small: JsonValue = { type: 'string' };
    for (let depth = 0; depth < 6; depth++) small = two(small);
    expect(known(small as JsonObject)).toBe('any maybe');
    const circle: JsonObject = { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } };
    expect(known(circle, 'x')).toBe('any maybe');
  });

  it('is never more than the test of values says', () => {
    const leaf = fc.constantFrom<JsonObject>(
      { type: 'string' },
      { type: 'number' },
      { enum: ['a', 1] },
      { const: null },
      {},
      { type: ['boolean', 'array'] },
    );
    const { node } = fc.letrec<{ node: JsonObject }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.record({
          type: fc.constant('object'),
          properties: fc.record({ a: tie('node'), b: tie('node') }, { requiredKeys: [] }),
          required: fc.constantFrom([], ['a']),
          additionalProperties: fc.boolean(),
        }) as fc.Arbitrary<JsonObject>,
        fc.record({ type: fc.constant('array'), items: tie('node') }) as fc.Arbitrary<JsonObject>,
        fc.record({ anyOf: fc.array(tie('node'), { minLength: 1, maxLength: 2 }) }) as fc.Arbitrary<JsonObject>,
        fc.record({ allOf: fc.array(tie('node'), { minLength: 1, maxLength: 2 }) }) as fc.Arbitrary<JsonObject>,
      ),
    }));
    const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<JsonValue>('a', 'b', 1, 2, null, true),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value')) as fc.Arbitrary<JsonValue>,
        fc.array(tie('value'), { maxLength: 2 }),
      ),
    }));
    const path = fc.array(fc.constantFrom<string | number>('a', 'b', 'c', 0, 'length'), { maxLength: 3 });
    let fitting = 0;
    fc.assert(
      fc.property(node, value, path, (schema, candidate, keys) => {
        if (compileSchema(schema)(candidate).length > 0) return;
        fitting++;
        expect(contradiction(typeOf(schema, keys), at(candidate, keys))).toBeNull();
      }),
      { numRuns: 3_000, seed: 7 },
    );
    expect(fitting).toBeGreaterThan(300);
  });
});

/** What is said of a place, against what is there. */
function contradiction({ types, values, exists }: KnownValue, found: JsonValue | undefined): string | null {
  if (found === undefined) return exists === 'yes' ? 'nothing is there' : null;
  if (exists === 'no') return 'something is there';
  if (types !== null && !([...types] as string[]).includes(typeName(found))) return 'it has another type';
  const texts = values?.map((value) => JSON.stringify(value));
  return texts?.includes(JSON.stringify(found)) === false ? 'it has another value' : null;
}

/** As an expression reads it; undefined when nothing is there. */
function at(value: JsonValue, path: readonly (string | number)[]): JsonValue | undefined {
  let current: JsonValue | undefined = value;
  for (const key of path) {
    if (typeof current === 'string' || Array.isArray(current)) {
      const list: string | readonly JsonValue[] = current as string | readonly JsonValue[];
      current = key === 'length' ? list.length : typeof key === 'number' ? list[key] : undefined;
    } else if (typeof current === 'object' && current !== null) {
      const object: JsonObject = current as JsonObject;
      current = Object.hasOwn(object, key) ? object[key] : undefined;
    } else return undefined;
  }
  return current;
}

function typeName(value: JsonValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
