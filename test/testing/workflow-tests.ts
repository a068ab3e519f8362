/** Workflows and test files as texts, read as `coord test` reads them. */
import { systemClock } from '../../src/core/clock.js';
import type { TestReport } from '../../src/core/test-report.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { checkedTests } from '../../src/testing/load-tests.js';
import type { TestedWorkflow } from '../../src/testing/scenario.js';
import { runTests } from '../../src/testing/suite.js';

/** Four steps: QA stands between the work and two reviews. */
export const LOOP = `
name: loop
variables: { stage: first }
steps:
  - id: planning
    persona: planner
    timeout: 1800
    retries: 2
    params: { stage: "{{ variables.stage }}", title: "{{ task.title }}" }
  - { id: implementation, persona: lead-engineer, dependencies: [planning] }
  - { id: qa, persona: qa-engineer, dependencies: [implementation], timeout: 10m }
  - id: code-review
    persona: code-reviewer
    dependencies: [qa]
    condition: "context.state.get('qa_status') === 'pass'"
  - id: security-review
    persona: security-reviewer
    dependencies: [qa]
    condition: "task.public === true"
`;

export function workflowOf(text: string): TestedWorkflow {
  const parsed = parseWorkflow(text, { file: 'workflow.yml', personas: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { definition: parsed.definition, inner: [] };
}

/** Runs a test file given as text; `tests` is what stands below `workflow:`. */
export async function report(
  tests: string,
  { workflow = LOOP, seed = 1, filter = null }: { workflow?: string; seed?: number; filter?: string | null } = {},
): Promise<TestReport> {
  const tested = workflowOf(workflow);
  const means = { file: 'loop.test.yml', color: false, workflowOf: async () => tested };
  const file = await checkedTests({ text: `workflow: loop\n${tests}`, ...means });
  return runTests({ files: [file], workflowOf: means.workflowOf, filter, seed, clock: systemClock });
}

/** `what: expected / actual` of every difference of every test. */
export async function differencesOf(
  tests: string,
  options: Parameters<typeof report>[1] = {},
): Promise<readonly string[]> {
  const { tests: results } = await report(tests, options);
  return results.flatMap(({ differences }) =>
    differences.map(({ what, expected, actual }) => `${what}: ${expected} / ${actual}`),
  );
}

/** The problems with which a test file is refused. */
export async function refusalOf(tests: string): Promise<string> {
  return report(tests).then(
    () => 'accepted',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
