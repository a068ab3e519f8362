import { describe, expect, it } from 'vitest';
import { badPattern, contains, differences } from '../../src/testing/match.js';

describe('matching', () => {
  it.each([
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2, d: 3 }] } }],
    ['/^ab+$/', 'abbb'],
    [null, null],
    [{}, { a: 1 }],
  ])('%j matches %j', (expected, actual) => {
    expect(differences('it', expected, actual)).toEqual([]);
  });

  it.each([
    [{ a: 1 }, {}, 'it.a: 1 / nothing'],
    [{ a: { 'b c': 1 } }, { a: { 'b c': 2 } }, "it.a['b c']: 1 / 2"],
    [[1, 2], [1], 'it: [1,2] / [1]'],
    [[1, 2], [1, 3], 'it[1]: 2 / 3'],
    ['/^ab+$/', 'ac', 'it: /^ab+$/ / ac'],
    [{ a: 1 }, [1], 'it: {"a":1} / [1]'],
    [1, '1', 'it: 1 / 1'],
    [{ toString: 1 }, {}, 'it.toString: 1 / nothing'],
  ])('%j does not match %j', (expected, actual, difference) => {
    const found = differences('it', expected, actual).map(
      ({ what, expected: wanted, actual: given }) => `${what}: ${wanted} / ${given}`,
    );
    expect(found).toEqual([difference]);
  });

  it('cuts what is too long to read', () => {
    const [difference] = differences('it', 'a', 'b'.repeat(5_000));
    expect(difference?.actual).toMatch(/^b{300}… \(5000 characters\)$/);
  });

  it('finds texts and patterns', () => {
    expect([contains('b', 'abc'), contains('/^b/', 'abc'), contains('/c$/', 'abc')]).toEqual([true, false, true]);
    expect([badPattern('/(/') === null, badPattern('/a/'), badPattern('(')]).toEqual([false, null, null]);
  });

  it('takes no longer for hostile patterns', () => {
    expect(contains('/(a+)+$/', `${'a'.repeat(9_000)}b`)).toBe(false);
    expect(badPattern(`/${'a'.repeat(5_000)}/`)).toContain('write a shorter one');
  });
});
