import { describe, expect, it } from 'vitest';
import { isWithin } from '../../src/expression/size.js';

describe('the size of a value', () => {
  it('is about that of its JSON', () => {
    for (const value of ['text', 12, null, [1, 2, 3], { a: 'b', c: [true, { d: 'e'.repeat(500) }] }]) {
      const { length } = JSON.stringify(value);
      expect(isWithin(value, length * 7)).toBe(true);
      expect(isWithin(value, Math.floor(length / 3))).toBe(false);
    }
    expect(isWithin(undefined, 10)).toBe(true);
  });

  it('counts what is shared as often as it would be written', () => {
    let list: unknown[] = ['x'];
    for (let times = 0; times < 60; times++) list = [list, list];
    expect(isWithin(list, 1_000_000)).toBe(false);
  });

  it('is found without a stack and without looking at everything', () => {
    let deep: unknown[] = [];
    for (let depth = 0; depth < 200_000; depth++) deep = [deep];
    expect(isWithin(deep, 10_000_000)).toBe(true);
    expect(
      isWithin(
        Array.from({ length: 1_000_000 }, () => 'x'),
        1_000,
      ),
    ).toBe(false);
  });
});
