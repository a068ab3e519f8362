import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../src/expression/expression.js';
import { checkNames, type KnownNames } from '../../src/expression/references.js';
import { ITEM_FIELDS, ROOT_NAMES, ROUND_FIELDS } from '../../src/expression/scope.js';

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
    "artifacts['report.md'].sha256",
    'artifacts[task.name].size',
    'artifacts',
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

  it('of an artifact are its fields', () => {
    expect(
      ["artifacts['report.md'].sha", 'artifacts.log.step', 'artifacts[task.name].path'].flatMap((source) =>
        problems(source),
      ),
    ).toEqual([
      '"sha": unknown field of an artifact "sha" | Known are name, sha256, size, type, step.',
      '"path": unknown field of an artifact "path" | Known are name, sha256, size, type, step.',
    ]);
  });

  it('of a loop are those of the loop around', () => {
    const round = { ...known, loop: ROUND_FIELDS };
    const item = { ...known, loop: ITEM_FIELDS };
    expect(problems("loop.round > 1 && loop.previous?.qa?.status === 'fail'", round)).toEqual([]);
    expect(problems('loop.item.path + loop.index + loop.count', item)).toEqual([]);
    expect(problems('loop.item', round)).toEqual(['"item": unknown field of loop "item" | Known are round, previous.']);
    expect(problems('loop.round', item)).toEqual([
      '"round": unknown field of loop "round" | Known are index, item, count.',
    ]);
    expect(problems('loop.rounds', round)).toEqual([
      '"rounds": unknown field of loop "rounds" | Did you mean "round"?',
    ]);
    const none =
      '"loop.round": "loop" cannot be read here: there is no loop or for_each around | Only steps inside one, and its "until" and "while", can read it.';
    expect(problems('loop.round', known)).toEqual([none]);
    expect(problems('loop.round', { ...known, loop: null })).toEqual([none]);
    expect(problems('loop.round', { ...round, roots: ['task'] })).toEqual([
      '"loop.round": "loop" cannot be read here | Only task can.',
    ]);
  });
});
