/**
 * Whose state a step may read. A state is only sure to be there, and the same in every run, when the reader waits for
 * the step that writes it, and when there is one of it: inside a for_each there are as many as items.
 */
import type { Outline, Placed, PlacedList } from './outline.js';

/** Who reads: a step before it starts, a loop where its body ends, or the workflow's result. */
export type Reader =
  | { readonly at: 'start' | 'round'; readonly step: Placed }
  | { readonly at: 'result'; readonly step: null };

export interface Refusal {
  readonly message: string;
  readonly hint: string;
}

/** Where the ways of two steps to the top of the file meet. */
interface Meeting {
  /** The reader, or the step around it, in the list where both meet. */
  readonly reader: Placed | null;
  readonly target: Placed;
  /** Lists between, inner ones first. */
  readonly readerLists: readonly PlacedList[];
  readonly targetLists: readonly PlacedList[];
}

function meet(reader: Placed | null, target: Placed): Meeting {
  const readerLists: PlacedList[] = [];
  const targetLists: PlacedList[] = [];
  let left = reader;
  let right: Placed = target;
  const depth = left?.depth ?? 0;
  const climb = (step: Placed, lists: PlacedList[]): Placed => {
    lists.push(step.list);
    return step.list.owner ?? step;
  };
  while (right.depth > depth) right = climb(right, targetLists);
  while (left !== null && left.depth > right.depth) left = climb(left, readerLists);
  while (left !== null && left.list !== right.list) {
    left = climb(left, readerLists);
    right = climb(right, targetLists);
  }
  return { reader: left, target: right, readerLists, targetLists };
}

/** Null when `reader` may read the state of `target`. */
export function refusalOf(reader: Reader, target: Placed): Refusal | null {
  const meeting = meet(reader.step, target);
  if (reader.step === null) return refusalInside(nameOf(reader), target, meeting.targetLists);
  if (meeting.reader === meeting.target) return refusalAround(reader, target, meeting);
  return refusalBeside(reader.step, target, meeting) ?? refusalInside(nameOf(reader), target, meeting.targetLists);
}

function nameOf({ step }: Reader): string {
  return step === null ? 'the result of the workflow' : `step "${step.id}"`;
}

/** One of the two stands inside the other, or both in lists of the same step. */
function refusalAround(
  reader: Extract<Reader, { step: Placed }>,
  target: Placed,
  { readerLists, targetLists }: Meeting,
): Refusal | null {
  const { step } = reader;
  const name = nameOf(reader);
  const below = readerLists.at(-1);
  const outermost = targetLists.at(-1);
  if (outermost === undefined) {
    if (below?.key === 'compensate') return null;
    if (below !== undefined)
      return {
        message: `${name} reads the state of "${target.id}", inside which it stands`,
        hint: 'A block has a state when all its steps have settled.',
      };
    return { message: `${name} reads its own state`, hint: 'It has none before it has run.' };
  }
  if (below === undefined) {
    if (reader.at === 'round' && outermost.key === 'steps')
      return refusalInside(name, target, targetLists.slice(0, -1));
    return {
      message: `${name} reads the state of "${target.id}", which only runs inside it`,
      hint: `Read the state of a step that "${step.id}" depends on.`,
    };
  }
  if (outermost.key === 'compensate') return refusalInside(name, target, targetLists);
  const owner = outermost.owner?.id ?? '';
  if (below.key === 'compensate')
    return {
      message: `${name} reads the state of "${target.id}" inside "${owner}", which it undoes`,
      hint: `Read ${pathOf(owner)}.result.`,
    };
  return {
    message: `${name} reads the state of "${target.id}", which stands in the other branch of "${owner}"`,
    hint: 'Only one of the branches runs.',
  };
}

function refusalBeside(step: Placed, target: Placed, { reader, target: before }: Meeting): Refusal | null {
  const ancestry = before.list.ancestry;
  if (reader === null || ancestry === null || ancestry.dependsOn(reader.id, before.id)) return null;
  if (ancestry.dependsOn(before.id, reader.id)) {
    return {
      message: `step "${step.id}" reads the state of "${target.id}", which only runs after it`,
      hint: `Read the state of a step that "${reader.id}" depends on.`,
    };
  }
  return {
    message: `step "${step.id}" reads the state of "${target.id}" but does not wait for it`,
    hint: `Add "${before.id}" to the dependencies of "${reader.id}".`,
  };
}

/** Whether a step inside blocks can be read from behind them; `lists` lead out of them, inner ones first. */
function refusalInside(name: string, target: Placed, lists: readonly PlacedList[]): Refusal | null {
  for (const { key, owner } of lists.toReversed()) {
    if (owner === null) continue;
    if (key === 'compensate') {
      return {
        message: `${name} reads the state of "${target.id}", which undoes "${owner.id}" after the workflow has failed`,
        hint: `Read ${pathOf(owner.id)}.status.`,
      };
    }
    if (owner.draft.definition.type === 'for_each') {
      return {
        message: `${name} reads the state of "${target.id}", which runs once for each item of "${owner.id}"`,
        hint: `read ${pathOf(owner.id)}.result: the list of the results, in the order of the items.`,
      };
    }
  }
  return null;
}

/** `steps.qa`, `steps['code-review']`. */
function pathOf(id: string): string {
  return /^[A-Za-z]\w*$/.test(id) ? `steps.${id}` : `steps['${id}']`;
}

/** Whether `reader`, when it runs, can find that `target` has failed: when its failure ends the list, nothing waits for it. */
export function mayHaveFailed(reader: Reader, target: Placed): boolean {
  const meeting = meet(reader.step, target);
  if (reader.at !== 'start' || meeting.reader === null || meeting.reader === meeting.target) return true;
  if (meeting.readerLists.some(({ key }) => key === 'compensate')) return true;
  if (meeting.reader.draft.definition.when !== 'on_success') return true;
  for (let step: Placed | null = target; step !== null; step = step.list.owner) {
    const { definition } = step.draft;
    if (definition.on_error !== 'fail') return true;
    if (step !== target && definition.type === 'parallel' && definition.wait_for !== 'all') return true;
    if (step === meeting.target) return false;
  }
  return true;
}

/**
 * Whether `target`, inside the loop `loop`, has passed whenever a round is over and the loop has not failed: nothing
 * skips it, and its failure would have been the loop's.
 */
export function mustHavePassed(loop: Placed, target: Placed): boolean {
  for (let step: Placed | null = target; step !== null && step !== loop; step = step.list.owner) {
    const { owner, steps } = step.list;
    const { type } = owner?.draft.definition ?? { type: 'conditional' };
    if (step.draft.definition.on_error !== 'fail' || (owner !== loop && type !== 'parallel')) return false;
    if (owner !== loop && owner?.draft.definition.type === 'parallel' && owner.draft.definition.wait_for !== 'all')
      return false;
    const always = steps.every(
      ({ draft: { definition } }) =>
        definition.when === 'on_success' && (definition.condition === null || definition.type === 'conditional'),
    );
    if (!always) return false;
    if (owner === loop) return step.list.key === 'steps';
  }
  return false;
}

/** The step that a reference reads: `steps.x…` or `context.state.get('x_…')`. */
export function stepRead(
  { root, keys }: { readonly root: string; readonly keys: readonly { readonly name: string | null }[] },
  { byId, byState }: Outline,
): Placed | null {
  const name = keys[0]?.name;
  if (name === undefined || name === null) return null;
  if (root === 'steps') return byId.get(name) ?? null;
  return root === 'context' ? (byState.get(name) ?? null) : null;
}
