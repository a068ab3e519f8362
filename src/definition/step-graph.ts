/** Checks that need all steps at once: ids, dependencies, cycles, and whether every state that is read can be there. */
import { quoted } from '../expression/problem.js';
import type { KnownNames } from '../expression/references.js';
import { ROOT_NAMES } from '../expression/scope.js';
import { Ancestry, type Dependencies, findCycles, topologicalOrder } from './order.js';
import type { Problems } from './problem.js';
import type { StepDraft } from './step-reader.js';
import { reportNames } from './uses.js';
import { stateName } from './workflow.js';

const CYCLES_REPORTED = 20;

/** `variables` are the names of the workflow's variables. */
export function checkSteps(all: readonly StepDraft[], variables: readonly string[], problems: Problems): void {
  const steps = uniqueSteps(all, problems);
  const dependencies: Dependencies = new Map(
    [...steps].map(([id, step]) => [
      id,
      step.dependencies.map(({ value }) => value).filter((value) => steps.has(value)),
    ]),
  );
  reportUnknownDependencies(steps, problems);
  reportCycles(steps, dependencies, problems);

  const stepOfState = new Map<string, string>();
  for (const id of steps.keys())
    for (const kind of ['result', 'status'] as const) stepOfState.set(stateName(id, kind), id);
  const known: KnownNames = {
    roots: ROOT_NAMES,
    variables: new Set(variables),
    states: new Set(stepOfState.keys()),
    steps: new Set(steps.keys()),
  };
  for (const { uses } of all) for (const use of uses) reportNames(use, known, problems);
  reportUnreachableReads(steps, { dependencies, stepOfState }, problems);
}

/** The first step of every id. Ids that only differ in `-` and `_` would share their names in `context.state`. */
function uniqueSteps(all: readonly StepDraft[], problems: Problems): ReadonlyMap<string, StepDraft> {
  const steps = new Map<string, StepDraft>();
  const byState = new Map<string, string>();
  for (const step of all) {
    const { value } = step.id;
    const state = stateName(value, 'status');
    const other = byState.get(state);
    if (steps.has(value)) {
      problems.add(
        'duplicate-id',
        step.id,
        `the step id ${quoted(value)} is there already`,
        'Give one of the steps another id.',
      );
    } else if (other !== undefined) {
      const message = `the step ids ${quoted(other)} and ${quoted(value)} are the same name in context.state ("${state}")`;
      problems.add('duplicate-id', step.id, message, 'Give one of the steps another id.');
    } else {
      steps.set(value, step);
      byState.set(state, value);
    }
  }
  return steps;
}

function reportUnknownDependencies(steps: ReadonlyMap<string, StepDraft>, problems: Problems): void {
  for (const [id, step] of steps) {
    for (const dependency of step.dependencies) {
      if (steps.has(dependency.value)) continue;
      const others = [...steps.keys()].filter((other) => other !== id);
      const hint = problems.suggest(dependency.value, others) || 'Dependencies are ids of steps in the same file.';
      problems.add(
        'unknown-dependency',
        dependency,
        `step "${id}" depends on ${quoted(dependency.value)}, which is no step`,
        hint,
      );
    }
  }
}

function reportCycles(steps: ReadonlyMap<string, StepDraft>, dependencies: Dependencies, problems: Problems): void {
  for (const path of findCycles(dependencies, CYCLES_REPORTED)) {
    const [first = ''] = path;
    const last = path.at(-2) ?? first;
    const step = steps.get(last);
    const at = step?.dependencies.find(({ value }) => value === first) ?? step?.id ?? { start: 0, end: 1 };
    if (path.length === 2) {
      problems.add('cycle', at, `step "${first}" depends on itself`, 'Remove this dependency.');
      continue;
    }
    const shown = path.length > 12 ? [...path.slice(0, 6), '…', ...path.slice(-5)] : path;
    const hint =
      'Each step waits for the one after the arrow, so none of them can start. Remove one of these dependencies.';
    problems.add('cycle', at, `steps depend on each other: ${shown.join(' -> ')}`, hint);
  }
}

/** A state is only sure to be there, and the same in every run, when the step that reads it waits for the step that writes it. */
function reportUnreachableReads(
  steps: ReadonlyMap<string, StepDraft>,
  graph: { dependencies: Dependencies; stepOfState: ReadonlyMap<string, string> },
  problems: Problems,
): void {
  const { order, stuck } = topologicalOrder(graph.dependencies);
  if (stuck.length > 0) return;
  const ancestry = new Ancestry(order, graph.dependencies);
  for (const [id, step] of steps) {
    for (const use of step.uses) {
      for (const { root, keys } of use.references) {
        const [key] = keys;
        if (key === undefined || key.name === null) continue;
        const read = root === 'steps' ? key.name : root === 'context' ? graph.stepOfState.get(key.name) : undefined;
        if (read === undefined || !steps.has(read) || ancestry.dependsOn(id, read)) continue;
        const { message, hint } = whyUnreachable(id, read, ancestry);
        problems.add('not-a-dependency', use.part(key.offset, key.length), message, hint);
      }
    }
  }
}

function whyUnreachable(id: string, read: string, ancestry: Ancestry): { message: string; hint: string } {
  if (id === read) return { message: `step "${id}" reads its own state`, hint: 'It has none before it has run.' };
  if (ancestry.dependsOn(read, id)) {
    return {
      message: `step "${id}" reads the state of "${read}", which only runs after it`,
      hint: `Read the state of a step that "${id}" depends on.`,
    };
  }
  return {
    message: `step "${id}" reads the state of "${read}" but does not wait for it`,
    hint: `Add "${read}" to the dependencies of "${id}".`,
  };
}
