/** Results of workflow tests as lines: what was expected, what was, and the history that led there. */
import { coveragePercent, type TestReport, type TestResult, type WorkflowCoverage } from '../../core/test-report.js';
import { duration } from './duration.js';
import { FactTeller } from './fact-line.js';
import type { Palette } from './paint.js';
import { oneLine } from './printable.js';

const HISTORY_SHOWN = 60;
const CHOICES_SHOWN = 40;

export function resultLines(colors: Palette, result: TestResult): readonly string[] {
  const { name, ok, virtualMs, realMs, interleavings, differences, file, line, choices } = result;
  const orders = interleavings === null ? '' : `, ${ordersOf(interleavings)}`;
  const took = colors.dim(`(${duration(virtualMs)} in ${String(realMs)} ms${orders})`);
  const head = `  ${ok ? colors.good('✓') : colors.bad('✗')} ${oneLine(name)} ${took}`;
  if (ok) return [head];
  return [
    head,
    colors.dim(`    ${oneLine(file)}:${String(line)}`),
    ...differences.flatMap(({ what, expected, actual }) => [
      `    ${colors.bold(oneLine(what))}`,
      `      expected  ${colors.good(oneLine(expected))}`,
      `      actual    ${colors.bad(oneLine(actual))}`,
    ]),
    ...listed('choices that lead there', choices.slice(0, CHOICES_SHOWN), choices.length),
    ...history(result),
  ];
}

function ordersOf({ checked, all }: { readonly checked: number; readonly all: boolean }): string {
  const count = checked === 1 ? '1 order' : `${String(checked)} orders`;
  return `${all ? 'all ' : ''}${count} of events`;
}

export function coverageLines(colors: Palette, { coverage }: TestReport): readonly string[] {
  return coverage.flatMap((workflow) => [
    `${colors.bold(oneLine(workflow.workflow))}: ${reached(workflow)} reached`,
    ...workflow.missed.map((missed) => colors.dim(`  not reached  ${oneLine(missed)}`)),
  ]);
}

export function summaryLine(colors: Palette, { tests, coverage, seed, realMs }: TestReport): string {
  const failed = tests.filter(({ ok }) => !ok).length;
  const passed = tests.length - failed;
  const words = `${String(passed)} passed, ${String(failed)} failed`;
  const virtualMs = tests.reduce((sum, test) => sum + test.virtualMs, 0);
  const rest = `coverage ${String(coveragePercent(coverage))} %, ${duration(virtualMs)} of runs in ${duration(realMs)}`;
  const drawn = tests.some(({ interleavings }) => interleavings !== null) ? `, seed ${String(seed)}` : '';
  return `${failed === 0 ? colors.good(words) : colors.bad(words)}, ${rest}${drawn}`;
}

function reached({ covered, total }: WorkflowCoverage): string {
  return `${String(covered)} of ${String(total)} points`;
}

function history({ facts, startedAt }: TestResult): readonly string[] {
  const teller = new FactTeller();
  const lines = facts.flatMap((fact) => {
    const words = teller.tell(fact);
    if (words === null) return [];
    const step = 'step' in fact && fact.step !== null && fact.type !== 'run.failed' ? `${oneLine(fact.step)} ` : '';
    const attempt = 'attempt' in fact && fact.attempt > 1 ? `(attempt ${String(fact.attempt)}) ` : '';
    return [`${`+${duration(fact.at - startedAt)}`.padEnd(9)} ${step}${attempt}${words}`];
  });
  // The end is what went wrong.
  return listed('history', lines.slice(-HISTORY_SHOWN), lines.length);
}

function listed(title: string, lines: readonly string[], of: number): readonly string[] {
  if (lines.length === 0) return [];
  const cut = of > lines.length ? `, ${String(lines.length)} of ${String(of)} lines` : '';
  return [`    ${title}${cut}:`, ...lines.map((line) => `      ${oneLine(line)}`)];
}
