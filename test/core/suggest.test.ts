import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../src/core/suggest.js';

describe('nearest', () => {
  const known = ['persona', 'depends', 'timeout', 'retries', 'when'];

  it.each([
    ['persna', 'persona'],
    ['presona', 'persona'],
    ['Timeout', 'timeout'],
    ['timout', 'timeout'],
    ['retry', null],
    ['wen', 'when'],
    ['artifacts', null],
    ['', null],
  ])('%s → %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });

  it('allows a third of the word to differ, and no more', () => {
    expect(nearest('abcdxx', ['abcdef'])).toBe('abcdef');
    expect(nearest('abcxxx', ['abcdef'])).toBeNull();
  });

  it('counts a swap of neighbors once', () => {
    expect(nearest('hwen', known)).toBe('when');
  });

  it('takes the nearest, and the earlier one of two as near', () => {
    expect(nearest('cat', ['bat', 'cab', 'cat'])).toBe('cat');
    expect(nearest('cat', ['cab', 'bat'])).toBe('cab');
  });
});

describe('didYouMean', () => {
  it('is ready to be appended to a sentence', () => {
    expect(`Unknown key "persna".${didYouMean('persna', ['persona'])}`).toBe(
      'Unknown key "persna". Did you mean "persona"?',
    );
    expect(didYouMean('xyz', ['persona'])).toBe('');
  });
});
