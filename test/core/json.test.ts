import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  isJsonObject,
  jsonObjectSchema,
  type JsonValue,
  jsonValueSchema,
  sha256,
} from '../../src/core/json.js';

// JSON has no −0: it is written as 0, so it is left out of the round trip.
const anyJson = fc
  .jsonValue()
  .filter((value) => !JSON.stringify(value, (_, item: unknown) => (Object.is(item, -0) ? '−0' : item)).includes('−0'))
  .map((value) => value as JsonValue);

/** The same value, its object keys inserted in the opposite order. */
function reordered(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => reordered(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item)]),
  );
}

describe('canonicalJson', () => {
  it('gives equal values equal text', () => {
    fc.assert(fc.property(anyJson, (value) => canonicalJson(reordered(value)) === canonicalJson(value)));
    expect(canonicalJson({ b: 1, a: { d: [2, { z: null, y: '' }], c: true } })).toBe(
      '{"a":{"c":true,"d":[2,{"y":"","z":null}]},"b":1}',
    );
  });

  it('gives different values different text: parsing it gives the value back', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it('orders keys by code unit, not by language or as numbers', () => {
    expect(canonicalJson({ ä: 1, b: 1, B: 1, 10: 1, 9: 1 })).toBe('{"10":1,"9":1,"B":1,"b":1,"ä":1}');
  });

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"x":1}}') as JsonValue)).toBe('{"__proto__":{"x":1}}');
  });
});

describe('schemas', () => {
  it.each([null, 0, 'x', [1, [null]], { a: { b: [] } }])('accept %j', (value) => {
    expect(jsonValueSchema.parse(value)).toEqual(value);
  });

  it.each([undefined, () => 1, 1n, Number.NaN, { a: undefined }])('refuse what JSON cannot say', (value) => {
    expect(jsonValueSchema.safeParse(value).success).toBe(false);
  });

  it('tell objects from everything else', () => {
    for (const value of [null, [], 'x', 1]) {
      expect(isJsonObject(value)).toBe(false);
      expect(jsonObjectSchema.safeParse(value).success).toBe(false);
    }
    expect(isJsonObject({})).toBe(true);
    expect(jsonObjectSchema.parse({ a: 1 })).toEqual({ a: 1 });
  });
});

describe('sha256', () => {
  it('is that of the bytes; text counts as UTF-8', () => {
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('ä')).toBe(sha256(new Uint8Array([0xc3, 0xa4])));
  });
});
