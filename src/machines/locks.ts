/**
 * Steps that take named locks and give them back. A lock belongs to the run: it holds it until it gives it back or ends, what
 * undoes it included. The fold never asks for one: who has it comes with the message of a `lock` timer.
 */
import { CoordError } from '../core/errors.js';
import { LOCK_NAME, LOCK_NAME_WORDS, type LockAnswer } from '../core/lock-port.js';
import type { PlannedStep } from '../definition/plan.js';
import { whereOf } from '../definition/plan-expressions.js';
import { renderDuration, renderText } from '../definition/render.js';
import type { LockStep, UnlockStep } from '../definition/steps.js';
import type { Scope } from '../expression/scope.js';
import { armTimer, base, disarm, moveStep, passStep } from './moves.js';
import { beginHeldBack } from './pausing.js';
import type { RunRecord, StepRecord } from './records.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** How long after a first refusal it is asked for again, ms. */
const AGAIN_MS = 500;

/** Begins to wait for a lock, or passes at once when the run holds it. Throws EXPRESSION_FAILED. */
export function openLock(draft: Draft, path: string, step: PlannedStep & { definition: LockStep }): void {
  const scope = scopeOf(draft, path, step);
  const name = nameOf(step, scope);
  const timeoutMs = renderDuration(step, 'timeout', scope);
  const { cause } = draft;
  if (holds(draft.record, name)) {
    passStep(draft, path, { result: { lock: name }, begunAt: cause.at });
    return;
  }
  const { attempt, more } = draft.step(path);
  const waitsFor = { kind: 'lock', name } as const;
  moveStep(draft, path, 'WAIT', { attempt: attempt + 1, begunAt: cause.at, more: { ...more, waitsFor } });
  draft.facts.push({ ...base(draft), type: 'step.waiting', step: path, waitsFor });
  armTimer(draft, { kind: 'lock', path, afterMs: 0 });
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
}

/** Gives a lock back; whoever moves the run tells the store of it when that is committed. Throws EXPRESSION_FAILED. */
export function unlock(draft: Draft, path: string, step: PlannedStep & { definition: UnlockStep }): void {
  const name = nameOf(step, scopeOf(draft, path, step));
  const outcome = { result: { lock: name }, begunAt: draft.cause.at };
  if (!holds(draft.record, name)) {
    passStep(draft, path, { ...outcome, reason: `the run does not hold lock ${JSON.stringify(name)}` });
    return;
  }
  const left = (draft.record.locks ?? []).filter((held) => held.name !== name);
  draft.setRecord({ locks: left.length === 0 ? undefined : left });
  passStep(draft, path, outcome);
}

/** What came of asking for the lock that a step waits for. Returns why it changes nothing, or null. */
export function takeLock(
  draft: Draft,
  path: string,
  { answer, late }: { readonly answer: LockAnswer | undefined; readonly late: string },
): string | null {
  const name = lockWanted(draft.step(path)) ?? lockMissed(draft.record, path);
  if (name === null || answer === undefined) return late;
  if (answer.granted === null) {
    const waitsFor = { kind: 'lock', name, holder: answer.holder } as const;
    draft.setMore(path, { waitsFor });
    draft.facts.push({ ...base(draft), type: 'step.waiting', step: path, waitsFor });
    armTimer(draft, { kind: 'lock', path, afterMs: AGAIN_MS });
    return null;
  }
  const others = (draft.record.locks ?? []).filter((held) => held.name !== name);
  const held = { name, step: path, grant: answer.granted, since: draft.cause.at };
  const missed = lockMissed(draft.record, path) !== null;
  draft.setRecord({ locks: [...others, held] });
  if (!missed) passStep(draft, path, { result: { lock: name } });
  else if (!draft.paused) beginHeldBack(draft);
  return null;
}

/** A run that is taken up again waits for what it held when it ended before anything begins, but for what it takes anew anyway. */
export function missLocks(draft: Draft): void {
  const kept = (draft.record.locks ?? []).filter(({ step }) => draft.step(step).status === 'succeeded');
  draft.setRecord({ locks: kept.length === 0 ? undefined : kept.map((held) => ({ ...held, grant: null })) });
  for (const { name, step } of kept) {
    draft.facts.push({ ...base(draft), type: 'step.waiting', step, waitsFor: { kind: 'lock', name } });
    armTimer(draft, { kind: 'lock', path: step, afterMs: 0 });
  }
}

/** A run that comes to its end does not wait for them any more. */
export function missNoLocks(draft: Draft): void {
  const { locks } = draft.record;
  const missed = locks?.filter(({ grant }) => grant === null) ?? [];
  if (locks === undefined || missed.length === 0) return;
  for (const { step } of missed) disarm(draft, step, ['lock']);
  const held = locks.filter(({ grant }) => grant !== null);
  draft.setRecord({ locks: held.length === 0 ? undefined : held });
}

/** The lock that a run waits for again which the step at `path` had taken, or null. */
export function lockMissed({ locks }: RunRecord, path: string): string | null {
  return locks?.find(({ step, grant }) => step === path && grant === null)?.name ?? null;
}

/** The lock that a step waits for, or null. */
export function lockWanted({ status, more }: StepRecord): string | null {
  return status === 'waiting' && more.waitsFor?.kind === 'lock' ? more.waitsFor.name : null;
}

/** Why a step that waited for a lock came to nothing in time, or null for one that waited for something else. */
export function notFree(record: StepRecord, waited: string): string | null {
  const name = lockWanted(record);
  return name === null ? null : `lock ${JSON.stringify(name)} was not free within ${waited}`;
}

function holds({ locks }: RunRecord, name: string): boolean {
  return locks?.some((held) => held.name === name) === true;
}

function nameOf(step: PlannedStep, scope: Scope): string {
  const name = renderText(step, 'lock', scope) ?? '';
  if (LOCK_NAME.test(name)) return name;
  return whereOf(step.definition.id, 'lock', () => {
    throw new CoordError(
      'EXPRESSION_FAILED',
      `the name of a lock is expected (${LOCK_NAME_WORDS}), not ${JSON.stringify(name).slice(0, 60)}`,
    );
  });
}
