/** How often a step is tried again: a number that its definition may render, so it is asked for once before the first attempt. */
import { renderCount } from '../definition/render.js';
import { WORKFLOW_LIMITS } from '../definition/workflow.js';
import { planned } from './instances.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** Retries that the definition grants the step. Throws EXPRESSION_FAILED. */
export function retriesOf(draft: Draft, path: string): number {
  const step = planned(draft, path);
  const { definition } = step;
  if ('retries' in definition && typeof definition.retries.count === 'number') return definition.retries.count;
  return renderCount(step, 'retries', { scope: scopeOf(draft, path, step), from: 0, to: WORKFLOW_LIMITS.retries }) ?? 0;
}
