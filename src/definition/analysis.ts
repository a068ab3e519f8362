/**
 * What can be said of a list of steps before it runs: in which order, what at the same time, and what takes longest.
 * Besides steps in normal form these take any list of `{ id, dependencies }`.
 */
import { CoordError } from '../core/errors.js';
import {
  Ancestry,
  type Dependencies,
  describeCycle,
  EVERYTHING,
  findCycles,
  levelsOf,
  longestPath,
  topologicalOrder,
  waitsOf,
} from './order.js';
import { type Duration, listsOf, type StepDefinition, type When } from './steps.js';
import { millisecondsOf } from './workflow.js';

export interface AnalyzedStep {
  readonly id: string;
  readonly dependencies?: readonly string[];
  readonly when?: When;
  /** Seconds, or a text such as `5m`. */
  readonly timeout?: Duration | null;
}

export interface ExecutionPlan {
  /** Each step after all it waits for. */
  readonly order: readonly string[];
  /** The steps of a level wait for steps of the levels before only, so they can run at the same time. */
  readonly levels: readonly (readonly string[])[];
}

export interface CriticalPath {
  readonly path: readonly string[];
  /** In `unit`: the sum over the path. */
  readonly total: number;
  /** `seconds` when any step has a timeout; one without counts as 1 then, as every step does in `steps`. */
  readonly unit: 'seconds' | 'steps';
  /** Steps of the path whose timeout is not known, or not there. */
  readonly untimed: number;
}

export interface Parallelization {
  /** Two or more steps that can run at the same time. */
  readonly groups: readonly (readonly string[])[];
  /** Dependencies that change nothing: `step` waits for `dependency` through another one anyway. */
  readonly redundant: readonly { readonly step: string; readonly dependency: string; readonly through: string }[];
}

/** Throws DEFINITION_INVALID for steps that wait for each other, for unknown dependencies and for ids used twice. */
export function createExecutionPlan(steps: readonly AnalyzedStep[]): ExecutionPlan {
  const dependencies = dependenciesOf(steps);
  const order = topologicalOrder(dependencies).order.filter((id) => id !== EVERYTHING);
  return { order, levels: levelsOf(dependencies) };
}

/** Throws DEFINITION_INVALID: `Circular dependency detected: step1 -> step2 -> step1`. */
export function validateNoCycles(steps: readonly AnalyzedStep[]): void {
  refuseCycles(graphOf(steps));
}

/** The chain of steps that takes longest. Throws as `createExecutionPlan` does. */
export function analyzeCriticalPath(steps: readonly AnalyzedStep[]): CriticalPath {
  const dependencies = dependenciesOf(steps);
  const seconds = new Map(steps.map((step) => [step.id, secondsOf(step)]));
  const timed = [...seconds.values()].some((known) => known !== null);
  const { order } = topologicalOrder(dependencies);
  const { path, length } = longestPath(order, dependencies, (id) => (timed ? (seconds.get(id) ?? 1) : 1));
  const untimed = path.filter((id) => (seconds.get(id) ?? null) === null).length;
  return { path, total: length, unit: timed ? 'seconds' : 'steps', untimed };
}

/** What can run at the same time, and what is written without need. Throws as `createExecutionPlan` does. */
export function findParallelizationOpportunities(steps: readonly AnalyzedStep[]): Parallelization {
  const dependencies = dependenciesOf(steps);
  const ancestry = new Ancestry(topologicalOrder(dependencies).order, dependencies);
  const redundant = steps.flatMap((step) => {
    const named = step.dependencies ?? [];
    return named.flatMap((dependency) => {
      const through = named.find((other) => other !== dependency && ancestry.dependsOn(other, dependency));
      return through === undefined ? [] : [{ step: step.id, dependency, through }];
    });
  });
  return { groups: levelsOf(dependencies).filter((level) => level.length > 1), redundant };
}

function dependenciesOf(steps: readonly AnalyzedStep[]): Dependencies {
  const ids = new Set<string>();
  for (const { id } of steps) {
    if (ids.has(id))
      throw new CoordError('DEFINITION_INVALID', `the step id "${id}" is there twice; give one another id`);
    ids.add(id);
  }
  for (const { id, dependencies = [] } of steps) {
    const unknown = dependencies.find((other) => !ids.has(other));
    if (unknown === undefined) continue;
    throw new CoordError(
      'DEFINITION_INVALID',
      `step "${id}" depends on "${unknown}", which is no step; correct the name`,
    );
  }
  const dependencies = graphOf(steps);
  refuseCycles(dependencies);
  return dependencies;
}

function graphOf(steps: readonly AnalyzedStep[]): Dependencies {
  return waitsOf(steps.map(({ id, dependencies = [], when = 'on_success' }) => ({ id, dependencies, when })));
}

function refuseCycles(dependencies: Dependencies): void {
  const [cycle] = findCycles(dependencies, 1);
  if (cycle !== undefined) throw new CoordError('DEFINITION_INVALID', describeCycle(cycle).message);
}

/** Null when nothing is said of it. A block without a timeout takes as long as what it holds. */
function secondsOf(step: AnalyzedStep): number | null {
  const { timeout = null } = step;
  const ms = millisecondsOf(timeout);
  if (ms !== null) return ms / 1_000;
  return isDefinition(step) ? secondsInside(step) : null;
}

function isDefinition(step: AnalyzedStep): step is StepDefinition {
  return 'type' in step && 'compensate' in step;
}

/** Definitions do not change, and every level of nesting asks for those inside. */
const inside = new WeakMap<StepDefinition, number | null>();

function secondsInside(step: StepDefinition): number | null {
  const known = inside.get(step);
  if (known !== undefined) return known;
  const lists = listsOf(step).filter(({ key }) => key !== 'compensate');
  const timed = lists.filter((list) => list.steps.some((inner) => secondsOf(inner) !== null));
  const longest = timed.length === 0 ? null : Math.max(...timed.map((list) => analyzeCriticalPath(list.steps).total));
  const rounds = step.type === 'loop' && typeof step.max_rounds === 'number' ? step.max_rounds : 1;
  const total = longest === null ? null : longest * rounds;
  inside.set(step, total);
  return total;
}
