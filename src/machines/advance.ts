/**
 * Empties what a message has set in motion: tells lists of the steps in them that settled, starts the steps that nothing
 * holds back any more, and says whether the run waits. Readiness is plain counting over the plan.
 */
import { hasCode } from '../core/errors.js';
import { runHasEnded } from '../core/statuses.js';
import type { PlannedStep } from '../definition/plan.js';
import type { Scope } from '../expression/scope.js';
import { isAsking } from '../definition/steps.js';
import { asksForBudget } from './budget-questions.js';
import { standingOf } from './budgets.js';
import { openDecision } from './decisions.js';
import { openBlock, settledInside, windDown } from './blocks.js';
import { endEarly } from './early-end.js';
import { endRun, failRun, undone } from './ending.js';
import { failStep } from './failures.js';
import { openInnerRun, tellParent } from './inner-runs.js';
import { listOf, planned, prefixOf, rootOf } from './instances.js';
import { openLock, unlock } from './locks.js';
import { failureOf, moveStep, skipStep } from './moves.js';
import { renderRequest } from './requests.js';
import { retriesOf } from './retries.js';
import { runLifecycle } from './run.machine.js';
import { scopeOf } from './scope.js';
import type { Backlog, Draft, Settled } from './state.js';
import { emit, openWait } from './waits.js';
import { enterState } from './work-states.js';

/** Goes on until nothing is left that can be done now. */
export function advance(draft: Draft): void {
  for (;;) {
    drain(draft);
    const waiting = takeFromBacklog(draft);
    if (waiting === null) break;
    startStep(draft, waiting, { itsTurn: true });
  }
  sayWhetherItWaits(draft);
}

function drain(draft: Draft): void {
  for (;;) {
    const settled = draft.settled.shift();
    if (settled !== undefined) {
      tellList(draft, settled);
      continue;
    }
    const path = draft.ready.shift();
    if (path === undefined) return;
    startStep(draft, path, { itsTurn: false });
  }
}

function tellList(draft: Draft, settled: Settled): void {
  const instance = listOf(draft, settled.path);
  const { owner, list } = instance;
  if (list.key === 'compensate' && owner !== null) {
    const { status, more } = draft.step(settled.path);
    if (status === 'failed' && more.tolerated !== true) windDown(draft, instance, `step ${settled.path} failed`);
    if (settled.last) undone(draft, owner);
    return;
  }
  if (owner !== null) {
    settledInside(draft, owner, settled);
    return;
  }
  const record = draft.step(settled.path);
  if (record.status === 'failed' && record.more.tolerated !== true && draft.record.failure === null) {
    const failure = failureOf(record, settled.path);
    failRun(draft, failure);
    windDown(draft, rootOf(draft), `step ${failure.step ?? settled.path} failed`);
  }
  if (settled.last && !draft.paused) endRun(draft);
}

/** Starts a step, or skips it. A condition or template that cannot be evaluated is the workflow's fault: the step fails and says where. */
function startStep(draft: Draft, path: string, { itsTurn }: { itsTurn: boolean }): void {
  // Resuming the run finds what was held back, see pausing.ts.
  if (draft.step(path).status !== 'pending' || draft.paused) return;
  const step = planned(draft, path);
  const { definition } = step;
  try {
    if (definition.when === 'on_failure' && !failedBefore(draft, path, step)) {
      skipStep(draft, path, 'nothing before it failed');
      return;
    }
    if (
      definition.when === 'on_success' &&
      goesOnWithout(draft, path) &&
      failedBefore(draft, path, step, { tolerated: false })
    ) {
      skipStep(draft, path, 'a step before it failed');
      return;
    }
    const scope = scopeOf(draft, path, step);
    if (definition.type !== 'conditional' && step.condition !== null && !step.condition.evaluate(scope)) {
      skipStep(draft, path, `condition is false: ${definition.condition ?? ''}`);
      return;
    }
    if (!itsTurn && hasToQueue(draft, path, step)) {
      queue(draft, path);
      return;
    }
    perform(draft, path, { step, scope });
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    failStep(draft, path, { error: { class: 'EXPRESSION', message: error.message } });
  }
}

function perform(draft: Draft, path: string, { step, scope }: { step: PlannedStep; scope: Scope }): void {
  const { definition } = step;
  const unready = enterState(draft, path, { step, scope });
  if (unready !== null) {
    failStep(draft, path, { error: { class: 'INVALID_STATE', message: unready } });
    return;
  }
  switch (definition.type) {
    case 'persona-request':
    case 'git-operation':
    case 'verify':
    case 'plan':
      if (asksForBudget(draft, path)) return;
      // Rendered before it is moved, so that a failing template finds the step where it was.
      draft.rendered.set(path, renderRequest(step, scope));
      retriesOf(draft, path);
      moveStep(draft, path, 'DISPATCH');
      return;
    case 'workflow':
      if (asksForBudget(draft, path)) return;
      retriesOf(draft, path);
      openInnerRun(draft, path, { ...step, definition });
      return;
    case 'decision':
      openDecision(draft, path, { ...step, definition });
      return;
    case 'wait':
      openWait(draft, path, { ...step, definition });
      return;
    case 'lock':
      openLock(draft, path, { ...step, definition });
      return;
    case 'unlock':
      unlock(draft, path, { ...step, definition });
      return;
    case 'emit':
      emit(draft, path, { ...step, definition });
      return;
    case 'end':
      endEarly(draft, path, { ...step, definition });
      return;
    default:
      openBlock(draft, path, { ...step, definition });
  }
}

/** Whether the step's list goes on when one of its steps fails: others may still be enough. */
function goesOnWithout(draft: Draft, path: string): boolean {
  const { owner } = listOf(draft, path);
  if (owner === null) return false;
  const { definition } = planned(draft, owner);
  return definition.type === 'parallel' && definition.wait_for !== 'all';
}

/** Whether a step before this one, in its list, has failed: the one it waits for, or one behind that. */
function failedBefore(draft: Draft, path: string, step: PlannedStep, also = { tolerated: true }): boolean {
  const prefix = prefixOf(path);
  const seen = new Set(step.dependencies);
  for (const id of seen) {
    const { status, more } = draft.step(`${prefix}${id}`);
    if (status === 'canceled' || (status === 'failed' && (also.tolerated || more.tolerated !== true))) return true;
    for (const before of planned(draft, `${prefix}${id}`).dependencies) seen.add(before);
  }
  return false;
}

/** Characters that one fold asks for; what is more than that waits until something that is under way has ended. */
const ASKED_AT_ONCE = 8_000_000;

/** Whether the run has as many attempts and inner runs under way as it may, or others have waited for that longer. */
function hasToQueue(draft: Draft, path: string, { definition }: PlannedStep): boolean {
  if (!isAsking(definition) && definition.type !== 'workflow') return false;
  return (
    isFull(draft) || standingOf(draft, path).is === 'held' || (draft.record.queued > 0 && firstOf(draft) !== undefined)
  );
}

function isFull({ plan, record, asked }: Draft): boolean {
  const limit = plan.definition.max_concurrent_steps;
  return (limit !== null && record.active >= limit) || (asked > ASKED_AT_ONCE && record.active > 0);
}

/** Its place is stored, so that the steps keep their turns when another process takes over. */
function queue(draft: Draft, path: string): void {
  const place = draft.record.queued + 1;
  draft.setRecord({ queued: place });
  draft.wait(path, backlogOf(draft));
  draft.setMore(path, { place });
}

function takeFromBacklog(draft: Draft): string | null {
  if (draft.record.queued === 0 || draft.paused || isFull(draft) || runHasEnded(draft.record.status)) return null;
  const first = firstOf(draft);
  if (first === undefined || standingOf(draft, first).is === 'held') return null;
  const { paths, head } = backlogOf(draft);
  draft.backlog = { paths, head: head + 1 };
  return first;
}

/** The step whose turn it is. What was skipped or canceled meanwhile is forgotten. */
function firstOf(draft: Draft): string | undefined {
  const { paths, head } = backlogOf(draft);
  let at = head;
  while (at < paths.length && draft.step(paths[at] ?? '').status !== 'pending') at++;
  if (at !== head) draft.backlog = { paths, head: at };
  return paths[at];
}

function backlogOf(draft: Draft): Backlog {
  if (draft.backlog !== null) return draft.backlog;
  const placeOf = (path: string): number => draft.step(path).more.place ?? 0;
  const paths = [...draft.touched()]
    .filter((path) => draft.step(path).status === 'pending' && placeOf(path) > 0)
    .toSorted((a, b) => placeOf(a) - placeOf(b));
  draft.backlog = { paths, head: 0 };
  return draft.backlog;
}

/** A run waits when only people, signals and the clock can move it. */
function sayWhetherItWaits(draft: Draft): void {
  const { active, waiting, status } = draft.record;
  const move = runLifecycle.move(status, active === 0 && waiting > 0 ? 'WAIT' : 'WAKE');
  if (move === null) return;
  draft.setRecord({ status: move.state });
  tellParent(draft);
}
