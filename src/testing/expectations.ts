/** Holds an outcome against what a test expects: every difference, none twice. */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { TestDifference } from '../core/test-report.js';
import type { RunView, StepView } from '../core/views.js';
import { stateName } from '../definition/workflow.js';
import { contains, differences, shown } from './match.js';
import { type Outcome, startedSteps, stepOf } from './outcome.js';
import type { Expectation, Scenario } from './scenario.js';
import { idOf } from './script.js';

export function check(
  expect: Expectation,
  outcome: Outcome,
  { strict }: Pick<Scenario, 'strict'>,
): readonly TestDifference[] {
  const { view, refused } = outcome;
  if (view === null) return checkRefused(expect, refused);
  return [
    ...(expect.refused === null ? [] : [plain('refused', expect.refused, 'it started')]),
    ...checkStatus(expect, outcome, view),
    ...(strict
      ? outcome.unscripted.map((asked) => plain('replies', 'a reply for every request', `none for ${asked}`))
      : []),
    ...outcome.discarded.map((message) => plain('messages', 'all can be applied', message)),
    ...checkOrder(expect, outcome),
    ...[...expect.steps].flatMap(([step, wanted]) =>
      differences(`steps.${step}`, wanted, shownStep(stepOf(view, step))),
    ),
    ...differences('state', expect.state, stateOf(view)),
    ...(expect.result === null ? [] : differences('result', expect.result.value, view.result)),
    ...checkRequests(expect, outcome),
    ...checkElapsed(expect, outcome),
    ...checkError(expect, view),
    ...checkEvents(expect, outcome),
    ...checkArtifacts(expect, outcome),
  ];
}

function checkRefused({ refused: wanted }: Expectation, refused: Outcome['refused']): readonly TestDifference[] {
  const actual = `${refused?.code ?? 'nothing'} ${refused?.message ?? ''}`.trim();
  return wanted !== null && wanted === refused?.code ? [] : [plain('refused', wanted ?? 'the run starts', actual)];
}

/** Without a status a run is expected to complete, or to fail when an error is expected. */
function checkStatus(expect: Expectation, { stuck }: Outcome, view: RunView): readonly TestDifference[] {
  if (expect.refused !== null) return [];
  const wanted = expect.status ?? (expect.error === null ? 'completed' : 'failed');
  if (view.status === wanted) return [];
  const why = stuck ?? [];
  const failed =
    view.failure === null
      ? ''
      : `: ${view.failure.step === null ? '' : `step ${view.failure.step}, `}${view.failure.class} ${view.failure.message}`;
  const canceled = view.canceled === null ? '' : `: ${view.canceled.reason}`;
  const halts = why.length === 0 ? '' : `, and nothing can happen any more: ${why.join('; ')}`;
  return [plain('status', wanted, `${view.status}${failed}${canceled}${halts}`)];
}

function checkOrder({ path, pathIncludes, never }: Expectation, outcome: Outcome): readonly TestDifference[] {
  const started = startedSteps(outcome);
  const found: TestDifference[] = [];
  if (path !== null && !(path.length === started.length && path.every((step, index) => isStep(step, started[index]))))
    found.push(plain('path', path.join(', '), started.join(', ') || 'no step was started'));
  let at = 0;
  for (const step of started) if (isStep(pathIncludes[at] ?? null, step)) at++;
  if (at < pathIncludes.length)
    found.push(plain('path_includes', `${pathIncludes.join(', ')} in this order`, started.join(', ')));
  for (const step of never) {
    const instance = started.find((candidate) => isStep(step, candidate));
    if (instance !== undefined) found.push(plain('never', `${step} does not start`, `${instance} was started`));
  }
  return found;
}

function isStep(wanted: string | null, path: string | undefined): boolean {
  return path !== undefined && (wanted === path || wanted === idOf(path));
}

/** A step as tests see it; one that was never reached is pending. */
function shownStep(step: StepView | null): JsonObject {
  if (step === null) return { status: 'pending', attempts: 0 };
  const { status, verdict, attempt, result, error, reason, artifacts } = step;
  const names = artifacts.map(({ name }) => name);
  return { status, verdict, attempts: attempt, result, error: { ...error }, reason, artifacts: names };
}

/** `context.state` as it stands at the end: of several instances of a step the last. */
export function stateOf(view: RunView): JsonObject {
  const state: Record<string, JsonValue> = {};
  for (const { id, status, verdict, result } of view.steps) {
    if (status === 'pending') continue;
    state[stateName(idOf(id), 'status')] = verdict ?? status;
    state[stateName(idOf(id), 'result')] = result;
  }
  return state;
}

function checkRequests({ requests: wanted }: Expectation, { requests }: Outcome): readonly TestDifference[] {
  return [...wanted].flatMap(([step, { count, values }]) => {
    const asked = requests.filter((request) => isStep(step, request.step));
    const what = `requests.${step}`;
    const last = asked.at(-1) as unknown as JsonObject | undefined;
    return [
      ...(count === null ? [] : differences(`${what}.count`, count, asked.length)),
      ...(Object.keys(values).length === 0 ? [] : differences(what, values, last)),
    ];
  });
}

function checkElapsed({ elapsed }: Expectation, { elapsedMs }: Outcome): readonly TestDifference[] {
  if (elapsed === null || (elapsedMs >= elapsed.atLeastMs && elapsedMs <= elapsed.atMostMs)) return [];
  const most = elapsed.atMostMs === Infinity ? '' : ` at most ${seconds(elapsed.atMostMs)}`;
  const least = elapsed.atLeastMs === 0 ? '' : ` at least ${seconds(elapsed.atLeastMs)}`;
  return [plain('elapsed', `${least}${most}`.trim(), seconds(elapsedMs))];
}

function seconds(ms: number): string {
  return `${String(ms / 1_000)} s`;
}

function checkError({ error }: Expectation, { failure }: RunView): readonly TestDifference[] {
  if (error === null) return [];
  if (failure === null) return [plain('error', shown(error), 'the run did not fail')];
  const { message, ...rest } = error;
  return [
    ...differences('error', rest, { ...failure }),
    ...(typeof message === 'string' && !contains(message, failure.message)
      ? [plain('error.message', message, failure.message)]
      : []),
  ];
}

function checkEvents({ events }: Expectation, { facts }: Outcome): readonly TestDifference[] {
  const happened = new Set(
    facts.flatMap((fact) => (fact.type === 'event.emitted' ? [fact.type, fact.event] : [fact.type])),
  );
  return events
    .filter((event) => !happened.has(event))
    .map((event) => plain('events', `${event} happens`, `it did not; there were ${[...happened].join(', ')}`));
}

function checkArtifacts({ artifacts: wanted }: Expectation, { artifacts }: Outcome): readonly TestDifference[] {
  return [...wanted].flatMap(([name, text]) => {
    const content = artifacts.get(name);
    const what = `artifacts['${name}']`;
    if (content === undefined)
      return [plain(what, 'it is there', `there are: ${[...artifacts.keys()].join(', ') || 'none'}`)];
    return contains(text, content) ? [] : [plain(what, `contains ${shown(text)}`, shown(content))];
  });
}

function plain(what: string, expected: string, actual: string): TestDifference {
  return { what, expected, actual };
}
