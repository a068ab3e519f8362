/**
 * What of a workflow its tests have reached: every step, both outcomes of every condition, the failure of every step
 * that asks, the limit of every loop, every choice of every decision.
 */
import type { Fact } from '../core/facts.js';
import { isJsonObject } from '../core/json.js';
import type { WorkflowCoverage } from '../core/test-report.js';
import type { RunView, StepView } from '../core/views.js';
import { allSteps, isAsking, type StepDefinition } from '../definition/steps.js';
import { stateName, type WorkflowDefinition } from '../definition/workflow.js';
import { parseExpression } from '../expression/expression.js';
import { idOf } from './script.js';

interface Point {
  /** For people: what is missing when it was never reached. */
  readonly missed: string;
  readonly reached: (seen: Seen) => boolean;
}

interface Seen {
  /** All instances of all steps of one run, by id. */
  readonly steps: ReadonlyMap<string, readonly StepView[]>;
  readonly facts: readonly Fact[];
}

export class Coverage {
  readonly #name: string;
  readonly #points: readonly Point[];
  readonly #reached = new Set<Point>();

  constructor(definition: WorkflowDefinition) {
    this.#name = definition.name;
    const all = [...allSteps(definition.steps)];
    this.#points = all.flatMap((step) => pointsOf(step, all));
  }

  add(view: RunView, facts: readonly Fact[]): void {
    const steps = new Map<string, StepView[]>();
    for (const step of view.steps) {
      const instances = steps.get(idOf(step.id));
      if (instances === undefined) steps.set(idOf(step.id), [step]);
      else instances.push(step);
    }
    const seen = { steps, facts };
    for (const point of this.#points) if (!this.#reached.has(point) && point.reached(seen)) this.#reached.add(point);
  }

  report(): WorkflowCoverage {
    const missed = this.#points.filter((point) => !this.#reached.has(point)).map((point) => point.missed);
    return { workflow: this.#name, covered: this.#reached.size, total: this.#points.length, missed };
  }
}

function pointsOf(step: StepDefinition, all: readonly StepDefinition[]): readonly Point[] {
  const { id, condition, type } = step;
  const points: Point[] = [stepPoint(`${id}: is never started`, id, started)];
  if (type === 'conditional') points.push(branch(id, 'then'), branch(id, 'else'));
  else if (condition !== null) {
    const gates = readBy(condition, all);
    const gated = (view: StepView): boolean => skippedByCondition(view) || gates.some((gate) => heldBackBy(view, gate));
    points.push(stepPoint(`${id}: its condition is never false`, id, gated));
  }
  if (isAsking(step) || type === 'workflow') points.push(stepPoint(`${id}: never fails`, id, failed));
  if (type === 'wait' && step.signal !== null && step.timeout !== null)
    points.push(stepPoint(`${id}: its signal never stays away`, id, failed));
  if (type === 'loop') {
    points.push(stepPoint(`${id}: never ends before its limit`, id, ({ status }) => status === 'succeeded'));
    points.push({ missed: `${id}: its limit is never reached`, reached: (seen) => reachedLimit(seen, id) });
  }
  if (type === 'decision') {
    for (const choice of step.choices)
      points.push(stepPoint(`${id}: is never decided "${choice.id}"`, id, (view) => choiceOf(view) === choice.id));
  }
  return points;
}

function branch(id: string, name: 'then' | 'else'): Point {
  return {
    missed: `${id}: its "${name}_steps" are never taken`,
    reached: ({ facts }) =>
      facts.some((fact) => fact.type === 'step.opened' && idOf(fact.step) === id && fact.detail['branch'] === name),
  };
}

function stepPoint(missed: string, id: string, is: (view: StepView) => boolean): Point {
  return { missed, reached: ({ steps }) => (steps.get(id) ?? []).some(is) };
}

function started({ status, attempt, queuedAt }: StepView): boolean {
  return attempt > 0 || queuedAt !== null || !['pending', 'skipped', 'canceled'].includes(status);
}

function skippedByCondition({ status, reason }: StepView): boolean {
  return status === 'skipped' && reason?.startsWith('condition') === true;
}

/**
 * A step whose condition reads the state of the step that failed: it is held back before its condition is looked at, and
 * would be by its condition.
 */
function heldBackBy({ status, reason }: StepView, gate: string): boolean {
  return status === 'skipped' && reason === `step ${gate} failed`;
}

/** Ids of the steps whose state a condition reads. */
function readBy(condition: string, all: readonly StepDefinition[]): readonly string[] {
  const names = new Set(parseExpression(condition).references.map(({ keys }) => keys[0]?.name));
  return all
    .map(({ id }) => id)
    .filter((id) => [id, stateName(id, 'status'), stateName(id, 'result')].some((name) => names.has(name)));
}

function failed({ status, error }: StepView): boolean {
  return status === 'failed' || error !== null;
}

function reachedLimit({ steps, facts }: Seen, id: string): boolean {
  return (
    (steps.get(id) ?? []).some(({ error }) => error?.class === 'LIMIT') ||
    facts.some(
      (fact) =>
        fact.type === 'step.waiting' &&
        idOf(fact.step) === id &&
        fact.waitsFor.kind === 'decision' &&
        fact.waitsFor.question.about === 'limit',
    )
  );
}

/** The result of a decision is `{ choice, … }`. */
function choiceOf({ result }: StepView): unknown {
  return isJsonObject(result) ? result['choice'] : null;
}
