import { describe, expect, test } from 'vitest';
import { countTests } from '../../src/personas/test-counts.js';

const counts = (passed: number, failed: number, skipped: number): object => ({ passed, failed, skipped });

describe('what test runners print', () => {
  test.each([
    ['node, TAP', '# tests 4\n# suites 1\n# pass 2\n# fail 1\n# cancelled 0\n# skipped 1\n# todo 0\n', counts(2, 1, 1)],
    ['node, for people', 'ℹ tests 3\nℹ pass 3\nℹ fail 0\nℹ skipped 0\n', counts(3, 0, 0)],
    ['vitest', ' Test Files  1 failed (1)\n      Tests  1 failed | 5 passed | 2 skipped (8)\n', counts(5, 1, 2)],
    [
      'vitest in colors',
      '\u001B[2m      Tests \u001B[22m \u001B[1m\u001B[32m26 passed\u001B[39m\u001B[22m (26)\n',
      counts(26, 0, 0),
    ],
    ['jest', 'Test Suites: 1 passed, 1 total\nTests:       1 failed, 2 skipped, 5 passed, 8 total\n', counts(5, 1, 2)],
    ['mocha', '\n  5 passing (20ms)\n  2 pending\n  1 failing\n', counts(5, 1, 2)],
    ['pytest', '========= 1 failed, 5 passed, 2 skipped, 1 warning in 0.12s =========\n', counts(5, 1, 2)],
    ['pytest -q', '5 passed in 0.01s\n', counts(5, 0, 0)],
    [
      'cargo, two crates',
      'test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured\ntest result: ok. 2 passed; 0 failed; 0 ignored\n',
      counts(7, 0, 1),
    ],
    [
      'go -v',
      '=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- PASS: TestA/b (0.00s)\n--- SKIP: TestC (0.00s)\nok  \tx\t0.1s\n',
      counts(2, 0, 1),
    ],
    [
      'go',
      'ok  \texample.com/a\t0.012s\nok  \texample.com/b\t0.01s [no tests to run]\n?   \texample.com/c\t[no test files]\n',
      counts(1, 0, 1),
    ],
    ['TAP', '1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\n', counts(1, 1, 1)],
    ['two summaries', '# pass 2\n# fail 0\n\n# pass 3\n# fail 1\n', counts(5, 1, 0)],
  ])('%s', (_, output, expected) => {
    expect(countTests(output)).toEqual(expected);
  });

  test.each(['', 'all good, 12 tests passed\n', 'Tests are passing\n', '# passed 5\n', 'I ran 5 passed tests'])(
    '%j says nothing',
    (text) => {
      expect(countTests(text)).toBeNull();
    },
  );
});
