/** The state of what a run works on: which step may enter which, and what must be there then. */
import { hasCode } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import type { PlannedStep } from '../definition/plan.js';
import type { Scope } from '../expression/scope.js';
import { base } from './moves.js';
import type { Draft, RunState } from './state.js';

/** The state that it is in; null without states. */
export function workState({ record, plan }: Pick<RunState, 'plan' | 'record'>): string | null {
  return record.state ?? plan.definition.states?.[0]?.name ?? null;
}

/** Enters the state that the step says, if any. Returns why that cannot be, and then nothing has changed; else null. */
export function enterState(
  draft: Draft,
  path: string,
  { step, scope }: { step: PlannedStep; scope: Scope },
): string | null {
  const { enters } = step.definition;
  const { states = [] } = draft.plan.definition;
  const target = states.find(({ name }) => name === enters);
  if (enters === undefined || target === undefined) return null;
  const from = workState(draft);
  const allowed = states.find(({ name }) => name === from)?.to ?? null;
  if (from !== enters && allowed !== null && !allowed.includes(enters)) {
    const ways = allowed.length === 0 ? 'nothing follows it' : `it may become ${allowed.join(', ')}`;
    return `it cannot become ${enters}: it is ${from ?? ''}, and ${ways}`;
  }
  const missing = (step.requires ?? []).filter(({ expression }) => isMissing(() => expression.evaluate(scope)));
  if (missing.length > 0) return `it cannot become ${enters} without ${missing.map(({ source }) => source).join(', ')}`;
  draft.setMore(path, { entered: enters });
  if (from !== enters) {
    draft.setRecord({ state: enters });
    draft.facts.push({ ...base(draft), type: 'run.entered', step: path, from: from ?? '', state: enters });
  }
  return null;
}

/** Not there, or empty. */
function isMissing(evaluate: () => unknown): boolean {
  let value: JsonValue | undefined;
  try {
    value = evaluate() as JsonValue | undefined;
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return true;
  }
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** The state that the last of the steps which stay has entered: what a run that is taken up goes on from. */
export function restoreState(draft: Draft): void {
  if (draft.plan.definition.states === undefined) return;
  let last: { readonly state: string; readonly at: number } | null = null;
  for (const path of draft.touched()) {
    const { more, status, order } = draft.step(path);
    if (more.entered === undefined || status === 'pending') continue;
    const at = order ?? Number.POSITIVE_INFINITY;
    if (last === null || at >= last.at) last = { state: more.entered, at };
  }
  const { state: _state, ...record } = draft.record;
  draft.record = last === null ? record : { ...record, state: last.state };
}
