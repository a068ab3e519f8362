/** Steps that ask nobody: waiting for a time or a signal, and telling of an event. */
import type { JsonValue } from '../core/json.js';
import type { PlannedStep } from '../definition/plan.js';
import { renderDuration, renderObject, renderText, renderTime } from '../definition/render.js';
import type { EmitStep, WaitStep } from '../definition/steps.js';
import { armTimer, base, moveStep, passStep } from './moves.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** Signals kept for steps that will wait for them. */
export const SIGNALS_KEPT = 100;

/** Begins to wait; what is there already is not waited for. Throws EXPRESSION_FAILED. */
export function openWait(draft: Draft, path: string, step: PlannedStep & { definition: WaitStep }): void {
  const scope = scopeOf(draft, path, step);
  const now = draft.cause.at;
  if (step.definition.signal !== null) {
    const name = renderText(step, 'signal', scope) ?? '';
    const timeoutMs = renderDuration(step, 'timeout', scope);
    const kept = draft.record.signals.findIndex((signal) => signal.name === name);
    const signal = draft.record.signals[kept];
    if (signal !== undefined) {
      draft.setRecord({ signals: draft.record.signals.toSpliced(kept, 1) });
      passStep(draft, path, { result: signal.data, begunAt: now });
      return;
    }
    waitFor(draft, path, { kind: 'signal', name });
    if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
    return;
  }
  const duration = renderDuration(step, 'duration', scope);
  const until = duration === null ? renderTime(step, 'until', scope) : now + duration;
  if (until === null || until <= now) {
    passStep(draft, path, { begunAt: now });
    return;
  }
  waitFor(draft, path, { kind: 'time', until });
  armTimer(draft, { kind: 'wait', path, afterMs: until - now, at: until });
}

/** Tells of an event, which ends the step. Throws EXPRESSION_FAILED. */
export function emit(draft: Draft, path: string, step: PlannedStep & { definition: EmitStep }): void {
  const scope = scopeOf(draft, path, step);
  const event = renderText(step, 'event', scope) ?? '';
  const data = renderObject(step, 'data', scope);
  draft.facts.push({ ...base(draft), type: 'event.emitted', step: path, event, data });
  passStep(draft, path, { result: { event, data }, begunAt: draft.cause.at });
}

/** Gives a signal to the step that has waited for it longest, or keeps it. False when too many are kept. */
export function takeSignal(draft: Draft, signal: { name: string; data: JsonValue; by: string }): boolean {
  const { name, data, by } = signal;
  const waits = draft.record.waiting === 0 ? null : longestWaiting(draft, name);
  if (waits === null && draft.record.signals.length >= SIGNALS_KEPT) return false;
  draft.facts.push({ ...base(draft), type: 'signal.received', name, data, by, step: waits });
  if (waits === null) draft.setRecord({ signals: [...draft.record.signals, { name, data, by }] });
  else passStep(draft, waits, { result: data });
  return true;
}

function waitFor(
  draft: Draft,
  path: string,
  waitsFor: { kind: 'time'; until: number } | { kind: 'signal'; name: string },
): void {
  const more = { ...draft.step(path).more, waitsFor };
  moveStep(draft, path, 'WAIT', { attempt: draft.step(path).attempt + 1, begunAt: draft.cause.at, more });
  draft.facts.push({ ...base(draft), type: 'step.waiting', step: path, waitsFor });
}

/** Of those that began at once, always the same one, in whatever order the store gives the records: `each[2]` before `each[10]`. */
function isBefore(path: string, other: string): boolean {
  return path.length === other.length ? path < other : path.length < other.length;
}

function longestWaiting(draft: Draft, name: string): string | null {
  let found: { path: string; since: number } | null = null;
  for (const path of draft.touched()) {
    const { status, more, begunAt } = draft.step(path);
    if (status !== 'waiting' || more.waitsFor?.kind !== 'signal' || more.waitsFor.name !== name) continue;
    const since = begunAt ?? 0;
    if (found === null || since < found.since || (since === found.since && isBefore(path, found.path)))
      found = { path, since };
  }
  return found?.path ?? null;
}
