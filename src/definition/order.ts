/** The graph of a workflow's steps: orders, paths and cycles. Iterative throughout, since chains may be thousands long. */

import type { When } from './steps.js';

/** Step id → ids it depends on, in the order of the definition. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/** What a step of a list needs to have for its place in the graph. */
export interface Waiting {
  readonly id: string;
  readonly dependencies: readonly string[];
  readonly when: When;
}

/**
 * Stands for all `on_success` steps of a list, which an `always` or `on_failure` step without dependencies waits for:
 * one node instead of an edge between every two of them. It is no step id.
 */
export const EVERYTHING = '*';

/** Steps that deal with failures and name nothing wait for all ordinary steps of their list. */
function waitsForEverything({ dependencies, when }: Waiting): boolean {
  return when !== 'on_success' && dependencies.length === 0;
}

function ordinaryOf(steps: readonly Waiting[]): readonly string[] {
  return [...new Set(steps.filter(({ when }) => when === 'on_success').map(({ id }) => id))];
}

/** Who waits for whom in one list, EVERYTHING included where somebody waits for it. Names of no step are left out. */
export function waitsOf(steps: readonly Waiting[]): Dependencies {
  const ids = new Set(steps.map(({ id }) => id));
  const dependencies = new Map<string, readonly string[]>();
  for (const step of steps) {
    if (dependencies.has(step.id)) continue;
    const written = step.dependencies.filter((other) => ids.has(other));
    dependencies.set(step.id, waitsForEverything(step) ? [EVERYTHING] : written);
  }
  if (steps.some(waitsForEverything)) dependencies.set(EVERYTHING, ordinaryOf(steps));
  return dependencies;
}

/** As `waitsOf` of steps that have been checked, with an edge to each step in place of EVERYTHING. */
export function edgesOf(steps: readonly Waiting[]): Dependencies {
  const ordinary = ordinaryOf(steps);
  return new Map(steps.map((step) => [step.id, waitsForEverything(step) ? ordinary : step.dependencies]));
}

/** Step ids by how many steps they wait for one after the other: what stands together can run at the same time. */
export function levelsOf(dependencies: Dependencies): readonly (readonly string[])[] {
  const depths = new Map<string, number>();
  const levels: string[][] = [];
  for (const id of topologicalOrder(dependencies).order) {
    let depth = -1;
    for (const before of dependencies.get(id) ?? []) depth = Math.max(depth, depths.get(before) ?? -1);
    if (id !== EVERYTHING) {
      depth++;
      const level = levels[depth];
      if (level === undefined) levels[depth] = [id];
      else level.push(id);
    }
    depths.set(id, depth);
  }
  return levels;
}

export interface Order {
  readonly order: readonly string[];
  readonly dependents: ReadonlyMap<string, readonly string[]>;
  /** Steps that are on a cycle, behind one, or behind a step that does not exist. */
  readonly stuck: readonly string[];
}

export function topologicalOrder(dependencies: Dependencies): Order {
  const dependents = new Map<string, string[]>([...dependencies.keys()].map((id) => [id, []]));
  const waiting = new Map<string, number>();
  for (const [id, before] of dependencies) {
    waiting.set(id, before.length);
    for (const dependency of before) dependents.get(dependency)?.push(id);
  }
  const order = [...dependencies.keys()].filter((id) => waiting.get(id) === 0);
  // The list grows while it is walked: what becomes free is put behind what is free already.
  for (const id of order) {
    for (const dependent of dependents.get(id) ?? []) {
      const left = (waiting.get(dependent) ?? 0) - 1;
      waiting.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  const free = new Set(order);
  return { order, dependents, stuck: [...dependencies.keys()].filter((id) => !free.has(id)) };
}

/** Up to `limit` steps that `id` depends on, directly or not; nearest first, then in the order of the dependencies. */
export function nearestAncestors(id: string, dependencies: Dependencies, limit: number): readonly string[] {
  const found = new Set<string>();
  const queue = [id];
  for (const next of queue) {
    for (const dependency of dependencies.get(next) ?? []) {
      if (found.has(dependency)) continue;
      found.add(dependency);
      if (found.size === limit) return [...found];
      queue.push(dependency);
    }
  }
  return [...found];
}

/** The longest chain of an acyclic graph, and how long it is; of several, the one that the order meets first. */
export function longestPath(
  order: readonly string[],
  dependencies: Dependencies,
  lengthOf: (id: string) => number = () => 1,
): { readonly path: readonly string[]; readonly length: number } {
  const best = new Map<string, { length: number; before: string | null }>();
  let last: string | null = null;
  for (const id of order) {
    let entry: { length: number; before: string | null } = { length: 0, before: null };
    for (const before of dependencies.get(id) ?? []) {
      const length = best.get(before)?.length ?? 0;
      if (entry.before === null || length > entry.length) entry = { length, before };
    }
    const length = entry.length + (id === EVERYTHING ? 0 : lengthOf(id));
    best.set(id, { ...entry, length });
    if (last === null || length > (best.get(last)?.length ?? 0)) last = id;
  }
  const path: string[] = [];
  for (let id = last; id !== null; id = best.get(id)?.before ?? null) if (id !== EVERYTHING) path.push(id);
  return { path: path.toReversed(), length: last === null ? 0 : (best.get(last)?.length ?? 0) };
}

/** Cycles as paths `a, b, a`, where each step depends on the next. Every cycle is broken by one of them; at most `limit`. */
export function findCycles(dependencies: Dependencies, limit: number): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of dependencies.keys()) {
    const path: { id: string; next: number }[] = [{ id: start, next: 0 }];
    const onPath = new Set([start]);
    for (let top = path.at(-1); top !== undefined && !done.has(start); top = path.at(-1)) {
      const dependency = dependencies.get(top.id)?.[top.next++];
      if (dependency === undefined) {
        done.add(top.id);
        onPath.delete(top.id);
        path.pop();
      } else if (onPath.has(dependency)) {
        if (cycles.length === limit) return cycles;
        const ids = path.map((entry) => entry.id);
        cycles.push([...ids.slice(ids.indexOf(dependency)), dependency]);
      } else if (!done.has(dependency) && dependencies.has(dependency)) {
        path.push({ id: dependency, next: 0 });
        onPath.add(dependency);
      }
    }
  }
  return cycles;
}

/** Steps of a circle that a message names. */
const CYCLE_SHOWN = 12;

/** A circle as its steps, `a, b, a`, and as messages name it. EVERYTHING is left out: nobody wrote it. */
export function describeCycle(path: readonly string[]): { readonly ids: readonly string[]; readonly message: string } {
  const steps = path.slice(0, -1).filter((id) => id !== EVERYTHING);
  const ids = [...steps, ...steps.slice(0, 1)];
  const half = CYCLE_SHOWN / 2;
  const shown = ids.length > CYCLE_SHOWN ? [...ids.slice(0, half), '…', ...ids.slice(1 - half)] : ids;
  return { ids, message: `Circular dependency detected: ${shown.join(' -> ')}` };
}

/** Answers "does `id` depend on `other`, directly or not" for every pair, in bits: 2,000 steps take half a megabyte. */
export class Ancestry {
  readonly #index = new Map<string, number>();
  readonly #rows: Uint32Array[] = [];

  /** `order` is topological. */
  constructor(order: readonly string[], dependencies: Dependencies) {
    const words = Math.ceil(order.length / 32);
    for (const id of order) {
      const row = new Uint32Array(words);
      for (const dependency of dependencies.get(id) ?? []) {
        const index = this.#index.get(dependency);
        if (index === undefined) continue;
        row[index >>> 5] = (row[index >>> 5] ?? 0) | (1 << (index & 31));
        const before = this.#rows[index] ?? row;
        // What comes before has its bits in the words up to its own.
        for (let at = 0; at <= index >>> 5; at++) row[at] = (row[at] ?? 0) | (before[at] ?? 0);
      }
      this.#index.set(id, this.#rows.length);
      this.#rows.push(row);
    }
  }

  dependsOn(id: string, other: string): boolean {
    const row = this.#rows[this.#index.get(id) ?? -1];
    const bit = this.#index.get(other);
    return row !== undefined && bit !== undefined && ((row[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }
}
