/**
 * Moves the steps of a draft: which become ready, what a ready step asks for, and what follows when one settles.
 * Readiness is plain counting over the plan; the step machine says what a step may do and what it asks for.
 */
import { CoordError, hasCode } from '../core/errors.js';
import type { StepFailure } from '../core/facts.js';
import { type JsonValue, sha256 } from '../core/json.js';
import { type PersonaRequest, PROTOCOL_VERSION, RESULTS_LIMIT, type StepOutcome, timerId } from '../core/messages.js';
import type { Scope } from '../expression/scope.js';
import { type PlannedStep, renderStep } from '../definition/plan.js';
import { stateName } from '../definition/workflow.js';
import { runLifecycle } from './run.machine.js';
import type { StepRecord } from './records.js';
import type { Draft } from './state.js';
import { type StepAction, type StepEvent, stepLifecycle } from './step.machine.js';

/** Sends one event to a step's machine and does what it asks. `change` is written together with the new status. */
export function moveStep(draft: Draft, id: string, event: StepEvent, change: Partial<StepRecord> = {}): void {
  const move = stepLifecycle.move(draft.step(id).status, event);
  if (move === null)
    throw new CoordError('RUN_UNREADABLE', `step ${id} is ${draft.step(id).status} and cannot ${event}`);
  // An exit action speaks of the state that is left, so it looks at the record as it was.
  for (const action of move.actions) if (action === 'disarmAttempt' || action === 'disarmRetry') act(draft, id, action);
  draft.setStep(id, { ...change, status: move.state });
  for (const action of move.actions) if (action !== 'disarmAttempt' && action !== 'disarmRetry') act(draft, id, action);
}

/** Starts every step that nothing holds back any more, skips those whose condition is false, and ends the run when nothing is left. */
export function advance(draft: Draft, ready: readonly string[]): void {
  const queue = [...ready, ...takeReleased(draft)];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (draft.record.failure !== null) break;
    startStep(draft, planned(draft, id));
    queue.push(...takeReleased(draft));
  }
  if (draft.record.failure !== null) holdBackTheRest(draft, draft.record.failure.step);
  takeReleased(draft);
  endWhenSettled(draft);
}

/** Puts the step's next attempt on the persona's stream. */
function dispatch(draft: Draft, id: string): void {
  const step = planned(draft, id);
  const rendered = draft.rendered.get(id) ?? renderStep(step, scopeOf(draft, step));
  const attempt = draft.step(id).attempt + 1;
  const { workspace } = draft.state.input;
  const { results, omitted } = outcomesBefore(draft, step);
  const request: Omit<PersonaRequest, 'token'> = {
    protocol: PROTOCOL_VERSION,
    run: draft.record.id,
    workflow: draft.record.workflow,
    step: id,
    name: rendered.name,
    persona: step.definition.persona,
    attempt,
    params: rendered.params,
    task: draft.state.input.task,
    results,
    omitted,
    workspace: workspace === null ? null : { ...workspace, commit: draft.record.head ?? workspace.base },
    timeoutMs: rendered.timeoutMs,
  };
  const text = JSON.stringify(request);
  const token = `${id}.${String(attempt)}.${sha256(text).slice(0, 16)}`;
  draft.requests.push({ persona: request.persona, body: `{"token":${JSON.stringify(token)},${text.slice(1)}` });
  const fresh = {
    begunAt: null,
    endedAt: null,
    worker: null,
    verdict: null,
    result: null,
    artifacts: [],
    commit: null,
  };
  draft.setStep(id, { ...fresh, attempt, token, queuedAt: draft.cause.at });
  draft.facts.push({ ...base(draft), type: 'step.queued', step: id, attempt, persona: request.persona, token });
}

/** Fails a step for good, and with the first one the run: from here on nothing new starts. */
export function failStep(
  draft: Draft,
  id: string,
  failed: { event: 'FAIL' | 'REFUSE'; error: StepFailure; change?: Partial<StepRecord> },
): void {
  moveStep(draft, id, failed.event, { verdict: 'error', error: failed.error, ...failed.change });
  const { attempt, worker, result, artifacts } = draft.step(id);
  draft.facts.push({
    ...base(draft),
    type: 'step.failed',
    step: id,
    attempt,
    error: failed.error,
    worker,
    result,
    artifacts,
  });
  if (draft.record.failure === null) draft.setRecord({ failure: { ...failed.error, step: id } });
}

export function base(draft: Draft): { run: string; at: number; cause: string } {
  return { run: draft.record.id, at: draft.cause.at, cause: draft.cause.id };
}

function startStep(draft: Draft, step: PlannedStep): void {
  const { id } = step.definition;
  try {
    const scope = scopeOf(draft, step);
    if (step.condition !== null && !step.condition.evaluate(scope)) {
      skip(draft, id, `condition is false: ${step.definition.condition ?? ''}`);
      return;
    }
    draft.rendered.set(id, renderStep(step, scope));
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    // A condition or template that cannot be evaluated is the workflow's fault: the step fails and says where.
    failStep(draft, id, { event: 'REFUSE', error: { class: 'EXPRESSION', message: error.message } });
    return;
  }
  moveStep(draft, id, 'DISPATCH');
}

/** Retries that the definition grants the step, rendered with what it reads. */
export function retriesOf(draft: Draft, id: string): number {
  const step = planned(draft, id);
  return renderStep(step, scopeOf(draft, step)).retries;
}

function skip(draft: Draft, id: string, reason: string): void {
  moveStep(draft, id, 'SKIP', { reason });
  draft.facts.push({ ...base(draft), type: 'step.skipped', step: id, reason });
}

/** What stood behind a failed step will not start. Steps in flight finish, since they are paid for; waiting retries do not. */
function holdBackTheRest(draft: Draft, failed: string): void {
  for (const id of draft.state.plan.order) {
    const { status, attempt } = draft.step(id);
    if (status === 'pending') skip(draft, id, `step ${failed} failed`);
    if (status !== 'retrying') continue;
    const reason = `not retried: step ${failed} failed`;
    moveStep(draft, id, 'CANCEL', { reason });
    draft.facts.push({ ...base(draft), type: 'step.canceled', step: id, attempt, reason });
  }
}

function endWhenSettled(draft: Draft): void {
  if (draft.record.unsettled > 0) return;
  const { failure } = draft.record;
  const move = runLifecycle.move(draft.record.status, failure === null ? 'COMPLETE' : 'FAIL');
  if (move === null) return;
  draft.setRecord({ status: move.state, endedAt: draft.cause.at });
  if (failure === null) draft.facts.push({ ...base(draft), type: 'run.completed' });
  else
    draft.facts.push({
      ...base(draft),
      type: 'run.failed',
      step: failure.step,
      error: { class: failure.class, message: failure.message },
    });
}

function act(draft: Draft, id: string, action: StepAction): void {
  switch (action) {
    case 'dispatch':
      dispatch(draft, id);
      return;
    case 'disarmAttempt':
      disarm(draft, id, ['heartbeat', 'timeout']);
      return;
    case 'armRetry': {
      const { attempt, failures } = draft.step(id);
      draft.arm(timerId({ kind: 'retry', run: draft.record.id, step: id, attempt }), retryDelayMs(failures));
      return;
    }
    case 'disarmRetry':
      disarm(draft, id, ['retry']);
      return;
    case 'settle':
      draft.setStep(id, { token: null, endedAt: draft.cause.at });
      draft.setRecord({ unsettled: draft.record.unsettled - 1 });
      draft.settled.push(id);
  }
}

function disarm(draft: Draft, id: string, kinds: readonly ('heartbeat' | 'timeout' | 'retry')[]): void {
  for (const kind of kinds)
    draft.disarm(timerId({ kind, run: draft.record.id, step: id, attempt: draft.step(id).attempt }));
}

/** Steps that the settled ones were the last to hold back, in the order of the plan. */
function takeReleased(draft: Draft): string[] {
  const released: string[] = [];
  for (const id of draft.settled.splice(0)) {
    for (const dependent of planned(draft, id).dependents) if (draft.countDown(dependent)) released.push(dependent);
  }
  return released;
}

/** 1 s, 2 s, 4 s … up to a minute, after the first, second, third failure. */
export function retryDelayMs(failures: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.max(0, failures - 1));
}

/** The outcomes a request carries: the nearest steps before it, as many as fit. */
function outcomesBefore(draft: Draft, step: PlannedStep): { results: Record<string, StepOutcome>; omitted: string[] } {
  const results: Record<string, StepOutcome> = {};
  const omitted: string[] = [];
  let bytes = 0;
  for (const id of step.ancestors) {
    const outcome = outcomeOf(draft.step(id));
    if (outcome === null) continue;
    const size = Buffer.byteLength(JSON.stringify(outcome));
    if (bytes + size > RESULTS_LIMIT.bytes) {
      omitted.push(id);
      continue;
    }
    bytes += size;
    results[id] = outcome;
  }
  return { results, omitted: [...omitted, ...step.ancestorsOmitted] };
}

function outcomeOf(record: StepRecord): StepOutcome | null {
  return record.verdict === null
    ? null
    : { status: record.verdict, result: record.result, artifacts: record.artifacts };
}

/** The names a condition or template of `step` may read. Only what it does read is put in, so its cost does not grow with the run. */
function scopeOf(draft: Draft, step: PlannedStep): Scope {
  const state = new Map<string, JsonValue>();
  const steps: Record<string, { status: string; result: JsonValue; artifacts: StepRecord['artifacts'] }> = {};
  for (const id of step.reads) {
    const record = draft.step(id);
    const status = record.status === 'skipped' ? 'skipped' : record.verdict;
    if (status === null) continue;
    state.set(stateName(id, 'status'), status);
    if (record.verdict !== null) state.set(stateName(id, 'result'), record.result);
    steps[id] = { status, result: record.result, artifacts: record.artifacts };
  }
  const { task } = draft.state.input;
  const { variables } = draft.state;
  return { task, variables, context: { state }, steps, run: { id: draft.record.id, workflow: draft.record.workflow } };
}

function planned(draft: Draft, id: string): PlannedStep {
  const step = draft.state.plan.steps.get(id);
  if (step === undefined)
    throw new CoordError('RUN_UNREADABLE', `the pinned definition of ${draft.record.workflow} has no step "${id}"`);
  return step;
}
