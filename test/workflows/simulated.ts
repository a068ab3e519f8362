/** Runs a workflow as `coord test` does, for tests of what documents say of it. */
import { systemClock } from '../../src/core/clock.js';
import type { TestDifference } from '../../src/core/test-report.js';
import { checkedTests } from '../../src/testing/load-tests.js';
import type { TestedWorkflow } from '../../src/testing/scenario.js';
import { runTests } from '../../src/testing/suite.js';

/**
 * What is not as the scenario, a test of a test file, expects. Everything passes and is approved, unless it says otherwise;
 * without an `expect` the run must complete.
 */
export async function differences(tested: TestedWorkflow, scenario: object): Promise<readonly TestDifference[]> {
  const test = { name: 'as said', decisions: { '*': 'approve' }, ...scenario };
  const means = { file: 'example.test.yml', color: false, workflowOf: async () => tested };
  const text = JSON.stringify({ workflow: 'example', tests: [test] });
  const file = await checkedTests({ text, ...means });
  const report = await runTests({ files: [file], ...means, filter: null, seed: 1, clock: systemClock });
  const [result] = report.tests;
  return result?.differences ?? [{ what: 'tests', expected: 'one', actual: 'none' }];
}
