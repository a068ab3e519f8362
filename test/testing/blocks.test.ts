/** Tests of workflows with every type of step: paths of instances, people, signals, runs inside, and their coverage. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { checkedTests } from '../../src/testing/load-tests.js';
import { runTests } from '../../src/testing/suite.js';
import { inner, step, workflow } from '../harness/definitions.js';
import { differencesOf, report } from './workflow-tests.js';

const FIX = `
name: loop
steps:
  - id: fix
    type: loop
    max_rounds: 3
    until: "steps.qa.status === 'pass'"
    steps:
      - { id: implement, persona: engineer }
      - { id: qa, persona: qa-engineer, dependencies: [implement], on_error: continue }
  - { id: merge, persona: engineer, dependencies: [fix] }
`;

describe('a loop', () => {
  const from = { workflow: FIX };

  it('has a path per round, and a reply per round', async () => {
    const test = `tests:
  - name: second time lucky
    replies: { "fix[1]/qa": fail }
    expect:
      path: ["fix[1]/implement", "fix[1]/qa", "fix[2]/implement", "fix[2]/qa", merge]
      steps: { "fix[1]/qa": failed, "fix[2]/qa": succeeded, qa: succeeded, fix: succeeded }
      path_includes: [qa, qa, merge]`;
    expect(await differencesOf(test, from)).toEqual([]);
  });

  it('never merges before a pass, in no order of events', async () => {
    const text = `properties:
  - name: merges only what passed
    replies: { qa: { any: [pass, fail] }, "@engineer": { any: [pass, error] } }
    never: "['queued', 'working', 'pass'].includes(steps.merge.status) && steps.qa.status !== 'pass'"
    interleavings: 300\n`;
    const { tests, coverage } = await report(text, from);
    expect(tests[0]?.differences).toEqual([]);
    expect(coverage[0]?.missed).toEqual([]);
  });

  it('has a limit that tests can reach', async () => {
    const test =
      'tests: [{ name: x, replies: { qa: fail }, expect: { error: { class: LIMIT, step: fix }, never: [merge] } }]';
    expect(await differencesOf(test, from)).toEqual([]);
    const { coverage } = await report('tests: [{ name: x }]', from);
    expect(coverage[0]?.missed).toContain('fix: its limit is never reached');
  });
});

const DEPLOY = `
name: loop
steps:
  - { id: review, persona: reviewer }
  - id: approve
    type: decision
    prompt: Deploy?
    dependencies: [review]
    timeout: 1d
  - id: released
    type: wait
    signal: released
    timeout: 2h
    dependencies: [approve]
  - id: kind
    type: conditional
    condition: "task.urgent === true"
    dependencies: [released]
    then_steps: [{ id: hotfix, persona: engineer }]
    else_steps: [{ id: deploy, persona: engineer }]
  - { id: tell, type: emit, event: deployed, dependencies: [kind] }
`;

describe('people, signals and branches', () => {
  const from = { workflow: DEPLOY };
  const ok = 'decisions: { approve: { choice: approve, after: 3h, by: ada } }, signals: [released]';

  it('are scripted, and take their time', async () => {
    const test = `tests:
  - { name: urgent, task: { urgent: true }, ${ok}, expect: { path_includes: [approve, hotfix], never: [deploy], events: [deployed], elapsed: { at_least: 3h, at_most: 3h } } }`;
    expect(await differencesOf(test, from)).toEqual([]);
  });

  it('can say no, or nothing', async () => {
    const no =
      'tests: [{ name: x, decisions: { approve: reject }, expect: { status: failed, steps: { approve: failed }, never: [released] } }]';
    const nothing =
      'tests: [{ name: x, expect: { error: { class: TIMEOUT, step: approve }, elapsed: { at_least: 1d } } }]';
    const noSignal =
      'tests: [{ name: x, decisions: { approve: approve }, expect: { error: { step: released }, elapsed: { at_least: 2h, at_most: 2h } } }]';
    expect(await differencesOf(no, from)).toEqual([]);
    expect(await differencesOf(nothing, from)).toEqual([]);
    expect(await differencesOf(noSignal, from)).toEqual([]);
  });

  it('that nobody wrote anything for are named', async () => {
    const patient = { workflow: DEPLOY.replace('timeout: 1d', '').replace('timeout: 2h', '') };
    expect(await differencesOf('tests: [{ name: x }]', patient)).toEqual([
      'status: completed / waiting, and nothing can happen any more: approve is waiting for a decision (approve, reject); write it under "decisions"',
    ]);
    expect(await differencesOf('tests: [{ name: x, decisions: { approve: approve } }]', patient)).toEqual([
      'status: completed / waiting, and nothing can happen any more: released is waiting for the signal "released"; write it under "signals"',
    ]);
  });

  it('are told when their choice is none', async () => {
    const [first] = await differencesOf('tests: [{ name: x, decisions: { approve: maybe } }]', from);
    expect(first).toContain('status: completed / failed');
    const all = await differencesOf('tests: [{ name: x, decisions: { approve: maybe } }]', from);
    expect(all.join('\n')).toMatch(/approve is decided: maybe: .*maybe/);
  });

  it('count as covered by what happened', async () => {
    const test = `tests:
  - { name: urgent, task: { urgent: true }, ${ok} }`;
    const { coverage } = await report(test, from);
    expect(coverage[0]?.missed).toEqual([
      'review: never fails',
      'approve: is never decided "reject"',
      'released: its signal never stays away',
      'kind: its "else_steps" are never taken',
      'hotfix: never fails',
      'deploy: is never started',
      'deploy: never fails',
    ]);
  });
});

it('a for_each has a path per item', async () => {
  const from = {
    workflow: `
name: loop
steps:
  - id: each
    type: for_each
    items: "{{ task.files }}"
    steps: [{ id: check, persona: qa-engineer, params: { file: "{{ loop.item }}" } }]
`,
  };
  const test = `tests:
  - name: items
    task: { files: [a, b, c] }
    replies: { "each[1]/check": { result: second }, check: { result: other } }
    expect:
      result: [other, second, other]
      requests: { check: { count: 3 }, "each[2]/check": { params: { file: c } } }`;
  expect(await differencesOf(test, from)).toEqual([]);
});

it('thousands of items are no burden', async () => {
  const items = Array.from({ length: 2_000 }, (_, index) => index);
  const from = {
    workflow: `
name: loop
steps: [{ id: each, type: for_each, items: "{{ task.items }}", steps: [{ id: check, persona: qa-engineer }] }]
`,
  };
  const test = `tests: [{ name: x, task: { items: [${items.join(', ')}] }, expect: { requests: { check: { count: 2000 } } } }]`;
  const { tests } = await report(test, from);
  expect(tests).toMatchObject([{ ok: true }]);
  expect(tests[0]?.realMs).toBeLessThan(20_000);
});

it('a failed run undoes what it did, and the test sees it', async () => {
  const from = {
    workflow: `
name: loop
steps:
  - { id: deploy, persona: engineer, compensate: [{ id: rollback, persona: engineer }] }
  - { id: verify, persona: qa-engineer, dependencies: [deploy] }
`,
  };
  const test = `tests:
  - name: rolls back
    replies: { verify: fail }
    expect: { status: failed, path: [deploy, verify, "deploy[compensate]/rollback"] }`;
  expect(await differencesOf(test, from)).toEqual([]);
});

it('runs inside are simulated too', async () => {
  const child = workflow([step('work', { persona: 'engineer' })], { name: 'child' });
  const outer = workflow([
    step('plan'),
    inner('sub', 'child', { dependencies: ['plan'], definition: definitionHash(child) }),
  ]);
  const tested = { definition: outer, inner: [child] };
  const text = `workflow: test
tests:
  - { name: passes, replies: { work: { result: 7, after: 1h } }, expect: { steps: { sub: { status: succeeded, result: 7 } }, elapsed: { at_least: 1h } } }
  - { name: fails, replies: { work: fail }, expect: { status: failed, steps: { sub: failed } } }`;
  const workflowOf = async (): Promise<typeof tested> => tested;
  const file = await checkedTests({ text, file: 'x.test.yml', color: false, workflowOf });
  const { tests } = await runTests({ files: [file], workflowOf, filter: null, seed: 1, clock: systemClock });
  expect(tests.flatMap(({ differences }) => differences)).toEqual([]);
});
