/** The values of a workflow's variables for one task: rendered once, when a run starts, each after those it reads. */
import type { JsonObject, JsonValue } from '../core/json.js';
import type { Scope } from '../expression/scope.js';
import { compileValue, type ValueTemplate } from '../expression/template.js';
import { topologicalOrder } from './order.js';
import { within } from './plan-expressions.js';
import type { WorkflowDefinition } from './workflow.js';

const compiledVariables = new WeakMap<JsonObject, readonly (readonly [string, ValueTemplate])[]>();

/** The values of the workflow's variables for a run with this task. Throws EXPRESSION_FAILED, naming the variable. */
export function resolveVariables(definition: WorkflowDefinition, task: JsonObject): JsonObject {
  let compiled = compiledVariables.get(definition.variables);
  if (compiled === undefined) {
    compiled = inOrderOfUse(
      new Map(Object.entries(definition.variables).map(([name, value]) => [name, compileValue(value)])),
    );
    compiledVariables.set(definition.variables, compiled);
  }
  const variables: Record<string, JsonValue> = {};
  const scope = startScope(definition, task, variables);
  for (const [name, template] of compiled) {
    variables[name] = within(`variable "${name}"`, () => template.render(scope));
  }
  return variables;
}

/** The text that runs share a slot by, or null when nothing limits them. Throws EXPRESSION_FAILED. */
export function concurrencyKey(definition: WorkflowDefinition, task: JsonObject): string | null {
  const { concurrency } = definition;
  if (concurrency === null) return null;
  const scope = startScope(definition, task, resolveVariables(definition, task));
  const key = within('concurrency', () => compileValue(concurrency.key).render(scope));
  return typeof key === 'string' ? key : JSON.stringify(key);
}

/** What can be read before any step has run. */
export function startScope(definition: WorkflowDefinition, task: JsonObject, variables: JsonObject): Scope {
  const run = { id: '', workflow: definition.name };
  return { task, variables, context: { state: new Map() }, steps: {}, artifacts: {}, run, loop: null };
}

/** Each variable after those it reads. The order they were written in is lost in the stored form, whose keys are sorted. */
function inOrderOfUse(templates: ReadonlyMap<string, ValueTemplate>): readonly (readonly [string, ValueTemplate])[] {
  const reads = new Map(
    [...templates].map(([name, template]): [string, string[]] => {
      const names = template.holes.flatMap((hole) =>
        hole.references.filter(({ root }) => root === 'variables').map(({ keys }) => keys[0]?.name),
      );
      return [
        name,
        [...new Set(names)].filter(
          (read) => read !== null && read !== undefined && read !== name && templates.has(read),
        ) as string[],
      ];
    }),
  );
  const { order, stuck } = topologicalOrder(reads);
  // Variables that read each other in a circle are refused when a file is loaded; rendering one says what is missing.
  return [...order, ...stuck].flatMap((name) => {
    const template = templates.get(name);
    return template === undefined ? [] : [[name, template] as const];
  });
}
