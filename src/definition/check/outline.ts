/** The lists of a workflow as a tree in which every step knows where it stands, and every list who waits for whom. */
import { Ancestry, type Dependencies, topologicalOrder, waitsOf } from '../order.js';
import type { StepList } from '../steps.js';
import { stateName } from '../workflow.js';
import type { DraftList, StepDraft } from '../readers/draft.js';

export interface Placed {
  readonly id: string;
  readonly draft: StepDraft;
  readonly list: PlacedList;
  /** Steps around it. */
  readonly depth: number;
  readonly lists: readonly PlacedList[];
}

export interface PlacedList {
  readonly key: StepList['key'];
  /** The step it stands in; null for the workflow's own list. */
  readonly owner: Placed | null;
  readonly steps: readonly Placed[];
  /** The first step of every id. */
  readonly byId: ReadonlyMap<string, Placed>;
  readonly ids: ReadonlySet<string>;
  /** Who waits for whom, with EVERYTHING as a step; only ids of this list. */
  readonly dependencies: Dependencies;
  /** Null when its steps wait in a circle. */
  readonly ancestry: Ancestry | null;
}

export interface Outline {
  readonly root: PlacedList;
  /** Outer lists first. */
  readonly lists: readonly PlacedList[];
  /** In the order of the file. */
  readonly steps: readonly Placed[];
  /** The first step of every id. */
  readonly byId: ReadonlyMap<string, Placed>;
  /** Name in `context.state` → step. */
  readonly byState: ReadonlyMap<string, Placed>;
}

export function outlineOf(drafts: readonly StepDraft[]): Outline {
  const lists: PlacedList[] = [];
  const steps: Placed[] = [];
  const root = place({ key: 'steps', steps: drafts }, null, { lists, steps });
  const byId = new Map<string, Placed>();
  const byState = new Map<string, Placed>();
  for (const step of steps) {
    if (byId.has(step.id)) continue;
    byId.set(step.id, step);
    for (const kind of ['status', 'result'] as const) {
      const name = stateName(step.id, kind);
      if (!byState.has(name)) byState.set(name, step);
    }
  }
  return { root, lists, steps, byId, byState };
}

function place(
  { key, steps: drafts }: DraftList,
  owner: Placed | null,
  found: { readonly lists: PlacedList[]; readonly steps: Placed[] },
): PlacedList {
  const steps: Placed[] = [];
  const byId = new Map<string, Placed>();
  const ids = new Set(drafts.map(({ id }) => id.value));
  const dependencies = waitsOf(
    drafts.map(({ id, definition, dependencies: written }) => ({
      id: id.value,
      dependencies: written.map(({ value }) => value),
      when: definition.when,
    })),
  );
  const { order, stuck } = topologicalOrder(dependencies);
  const ancestry = stuck.length > 0 ? null : new Ancestry(order, dependencies);
  const list: PlacedList = { key, owner, steps, byId, ids, dependencies, ancestry };
  found.lists.push(list);
  for (const draft of drafts) {
    const lists: PlacedList[] = [];
    const step: Placed = { id: draft.id.value, draft, list, depth: owner === null ? 0 : owner.depth + 1, lists };
    steps.push(step);
    found.steps.push(step);
    if (!byId.has(step.id)) byId.set(step.id, step);
    for (const inner of draft.lists) lists.push(place(inner, step, found));
  }
  return list;
}
