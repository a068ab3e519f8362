/** Checks of ids and dependencies: every id is one step, every dependency a step of the same list, and none waits for itself. */
import { quoted } from '../../expression/problem.js';
import { describeCycle, EVERYTHING, findCycles } from '../order.js';
import type { Located } from '../fields.js';
import type { Problems } from '../problem.js';
import { stateName } from '../workflow.js';
import type { Outline, Placed, PlacedList } from './outline.js';

const CYCLES_REPORTED = 20;

/** Ids that only differ in `-` and `_` would share their names in `context.state`. */
export function checkIds({ steps }: Outline, problems: Problems): void {
  const byState = new Map<string, Placed>();
  for (const step of steps) {
    const state = stateName(step.id, 'status');
    const other = byState.get(state);
    if (other === undefined) {
      byState.set(state, step);
      continue;
    }
    const message =
      other.id === step.id
        ? `the step id ${quoted(step.id)} is there already${whereIs(other)}`
        : `the step ids ${quoted(other.id)} and ${quoted(step.id)} are the same name in context.state ("${state}")`;
    problems.add('duplicate-id', step.draft.id, message, 'Give one of the steps another id.');
  }
}

function whereIs({ list }: Placed): string {
  return list.owner === null ? '' : `, inside "${list.owner.id}"`;
}

export function checkDependencies(outline: Outline, problems: Problems): void {
  for (const step of outline.steps) {
    for (const dependency of step.draft.dependencies) {
      if (step.list.byId.has(dependency.value)) continue;
      const { message, hint } = whyUnknown(step, dependency, { outline, problems });
      problems.add('unknown-dependency', dependency, message, hint);
    }
  }
  for (const list of outline.lists) if (list.ancestry === null) reportCycles(list, problems);
}

function whyUnknown(
  step: Placed,
  { value }: Located<string>,
  { outline, problems }: { outline: Outline; problems: Problems },
): { message: string; hint: string } {
  const depends = `step "${step.id}" depends on ${quoted(value)}`;
  const target = outline.byId.get(value);
  if (target === undefined) {
    const guess = problems.suggest(value, step.list.ids);
    return {
      message: `${depends}, which is no step`,
      hint: guess.includes(`"${step.id}"`) || guess === '' ? 'Dependencies are ids of steps of the same list.' : guess,
    };
  }
  const around = ancestorIn(target, step.list);
  if (around === step) {
    return { message: `${depends}, which stands inside it`, hint: 'A block waits for its steps by itself.' };
  }
  if (around !== null) {
    const hint = `Depend on "${around.id}" instead.`;
    return { message: `${depends}, which stands inside "${around.id}"`, hint };
  }
  const outer = ancestorIn(step, target.list);
  if (outer === target) {
    return { message: `${depends}, which it stands inside`, hint: 'Remove this dependency.' };
  }
  if (outer !== null) {
    const hint = `Put ${quoted(value)} into the dependencies of "${outer.id}": then all steps inside run after it.`;
    return { message: `${depends}, which stands outside "${outer.id}"`, hint };
  }
  return {
    message: `${depends}, which stands in another list`,
    hint: 'Dependencies are ids of steps of the same list.',
  };
}

/** The step of `list` that `step` is or stands in; null when it stands elsewhere. */
function ancestorIn(step: Placed, list: PlacedList): Placed | null {
  for (let at: Placed | null = step; at !== null; at = at.list.owner) if (at.list === list) return at;
  return null;
}

function reportCycles({ dependencies, byId }: PlacedList, problems: Problems): void {
  for (const path of findCycles(dependencies, CYCLES_REPORTED)) {
    const { ids: closed, message } = describeCycle(path);
    problems.add('cycle', placeOf(closed, byId), message, hintFor(path));
  }
}

/** The last dependency of the cycle that is written down. */
function placeOf(closed: readonly string[], byId: ReadonlyMap<string, Placed>): { start: number; end: number } {
  for (let index = closed.length - 2; index >= 0; index--) {
    const written = byId.get(closed[index] ?? '')?.draft.dependencies.find(({ value }) => value === closed[index + 1]);
    if (written !== undefined) return written;
  }
  return byId.get(closed[0] ?? '')?.draft.id ?? { start: 0, end: 1 };
}

function hintFor(path: readonly string[]): string {
  const waiting = path[path.indexOf(EVERYTHING) - 1] ?? path.at(-2);
  if (path.includes(EVERYTHING) && waiting !== undefined) {
    return `"${waiting}" has no dependencies and is not "when: on_success", so it waits for all steps of its list that are. Give it dependencies, or remove those on it.`;
  }
  if (path.length === 2) return 'The step waits for itself. Remove this dependency.';
  return 'Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.';
}
