/**
 * A definition made ready to run, once per definition: every expression and template compiled, every edge of the
 * graph in both directions. Nothing is parsed while a run goes on. Pure, and without recursion over the graph.
 */
import { CoordError, hasCode } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { RESULTS_LIMIT } from '../core/messages.js';
import { type Expression, parseExpression } from '../expression/expression.js';
import type { Scope } from '../expression/scope.js';
import { compileValue, parseTemplate, type Template, type ValueTemplate } from '../expression/template.js';
import { longestPath, nearestAncestors, topologicalOrder } from './order.js';
import { parseDuration, type StepDefinition, stateName, WORKFLOW_LIMITS, type WorkflowDefinition } from './workflow.js';

export interface Plan {
  readonly hash: string;
  readonly definition: WorkflowDefinition;
  /** In the order of the definition. */
  readonly steps: ReadonlyMap<string, PlannedStep>;
  /** Every step after all it depends on; otherwise in the order of the definition. */
  readonly order: readonly string[];
  /** Steps that depend on nothing. */
  readonly roots: readonly string[];
  /** The longest chain of steps, first to last. */
  readonly criticalPath: readonly string[];
}

export interface PlannedStep {
  readonly definition: StepDefinition;
  readonly dependencies: readonly string[];
  readonly dependents: readonly string[];
  /** Steps it depends on, directly or not: nearest first, as many as a request carries. */
  readonly ancestors: readonly string[];
  /** The next nearest ones, for naming only; not all of them in a very large workflow. */
  readonly ancestorsOmitted: readonly string[];
  readonly condition: Expression | null;
  /** Steps whose state its condition and templates read. */
  readonly reads: readonly string[];
  readonly templates: StepTemplates;
}

interface StepTemplates {
  readonly name: Template;
  readonly timeout: ValueTemplate;
  readonly retries: ValueTemplate;
  readonly params: ValueTemplate;
}

export interface RenderedStep {
  readonly name: string;
  readonly params: JsonObject;
  /** Milliseconds, or null for no limit. */
  readonly timeoutMs: number | null;
  readonly retries: number;
}

/** How many omitted ancestors are named: enough to see that there are more, cheap for chains of thousands. */
const OMITTED_LIMIT = 200;

/** Throws DEFINITION_INVALID for a graph that is none and EXPRESSION_INVALID for an expression; a parsed workflow has neither. */
export function compilePlan(definition: WorkflowDefinition, hash: string): Plan {
  const dependencies = new Map(definition.steps.map((step) => [step.id, step.dependencies]));
  const { order, dependents, stuck } = topologicalOrder(dependencies);
  if (stuck.length > 0) {
    const names = stuck.slice(0, 5).join(', ');
    throw new CoordError(
      'DEFINITION_INVALID',
      `workflow "${definition.name}" has steps that can never start: ${names}`,
    );
  }
  const stepOfState = new Map(
    definition.steps.flatMap(({ id }): [string, string][] => [
      [stateName(id, 'status'), id],
      [stateName(id, 'result'), id],
    ]),
  );
  const steps = new Map(
    definition.steps.map((step): [string, PlannedStep] => {
      const nearest = nearestAncestors(step.id, dependencies, RESULTS_LIMIT.steps + OMITTED_LIMIT);
      const condition = step.condition === null ? null : located(step.id, parseExpression(step.condition));
      const templates = compileTemplates(step);
      return [
        step.id,
        {
          definition: step,
          dependencies: step.dependencies,
          dependents: dependents.get(step.id) ?? [],
          ancestors: nearest.slice(0, RESULTS_LIMIT.steps),
          ancestorsOmitted: nearest.slice(RESULTS_LIMIT.steps),
          condition,
          reads: readsOf(condition, templates, stepOfState),
          templates,
        },
      ];
    }),
  );
  return {
    hash,
    definition,
    steps,
    order,
    roots: definition.steps.filter((step) => step.dependencies.length === 0).map((step) => step.id),
    criticalPath: longestPath(order, dependencies),
  };
}

/** What the step asks for now. Throws EXPRESSION_FAILED, naming step and field, also for a number out of range. */
export function renderStep(step: PlannedStep, scope: Scope): RenderedStep {
  const { definition, templates } = step;
  const at = (field: string): string => `step "${definition.id}", ${field}`;
  const name = within(at('name'), () => templates.name.render(scope));
  const params = within(at('params'), () => templates.params.render(scope));
  const timeout = within(at('timeout'), () => templates.timeout.render(scope));
  const retries = within(at('retries'), () => templates.retries.render(scope));
  return {
    name: within(at('name'), () => nameOf(name)),
    params: params as JsonObject,
    timeoutMs: within(at('timeout'), () => timeoutOf(timeout)),
    retries: within(at('retries'), () => retriesOf(retries)),
  };
}

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
  const run = { id: '', workflow: definition.name };
  const scope: Scope = { task, variables, context: { state: new Map() }, steps: {}, run };
  for (const [name, template] of compiled) {
    variables[name] = within(`variable "${name}"`, () => template.render(scope));
  }
  return variables;
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

function compileTemplates(step: StepDefinition): StepTemplates {
  return {
    name: parseTemplate(step.name),
    timeout: compileValue(step.timeout),
    retries: compileValue(step.retries),
    params: compileValue(step.params),
  };
}

function readsOf(
  condition: Expression | null,
  templates: StepTemplates,
  stepOfState: ReadonlyMap<string, string>,
): readonly string[] {
  const { name, timeout, retries, params } = templates;
  const expressions = [
    ...(condition === null ? [] : [condition]),
    ...name.holes.map((hole) => hole.expression),
    ...timeout.holes,
    ...retries.holes,
    ...params.holes,
  ];
  const read = new Set<string>();
  for (const { root, keys } of expressions.flatMap((expression) => expression.references)) {
    const key = keys[0]?.name;
    if (key === undefined || key === null) continue;
    const id = root === 'steps' ? key : root === 'context' ? stepOfState.get(key) : undefined;
    if (id !== undefined) read.add(id);
  }
  return [...read];
}

function located(step: string, expression: Expression): Expression {
  return { ...expression, evaluate: (scope) => within(`step "${step}", condition`, () => expression.evaluate(scope)) };
}

function within<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    throw new CoordError('EXPRESSION_FAILED', `${where}: ${error.message}`, { cause: error });
  }
}

function nameOf(value: JsonValue): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new CoordError('EXPRESSION_FAILED', `a text is expected, not ${JSON.stringify(value).slice(0, 60)}`);
}

function timeoutOf(value: JsonValue): number | null {
  if (value === null) return null;
  let ms: number | null = null;
  if (typeof value === 'number') ms = value * 1_000;
  else if (typeof value === 'string') ms = parseDuration(value);
  const rounded = ms === null ? 0 : Math.round(ms);
  if (rounded >= 1 && rounded <= WORKFLOW_LIMITS.timeoutMs) return rounded;
  const text = JSON.stringify(value).slice(0, 60);
  throw new CoordError(
    'EXPRESSION_FAILED',
    `seconds above 0, or a duration such as "5m", up to 365 days is expected, not ${text}`,
  );
}

function retriesOf(value: JsonValue): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= WORKFLOW_LIMITS.retries)
    return value;
  const text = JSON.stringify(value).slice(0, 60);
  throw new CoordError(
    'EXPRESSION_FAILED',
    `a whole number from 0 to ${String(WORKFLOW_LIMITS.retries)} is expected, not ${text}`,
  );
}
