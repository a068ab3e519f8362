/** How many tests have run, read off what a test runner prints at its end: one row per way to say it. */

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TESTS: TestCounts = { passed: 0, failed: 0, skipped: 0 };

type Count = keyof TestCounts;

interface Format {
  /** Lines that say it, with the words in which they do. */
  readonly line: RegExp;
  /** Where in the line which number stands. All such lines are added up. */
  readonly parts: Readonly<Partial<Record<Count, RegExp>>>;
}

/** The first that says anything counts. */
const FORMATS: readonly Format[] = [
  // node --test, as TAP and as people read it: a line for each number.
  {
    line: /^(?:#|ℹ) (?:pass|fail|cancelled|skipped|todo) \d+$/,
    parts: {
      passed: /(?:#|ℹ) pass (\d+)/,
      failed: /(?:#|ℹ) (?:fail|cancelled) (\d+)/,
      skipped: /(?:#|ℹ) (?:skipped|todo) (\d+)/,
    },
  },
  // vitest (`Tests  1 failed | 5 passed (6)`) and jest (`Tests: 1 failed, 5 passed, 6 total`).
  {
    line: /^\s*Tests:?\s+.*\d+ (?:passed|failed|skipped|todo)/,
    parts: { passed: /(\d+) passed/, failed: /(\d+) failed/, skipped: /(\d+) skipped/ },
  },
  // pytest: `=== 1 failed, 5 passed, 2 skipped in 0.12s ===`.
  {
    line: /^=*\s*(?:\d+ (?:passed|failed|skipped|errors?|xfailed|xpassed|warnings?|deselected)(?:, )?)+ in [\d.]+/,
    parts: { passed: /(\d+) passed/, failed: /(\d+) (?:failed|errors?)/, skipped: /(\d+) skipped/ },
  },
  // cargo: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
  {
    line: /^test result: .*\d+ passed/,
    parts: { passed: /(\d+) passed/, failed: /(\d+) failed/, skipped: /(\d+) ignored/ },
  },
  // mocha: `  5 passing (20ms)`, `  1 failing`, `  2 pending`.
  {
    line: /^\s+\d+ (?:passing|failing|pending)\b/,
    parts: { passed: /(\d+) passing/, failed: /(\d+) failing/, skipped: /(\d+) pending/ },
  },
];

/** Formats that have a line for every test. */
const BY_TEST: readonly Readonly<Record<Count, RegExp>>[] = [
  // go test -v
  { passed: /^\s*--- PASS: /, failed: /^\s*--- FAIL: /, skipped: /^\s*--- SKIP: / },
  // go test: a line for every package that has tests.
  { passed: /^ok {2}\t\S+\t(?!.*\[no tests)/, failed: /^FAIL\t\S+\t/, skipped: /^\? {3}\t\S+\t\[no test files\]/ },
  // TAP without a summary.
  {
    passed: /^ok\b(?!.*# (?:skip|todo))/i,
    failed: /^not ok\b(?!.*# (?:skip|todo))/i,
    skipped: /^(?:not )?ok\b.*# (?:skip|todo)/i,
  },
];

/** What a runner has said, or null when it has said nothing that is known here. */
export function countTests(output: string): TestCounts | null {
  const lines = plain(output).split(/\r?\n/);
  for (const { line, parts } of FORMATS) {
    const said = lines.filter((text) => line.test(text));
    if (said.length === 0) continue;
    const counts = said.map(
      (text): TestCounts => ({
        passed: numberIn(text, parts.passed),
        failed: numberIn(text, parts.failed),
        skipped: numberIn(text, parts.skipped),
      }),
    );
    return counts.reduce(sumOfTests, NO_TESTS);
  }
  for (const format of BY_TEST) {
    const count = (key: Count): number => lines.filter((text) => format[key].test(text)).length;
    const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
    if (counts.passed + counts.failed + counts.skipped > 0) return counts;
  }
  return null;
}

export function sumOfTests(a: TestCounts, b: TestCounts): TestCounts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

function numberIn(text: string, pattern: RegExp | undefined): number {
  return Number(pattern?.exec(text)?.[1] ?? 0);
}

/** Without colors. */
function plain(output: string): string {
  return output.replace(/\u001B\[[\d;]*[A-Za-z]/g, '');
}
