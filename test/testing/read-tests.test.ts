/** What is wrong with a test file is said at its place, all at once, with what to do. */
import { describe, expect, it } from 'vitest';
import { refusalOf, report } from './workflow-tests.js';

describe('a test file is refused', () => {
  it.each([
    ['test:\n  - name: x', 'unknown key "test" in the test file', 'Did you mean "tests"?'],
    ['tests: 3', '"tests" of the test file must be a list of tests', ''],
    ['tests:\n  - nmae: x', 'unknown key "nmae" in the test', 'Did you mean "name"?'],
    ['tests:\n  - name: x\n    expected: {}', 'unknown key "expected" in the test "x"', 'Did you mean "expect"?'],
    ['tests:\n  - name: x\n    replies: { planing: pass }', '"loop" has no step "planing"', 'Did you mean "planning"?'],
    ['tests:\n  - name: x\n    replies: { "@planer": pass }', 'asks @planer', 'Did you mean "@planner"?'],
    ['tests:\n  - name: x\n    decisions: { qua: approve }', '"loop" has no step "qua"', ''],
    ['tests:\n  - name: x\n    replies: { qa: pas }', 'the reply of "qa" cannot be "pas"', 'Did you mean "pass"?'],
    [
      'tests:\n  - name: x\n    replies: { qa: 3 }',
      'the reply of "qa" must be a reply, not the number 3',
      'pass, fail',
    ],
    ['tests:\n  - name: x\n    replies: { qa: { fial: x } }', 'unknown key "fial"', 'Did you mean "fail"?'],
    ['tests:\n  - name: x\n    replies: { qa: { fail: x, error: y } }', 'cannot be both "fail" and "error"', ''],
    ['tests:\n  - name: x\n    replies: { qa: { hang: yes please } }', '"hang" of the reply of "qa" must be true', ''],
    [
      'tests:\n  - name: x\n    replies: { qa: { error: x, class: RATELIMIT } }',
      'cannot be "RATELIMIT"',
      'Did you mean "RATE_LIMIT"?',
    ],
    [
      'tests:\n  - name: x\n    replies: { qa: { fail: x, class: QUOTA } }',
      '"class" of the reply of "qa" belongs to "error"',
      '',
    ],
    ['tests:\n  - name: x\n    replies: { qa: { any: [pass, fail] } }', '"any" can only be used in properties', ''],
    ['tests:\n  - name: x\n    cancel: { at: soon }', '"at" of the cancel must be a duration', '"5m"'],
    ['tests:\n  - name: x\n    signals: [{ data: {} }]', 'the signal has no "name"', ''],
    ['tests:\n  - name: x\n    expect: { status: done }', 'the status of a run cannot be "done"', 'Known are'],
    [
      'tests:\n  - name: x\n    expect: { steps: { qa: succeded } }',
      'cannot be "succeded"',
      'Did you mean "succeeded"?',
    ],
    ['tests:\n  - name: x\n    expect: { path: [planning, qua] }', '"loop" has no step "qua"', ''],
    ['tests:\n  - name: x\n    expect: { never: [merge] }', '"loop" has no step "merge"', ''],
    ['tests:\n  - name: x\n    expect: { requests: { qa: { count: many } } }', '"count" of the requests of "qa"', ''],
    ['tests:\n  - name: x\n    expect: { error: { message: /(/ } }', '"/(/" is no pattern', ''],
    [
      'tests:\n  - name: x\n    expect: { refused: TASK_INVALD }',
      'cannot be "TASK_INVALD"',
      'Did you mean "TASK_INVALID"?',
    ],
    ['properties:\n  - name: x\n    never: "steps.qua.status"', 'unknown step "qua"', 'Did you mean "qa"?'],
    ['properties:\n  - name: x\n    never: "steps.qa.status ==="', 'expression', ''],
    ['properties:\n  - name: x\n    always: "run.stat === 1"', 'unknown field of run "stat"', ''],
    [
      'properties:\n  - name: x\n    interleavings: 0',
      '"interleavings" of the property "x" must be a whole number',
      '',
    ],
  ])('%s', async (text, message, hint) => {
    const refusal = await refusalOf(text);
    expect(refusal).toContain(message);
    expect(refusal).toContain(hint);
    expect(refusal).toMatch(/^loop\.test\.yml:\d+:\d+ /);
  });

  it('with all of its problems at once', async () => {
    const refusal = await refusalOf(
      'tests:\n  - name: x\n    replies: { qa: pas, plan: fail }\n    expect: { pathh: [] }',
    );
    expect(refusal).toMatch(
      /loop\.test\.yml:4:20 .*\n[\s\S]*loop\.test\.yml:4:25 [\s\S]*loop\.test\.yml:5:15 [\s\S]*3 problems/,
    );
  });

  it('when it is empty', async () => {
    expect(await refusalOf('')).toContain('the test file has no "tests"');
  });
});

it('a file gives its tests a task, which they can replace', async () => {
  const { tests } = await report(`task: { title: Cart }
tests:
  - { name: shared, expect: { requests: { planning: { params: { title: Cart } } } } }
  - { name: own, task: { title: Shop }, expect: { requests: { planning: { params: { title: Shop } } } } }`);
  expect(tests.map(({ ok }) => ok)).toEqual([true, true]);
});
