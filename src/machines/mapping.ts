/**
 * Which steps of a run's definition are which of another one. A step is the same when it has the same id, the same place
 * and the same type. What has begun must stay what it is: a run never forgets what somebody works on or was paid for.
 */
import { messageOf } from '../core/errors.js';
import { type StepStatus, stepIsSettled } from '../core/statuses.js';
import { compileSubPlan, type Plan, type PlannedStep } from '../definition/plan.js';
import { listsOf, type StepDefinition } from '../definition/steps.js';
import type { StepRecord } from './records.js';
import { timeoutOf } from './run-time.js';
import { Draft, type RunState, runState } from './state.js';

export interface MappedStep {
  /** Id in the definition; unique in it. */
  readonly id: string;
  readonly fate: 'keeps' | 'new' | 'gone';
  /** Where it stands now, or stood; the furthest of its rounds and items. */
  readonly status: StepStatus;
  /** Why it is skipped at once, or null. */
  readonly skip: string | null;
  /** Why it cannot be mapped, or null. */
  readonly refused: string | null;
}

export interface Mapping {
  /** In the order of the new definition, then those that are gone. */
  readonly steps: readonly MappedStep[];
  /** Why the run cannot be migrated, one text each; none: it can. */
  readonly refusals: readonly string[];
}

/** `plan` is what the run is to go on with. */
export function mapRun(state: RunState, plan: Plan): Mapping {
  const records = recordsById(state);
  const kept = [...plan.steps].map(([id, step]) => mapped(state.plan.steps.get(id), step, records.get(id) ?? []));
  const gone = [...state.plan.steps]
    .filter(([id]) => !plan.steps.has(id))
    .map(([, step]) => goneStep(step, records.get(step.definition.id) ?? []));
  const steps = [...withSkips(kept, plan), ...gone];
  const refusals = steps.flatMap(({ id, refused }) => (refused === null ? [] : [`step ${id} ${refused}`]));
  return { steps, refusals: [...refusedAsWhole(state, plan), ...refusals, ...refusedPlans(state, plan)] };
}

/** The step of the workflow's own list that a path lies in. */
export function rootStepOf(plan: Plan, path: string): string {
  let id = /^[^[/]*/.exec(path)?.[0] ?? path;
  for (;;) {
    const owner = plan.steps.get(id)?.list.owner ?? null;
    if (owner === null) return id;
    id = owner;
  }
}

/** Records by id in the definition; what a persona has planned stands in no definition. */
function recordsById({ plan, steps }: RunState): ReadonlyMap<string, readonly StepRecord[]> {
  const records = new Map<string, StepRecord[]>();
  for (const [path, record] of steps) {
    if (isPlanned(plan, path)) continue;
    const id = path.slice(path.lastIndexOf('/') + 1);
    const known = records.get(id);
    if (known === undefined) records.set(id, [record]);
    else known.push(record);
  }
  return records;
}

/** Whether a persona has planned the step at `path`. */
function isPlanned(plan: Plan, path: string): boolean {
  if (!plan.grows) return false;
  return path
    .split('/')
    .slice(0, -1)
    .some((segment) => {
      const owner = segment.slice(0, segment.indexOf('['));
      return plan.steps.get(owner)?.definition.type === 'plan' && !segment.endsWith('[compensate]');
    });
}

function mapped(old: PlannedStep | undefined, step: PlannedStep, records: readonly StepRecord[]): MappedStep {
  const { id, type } = step.definition;
  const status = furthest(records);
  const same = { id, status, skip: null, refused: null };
  if (old === undefined || status === 'pending')
    return { ...same, fate: old !== undefined && isSame(old, step) ? 'keeps' : 'new' };
  if (placeOf(old) !== placeOf(step))
    return { ...same, fate: 'keeps', refused: `is ${status}, and stands elsewhere in the new definition` };
  // What never began is of no type.
  const began = records.some(({ status: its, attempt }) => its !== 'skipped' && (its !== 'canceled' || attempt > 0));
  if (old.definition.type !== type && began)
    return { ...same, fate: 'keeps', refused: `is ${status} as ${old.definition.type}, and would be ${type}` };
  const opened = records.some(({ more }) => more.block !== undefined);
  if (opened && shapeOf(old.definition) !== shapeOf(step.definition))
    return { ...same, fate: 'keeps', refused: `is ${status}, and other steps stand inside it in the new definition` };
  return { ...same, fate: 'keeps' };
}

function goneStep({ definition }: PlannedStep, records: readonly StepRecord[]): MappedStep {
  const status = furthest(records);
  const open = status !== 'pending' && !stepIsSettled(status);
  const undoable = definition.compensate.length > 0 && records.some((record) => record.status === 'succeeded');
  const refused = open
    ? `is ${status}, and is not in the new definition`
    : undoable
      ? 'has succeeded and can be undone, and is not in the new definition'
      : null;
  return { id: definition.id, fate: 'gone', status, skip: null, refused };
}

/** A new step that stands before nothing that is still to come would come too late. */
function withSkips(steps: readonly MappedStep[], plan: Plan): readonly MappedStep[] {
  const over = new Set(steps.filter(({ status }) => stepIsSettled(status)).map(({ id }) => id));
  const isLate = ({ id, fate }: MappedStep): boolean => {
    const step = plan.steps.get(id);
    if (fate !== 'new' || step === undefined || step.list !== plan.root || over.has(id)) return false;
    // Those that wait for all ordinary steps do not count: they name none.
    const waiting = step.dependents.filter((other) => plan.steps.get(other)?.definition.dependencies.includes(id));
    return waiting.length > 0 && waiting.every((other) => over.has(other));
  };
  for (let found = steps.filter(isLate); found.length > 0; found = steps.filter(isLate))
    for (const { id } of found) over.add(id);
  return steps.map((step) =>
    over.has(step.id) && step.fate === 'new' ? { ...step, skip: 'what waits for it is over already' } : step,
  );
}

function refusedAsWhole(state: RunState, plan: Plan): readonly string[] {
  const { input, record } = state;
  if (record.status === 'compensating') return ['the run is being undone'];
  const issues = plan.checkInput(input.task);
  if (issues.length > 0) {
    const texts = issues.map(({ path, message }) => `${path === '' ? 'task' : path}: ${message}`).join('; ');
    return [`the task does not fit the new definition's input schema: ${texts}`];
  }
  const next = runState({ ...state, plan });
  if (next.unfit !== null) return [next.unfit];
  const timeout = timeoutOf(new Draft(next));
  return timeout !== null && 'unfit' in timeout ? [timeout.unfit] : [];
}

/** What personas have planned must still be a plan among the new steps. */
function refusedPlans({ steps, plan: old }: RunState, plan: Plan): readonly string[] {
  if (!old.grows) return [];
  const taken = new Set(plan.steps.keys());
  return [...steps].flatMap(([path, { more }]) => {
    const planning = more.block?.steps;
    if (planning === undefined) return [];
    const own = structuredClone(planning);
    try {
      const clash = [...compileSubPlan(plan, own, path).steps.keys()].find((id) => taken.has(id));
      return clash === undefined ? [] : [`step ${path} has planned a step ${clash}, which the new definition has too`];
    } catch (error) {
      return [`what step ${path} has planned does not fit the new definition: ${messageOf(error)}`];
    }
  });
}

function isSame(old: PlannedStep, step: PlannedStep): boolean {
  return old.definition.type === step.definition.type && placeOf(old) === placeOf(step);
}

/** What the paths of its instances are made of. */
function placeOf({ list, frames }: PlannedStep): string {
  return JSON.stringify([list.owner, list.key, frames]);
}

/** Ids, types and places of all that stands inside a step, apart from what undoes it: that opens only at the run's end. */
function shapeOf(step: StepDefinition): string {
  const inside = listsOf(step).filter(({ key }) => key !== 'compensate');
  return JSON.stringify([step.id, step.type, inside.map(({ key, steps }) => [key, steps.map(shapeOf).toSorted()])]);
}

const BY_PROGRESS: readonly StepStatus[] = [
  'working',
  'queued',
  'waiting',
  'retrying',
  'succeeded',
  'failed',
  'canceled',
  'skipped',
];

function furthest(records: readonly StepRecord[]): StepStatus {
  return BY_PROGRESS.find((status) => records.some((record) => record.status === status)) ?? 'pending';
}
