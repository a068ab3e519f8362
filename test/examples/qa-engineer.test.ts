import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ask, BUILT_IN, Repository } from './repository.js';

const PACKAGE = '{ "type": "module", "scripts": { "test": "node --test" } }';
const one = (name: string, body = ''): string =>
  `import { test } from 'node:test';\ntest('${name}', () => {${body}});\n`;

describe('the built-in QA engineer', () => {
  it('passes when every test passes, and counts them', async () => {
    const repository = new Repository({
      'package.json': PACKAGE,
      'test/a.test.js': one('first') + "test('second', () => {});\ntest.skip('third', () => {});\n",
    });
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository });
    expect(answer.status).toBe('pass');
    expect(answer.result).toMatchObject({ passed: 2, failed: 0, skipped: 1, exitCode: 0, failing: [] });
    expect(answer.result['command']).toEqual(['npm', 'test', '--silent']);
    expect(answer.artifacts['qa.log']).toMatch(/^\$ npm test --silent\n[\s\S]*ok 1 - first[\s\S]*\[exit code 0, /);
    expect(answer.progress).toContain('running npm test --silent');
  });

  it('fails with the names and places of the failing tests', async () => {
    const repository = new Repository({
      'package.json': PACKAGE,
      'test/a.test.js': one('good') + "test('bad', () => {\n  throw new Error('no');\n});\n",
    });
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository });
    expect(answer.status).toBe('fail');
    expect(answer.result).toMatchObject({ passed: 1, failed: 1, exitCode: 1 });
    expect(answer.result['failing']).toEqual([{ name: 'bad', file: 'test/a.test.js', line: 3 }]);
    expect(answer.error).toBe('1 of 2 tests failed: "bad"');
  });

  it('does not take exit code 0 without a test for a pass', async () => {
    const repository = new Repository({ 'package.json': '{ "scripts": { "test": "echo pass 5" } }' });
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository });
    expect(answer).toMatchObject({ status: 'fail', error: 'the test command ended well, but no test ran' });
  });

  it('does not take passed tests for a pass when the exit code is bad', async () => {
    const repository = new Repository({
      'run.js': "console.log('# tests 2\\n# pass 2\\n# fail 0');\nprocess.exitCode = 3;\n",
    });
    const params = { command: ['node', 'run.js'] };
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository, params });
    expect(answer).toMatchObject({ status: 'fail', error: 'the test command ended with exit code 3 after 2 tests' });
  });

  it('fails when there is nothing to run, and says what would help', async () => {
    const repository = new Repository({ 'README.md': 'nothing here\n' });
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository });
    expect(answer.status).toBe('fail');
    expect(answer.error).toContain('no test command found');
  });

  it('answers with an error when the command cannot be started', async () => {
    const repository = new Repository({ 'README.md': 'nothing here\n' });
    const params = { command: ['./no-such-program'] };
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository, params });
    expect(answer.status).toBe('error');
    expect(answer.error).toContain('"./no-such-program" could not be started');
  });

  it('names what the tests left behind, and leaves it where it is', async () => {
    const write =
      "import { writeFileSync } from 'node:fs';\nwriteFileSync('kept.txt', 'new');\nwriteFileSync('é.txt', '');\n";
    const repository = new Repository({
      'package.json': PACKAGE,
      'kept.txt': 'old',
      'test/a.test.js': write + one('writes'),
    });
    repository.write({ 'mine.txt': 'not committed yet' });
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository });
    expect(answer).toMatchObject({ status: 'pass', result: { leftBehind: ['kept.txt', 'é.txt'] } });
    expect(readFileSync(join(repository.folder, 'kept.txt'), 'utf8')).toBe('new');
  });
});

describe('the summaries of test runners', () => {
  const cases: readonly (readonly [
    string,
    string,
    { passed: number; failed: number; skipped: number; name?: string },
  ])[] = [
    [
      'node, spec',
      'ℹ tests 3\nℹ suites 0\nℹ pass 1\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\nℹ todo 0\n\n✖ failing tests:\n\ntest at test/a.js:3:1\n✖ it (adds) (1.2ms)\n',
      { passed: 1, failed: 2, skipped: 0, name: 'it (adds)' },
    ],
    [
      'vitest',
      ' FAIL  test/a.test.ts > sums > adds\n\n Test Files  1 failed | 1 passed (2)\n      Tests  1 failed | 5 passed | 2 skipped (8)\n',
      { passed: 5, failed: 1, skipped: 2, name: 'sums > adds' },
    ],
    [
      'jest',
      '  ● sums › adds\n\nTest Suites: 1 failed, 1 total\nTests:       1 failed, 4 passed, 5 total\n',
      { passed: 4, failed: 1, skipped: 0, name: 'sums › adds' },
    ],
    [
      'mocha',
      '  7 passing (12ms)\n  1 pending\n  1 failing\n\n  1) adds\n',
      { passed: 7, failed: 1, skipped: 1, name: 'adds' },
    ],
    [
      'pytest',
      'FAILED tests/test_sum.py::test_adds - assert 1 == 2\n===== 1 failed, 3 passed, 1 skipped in 0.12s =====\n',
      { passed: 3, failed: 1, skipped: 1, name: 'tests/test_sum.py::test_adds' },
    ],
    [
      'cargo',
      'test sums::adds ... FAILED\ntest result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n',
      { passed: 2, failed: 1, skipped: 1, name: 'sums::adds' },
    ],
    ['go', '--- PASS: TestA (0.00s)\n--- FAIL: TestB (0.00s)\n', { passed: 1, failed: 1, skipped: 0, name: 'TestB' }],
    [
      'a test that prints a summary',
      '# pass 99\nTests run: many\n1..1\n# tests 1\n# suites 0\n# pass 1\n# fail 0\n',
      { passed: 1, failed: 0, skipped: 0 },
    ],
  ];
  it.each(cases)('%s', async (_runner, output, { name, ...counts }) => {
    const repository = new Repository({ 'output.txt': `\u001b[31m${output}` });
    const print = "process.stdout.write(require('node:fs').readFileSync('output.txt'))";
    const params = { command: ['node', '-e', print] };
    const answer = await ask({ from: BUILT_IN, persona: 'qa-engineer', in: repository, params });
    expect(answer.result).toMatchObject(counts);
    expect(answer.status).toBe(counts.failed === 0 ? 'pass' : 'fail');
    expect(answer.result['failing']).toMatchObject(name === undefined ? [] : [{ name }]);
  });
});
