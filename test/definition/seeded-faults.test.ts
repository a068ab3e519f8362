/** Faults that people make, each planted into a good workflow: who finds it, the check of the file or the tests of the workflow. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseWorkflow } from '../../src/definition/parse.js';
import type { ProblemCode } from '../../src/definition/problem.js';
import { report } from '../testing/workflow-tests.js';

const read = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const GOOD = read('fix-loop.yml');
const TESTS = read('fix-loop-tests.txt');
const PERSONAS = new Set([
  'implementation-planner',
  'plan-evaluator',
  'lead-engineer',
  'qa-engineer',
  'code-reviewer',
  'security-review',
]);

/** `line code`, with a `?` for warnings. */
function validated(text: string): readonly string[] {
  const parsed = parseWorkflow(text, { file: 'fix-loop.yml', personas: PERSONAS });
  const problems = parsed.ok ? parsed.warnings : parsed.problems;
  return problems.map(({ line, code, severity }) => `${String(line)} ${code}${severity === 'warning' ? '?' : ''}`);
}

/** Names of the tests and properties that fail. */
async function failing(text: string): Promise<readonly string[]> {
  const { tests } = await report(TESTS, { workflow: text });
  return tests.filter(({ ok }) => !ok).map(({ name }) => name);
}

/** The good workflow with one change, which must be one. */
function planted(from: string, to: string): string {
  expect(GOOD.split(from)).toHaveLength(2);
  return GOOD.replace(from, () => to);
}

describe('the workflow without a fault', () => {
  it('is found good by both', async () => {
    expect(validated(GOOD)).toEqual([]);
    expect(await failing(GOOD)).toEqual([]);
  });
});

describe('validate finds', () => {
  type Found = `${number} ${ProblemCode}${'' | '?'}`;
  it.each<[string, string, string, Found]>([
    [
      'an edge that is missing, since a state is read too early',
      '    dependencies: [reviews]\n',
      '',
      '59 not-a-dependency',
    ],
    ['an edge that is missing further up', '    dependencies: [fix]\n', '', '59 not-a-dependency'],
    ['a join that waits for more than there are', 'wait_for: all', 'wait_for: 3', '48 unmet-wait'],
    ['a loop without a bound', '    max_rounds: 3\n', '', '29 unbounded-loop'],
    [
      'a loop that nothing inside can end',
      `"steps.qa.status === 'pass'"`,
      '"steps.planning.result.done"',
      '32 unbounded-loop?',
    ],
    ['a loop that fails with what it should repeat', '        on_error: continue\n', '', '32 never-holds?'],
    [
      'a loop that ends with the wrong step',
      `"steps.qa.status === 'pass'"`,
      `"steps.implementation.status === 'pass'"`,
      '32 never-holds?',
    ],
    [
      'a state that is never reached',
      `"steps.qa.status === 'pass'"`,
      `"steps.qa.status === 'pass' && steps.qa.status === 'fail'"`,
      '32 never-holds',
    ],
    ['a step that never runs', `"context.state.get('planning_result')"`, '"false"', '20 never-holds'],
    ['a misspelt status', `get('qa_status') === 'pass'`, `get('qa_status') === 'passed'`, '60 never-holds'],
    ['a misspelt state', `get('qa_status')`, `get('qa_stauts')`, '60 expression'],
    ['a misspelt step', 'dependencies: [implementation]', 'dependencies: [implementaton]', '42 unknown-dependency'],
    ['a misspelt persona', 'persona: qa-engineer', 'persona: qa-enginer', '41 unknown-persona'],
    ['a misspelt variable', '{{ variables.base }}', '{{ variables.bsae }}', '26 expression'],
    ['a misspelt key', 'on_limit: ask', 'on_limt: ask', '34 unknown-key'],
    ['a misspelt word', 'on_limit: ask', 'on_limit: aks', '34 wrong-type'],
    ['a circle', '    params:\n      stage: initial\n', '    dependencies: [merge]\n', '18 cycle'],
    ['an id that is there already', 'id: merge', 'id: qa', '55 duplicate-id'],
    [
      'a step of the round before that is none',
      'loop.previous?.qa?.result',
      'loop.previous?.aq?.result',
      '39 expression',
    ],
  ])('%s', (_what, from, to, found) => {
    expect(validated(planted(from, to))).toEqual([found]);
  });
});

const MERGED = 'what passes at the second try is merged';
const RETRIED = 'an error of the planner is tried again';
const ASKED = 'after three rounds a person is asked';
const REVIEWED = 'nothing is merged that did not pass both reviews';
const TESTED = 'nothing is reviewed that did not pass its tests';
const BUILT = 'nothing is tested that is not built';

describe('the file says nothing wrong, and its tests find', () => {
  it.each<[string, string, string, readonly string[]]>([
    ['any review where all were meant', 'wait_for: all', 'wait_for: any', [REVIEWED]],
    ['one review where two were meant', 'wait_for: all', 'wait_for: 1', [REVIEWED]],
    ['an edge that is missing where nothing is read', '        dependencies: [implementation]\n', '', [BUILT]],
    ['a loop that asks nobody at its limit', '    on_limit: ask\n', '', [ASKED]],
    ['a loop with a round too few', 'max_rounds: 3', 'max_rounds: 2', [ASKED]],
    [
      'a loop that ends by itself, whatever its tests say',
      `"steps.qa.status === 'pass'"`,
      '"loop.round >= 2 || steps.qa.status === \'pass\'"',
      [ASKED, TESTED],
    ],
    ['retries that are missing', '    retries: 2\n', '', [RETRIED]],
    [
      'a review whose failure is passed over',
      '        persona: security-review\n',
      '        persona: security-review\n        on_error: continue\n',
      [REVIEWED],
    ],
    [
      'a merge that happens in any case',
      '    dependencies: [reviews]\n',
      '    dependencies: [reviews]\n    when: always\n',
      [REVIEWED],
    ],
    ['a condition the wrong way round', `get('qa_status') === 'pass'`, `get('qa_status') !== 'pass'`, [MERGED]],
  ])('%s', async (_what, from, to, found) => {
    const text = planted(from, to);
    expect(validated(text)).toEqual([]);
    expect(await failing(text)).toEqual(found);
  });
});
