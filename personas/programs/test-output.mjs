/**
 * Reads what test runners print: how many tests passed, failed and were left out, and the names of those that
 * failed. Knows node:test (TAP and spec), other TAP, vitest, jest, mocha, pytest, cargo and go. Summaries of several runners
 * in one output are added up; output without any summary counts no tests at all.
 */

const ANSI = /\u001b\[[0-9;]*[A-Za-z]/g;

// A whole block, so that a test which prints "# pass 99" is not taken for a summary.
const NODE_SUMMARY =
  /^(?:#|ℹ) tests (\d+)\n(?:(?:#|ℹ) suites \d+\n)?(?:#|ℹ) pass\s+(\d+)(?:\n(?:#|ℹ) fail\s+(\d+))?(?:\n(?:#|ℹ) cancelled (\d+))?(?:\n(?:#|ℹ) skipped (\d+))?(?:\n(?:#|ℹ) todo (\d+))?/gm;

/** Summaries whose numbers stand before a word: `1 failed | 5 passed (6)`. */
const WORD_SUMMARIES = [
  /^ *Tests:? {2,}(.*)$/gm, // vitest, jest
  /^=* ?(\d+ (?:passed|failed|errors?|skipped|xfailed|xpassed)\b.*) in [\d.]+s\b/gm, // pytest
  /^test result: \w+\. (.*)$/gm, // cargo
];
const WORDS = {
  passed: ['passed', 'xpassed'],
  failed: ['failed', 'error', 'errors'],
  skipped: ['skipped', 'todo', 'pending', 'ignored', 'xfailed'],
};

/** `{ passed, failed, skipped, failing: [{ name, file, line }] }` of a runner's output. */
export function readTestOutput(output) {
  const text = output.replace(ANSI, '');
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const add = (passed, failed, skipped) => {
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += skipped;
  };
  const number = (value) => Number(value ?? 0);
  for (const [, , pass, fail, canceled, skipped, todo] of text.matchAll(NODE_SUMMARY)) {
    add(number(pass), number(fail) + number(canceled), number(skipped) + number(todo));
  }
  for (const [, words] of WORD_SUMMARIES.flatMap((pattern) => [...text.matchAll(pattern)])) {
    const sum = (names) =>
      names.reduce((total, name) => total + number(new RegExp(`(\\d+) ${name}\\b`).exec(words)?.[1]), 0);
    add(sum(WORDS.passed), sum(WORDS.failed), sum(WORDS.skipped));
  }
  const each = (pattern) => [...text.matchAll(pattern)].reduce((total, match) => total + number(match[1]), 0);
  const lines = (pattern) => [...text.matchAll(pattern)].length;
  add(each(/^ {2}(\d+) passing\b/gm), each(/^ {2}(\d+) failing\b/gm), each(/^ {2}(\d+) pending\b/gm)); // mocha
  add(lines(/^\s*--- PASS: /gm), lines(/^\s*--- FAIL: /gm), lines(/^\s*--- SKIP: /gm)); // go
  return { ...counts, failing: failingTests(text) };
}

/** Patterns of the other runners; the first group is the name, the second, if any, the file. */
const FAILURES = [
  /^ *FAIL {1,2}(?:\|[^|]*\| )?(?:\S+ > )(.+)$/gm, // vitest
  /^ {2}● (.+)$/gm, // jest
  /^ {2}\d+\) (?!.*:$)(.+)$/gm, // mocha, a test outside a suite
  /^FAILED ((\S+?)::\S+)/gm, // pytest
  /^test (\S+) \.\.\. FAILED$/gm, // cargo
  /^\s*--- FAIL: (\S+)/gm, // go
];

function failingTests(text) {
  const found = [...tapFailures(text), ...specFailures(text)];
  for (const match of FAILURES.flatMap((pattern) => [...text.matchAll(pattern)])) {
    found.push({ name: match[1].trim(), file: match[2] ?? null, line: null });
  }
  const seen = new Set();
  return found.filter((test) => {
    const key = `${test.file} ${test.name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** `not ok 2 - name`, followed by a block with `location: 'file:line:column'`. A suite that fails by its tests is left out. */
function tapFailures(text) {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const name = /^\s*not ok \d+ -? ?(.+)$/.exec(line)?.[1];
    if (name === undefined || /\s# (TODO|SKIP)\b/.test(name)) return [];
    const rest = lines.slice(index + 1, index + 100);
    const end = rest.findIndex((other) => /^\s*(\.\.\.|(not )?ok \d+.*)$/.test(other));
    const block = rest.slice(0, end === -1 ? undefined : end).join('\n');
    if (/^\s*failureType: 'subtestsFailed'$/m.test(block)) return [];
    return [{ name: name.replace(/\\#/g, '#'), ...place(/^\s*location: '(.*)'$/m.exec(block)?.[1]) }];
  });
}

/** The section "failing tests:" of node's spec reporter: `test at file:line:column`, then the name. */
function specFailures(text) {
  return [...text.matchAll(/^test at (.+)\n✖ (.+?)(?: \([\d.]+ms\))?$/gm)].map(([, at, name]) => ({
    name,
    ...place(at),
  }));
}

function place(location) {
  const match = /^(.*?):(\d+):\d+$/.exec(location ?? '');
  return { file: match?.[1] ?? null, line: match === null ? null : Number(match[2]) };
}
