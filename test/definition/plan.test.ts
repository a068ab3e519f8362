import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CoordError } from '../../src/core/errors.js';
import { canonicalJson, type JsonObject, type JsonValue } from '../../src/core/json.js';
import { compilePlan, type Plan, type PlannedStep } from '../../src/definition/plan.js';
import { renderCount, renderDuration, renderObject, renderText } from '../../src/definition/render.js';
import { resolveVariables } from '../../src/definition/variables.js';
import { readDefinition, type WorkflowDefinition } from '../../src/definition/workflow.js';
import type { Scope } from '../../src/expression/scope.js';
import {
  conditional,
  forEach,
  loop,
  parallel,
  step as request,
  workflow as workflowOf,
} from '../harness/definitions.js';
import { definitionOf } from './workflow-text.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function workflow(dependencies: Readonly<Record<string, readonly string[]>>): WorkflowDefinition {
  return workflowOf(
    Object.entries(dependencies).map(([id, before]) => request(id, { dependencies: before })),
    { name: 'w' },
  );
}

/** Everything that a request of the step would say. */
function renderStep(planned: PlannedStep, at: Scope): object {
  return {
    name: renderText(planned, 'name', at),
    params: renderObject(planned, 'params', at),
    timeoutMs: renderDuration(planned, 'timeout', at),
    retries: renderCount(planned, 'retries', { scope: at, from: 0, to: 100 }),
  };
}

function step(plan: Plan, id: string): PlannedStep {
  const found = plan.steps.get(id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
}

function scope(
  task: JsonObject,
  variables: JsonObject = {},
  state: readonly (readonly [string, JsonValue])[] = [],
): Scope {
  const run = { id: 'w-1', workflow: 'w' };
  return { task, variables, context: { state: new Map(state) }, steps: {}, artifacts: {}, run, loop: null };
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CoordError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no failure';
}

describe('the plan of project-loop', () => {
  const plan = compilePlan(definitionOf(read('workflows/project-loop.yml')), 'hash');

  it('knows the graph in both directions', () => {
    expect(plan.root.roots).toEqual(['planning']);
    expect(step(plan, 'qa').dependents).toEqual(['code-review', 'security-review']);
    expect(step(plan, 'qa').ancestors).toEqual(['implementation', 'plan-evaluation', 'planning']);
    expect(step(plan, 'code-review').reads.steps).toEqual(['qa']);
    expect(step(plan, 'plan-evaluation').reads.steps).toEqual(['planning']);
    expect(step(plan, 'planning').condition).toBeNull();
  });

  it('evaluates its conditions', () => {
    const { condition } = step(plan, 'code-review');
    expect(condition?.evaluate(scope({}, {}, [['qa_status', 'pass']]))).toBe(true);
    expect(condition?.evaluate(scope({}, {}, [['qa_status', 'fail']]))).toBe(false);
    expect(
      step(plan, 'plan-evaluation').condition?.evaluate(scope({}, {}, [['planning_result', { plan: 1 }]])),
    ).toBeTruthy();
  });

  it('renders a step', () => {
    expect(renderStep(step(plan, 'planning'), scope({}))).toEqual({
      name: 'Implementation Planning',
      params: { stage: 'initial' },
      timeoutMs: 1_800_000,
      retries: 2,
    });
    expect(renderStep(step(plan, 'qa'), scope({}))).toMatchObject({ timeoutMs: null, retries: 0 });
  });
});

describe('the documented templates', () => {
  const definition = definitionOf(`${read('test/definition/fixtures/templating.yml').trimEnd()}\n    persona: p\n`);
  const plan = compilePlan(definition, 'hash');
  const task = { project: 'shop', slug: 'cart' };

  it('give values with their types', () => {
    const variables = resolveVariables(definition, task);
    expect(variables).toEqual({ project_name: 'shop', branch_prefix: 'feat/', timeout_base: 1800 });
    expect(renderStep(step(plan, 'setup'), scope(task, variables))).toEqual({
      name: 'Setup shop',
      params: { branch: 'feat/cart' },
      timeoutMs: 1_800_000,
      retries: 0,
    });
  });

  it('fail by name when the task lacks what they read', () => {
    expect(failure(() => resolveVariables(definition, {}))).toBe(
      'EXPRESSION_FAILED: variable "project_name": "{{task.project}}" has no value; give it one with "?? …" if it may be missing',
    );
    const variables = resolveVariables(definition, task);
    expect(failure(() => renderStep(step(plan, 'setup'), scope({ project: 'shop' }, variables)))).toBe(
      'EXPRESSION_FAILED: step "setup", params: "{{task.slug}}" has no value; give it one with "?? …" if it may be missing',
    );
  });
});

describe('rendering', () => {
  const definition = definitionOf(`
name: w
variables:
  base: 10
  double: "{{ variables.base * 2 }}"
  list: ["{{ task.a }}", { deep: "{{ variables.double }}" }]
steps:
  - id: a
    name: "{{ task.name ?? 'unnamed' }}"
    persona: p
    condition: task.a.b === 1
    timeout: "{{ task.timeout ?? variables.double }}"
    retries: "{{ task.retries ?? 3 }}"
    params: { limit: "{{ variables.base }}", state: "{{ steps.b.result ?? 'none' }}" }
    dependencies: [b]
  - { id: b, persona: p, timeout: "{{ task.timeout ?? 1 }}m" }
`);
  const plan = compilePlan(definition, 'hash');
  const render = (task: JsonObject) =>
    renderStep(step(plan, 'a'), {
      ...scope(task, resolveVariables(definition, { a: 1 })),
      steps: { b: { status: 'pass', result: null, artifacts: [] } },
    });

  it('takes numbers and durations', () => {
    expect(resolveVariables(definition, { a: 1 })).toEqual({ base: 10, double: 20, list: [1, { deep: 20 }] });
    expect(render({})).toEqual({
      name: 'unnamed',
      params: { limit: 10, state: 'none' },
      timeoutMs: 20_000,
      retries: 3,
    });
    expect(render({ timeout: '5m', retries: 0, name: 7 })).toMatchObject({ name: '7', timeoutMs: 300_000, retries: 0 });
    expect(renderStep(step(plan, 'b'), scope({ timeout: 2 }))).toMatchObject({ timeoutMs: 120_000 });
  });

  it('says which step and field is out of range', () => {
    expect(
      [
        { timeout: 0 },
        { timeout: 'soon' },
        { timeout: [1] },
        { timeout: '900d' },
        { retries: 1.5 },
        { retries: 101 },
        { retries: '3' },
        { name: { a: 1 } },
      ].map((task) => failure(() => render(task))),
    ).toMatchInlineSnapshot(`
      [
        "EXPRESSION_FAILED: step "a", timeout: seconds above 0, or a duration such as "5m", up to 365 days is expected, not 0",
        "EXPRESSION_FAILED: step "a", timeout: seconds above 0, or a duration such as "5m", up to 365 days is expected, not "soon"",
        "EXPRESSION_FAILED: step "a", timeout: seconds above 0, or a duration such as "5m", up to 365 days is expected, not [1]",
        "EXPRESSION_FAILED: step "a", timeout: seconds above 0, or a duration such as "5m", up to 365 days is expected, not "900d"",
        "EXPRESSION_FAILED: step "a", retries: a whole number from 0 to 100 is expected, not 1.5",
        "EXPRESSION_FAILED: step "a", retries: a whole number from 0 to 100 is expected, not 101",
        "EXPRESSION_FAILED: step "a", retries: a whole number from 0 to 100 is expected, not "3"",
        "EXPRESSION_FAILED: step "a", name: a text is expected, not {"a":1}",
      ]
    `);
  });

  it('says which condition failed', () => {
    expect(failure(() => step(plan, 'a').condition?.evaluate(scope({})))).toBe(
      'EXPRESSION_FAILED: step "a", condition: "b" cannot be read from a value that is missing; write "?." where it may be: "task.a.b" in "task.a.b === 1"',
    );
  });

  it('knows which steps are read, also by templates', () => {
    expect(step(plan, 'a').reads).toEqual({ steps: ['b'], artifacts: false, loop: false });
  });
});

describe('large graphs', () => {
  const chain = workflow(
    Object.fromEntries(
      Array.from({ length: 2_000 }, (_, index) => [`s${String(index)}`, index === 0 ? [] : [`s${String(index - 1)}`]]),
    ),
  );

  it('of 2,000 steps in a chain compile in well under a second', () => {
    const start = performance.now();
    const plan = compilePlan(chain, 'hash');
    expect(performance.now() - start).toBeLessThan(3_000);
    const { ancestors, ancestorsOmitted } = step(plan, 's1999');
    expect([ancestors.length, ancestors[0], ancestors[19], ancestorsOmitted[0], ancestorsOmitted.length]).toEqual([
      20,
      's1998',
      's1979',
      's1978',
      30,
    ]);
  });

  it('have their edges in both directions, whatever they look like', () => {
    const graph = fc.array(fc.array(fc.nat(60), { maxLength: 5 }), { minLength: 1, maxLength: 60 }).chain((edges) => {
      // Edges only go to earlier numbers, so there is no cycle; the steps are then written in any order.
      const steps = edges.map((targets, index): [string, string[]] => [
        `s${String(index)}`,
        [...new Set(targets.filter((target) => target < index).map((target) => `s${String(target)}`))],
      ]);
      return fc.shuffledSubarray(steps, { minLength: steps.length });
    });
    fc.assert(
      fc.property(graph, (steps) => {
        const plan = compilePlan(workflow(Object.fromEntries(steps)), 'hash');
        expect(plan.root.steps).toEqual(steps.map(([id]) => id));
        for (const [id, { dependents, dependencies }] of plan.steps) {
          expect(dependents.every((other) => plan.steps.get(other)?.dependencies.includes(id))).toBe(true);
          expect(dependencies.every((other) => plan.steps.get(other)?.dependents.includes(id))).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('that can never start are refused', () => {
    expect(failure(() => compilePlan(workflow({ a: ['b'], b: ['a'] }), 'hash'))).toBe(
      'DEFINITION_INVALID: workflow "w" has steps that can never start: a, b',
    );
    expect(failure(() => compilePlan(workflow({ a: ['gone'] }), 'hash'))).toMatch(/^DEFINITION_INVALID/);
  });
});

describe('steps inside steps', () => {
  const plan = compilePlan(
    workflowOf([
      request('first', { compensate: [request('undo')] }),
      loop('again', [forEach('each', [request('x'), request('y', { dependencies: ['x'] })])], {
        dependencies: ['first'],
        until: "steps.each.status === 'pass'",
      }),
      parallel('both', [conditional('maybe', 'true', { then: [request('z')] })], { dependencies: ['again'] }),
      request('clean', { when: 'always' }),
      request('told', { when: 'on_failure', dependencies: ['both'] }),
    ]),
    'hash',
  );

  it('have the frames of what repeats around them, and see what is before', () => {
    expect(['y', 'z', 'undo'].map((id) => step(plan, id).frames)).toEqual([
      ['again', 'each'],
      [],
      ['first:compensate'],
    ]);
    expect(step(plan, 'y').ancestors).toEqual(['x', 'first']);
    expect(step(plan, 'z').ancestors).toEqual(['again', 'first']);
    expect(step(plan, 'undo').ancestors).toEqual(['first']);
    expect(step(plan, 'again').readsInside.steps).toEqual(['each']);
  });

  it('that deal with failures wait for all ordinary ones, or for what they name', () => {
    expect(step(plan, 'clean').dependencies).toEqual(['first', 'again', 'both']);
    expect(step(plan, 'told').dependencies).toEqual(['both']);
    // The checks of a file call this a circle, so only a definition that never was checked can have it.
    const circle = workflowOf([request('a', { when: 'always' }), request('b', { dependencies: ['a'] }), request('c')]);
    expect(() => compilePlan(circle, 'hash')).toThrow('has steps that can never start: a, b');
  });
});

it('variables are resolved after those they read, also from the stored form, whose keys are sorted', () => {
  const variables = { zone: '{{task.zone}}', branch: '{{variables.zone}}-{{variables.team}}', team: 'a' };
  const definition = workflowOf([], { variables }) as unknown as JsonObject;
  const stored = readDefinition(canonicalJson(definition));
  expect(Object.keys(stored.variables)[0]).toBe('branch');
  expect(resolveVariables(stored, { zone: 'eu' })).toEqual({ branch: 'eu-a', team: 'a', zone: 'eu' });
});
