/** What the expressions of one step of a run can read. Only what they do read is put in, so the cost does not grow with the run. */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { Scope, StepScope } from '../expression/scope.js';
import type { Plan, PlannedList, PlannedStep } from '../definition/plan.js';
import type { ReadSet } from '../definition/plan-expressions.js';
import { stateName } from '../definition/workflow.js';
import { frameOf, ownerOfFrame, planAt, planned, prefixOf, resolve, type Run } from './instances.js';
import { artifactsOf, statusOf, valueOf } from './values.js';

/** A run with what it was started with. */
export interface ScopedRun extends Run {
  readonly id: string;
  readonly task: JsonObject;
  readonly variables: JsonObject;
}

interface Place {
  readonly prefix: string;
  readonly frames: readonly string[];
  readonly reads: ReadSet;
  /** Steps whose artifacts are in sight, nearest first. */
  readonly before: readonly string[];
}

/** For the condition and the templates of the step at `path`. */
export function scopeOf(run: ScopedRun, path: string, step: PlannedStep): Scope {
  const before = step.reads.artifacts ? allBefore(planAt(run, prefixOf(path)).plan, step) : [];
  return scopeAt(run, { prefix: prefixOf(path), frames: step.frames, reads: step.reads, before });
}

/** For `until` and `while` of the loop at `path`, after the given round; 0: before the first. */
export function scopeInside(
  run: ScopedRun,
  path: string,
  { step, round }: { step: PlannedStep; round: number },
): Scope {
  const frames = [...step.frames, step.definition.id];
  const around = step.readsInside.artifacts ? allBefore(planAt(run, prefixOf(path)).plan, step) : [];
  const before = [...(step.lists.steps?.steps ?? []).toReversed(), ...around];
  return scopeAt(run, { prefix: frameOf(path, round), frames, reads: step.readsInside, before });
}

/** For the result of the run. */
export function scopeOfResult(run: ScopedRun, reads: ReadSet): Scope {
  return scopeAt(run, { prefix: '', frames: [], reads, before: run.plan.root.steps.toReversed() });
}

function scopeAt(run: ScopedRun, place: Place): Scope {
  const state = new Map<string, JsonValue>();
  const steps: Record<string, StepScope> = {};
  for (const id of place.reads.steps) {
    const path = resolve(run, id, place);
    const record = path === null ? null : run.step(path);
    const status = record === null ? 'skipped' : statusOf(record);
    if (status === null) continue;
    const has = record !== null && path !== null && (record.status === 'succeeded' || record.verdict !== null);
    const result = has ? valueOf(run, path) : null;
    state.set(stateName(id, 'status'), status);
    if (has) state.set(stateName(id, 'result'), result);
    steps[id] = { status, result, artifacts: has ? artifactsOf(run, path) : [] };
  }
  return {
    task: run.task,
    variables: run.variables,
    context: { state },
    steps,
    artifacts: place.reads.artifacts ? artifactsInSight(run, place) : {},
    run: { id: run.id, workflow: run.plan.definition.name },
    loop: place.reads.loop ? loopAround(run, place.prefix) : null,
  };
}

const stepsBefore = new WeakMap<PlannedStep, readonly string[]>();

/** Every step before this one, in its own list and around, nearest first. A request names only the nearest. */
function allBefore(plan: Plan, step: PlannedStep): readonly string[] {
  const known = stepsBefore.get(step);
  if (known !== undefined) return known;
  const found = new Set<string>();
  for (let at: PlannedStep | undefined = step; at !== undefined; ) {
    const own = new Set(at.dependencies);
    for (const id of own) {
      found.add(id);
      for (const further of plan.steps.get(id)?.dependencies ?? []) own.add(further);
    }
    const list: PlannedList = at.list;
    const { owner, key } = list;
    if (owner !== null && key === 'compensate') found.add(owner);
    at = owner === null ? undefined : plan.steps.get(owner);
  }
  const all = [...found];
  stepsBefore.set(step, all);
  return all;
}

/** By name; of two with one name, the nearer step's. */
function artifactsInSight(run: Run, place: Place): Scope['artifacts'] {
  const found = new Map<string, Scope['artifacts'][string]>();
  for (const id of place.before) {
    const path = resolve(run, id, place);
    if (path === null) continue;
    for (const artifact of artifactsOf(run, path))
      if (!found.has(artifact.name)) found.set(artifact.name, { ...artifact, step: path });
  }
  return Object.fromEntries(found);
}

/** The innermost loop or for_each around what stands behind `prefix`. */
function loopAround(run: Run, prefix: string): JsonObject | null {
  for (let at = prefix; at !== ''; at = prefixOf(ownerOfFrame(at).owner)) {
    const { owner, index } = ownerOfFrame(at);
    const { definition, lists } = planned(run, owner);
    if (index === 'compensate') continue;
    if (definition.type === 'for_each') {
      const items = run.step(owner).more.block?.items ?? [];
      return { index: Number(index), item: items[Number(index)] ?? null, count: items.length };
    }
    if (definition.type === 'loop') {
      const before = frameOf(owner, Number(index) - 1);
      const previous =
        Number(index) <= 1
          ? null
          : Object.fromEntries(
              (lists.steps?.steps ?? []).map((id) => [
                id,
                { status: statusOf(run.step(`${before}${id}`)), result: valueOf(run, `${before}${id}`) },
              ]),
            );
      return { round: Number(index), previous };
    }
  }
  return null;
}
