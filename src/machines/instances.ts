/**
 * Where the steps of a run stand: a step of the definition is there once, or once per round of a loop and item of a
 * for_each around it. Each such instance has a path, `each[0]/fix[2]/qa`: the frames around it, outer first, then its id.
 */
import { CoordError } from '../core/errors.js';
import { compileSubPlan, type Plan, type PlannedList, type PlannedStep } from '../definition/plan.js';
import type { StepRecord } from './records.js';

/** What is needed to look around in a run: its plan, and the record of any path. */
export interface Run {
  readonly plan: Plan;
  step(path: string): StepRecord;
}

/** A list of steps at one place of a run. */
export interface ListInstance {
  /** Path of the step it stands in; null for the workflow's own. */
  readonly owner: string | null;
  readonly list: PlannedList;
  /** What the paths of its steps begin with. */
  readonly prefix: string;
}

function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Everything before the id: empty, or the frames around it with a `/` at the end. */
export function prefixOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** The prefix of what stands in round or item `index` of `owner`, or in its list that undoes it. */
export function frameOf(owner: string, index: number | 'compensate'): string {
  return `${owner}[${String(index)}]/`;
}

/** The step whose frame `prefix` ends with, and the index of the frame. */
export function ownerOfFrame(prefix: string): { owner: string; index: string } {
  const open = prefix.lastIndexOf('[');
  return { owner: prefix.slice(0, open), index: prefix.slice(open + 1, -2) };
}

export function planned(run: Run, path: string): PlannedStep {
  const step = planAt(run, prefixOf(path)).plan.steps.get(idOf(path));
  if (step !== undefined) return step;
  throw new CoordError('RUN_UNREADABLE', `the pinned definition of ${run.plan.definition.name} has no step "${path}"`);
}

/** Like `planned`, for a path that comes from outside. */
export function findPlanned(run: Run, path: string): PlannedStep | null {
  try {
    return planned(run, path);
  } catch {
    return null;
  }
}

/** The plan that the steps behind `prefix` belong to, and how many of its frames lie outside of that plan. */
export function planAt(run: Run, prefix: string): { plan: Plan; outside: number } {
  if (!run.plan.grows || prefix === '') return { plan: run.plan, outside: 0 };
  let plan = run.plan;
  let outside = 0;
  let at = '';
  for (const [depth, segment] of segmentsOf(prefix).entries()) {
    const owner = segment.slice(0, segment.indexOf('['));
    const index = segment.slice(segment.indexOf('['));
    if (plan.steps.get(owner)?.definition.type === 'plan' && index !== '[compensate]') {
      plan = subPlanOf(run, `${at}${owner}`);
      outside = depth + 1;
    }
    at += `${segment}/`;
  }
  return { plan, outside };
}

/** The plan of the steps that the plan step at `path` has planned. */
export function subPlanOf(run: Run, path: string): Plan {
  const steps = run.step(path).more.block?.steps;
  if (steps === undefined)
    throw new CoordError('RUN_UNREADABLE', `step ${path} has planned no steps, although the run has some of them`);
  return compileSubPlan(planAt(run, prefixOf(path)).plan, steps, idOf(path));
}

/**
 * Whether a step may still be asked, tried again or asked about: its lists go well, or it is there for when they do not.
 */
export function mayGoOn(run: Run & { readonly ends: boolean }, path: string): boolean {
  for (let at: string | null = path; at !== null; ) {
    const { owner, list } = listOf(run, at);
    if (planned(run, at).definition.when !== 'on_success' || list.key === 'compensate') return true;
    const block = owner === null ? undefined : run.step(owner).more.block;
    if (block?.failure !== undefined || block?.stopped !== undefined) return false;
    at = owner;
  }
  return !run.ends;
}

export function rootOf(run: Run): ListInstance {
  return { owner: null, list: run.plan.root, prefix: '' };
}

/** The list that a step stands in. */
export function listOf(run: Run, path: string): ListInstance {
  const prefix = prefixOf(path);
  const { list } = planned(run, path);
  if (list.owner === null) return { owner: prefix === '' ? null : ownerOfFrame(prefix).owner, list, prefix };
  return { owner: list.framed ? ownerOfFrame(prefix).owner : `${prefix}${list.owner}`, list, prefix };
}

/** The lists of a block that are open: those whose steps may have been started. */
export function* openLists(run: Run, path: string, begun: () => number): Generator<ListInstance> {
  const { definition, lists } = planned(run, path);
  const { block } = run.step(path).more;
  if (block === undefined) return;
  const at = (list: PlannedList | undefined, prefix: string): ListInstance[] =>
    list === undefined ? [] : [{ owner: path, list, prefix }];
  switch (definition.type) {
    case 'conditional':
      yield* at(block.branch === 'then' ? lists.then_steps : lists.else_steps, prefixOf(path));
      return;
    case 'parallel':
      yield* at(lists.steps, prefixOf(path));
      return;
    case 'loop':
      if ((block.round ?? 0) > 0) yield* at(lists.steps, frameOf(path, block.round ?? 0));
      return;
    case 'for_each':
      for (let item = 0, end = begun(); item < end; item++) yield* at(lists.steps, frameOf(path, item));
      return;
    case 'plan':
      if (block.steps !== undefined) yield { owner: path, list: subPlanOf(run, path).root, prefix: frameOf(path, 1) };
      return;
    default:
  }
}

/** The path of the step `id` as it is seen from a step behind `prefix` with these frames, or null when it is not in sight. */
export function resolve(run: Run, id: string, from: { prefix: string; frames: readonly string[] }): string | null {
  const { plan, outside } = planAt(run, from.prefix);
  const target = plan.steps.get(id);
  if (target === undefined) return null;
  let common = 0;
  while (common < target.frames.length && target.frames[common] === from.frames[common]) common++;
  const segments = segmentsOf(from.prefix).slice(0, outside + common);
  let prefix = segments.map((segment) => `${segment}/`).join('');
  // What lies deeper is the body of a loop that is over: its last round is meant.
  for (const frame of target.frames.slice(common)) {
    const round = run.step(`${prefix}${frame}`).more.block?.round;
    if (round === undefined || round === 0) return null;
    prefix = frameOf(`${prefix}${frame}`, round);
  }
  return `${prefix}${id}`;
}

function segmentsOf(prefix: string): readonly string[] {
  return prefix === '' ? [] : prefix.slice(0, -1).split('/');
}
