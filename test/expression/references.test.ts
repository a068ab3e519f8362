import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/expression/expression.js';
import { checkNames, type KnownNames } from '../../src/expression/references.js';
import { ROOT_NAMES } from '../../src/expression/scope.js';

const known: KnownNames = {
  roots: ROOT_NAMES,
  variables: new Set(['max_retries', 'branch_prefix']),
  states: new Set(['qa_status', 'qa_result', 'code_review_status', 'code_review_result']),
  steps: new Set(['qa', 'code-review']),
};

function problems(source: string, names = known): string[] {
  return checkNames(parseExpression(source), names).map(
    ({ message, hint, offset, length }) =>
      `"${source.slice(offset, offset + length)}": ${message}${hint === null ? '' : ` | ${hint}`}`,
  );
}

describe('known names', () => {
  it.each([
    "task.any['thing'].at.all",
    'variables.max_retries + 1',
    'variables',
    'variables[task.name]',
    "context.state.get('qa_status') === 'pass'",
    "steps['code-review'].result.deep",
    'steps.qa.artifacts.length',
    'run.id',
  ])('%s is fine', (source) => {
    expect(problems(source)).toEqual([]);
  });

  it('are compared with what is written', () => {
    expect(
      [
        'variables.max_retry',
        "context.state.get('qa_statsu') === 'pass' && variables.zzzzzz",
        'context.state.get(task.name)',
        'steps',
        'steps[task.name]',
        'steps.qaa.status',
        'steps.qa.verdict',
        'steps.qa.stauts',
        'run.name',
        'task.list.some(x => x === variables.branch_prefx)',
      ].flatMap((source) => problems(source)),
    ).toMatchInlineSnapshot(`
      [
        ""max_retry": unknown variable "max_retry" | Did you mean "max_retries"?",
        ""'qa_statsu'": unknown state "qa_statsu" | Did you mean "qa_status"?",
        ""zzzzzz": unknown variable "zzzzzz" | Known are max_retries, branch_prefix.",
        ""task.name": the step must be named with a text in quotes, so that it can be checked | For example context.state.get('planning_result').",
        ""steps": the step must be named with a text in quotes, so that it can be checked | For example steps['code-review'].",
        ""task.name": the step must be named with a text in quotes, so that it can be checked | For example steps['code-review'].",
        ""qaa": unknown step "qaa" | Did you mean "qa"?",
        ""verdict": unknown field of a step "verdict" | Known are status, result, artifacts.",
        ""stauts": unknown field of a step "stauts" | Did you mean "status"?",
        ""name": unknown field of run "name" | Known are id, workflow.",
        ""branch_prefx": unknown variable "branch_prefx" | Did you mean "branch_prefix"?",
      ]
    `);
  });

  it('can be fewer', () => {
    expect(problems('steps.qa.status === run.id', { ...known, roots: ['task', 'variables'] })).toEqual([
      '"steps.qa.status": "steps" cannot be read here | Only task and variables can.',
      '"run.id": "run" cannot be read here | Only task and variables can.',
    ]);
  });
});
