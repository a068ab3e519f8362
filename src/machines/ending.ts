/** How a run ends: its result, what undoes it when it failed or was canceled, and who is told. */
import { hasCode } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { runHasEnded } from '../core/statuses.js';
import { begin } from './blocks.js';
import { missingEvidence } from './evidence.js';
import { tellParent } from './inner-runs.js';
import { frameOf, type ListInstance, planned } from './instances.js';
import { base } from './moves.js';
import type { ListFailure } from './records.js';
import { type RunEvent, runLifecycle } from './run.machine.js';
import { deadlineTimer } from './run-time.js';
import { scopeOfResult } from './scope.js';
import type { Draft } from './state.js';
import { valueOf } from './values.js';

/** Most bytes of JSON of a run's result: it stands in the record and in the history. */
const RESULT_LIMIT_BYTES = 256 * 1024;

/** Fails the run for a reason that is no step's. */
export function failRun(draft: Draft, failure: ListFailure): void {
  if (draft.record.failure === null) draft.setRecord({ failure });
}

/** All steps of the run's own list have settled: it is completed, or what succeeded is undone first. */
export function endRun(draft: Draft): void {
  const { failure, canceled } = draft.record;
  if (failure === null && canceled === null) {
    const unproven = missingEvidence(draft);
    const result = unproven === null ? resultOf(draft) : { failure: unproven };
    if (!('failure' in result)) {
      draft.setRecord({ result: result.value });
      close(draft, 'COMPLETE');
      draft.facts.push({ ...base(draft), type: 'run.completed', result: result.value });
      return;
    }
    failRun(draft, result.failure);
  }
  undoNext(draft);
}

/** The list that undoes the step `owner` is over. */
export function undone(draft: Draft, owner: string): void {
  if (draft.step(owner).more.undo !== 'running') return;
  const { list } = undoList(draft, owner);
  const prefix = frameOf(owner, 'compensate');
  const failed = list.steps.some((id) => {
    const { status, more } = draft.step(`${prefix}${id}`);
    return status === 'failed' && more.tolerated !== true;
  });
  draft.setMore(owner, { undo: failed ? 'failed' : 'done' });
  undoNext(draft);
}

/** Ends a run that has not begun: nothing has to be undone. */
export function endPending(draft: Draft): void {
  const event = draft.record.canceled === null ? 'FAIL' : 'CANCEL';
  close(draft, event);
  tellEnd(draft);
}

/** The step that completed last is undone first, one at a time: what came later may build on what was before. */
function undoNext(draft: Draft): void {
  const { paths, left } = draft.undo ?? { paths: compensable(draft), left: Number.POSITIVE_INFINITY };
  const open = Math.min(left, paths.length);
  const next = paths[open - 1];
  draft.undo = { paths, left: open - 1 };
  if (next === undefined) {
    close(draft, draft.record.canceled === null ? 'FAIL' : 'CANCEL');
    tellEnd(draft);
    return;
  }
  if (draft.record.status !== 'compensating') {
    const move = runLifecycle.move(draft.record.status, 'COMPENSATE');
    if (move !== null) draft.setRecord({ status: move.state });
    draft.facts.push({ ...base(draft), type: 'run.compensating', steps: open });
  }
  draft.setMore(next, { undo: 'running' });
  if (!begin(draft, undoList(draft, next))) undone(draft, next);
}

/** Steps that succeeded, can be undone and were not yet, in order of completion. */
function compensable(draft: Draft): readonly string[] {
  if (!draft.plan.compensates && !draft.plan.grows) return [];
  return [...draft.touched()]
    .filter((path) => {
      const { status, more } = draft.step(path);
      if (status !== 'succeeded' || more.undo !== undefined || more.past === true) return false;
      // What undoes is not undone.
      return planned(draft, path).lists.compensate !== undefined && !path.includes('[compensate]/');
    })
    .toSorted((a, b) => (draft.step(a).order ?? 0) - (draft.step(b).order ?? 0));
}

function undoList(draft: Draft, owner: string): ListInstance {
  const list = planned(draft, owner).lists.compensate ?? { ...draft.plan.root, steps: [], roots: [], last: null };
  return { owner, list, prefix: frameOf(owner, 'compensate') };
}

function resultOf(draft: Draft): { readonly value: JsonValue } | { readonly failure: ListFailure } {
  const { plan } = draft;
  const { last } = plan.root;
  try {
    const value =
      plan.result === null
        ? last === null
          ? null
          : valueOf(draft, last)
        : plan.result.template.render(scopeOfResult(draft, plan.result.reads));
    const [issue] = plan.checkOutput(value);
    if (issue !== undefined) {
      const message = `the result does not fit the workflow's output schema: ${issue.path === '' ? 'result' : issue.path}: ${issue.message}`;
      return { failure: { class: 'INVALID_OUTPUT', message, step: null } };
    }
    const bytes = Buffer.byteLength(JSON.stringify(value));
    if (bytes <= RESULT_LIMIT_BYTES) return { value };
    if (plan.result === null && plan.definition.output === null) return { value: null };
    const message = `the result has ${String(bytes)} bytes of JSON, more than ${String(RESULT_LIMIT_BYTES)}; large outputs are artifacts`;
    return { failure: { class: 'INVALID_OUTPUT', message, step: null } };
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return { failure: { class: 'EXPRESSION', message: `result: ${error.message}`, step: null } };
  }
}

function close(draft: Draft, event: RunEvent): void {
  const move = runLifecycle.move(draft.record.status, event);
  if (move === null || !runHasEnded(move.state)) return;
  draft.setRecord({ status: move.state, endedAt: draft.cause.at, signals: [] });
  if (draft.plan.timeout !== null) draft.disarm(deadlineTimer(draft));
  draft.release = draft.record.slot?.key ?? null;
  draft.backlog = { paths: [], head: 0 };
  tellParent(draft);
}

function tellEnd(draft: Draft): void {
  const { failure, canceled, status } = draft.record;
  if (status === 'canceled' && canceled !== null)
    draft.facts.push({ ...base(draft), type: 'run.canceled', reason: canceled.reason, by: canceled.by });
  if (status === 'failed' && failure !== null)
    draft.facts.push({
      ...base(draft),
      type: 'run.failed',
      step: failure.step,
      error: { class: failure.class, message: failure.message },
    });
}
