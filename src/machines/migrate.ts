/**
 * A run that goes on with another definition. Which of its steps are the same there, which are new and which are gone is a
 * pure function of its records and the two plans; what cannot be mapped is refused, and the run stays as it was. A
 * migration is a transition of its own: everything before it is folded through one plan, all after it through the other.
 */
import type { Message } from '../core/messages.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import type { Plan } from '../definition/plan.js';
import { isAsking } from '../definition/steps.js';
import { advance } from './advance.js';
import { windDown } from './blocks.js';
import { planned, rootOf } from './instances.js';
import { type Mapping, mapRun, rootStepOf } from './mapping.js';
import { base, disarm, skipStep } from './moves.js';
import { makeReady } from './readiness.js';
import type { StepRecord } from './records.js';
import { setDeadline } from './run-time.js';
import { Draft, type FoldResult, type RunState, runState } from './state.js';

type Migrate = Extract<Message, { readonly kind: 'migrate' }>;

export interface Migration {
  /** What the result is to be applied to: the state on its new plan, or the one that was handed in when it was refused. */
  readonly state: RunState;
  readonly result: FoldResult;
  /** Hash of the definition that the run goes on with; null when it keeps the one it has. */
  readonly definition: string | null;
}

/** Folds a `migrate` message, alone. `plan` is that of the definition it names; `state` is never changed. */
export function foldMigration(state: RunState, message: Migrate, plan: Plan): Migration {
  const cause = { id: message.id, at: message.at };
  const mapping = runHasEnded(state.record.status) ? null : mapRun(state, plan);
  const why = mapping === null ? `the run is ${state.record.status}` : mapping.refusals.join('; ');
  if (mapping === null || why !== '') {
    const draft = new Draft(state);
    draft.cause = cause;
    draft.facts.push({ ...base(draft), type: 'message.ignored', kind: 'migrate', reason: why, step: null });
    return { state, result: draft.result(), definition: null };
  }
  const gone = goneRecords(state, mapping);
  const draft = new Draft(onPlan(state, plan, gone));
  draft.cause = cause;
  draft.gone.push(...gone);
  draft.setRecord({ workflow: plan.definition.name });
  const idsOf = (fate: string): string[] => mapping.steps.filter((step) => step.fate === fate).map(({ id }) => id);
  const changes = { added: idsOf('new'), gone: idsOf('gone') };
  const { by } = message;
  draft.facts.push({ ...base(draft), type: 'run.migrated', from: state.plan.hash, to: plan.hash, by, ...changes });
  if (draft.record.status !== 'pending') {
    changeTimers(draft, state);
    goOn(draft, mapping);
  }
  return { state: draft.state, result: draft.result(), definition: plan.hash };
}

/** Paths of the records that the new definition has no step for: none of them is open. */
function goneRecords(state: RunState, mapping: Mapping): readonly string[] {
  const kept = new Set(mapping.steps.filter(({ fate }) => fate === 'keeps').map(({ id }) => id));
  return [...state.steps.keys()].filter((path) => !kept.has(rootStepOf(state.plan, path)));
}

/** Records of its own, since what was made of them is remembered by record, and is another thing under another plan. */
function onPlan(state: RunState, plan: Plan, gone: readonly string[]): RunState {
  const steps = new Map([...state.steps].map(([path, step]) => [path, structuredClone(step)]));
  for (const path of gone) steps.delete(path);
  return runState({ ...state, plan, steps });
}

/** Timers that the new definition does not know are taken away; what is under way keeps the others as they are. */
function changeTimers(draft: Draft, before: RunState): void {
  const run = { plan: before.plan, step: (path: string): StepRecord => draft.step(path) };
  for (const path of draft.state.steps.keys()) {
    if (stepIsSettled(draft.step(path).status)) continue;
    const old = planned(run, path).templates;
    const { templates, definition } = planned(draft, path);
    if (old['queue_timeout'] !== undefined && templates['queue_timeout'] === undefined) disarm(draft, path, ['queue']);
    if (!isAsking(definition) && old['timeout'] !== undefined && templates['timeout'] === undefined)
      disarm(draft, path, ['timeout']);
  }
  if (JSON.stringify(before.plan.definition.timeout) === JSON.stringify(draft.plan.definition.timeout)) return;
  setDeadline(draft);
}

function goOn(draft: Draft, mapping: Mapping): void {
  const { failure } = draft.record;
  if (failure !== null) windDown(draft, rootOf(draft), `step ${failure.step ?? 'of the run'} failed`);
  // The last ones first, since those before them may be there for them alone.
  for (const { id, skip } of mapping.steps.toReversed())
    if (skip !== null && draft.step(id).status === 'pending') skipStep(draft, id, skip);
  makeReady(draft, rootOf(draft));
  advance(draft);
}
