/**
 * A persona that has used up its quota, or is asked too often, says when it can go on. Until then the step is parked: it is
 * `retrying`, due at that time, and no retry is used up, for nothing is wrong with the work.
 */
import type { StepFailure } from '../core/facts.js';
import { INTERRUPTED_CLASSES } from '../core/statuses.js';
import { hasPersona, type StepDefinition } from '../definition/steps.js';
import { planned } from './instances.js';
import type { StepMore } from './records.js';
import type { Draft } from './state.js';

/** A persona that is never ready, however often it was waited for, has failed. */
const PARKED_AT_MOST = 20;

export type Parked = NonNullable<StepMore['parked']>;

function isQuota({ class: errorClass }: StepFailure): boolean {
  return errorClass === 'QUOTA' || errorClass === 'RATE_LIMIT';
}

/** Until when the step is parked after the attempt, or null: it counts as one that failed. */
export function parkedAfter(
  draft: Draft,
  path: string,
  { error, resumeInMs }: { readonly error: StepFailure; readonly resumeInMs: number | undefined },
): Parked | null {
  const { definition } = planned(draft, path);
  if (resumeInMs === undefined || !isQuota(error) || !hasPersona(definition)) return null;
  if (definition.retries.retry_on?.includes(error.class) === false) return null;
  const times = (draft.step(path).more.parked?.times ?? 0) + 1;
  return times > PARKED_AT_MOST ? null : { until: draft.cause.at + resumeInMs, times };
}

/** Whether the next persona is asked instead of waiting for this one. */
export function asksNextAtOnce(draft: Draft, path: string, error: StepFailure): boolean {
  const { definition } = planned(draft, path);
  return hasPersona(definition) && definition.on_quota === 'fallback' && isQuota(error);
}

/** It was parked so often in a row; from now on it is counted anew. */
export function forgetParked(draft: Draft, path: string): void {
  const { parked, ...more } = draft.step(path).more;
  if (parked !== undefined) draft.setStep(path, { more });
}

/** Whether the next attempt goes on from what the one that failed has left behind. */
export function resumesAfter(
  definition: StepDefinition,
  { class: errorClass }: StepFailure,
  how: 'retry' | 'fallback',
): boolean {
  const said = hasPersona(definition) ? definition.resume_from : 'clean';
  if (said !== undefined) return said === 'attempt';
  return how === 'fallback' && INTERRUPTED_CLASSES.has(errorClass);
}

/** Null: the next attempt starts where the run stands. */
export function keepWork(draft: Draft, path: string, work: string | null): void {
  const { work: before, ...more } = draft.step(path).more;
  if (work !== null) draft.setStep(path, { more: { ...more, work } });
  else if (before !== undefined) draft.setStep(path, { more });
}
