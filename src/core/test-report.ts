/** What a run of workflow tests found: what `src/testing` gives and what the command line shows. Plain JSON. */
import type { Fact } from './facts.js';

export interface TestDifference {
  /** What was looked at, for example `steps.qa.status`. */
  readonly what: string;
  readonly expected: string;
  readonly actual: string;
}

export interface TestResult {
  readonly file: string;
  /** From 1: where the test is written. */
  readonly line: number;
  readonly workflow: string;
  readonly name: string;
  readonly kind: 'test' | 'property' | 'replay';
  readonly ok: boolean;
  readonly differences: readonly TestDifference[];
  /** How much time passed in the test, ms. */
  readonly virtualMs: number;
  /** How much time the test took, ms. */
  readonly realMs: number;
  /** Of a property: how many orders of events were tried, and whether those were all. */
  readonly interleavings: { readonly checked: number; readonly all: boolean } | null;
  /** Of a property that does not hold: the choices that lead there. */
  readonly choices: readonly string[];
  /** When the run was started, ms; `facts` count from there. */
  readonly startedAt: number;
  /** History of the run; empty when the test passed. */
  readonly facts: readonly Fact[];
}

export interface WorkflowCoverage {
  readonly workflow: string;
  readonly covered: number;
  readonly total: number;
  /** What no test reached, for example `code-review: its condition is never false`. */
  readonly missed: readonly string[];
}

export interface TestReport {
  readonly tests: readonly TestResult[];
  readonly coverage: readonly WorkflowCoverage[];
  /** What properties drew their random orders from: the same seed tries the same. */
  readonly seed: number;
  readonly realMs: number;
}

/** Covered points of all workflows, in percent; 100 when there is nothing to cover. */
export function coveragePercent(coverage: readonly WorkflowCoverage[]): number {
  const total = coverage.reduce((sum, workflow) => sum + workflow.total, 0);
  const covered = coverage.reduce((sum, workflow) => sum + workflow.covered, 0);
  return total === 0 ? 100 : Math.floor((100 * covered) / total);
}
