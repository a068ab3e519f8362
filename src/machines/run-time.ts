/** The time that a run may take as a whole. It counts while the run goes on, and stands still while it is paused. */
import { hasCode } from '../core/errors.js';
import { timerId } from '../core/messages.js';
import { within } from '../definition/plan-expressions.js';
import { workflowTimeout } from '../definition/render.js';
import { startScope } from '../definition/variables.js';
import type { Draft } from './state.js';

/** The time that the run may take, or why it cannot be said; null without one. */
export function timeoutOf({
  plan,
  task,
  variables,
}: Draft): { readonly ms: number } | { readonly unfit: string } | null {
  const { timeout, definition } = plan;
  if (timeout === null) return null;
  try {
    return { ms: workflowTimeout(within('timeout', () => timeout.render(startScope(definition, task, variables)))) };
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return { unfit: error.message };
  }
}

export function deadlineTimer(draft: Draft): string {
  return timerId({ kind: 'deadline', run: draft.record.id, step: '', attempt: 1 });
}

/** Since when its time counts, ms. */
export function timeFrom({ record, cause }: Draft): number {
  return record.steered?.timeFrom ?? record.startedAt ?? cause.at;
}

/** Arms the deadline for the time that is left, or takes it away when there is none or it stands still. */
export function setDeadline(draft: Draft): void {
  const timeout = timeoutOf(draft);
  if (timeout === null || draft.record.status === 'paused') draft.disarm(deadlineTimer(draft));
  else if ('ms' in timeout)
    draft.arm(deadlineTimer(draft), { afterMs: timeout.ms - (draft.cause.at - timeFrom(draft)) });
}
