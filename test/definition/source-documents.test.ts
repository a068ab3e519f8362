/**
 * Every form in which the documents that coord grew out of write a workflow: as YAML, as a JS object, as TypeScript with
 * zod, and in the words of older coordinators. Each loads as it stands, and as what it means.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadWorkflow } from '../../src/definition/load.js';
import { compileSchema } from '../../src/definition/json-schema.js';
import { DEFAULT_BACKOFF, NO_RETRIES, type StepDefinition } from '../../src/definition/steps.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import { git, step, workflow } from '../harness/definitions.js';
import { definitionOf } from './workflow-text.js';

const read = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');

/** Inside the project, so that programs in it find its packages. */
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(import.meta.dirname, '../../node_modules/.source-documents-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function load(name: string, text: string): Promise<WorkflowDefinition> {
  const file = join(folder, name);
  writeFileSync(file, text);
  return (await loadWorkflow(file, { directories: [folder], personas: null })).definition;
}

const asked = (id: string, persona: string, change: Partial<StepDefinition> = {}): StepDefinition =>
  step(id, { persona, ...(change as object) });

describe('YAML of the architecture', () => {
  it('the project loop', () => {
    const passed = "context.state.get('qa_status') === 'pass'";
    expect(definitionOf(read('basic-structure.yml'))).toEqual(
      workflow(
        [
          step('planning', {
            name: 'Implementation Planning',
            persona: 'implementation-planner',
            timeout: 1_800,
            retries: 2,
            params: { stage: 'initial' },
          }),
          step('plan-evaluation', {
            name: 'Plan Evaluation',
            persona: 'plan-evaluator',
            dependencies: ['planning'],
            condition: "context.state.get('planning_result')",
          }),
          step('implementation', {
            name: 'Lead Engineer Implementation',
            persona: 'lead-engineer',
            dependencies: ['plan-evaluation'],
            timeout: 3_600,
          }),
          step('qa', { name: 'Quality Assurance', persona: 'qa-engineer', dependencies: ['implementation'] }),
          step('code-review', {
            name: 'Code Review',
            persona: 'code-reviewer',
            dependencies: ['qa'],
            condition: passed,
          }),
          step('security-review', {
            name: 'Security Review',
            persona: 'security-review',
            dependencies: ['qa'],
            condition: passed,
          }),
        ],
        {
          name: 'project-loop',
          version: '1.0.0',
          description: 'Standard project workflow with planning, implementation, and QA',
          variables: { max_retries: 3, timeout_minutes: 30 },
        },
      ),
    );
  });

  it('variables and templates; the fragment names no persona, which a step needs', () => {
    const text = `${read('templating.yml').trimEnd()}\n    persona: lead-engineer\n`;
    expect(definitionOf(text)).toEqual(
      workflow(
        [
          step('setup', {
            name: 'Setup {{variables.project_name}}',
            persona: 'lead-engineer',
            timeout: '{{variables.timeout_base}}',
            params: { branch: '{{variables.branch_prefix}}{{task.slug}}' },
          }),
        ],
        {
          version: '0.0.0',
          variables: { project_name: '{{task.project}}', branch_prefix: 'feat/', timeout_base: 1_800 },
        },
      ),
    );
  });

  it('the two paths', () => {
    const { steps } = definitionOf(read('conditional.yml'));
    expect(steps).toEqual([
      step('hotfix-path', {
        name: 'Hotfix Implementation',
        persona: 'hotfix-specialist',
        condition: "task.type === 'hotfix'",
      }),
      step('standard-path', {
        name: 'Standard Implementation',
        persona: 'lead-engineer',
        condition: "task.type !== 'hotfix'",
      }),
    ]);
  });

  it('git-operation, conditional, and parallel with either way to wait', () => {
    const [commit, route, reviews, first] = definitionOf(read('step-types.yml')).steps;
    expect(commit).toEqual(
      git('commit', { operation: 'commit', branch: 'feat/{{task.slug}}', message: 'feat: {{task.title}}' }),
    );
    expect(route).toMatchObject({
      type: 'conditional',
      condition: "task.type === 'hotfix'",
      then_steps: [asked('hotfix-path', 'hotfix-specialist')],
      else_steps: [asked('standard-path', 'lead-engineer')],
    });
    expect(reviews).toMatchObject({
      type: 'parallel',
      wait_for: 'all',
      steps: [asked('code-review', 'code-reviewer'), asked('security-review', 'security-review')],
    });
    expect(first).toMatchObject({ type: 'parallel', wait_for: 'any', dependencies: ['reviews'] });
  });
});

describe('the JS object of the orchestration document', () => {
  const source = read('custom-workflow.txt');
  const expected = workflow(
    [
      step('step_1', {
        name: 'First Step',
        persona: 'claude-code',
        fallback: ['goose', 'aider'],
        timeout: 60,
        retries: 3,
        params: { type: 'analysis' },
      }),
    ],
    { name: 'my_custom_workflow', version: '1.0.0', description: 'Custom workflow description' },
  );

  it.each(['custom.ts', 'custom.mts', 'custom.mjs', 'custom.js'])('as %s', async (name) => {
    expect(await load(name, `${source}\nexport default customWorkflow;\n`)).toEqual(expected);
  });

  it('as custom.json', async () => {
    const json = source
      .replace(/^const customWorkflow = |;\s*$/g, '')
      .replace(/^\s*\/\/.*\n/gm, '')
      .replaceAll("'", '"')
      .replace(/([a-z_]+): /g, '"$1": ');
    expect(await load('custom.json', `${JSON.stringify(JSON.parse(json), null, 2)}\n`)).toEqual(expected);
  });
});

describe('TypeScript with zod, as the implementation concept has it', () => {
  it('loads with its schemas, its branch on the score, its event and its retries', async () => {
    const definition = await load('ai.ts', read('implementation-workflow.txt'));
    const [planning, review, event, refinement, implementation] = definition.steps;
    expect(definition).toMatchObject({ name: 'ai-implementation-workflow', version: '0.0.0' });
    expect(planning).toEqual(
      step('planning-phase', {
        description: 'Generate comprehensive implementation plan',
        persona: 'planner',
        retries: { count: 2, backoff: [1, 2, 4], retry_on: ['RATE_LIMIT', 'TIMEOUT'] },
      }),
    );
    expect(review).toMatchObject({ output: { type: 'object', properties: { reviewScore: { type: 'number' } } } });
    expect(event).toMatchObject({ type: 'emit', event: 'phase.completed', data: { nextPhase: 'review' } });
    expect(refinement).toMatchObject({
      condition: "steps['review-phase'].result.reviewScore < 80",
      then_steps: [asked('refinement-phase', 'refiner')],
      else_steps: [],
    });
    expect(implementation).toMatchObject({ persona: 'implementer', retries: NO_RETRIES });
  });

  it('refuses what its schemas do not allow', async () => {
    const { input, output } = await load('ai.ts', read('implementation-workflow.txt'));
    const wrong = (schema: typeof input, value: unknown): readonly string[] =>
      compileSchema(schema ?? true)(value as never).map(({ path, message }) => `${path}: ${message}`);
    const request = { request: 'Build user authentication system', requirements: ['OAuth support', 'MFA capability'] };
    expect(wrong(input, request)).toEqual([]);
    expect(wrong(input, { ...request, constraints: ['Must use existing user table'] })).toEqual([]);
    expect(wrong(input, { request: 1, requirements: 'OAuth' })).toHaveLength(2);
    const metrics = { planScore: 87.5, implementationTime: 900, testCoverage: 0.94 };
    const result = { implementation: 'a', documentation: 'b', tests: ['c'], metrics };
    expect(wrong(output, result)).toEqual([]);
    expect(wrong(output, { ...result, metrics: { planScore: 'good' } }).length).toBeGreaterThan(0);
  });
});

describe('YAML of older coordinators', () => {
  it('loads as what it means', () => {
    expect(definitionOf(read('legacy-workflow.txt'))).toEqual(
      workflow(
        [
          step('checkout_branch', {
            persona: 'lead-engineer',
            params: { branch: "{{ task?.branch || 'main' }}", home: '${HOME}' },
          }),
          step('implementation', {
            persona: 'lead-engineer',
            dependencies: ['checkout_branch'],
            retries: { count: 3, backoff: { initial: 1, factor: 2, max: 3_600, jitter: 0 }, retry_on: null },
            params: {
              title: '{{ task.title }}',
              note: "Plan: {{ context.state.get('checkout_branch_result') || 'none' }} for {{ task?.project?.name || 'nobody' }}",
            },
          }),
          step('qa', {
            persona: 'tester-qa',
            dependencies: ['implementation'],
            timeout: 120,
            retries: { count: 2, backoff: DEFAULT_BACKOFF, retry_on: null },
          }),
          step('review', {
            persona: 'code-reviewer',
            dependencies: ['qa'],
            retries: { count: 2, backoff: [1, 2, 4], retry_on: ['RATE_LIMIT', 'TIMEOUT'] },
            condition: "context.state.get('qa_status') === 'pass'",
          }),
        ],
        { name: 'legacy-task-flow', version: '3.0.0', description: 'As older coordinators wrote it' },
      ),
    );
  });
});
