/** What a property says, held against a run after every transition: `never`, `always`, and `finally` once it has ended. */
import { hasCode } from '../core/errors.js';
import { allSteps } from '../definition/steps.js';
import type { WorkflowDefinition } from '../definition/workflow.js';
import { runHasEnded } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import { type Expression, parseExpression } from '../expression/expression.js';
import type { Scope } from '../expression/scope.js';
import { stateOf } from './expectations.js';
import type { WorkflowProperty } from './scenario.js';
import { idOf } from './script.js';

type Clauses = Pick<WorkflowProperty, 'never' | 'always' | 'finally'>;

export class PropertyCheck {
  readonly #never: Expression | null;
  readonly #always: Expression | null;
  readonly #finally: Expression | null;

  readonly #ids: readonly string[];

  /** Throws EXPRESSION_INVALID. */
  constructor(clauses: Clauses, definition: WorkflowDefinition) {
    this.#ids = [...allSteps(definition.steps)].map(({ id }) => id);
    this.#never = compiled(clauses.never);
    this.#always = compiled(clauses.always);
    this.#finally = compiled(clauses.finally);
  }

  /** What the run violates as it stands, or null. */
  violation(view: RunView): string | null {
    const scope = scopeOf(view, this.#ids);
    const ended = runHasEnded(view.status);
    return (
      violated(this.#never, { clause: 'never', wanted: false, scope }) ??
      violated(this.#always, { clause: 'always', wanted: true, scope }) ??
      (ended ? violated(this.#finally, { clause: 'finally', wanted: true, scope }) : null)
    );
  }
}

function compiled(source: string | null): Expression | null {
  return source === null ? null : parseExpression(source);
}

/** What cannot be evaluated is reported too: a clause that never says anything would hold for ever. */
function violated(
  expression: Expression | null,
  { clause, wanted, scope }: { clause: string; wanted: boolean; scope: Scope },
): string | null {
  if (expression === null) return null;
  try {
    return Boolean(expression.evaluate(scope)) === wanted ? null : `${clause}: ${expression.source}`;
  } catch (error) {
    if (!hasCode(error, 'EXPRESSION_FAILED')) throw error;
    return `${clause}: ${expression.source} (it cannot be evaluated: ${error.message})`;
  }
}

/** As conditions see a run, but with every step in it, also one that is still under way: its status is then the step's own. */
function scopeOf(view: RunView, ids: readonly string[]): Scope {
  const unreached = { status: 'pending', result: null, artifacts: [] };
  const steps: Record<string, Scope['steps'][string]> = Object.fromEntries(ids.map((id) => [id, unreached]));
  const artifacts: Record<string, Scope['artifacts'][string]> = {};
  for (const step of view.steps) {
    const { result, artifacts: produced } = step;
    steps[idOf(step.id)] = { status: statusOf(step), result, artifacts: produced };
    for (const artifact of produced) artifacts[artifact.name] = { ...artifact, step: step.id };
  }
  const run = { id: view.id, workflow: view.workflow, status: view.status };
  const state = new Map(Object.entries(stateOf(view)));
  return { task: view.task, variables: {}, context: { state }, steps, artifacts, run, loop: null };
}

function statusOf({ status, verdict }: StepView): string {
  return status === 'succeeded' || status === 'failed' ? (verdict ?? status) : status;
}
