import { describe, expect, test } from 'vitest';
import { globFolder, globMatcher, globProblem } from '../../src/core/glob.js';

describe('a pattern of paths', () => {
  test.each([
    ['*.md', ['a.md', '.md'], ['a.txt', 'x/a.md', 'amd']],
    ['docs/**/*.md', ['docs/a.md', 'docs/x/y/a.md'], ['docs/a.txt', 'other/docs/a.md', 'docs']],
    ['**', ['a', 'x/y'], []],
    ['**/a?.ts', ['a1.ts', 'x/ab.ts'], ['a.ts', 'x/abc.ts', 'x/a/.ts']],
    ['a+b/(c).ts', ['a+b/(c).ts'], ['aab/c.ts']],
  ])('%s', (pattern, fits, others) => {
    const matches = globMatcher(pattern);
    expect(globProblem(pattern)).toBeNull();
    expect(fits.filter((path) => !matches(path))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });

  test('says what it cannot be', () => {
    for (const pattern of ['', '/a', '../a', 'a/../b', 'a//b', './a', '[ab]', '{a,b}', 'a**b'])
      expect({ pattern, wrong: globProblem(pattern) }).not.toEqual({ pattern, wrong: null });
  });

  test('says where to look', () => {
    expect(['*.md', 'docs/**/*.md', 'docs/a.md', 'a/b/*/c', '**'].map(globFolder)).toEqual([
      '',
      'docs',
      'docs',
      'a/b',
      '',
    ]);
  });
});
