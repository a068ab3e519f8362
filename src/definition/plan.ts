/**
 * A definition made ready to run, once per definition: every expression and template compiled, every list of steps
 * with its edges in both directions. Nothing is parsed while a run goes on. Pure, and without recursion over lists.
 */
import { CoordError } from '../core/errors.js';
import type { JsonValue } from '../core/json.js';
import { RESULTS_LIMIT } from '../core/exchange.js';
import type { Expression } from '../expression/expression.js';
import { compileValue, type ValueTemplate } from '../expression/template.js';
import { compileSchema, type SchemaIssue, type SchemaTest } from './json-schema.js';
import { edgesOf, nearestAncestors, topologicalOrder } from './order.js';
import {
  expressionsOf,
  type ReadSet,
  readsOf,
  requirementsOf,
  type Requirement,
  templatesOf,
} from './plan-expressions.js';
import { allSteps, type JsonSchema, listsOf, type StepDefinition, type StepList } from './steps.js';
import { stateName, type WorkflowDefinition } from './workflow.js';

export interface Plan {
  readonly hash: string;
  readonly definition: WorkflowDefinition;
  /** Every step of every list, by id. */
  readonly steps: ReadonlyMap<string, PlannedStep>;
  /** The workflow's own list. */
  readonly root: PlannedList;
  /** The run's result; null: that of the last step. */
  readonly result: { readonly template: ValueTemplate; readonly reads: ReadSet } | null;
  readonly timeout: ValueTemplate | null;
  /** Whether any step can be undone. */
  readonly compensates: boolean;
  /** Whether any step plans further steps, which have plans of their own. */
  readonly grows: boolean;
  checkInput(task: JsonValue): readonly SchemaIssue[];
  checkOutput(result: JsonValue): readonly SchemaIssue[];
}

/** A list of steps that start together and wait for each other. */
export interface PlannedList {
  readonly key: StepList['key'];
  /** Id of the step it stands in; null for the workflow's own. */
  readonly owner: string | null;
  /** Whether its steps run more than once, or apart from their surroundings: their paths have an index then. */
  readonly framed: boolean;
  readonly steps: readonly string[];
  /** Steps that wait for nothing. */
  readonly roots: readonly string[];
  /** The step whose value is the list's: the last one that is written, not counting those that deal with failures. */
  readonly last: string | null;
}

export interface PlannedStep {
  readonly definition: StepDefinition;
  readonly list: PlannedList;
  /** Frames around it, outer first: the ids of loops and the like, `<id>:compensate` for a list that undoes. */
  readonly frames: readonly string[];
  /** What it waits for: what is written, or for a step that deals with failures without any, all ordinary ones. */
  readonly dependencies: readonly string[];
  readonly dependents: readonly string[];
  /** Steps before it, in its own list and around: nearest first, as many as a request carries. */
  readonly ancestors: readonly string[];
  /** The next nearest ones, for naming only; not all of them in a very large workflow. */
  readonly ancestorsOmitted: readonly string[];
  readonly lists: Readonly<Partial<Record<StepList['key'], PlannedList>>>;
  /** What must be there when it enters a state; left out when that is nothing. */
  readonly requires?: readonly Requirement[];
  readonly condition: Expression | null;
  readonly until: Expression | null;
  readonly while: Expression | null;
  /** What its condition and templates read. */
  readonly reads: ReadSet;
  /** What `until` and `while` read. */
  readonly readsInside: ReadSet;
  /** Compiled fields, by key. */
  readonly templates: Readonly<Partial<Record<string, ValueTemplate>>>;
  /** Checks a result; null when anything will do. */
  readonly checkOutput: SchemaTest | null;
  readonly checkForm: SchemaTest | null;
  /** Checks what a decision judges. */
  readonly checkDraft: SchemaTest | null;
}

/** How many omitted ancestors are named: enough to see that there are more, cheap for chains of thousands. */
const OMITTED_LIMIT = 30;
const ANY = (): readonly SchemaIssue[] => [];

interface Surroundings {
  readonly owner: StepDefinition | null;
  readonly key: StepList['key'];
  readonly frames: readonly string[];
  /** Steps before the owner, nearest first. */
  readonly before: readonly string[];
}

/** Throws DEFINITION_INVALID for a graph that is none and EXPRESSION_INVALID for an expression; a parsed workflow has neither. */
export function compilePlan(definition: WorkflowDefinition, hash: string): Plan {
  const compiler = new Compiler(definition);
  const root = compiler.list(definition.steps, { owner: null, key: 'steps', frames: [], before: [] });
  const { steps, stepOfState } = compiler;
  const result = definition.result === null ? null : compileValue(definition.result);
  return {
    hash,
    definition,
    steps,
    root,
    result: result === null ? null : { template: result, reads: readsOf(result.holes, stepOfState) },
    timeout: definition.timeout === null ? null : compileValue(definition.timeout),
    compensates: [...steps.values()].some((step) => step.definition.compensate.length > 0),
    grows: [...steps.values()].some((step) => step.definition.type === 'plan'),
    checkInput: definition.input === null ? ANY : compileSchema(definition.input),
    checkOutput: definition.output === null ? ANY : compileSchema(definition.output),
  };
}

class Compiler {
  readonly steps = new Map<string, PlannedStep>();
  /** Name in `context.state` → step. */
  readonly stepOfState: ReadonlyMap<string, string>;
  readonly #workflow: string;
  readonly #states: WorkflowDefinition['states'];

  constructor({ name, states, steps }: WorkflowDefinition) {
    this.#workflow = name;
    this.#states = states;
    this.stepOfState = new Map(
      [...allSteps(steps)].flatMap(({ id }): [string, string][] => [
        [stateName(id, 'status'), id],
        [stateName(id, 'result'), id],
      ]),
    );
  }

  list(list: readonly StepDefinition[], around: Surroundings): PlannedList {
    const dependencies = edgesOf(list);
    const { dependents, stuck } = topologicalOrder(dependencies);
    if (stuck.length > 0) {
      const names = stuck.slice(0, 5).join(', ');
      throw new CoordError(
        'DEFINITION_INVALID',
        `workflow "${this.#workflow}" has steps that can never start: ${names}`,
      );
    }
    const planned: PlannedList = {
      key: around.key,
      owner: around.owner?.id ?? null,
      framed: isFramed(around.owner, around.key),
      steps: list.map((step) => step.id),
      roots: list.filter((step) => dependencies.get(step.id)?.length === 0).map((step) => step.id),
      last: list.findLast((step) => step.when === 'on_success')?.id ?? null,
    };
    for (const step of list) {
      const own = nearestAncestors(step.id, dependencies, RESULTS_LIMIT.steps + OMITTED_LIMIT);
      const before = [...own, ...around.before].slice(0, RESULTS_LIMIT.steps + OMITTED_LIMIT);
      this.steps.set(step.id, {
        definition: step,
        list: planned,
        frames: around.frames,
        dependencies: dependencies.get(step.id) ?? [],
        dependents: dependents.get(step.id) ?? [],
        ancestors: before.slice(0, RESULTS_LIMIT.steps),
        ancestorsOmitted: before.slice(RESULTS_LIMIT.steps),
        lists: this.#listsIn(step, before, around.frames),
        ...this.#readings(step),
        checkOutput: step.type === 'persona-request' ? testOf(step.output) : null,
        checkForm: step.type === 'decision' ? testOf(step.form) : null,
        checkDraft: step.type === 'decision' ? testOf(step.draft?.schema ?? null) : null,
      });
    }
    return planned;
  }

  #listsIn(step: StepDefinition, before: readonly string[], around: readonly string[]): PlannedStep['lists'] {
    const lists: Partial<Record<StepList['key'], PlannedList>> = {};
    for (const { key, steps } of listsOf(step)) {
      const known = key === 'compensate' ? [step.id, ...before] : before;
      lists[key] = this.list(steps, { owner: step, key, frames: framesInside(step, key, around), before: known });
    }
    return lists;
  }

  /** Its expressions and templates, and what they read. */
  #readings(
    step: StepDefinition,
  ): Pick<PlannedStep, 'condition' | 'until' | 'while' | 'templates' | 'reads' | 'readsInside' | 'requires'> {
    const { condition, until, while: during } = expressionsOf(step);
    const templates = templatesOf(step);
    const requires = requirementsOf(step, this.#states);
    const holes = [
      ...Object.values(templates).flatMap((template) => template?.holes ?? []),
      ...requires.map(({ expression }) => expression),
    ];
    return {
      condition,
      until,
      while: during,
      templates,
      ...(requires.length > 0 && { requires }),
      reads: readsOf(condition === null ? holes : [condition, ...holes], this.stepOfState),
      readsInside: readsOf(
        [until, during].filter((expression) => expression !== null),
        this.stepOfState,
      ),
    };
  }
}

function testOf(schema: JsonSchema | null): SchemaTest | null {
  return schema === null ? null : compileSchema(schema);
}

function isFramed(owner: StepDefinition | null, key: StepList['key']): boolean {
  return owner !== null && (key === 'compensate' || owner.type === 'loop' || owner.type === 'for_each');
}

function framesInside(step: StepDefinition, key: StepList['key'], around: readonly string[]): readonly string[] {
  if (key === 'compensate') return [...around, `${step.id}:compensate`];
  return isFramed(step, key) ? [...around, step.id] : around;
}

const subPlans = new WeakMap<readonly StepDefinition[], Plan>();

/** The plan of steps that a persona has planned: a workflow within the workflow, which shares its variables. */
export function compileSubPlan(outer: Plan, steps: readonly StepDefinition[], owner: string): Plan {
  const known = subPlans.get(steps);
  if (known !== undefined) return known;
  const { definition, hash } = outer;
  const plan = compilePlan({ ...definition, input: null, output: null, result: null, steps }, `${hash}/${owner}`);
  subPlans.set(steps, plan);
  return plan;
}
