/** Runs the tests and properties of test files and puts the report together. Knows no files: workflows are handed in. */
import { type Clock } from '../core/clock.js';
import type { TestReport, TestResult } from '../core/test-report.js';
import { Coverage } from './coverage.js';
import { check } from './expectations.js';
import { explore } from './explorer.js';
import type { Outcome } from './outcome.js';
import { PropertyCheck } from './property.js';
import type { TestedWorkflow, TestFile, WorkflowProperty, WorkflowTest } from './scenario.js';
import { Simulation } from './simulation.js';

export interface SuiteParams {
  readonly files: readonly TestFile[];
  /** The workflow that a file tests, as it is in an environment. */
  readonly workflowOf: (file: TestFile, environment: string | null) => Promise<TestedWorkflow>;
  /** Only tests whose name contains this text; null for all. */
  readonly filter: string | null;
  readonly seed: number;
  /** Of this process, to say how long it took. */
  readonly clock: Clock;
  /** Told of every result as it comes. */
  readonly tell?: (result: TestResult) => void;
}

interface Judged {
  readonly differences: TestResult['differences'];
  readonly outcome: Outcome | null;
  readonly virtualMs: number;
  readonly interleavings: TestResult['interleavings'];
  readonly choices: readonly string[];
}

export async function runTests(params: SuiteParams): Promise<TestReport> {
  const { clock, seed } = params;
  const begun = clock.now();
  const tests: TestResult[] = [];
  const coverage = new Map<string, Coverage>();
  for (const file of params.files) await runFile(file, { params, tests, coverage });
  return {
    tests,
    coverage: [...coverage.values()].map((each) => each.report()),
    seed,
    realMs: clock.now() - begun,
  };
}

interface Running {
  readonly params: SuiteParams;
  readonly tests: TestResult[];
  readonly coverage: Map<string, Coverage>;
}

async function runFile(file: TestFile, { params, tests, coverage }: Running): Promise<void> {
  const { workflowOf, filter, clock, seed } = params;
  const wanted = ({ name }: { readonly name: string }): boolean => filter === null || name.includes(filter);
  const judge = async (
    written: WorkflowTest | WorkflowProperty,
    kind: 'test' | 'property',
    how: (workflow: TestedWorkflow, covered: Coverage) => Promise<Judged>,
  ): Promise<void> => {
    const begun = clock.now();
    const workflow = await workflowOf(file, written.environment);
    const { name } = workflow.definition;
    const covered = coverage.get(name) ?? new Coverage(workflow.definition);
    coverage.set(name, covered);
    const judged = await how(workflow, covered);
    const result = resultOf(judged, { file, written, kind, workflow: name, realMs: clock.now() - begun });
    tests.push(result);
    params.tell?.(result);
  };
  for (const test of file.tests.filter(wanted)) await judge(test, 'test', (...means) => runTest(test, ...means));
  for (const property of file.properties.filter(wanted))
    await judge(property, 'property', (workflow, covered) => runProperty(property, { workflow, covered, seed }));
}

function resultOf(
  { differences, outcome, virtualMs, interleavings, choices }: Judged,
  of: {
    file: TestFile;
    written: WorkflowTest | WorkflowProperty;
    kind: 'test' | 'property';
    workflow: string;
    realMs: number;
  },
): TestResult {
  const { file, written, kind, workflow, realMs } = of;
  const ok = differences.length === 0;
  return {
    file: file.file,
    line: written.line,
    workflow,
    name: written.name,
    kind,
    ok,
    differences,
    virtualMs,
    realMs,
    interleavings,
    choices,
    startedAt: outcome?.startedAt ?? 0,
    facts: ok ? [] : (outcome?.facts ?? []),
  };
}

async function runTest(test: WorkflowTest, workflow: TestedWorkflow, covered: Coverage): Promise<Judged> {
  const outcome = await new Simulation({ workflow, scenario: test.scenario }).run();
  if (outcome.view !== null) covered.add(outcome.view, outcome.facts);
  const differences = check(test.expect, outcome, test.scenario);
  return { differences, outcome, virtualMs: outcome.elapsedMs, interleavings: null, choices: [] };
}

interface Violation {
  readonly outcome: Outcome;
  readonly expected: string;
  readonly actual: string;
}

async function runProperty(
  property: WorkflowProperty,
  { workflow, covered, seed }: { workflow: TestedWorkflow; covered: Coverage; seed: number },
): Promise<Judged> {
  const checks = new PropertyCheck(property, workflow.definition);
  let virtualMs = 0;
  const { checked, all, found } = await explore<Violation>({
    limit: property.interleavings,
    seed,
    play: async (choices) => {
      let violated: string | null = null;
      const watch = (view: Parameters<PropertyCheck['violation']>[0]): boolean => {
        violated = checks.violation(view);
        return violated !== null;
      };
      const outcome = await new Simulation({ workflow, scenario: property.scenario, choices, watch }).run();
      virtualMs += outcome.elapsedMs;
      if (outcome.view !== null) covered.add(outcome.view, outcome.facts);
      return violationOf(outcome, violated);
    },
  });
  const differences =
    found === null ? [] : [{ what: 'property', expected: found.violation.expected, actual: found.violation.actual }];
  const outcome = found?.violation.outcome ?? null;
  return { differences, outcome, virtualMs, interleavings: { checked, all }, choices: found?.choices ?? [] };
}

/** Beside what it says, every property says that runs end and that the engine understands every message. */
function violationOf(outcome: Outcome, violated: string | null): Violation | null {
  const { refused, stuck, discarded, view } = outcome;
  if (violated !== null) {
    const steps = view?.steps.map(({ id, status }) => `${id} ${status}`).join(', ') ?? '';
    return { outcome, expected: violated, actual: `there is an order of events in which it is not so: ${steps}` };
  }
  if (refused !== null) return { outcome, expected: 'the run starts', actual: refused.message };
  if (stuck !== null)
    return { outcome, expected: 'the run ends', actual: `nothing can happen any more: ${stuck.join('; ')}` };
  const [first] = discarded;
  return first === undefined ? null : { outcome, expected: 'all messages can be applied', actual: first };
}
