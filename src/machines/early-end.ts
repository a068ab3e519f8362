/** Ends a run before all of its steps are over: a step says so, or its time is up. */
import type { PlannedStep } from '../definition/plan.js';
import { renderText } from '../definition/render.js';
import type { EndStep } from '../definition/steps.js';
import { cancelInside, windDown } from './blocks.js';
import { failRun } from './ending.js';
import { planned, rootOf } from './instances.js';
import { passStep, skipStep } from './moves.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** Ends the run as the step says. Throws EXPRESSION_FAILED. */
export function endEarly(draft: Draft, path: string, step: PlannedStep & { definition: EndStep }): void {
  const { status } = step.definition;
  const reason = renderText(step, 'reason', scopeOf(draft, path, step)) ?? `step ${path} ends the run`;
  passStep(draft, path, { result: { status, reason }, begunAt: draft.cause.at });
  if (status === 'canceled') {
    draft.setRecord({ canceled: { reason, by: `step ${path}` } });
    cancelInside(draft, [rootOf(draft)], reason);
    return;
  }
  if (status === 'failed') failRun(draft, { class: 'REJECTED', message: reason, step: path });
  else skipForFailures(draft);
  stopOrdinary(draft, reason);
}

/** What is canceled now is no failure. */
function skipForFailures(draft: Draft): void {
  for (const id of rootOf(draft).list.steps) {
    const { when } = planned(draft, id).definition;
    if (when === 'on_failure' && draft.step(id).status === 'pending') skipStep(draft, id, 'nothing before it failed');
  }
}

/** What is under way is canceled and what is not is skipped, but for what is done in any case, or about failures. */
export function stopOrdinary(draft: Draft, reason: string): void {
  const root = rootOf(draft);
  const open = root.list.steps.filter(
    (id) => draft.step(id).status !== 'pending' && planned(draft, id).definition.when === 'on_success',
  );
  cancelInside(draft, [{ ...root, list: { ...root.list, steps: open } }], reason);
  windDown(draft, root, reason);
}
