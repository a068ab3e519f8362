/**
 * Pausing a run and going on with it. While it is paused, messages are folded as always, and all that they would begin is
 * left where it is: a step stays `pending`, a retry that is due is marked, the end of the run is not drawn. So nothing of
 * what was held back is stored: going on finds it by the records. Runs inside are paused and resumed with it.
 */
import { stepIsSettled } from '../core/statuses.js';
import { refusedWhile, type SteeringMessage } from '../core/steering.js';
import { standingOf } from './budgets.js';
import { endRun } from './ending.js';
import { openInnerRun, tellParent } from './inner-runs.js';
import { findPlanned, planned, rootOf } from './instances.js';
import { base, moveStep } from './moves.js';
import { makeReady } from './readiness.js';
import { runLifecycle } from './run.machine.js';
import { deadlineTimer, setDeadline, timeFrom } from './run-time.js';
import type { Draft } from './state.js';

type MessageOf<K extends SteeringMessage['kind']> = Extract<SteeringMessage, { readonly kind: K }>;

/** Why it changes nothing, or null. */
export function pause(draft: Draft, { reason, by }: MessageOf<'pause'>): string | null {
  const why = refusedWhile(draft.record.status, 'pause');
  const move = runLifecycle.move(draft.record.status, 'PAUSE');
  if (why !== null || move === null) return why;
  const paused = { reason, by, at: draft.cause.at };
  draft.setRecord({ status: move.state, steered: { paused, timeFrom: draft.record.steered?.timeFrom ?? null } });
  if (draft.plan.timeout !== null) draft.disarm(deadlineTimer(draft));
  draft.facts.push({ ...base(draft), type: 'run.paused', reason, by });
  tellInside(draft, 'pause', { reason });
  return null;
}

/** Why it changes nothing, or null. */
export function resume(draft: Draft, { by }: MessageOf<'resume'>): string | null {
  const why = refusedWhile(draft.record.status, 'resume');
  if (why !== null) return why;
  const pausedBy = draft.record.steered?.paused?.by ?? '';
  // The run around resumes only what it has paused itself.
  if (by === outerOf(draft) && pausedBy !== by) return `it was paused by ${pausedBy}, and not with the run around it`;
  goOn(draft, by);
  tellInside(draft, 'resume', {});
  if (draft.paused || !beginHeldBack(draft))
    // Who works for another run may have told it before that it waits.
    tellParent(draft);
  return null;
}

/** Begins what was held back; true when nothing is left but the end. */
export function beginHeldBack(draft: Draft): boolean {
  for (const path of [...draft.touched()].toSorted())
    if (draft.step(path).status === 'retrying' && draft.step(path).more.due === true) tryNext(draft, path);
  makeReady(draft, rootOf(draft));
  if (!isOver(draft)) return false;
  endRun(draft);
  return true;
}

/** Ends the pause of a run, if there is one, and begins nothing. */
export function goOn(draft: Draft, by: string): void {
  const move = runLifecycle.move(draft.record.status, 'RESUME');
  const { steered } = draft.record;
  if (move === null) return;
  const stoodStill = draft.cause.at - (steered?.paused?.at ?? draft.cause.at);
  draft.setRecord({ status: move.state, steered: { paused: null, timeFrom: timeFrom(draft) + stoodStill } });
  if (draft.plan.timeout !== null) setDeadline(draft);
  draft.facts.push({ ...base(draft), type: 'run.resumed', by });
}

/** Whether nothing is left to do but to end the run, which was held back while it was paused. */
export function isOver(draft: Draft): boolean {
  return draft.plan.root.steps.every((id) => stepIsSettled(draft.step(id).status));
}

/** Begins the next attempt of a step that has waited for its time, or leaves it where it is while the run is paused. */
export function tryNext(draft: Draft, path: string): void {
  if (draft.paused) {
    draft.setMore(path, { due: true });
    return;
  }
  const { due, ...more } = draft.step(path).more;
  if (due !== undefined) draft.setStep(path, { more });
  const step = planned(draft, path);
  if (standingOf(draft, path).is !== 'free') {
    // It waits with the others for what it may use, or asks for it; the place it once had in the line is no place in it now.
    const { place: _place, ...others } = more;
    moveStep(draft, path, 'AGAIN', { more: others });
    draft.ready.push(path);
    return;
  }
  if (step.definition.type === 'workflow') openInnerRun(draft, path, { ...step, definition: step.definition });
  else moveStep(draft, path, 'DISPATCH');
}

function outerOf({ state }: Draft): string | null {
  return state.input.parent === null ? null : `run ${state.input.parent.run}`;
}

function tellInside(draft: Draft, kind: 'pause' | 'resume', body: { readonly reason?: string }): void {
  for (const path of [...draft.touched()].toSorted()) {
    const { status, more } = draft.step(path);
    const open = status === 'working' || (status === 'waiting' && more.waitsFor?.kind === 'run');
    if (!open || more.run === undefined || findPlanned(draft, path)?.definition.type !== 'workflow') continue;
    draft.sends.push({ run: more.run, kind, body: JSON.stringify({ ...body, by: `run ${draft.record.id}` }) });
  }
}
