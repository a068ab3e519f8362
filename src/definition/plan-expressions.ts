/** The conditions and templates of a planned step: which fields have them, compiled, and what they read. */
import { CoordError, hasCode } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { type Expression, parseExpression } from '../expression/expression.js';
import { compileValue, type ValueTemplate } from '../expression/template.js';
import type { StepDefinition } from './steps.js';
import type { WorkflowDefinition } from './workflow.js';

/** What a set of expressions reads of the run. */
export interface ReadSet {
  /** Steps whose state is read. */
  readonly steps: readonly string[];
  /** Whether artifacts of the steps before are read. */
  readonly artifacts: boolean;
  /** Whether `loop` is read. */
  readonly loop: boolean;
}

interface Expressions {
  readonly condition: Expression | null;
  readonly until: Expression | null;
  readonly while: Expression | null;
}

/** The expressions of a step. Failures name the step and the field. */
export function expressionsOf(step: StepDefinition): Expressions {
  const compiled = (source: string | null, field: string): Expression | null => {
    if (source === null) return null;
    const expression = parseExpression(source);
    return { ...expression, evaluate: (scope) => whereOf(step.id, field, () => expression.evaluate(scope)) };
  };
  const rounds = step.type === 'loop' ? step : { until: null, while: null };
  return {
    condition: compiled(step.condition, 'condition'),
    until: compiled(rounds.until, 'until'),
    while: compiled(rounds.while, 'while'),
  };
}

/** An expression that must give something, with how it is written. */
export interface Requirement {
  readonly source: string;
  readonly expression: Expression;
}

/** What must be there when a step enters the state that it says. */
export function requirementsOf(step: StepDefinition, states: WorkflowDefinition['states']): readonly Requirement[] {
  const requires = states?.find(({ name }) => name === step.enters)?.requires ?? [];
  return requires.map((source) => ({ source, expression: parseExpression(source) }));
}

/** Fields of every type whose texts may be templates. */
const TEMPLATED: Readonly<Record<StepDefinition['type'], readonly string[]>> = {
  'persona-request': ['params', 'queue_timeout', 'retries'],
  plan: ['params', 'queue_timeout', 'retries'],
  'git-operation': ['branch', 'from', 'message', 'remote', 'queue_timeout', 'retries'],
  verify: ['run', 'queue_timeout', 'retries'],
  conditional: [],
  parallel: [],
  loop: ['max_rounds'],
  for_each: ['items', 'concurrency'],
  workflow: ['task', 'retries'],
  decision: ['prompt', 'context', 'assignees', 'questions', 'draft', 'remind', 'escalate'],
  wait: ['duration', 'until', 'signal'],
  emit: ['event', 'data'],
  end: ['reason'],
  lock: ['lock'],
  unlock: ['lock'],
};

/** The compiled fields of a step, by key; a field that is null is left out. */
export function templatesOf(step: StepDefinition): Readonly<Partial<Record<string, ValueTemplate>>> {
  const templates: Partial<Record<string, ValueTemplate>> = {};
  const values = step as unknown as Readonly<Record<string, JsonValue>>;
  for (const field of ['name', 'timeout', ...TEMPLATED[step.type]]) {
    const value = values[field];
    if (value === undefined || value === null) continue;
    const compiled = compileValue(partOf(field, value));
    templates[field] = { ...compiled, render: (scope) => whereOf(step.id, field, () => compiled.render(scope)) };
  }
  return templates;
}

/** Of the retries only the number may be a template, and of a draft only what is judged. */
function partOf(field: string, value: JsonValue): JsonValue {
  if (field === 'retries') return (value as { count: JsonValue }).count;
  return field === 'draft' ? (value as { value: JsonValue }).value : value;
}

/** What `expressions` read; `stepOfState` maps names of `context.state` to steps. */
export function readsOf(expressions: readonly Expression[], stepOfState: ReadonlyMap<string, string>): ReadSet {
  const steps = new Set<string>();
  const roots = new Set<string>();
  for (const { root, keys } of expressions.flatMap((expression) => expression.references)) {
    roots.add(root);
    const key = keys[0]?.name;
    if (key === undefined || key === null) continue;
    const id = root === 'steps' ? key : root === 'context' ? stepOfState.get(key) : undefined;
    if (id !== undefined) steps.add(id);
  }
  return { steps: [...steps], artifacts: roots.has('artifacts'), loop: roots.has('loop') };
}

/** Runs `work`; a failing expression in it says where it stands. */
export function whereOf<T>(step: string, field: string, work: () => T): T {
  return within(`step "${step}", ${field}`, work);
}

/** Runs `work`; a failing expression in it is said to be `where`. */
export function within<T>(where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    throw new CoordError('EXPRESSION_FAILED', `${where}: ${error.message}`, { cause: error });
  }
}
