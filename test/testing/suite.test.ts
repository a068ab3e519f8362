/** What tests can script and expect, each seen to pass and to fail. */
import { describe, expect, it } from 'vitest';
import { differencesOf, report } from './workflow-tests.js';

const ONE = 'tests:\n  - name: it\n    task: { title: Cart, public: true }\n';

describe('a test without words of its own', () => {
  it('lets every persona pass, and expects the run to complete', async () => {
    const { tests } = await report(ONE);
    expect(tests).toMatchObject([
      { name: 'it', ok: true, line: 3, workflow: 'loop', kind: 'test', virtualMs: 0, differences: [], facts: [] },
    ]);
  });

  it('fails when the run fails, and says which step failed it and why', async () => {
    expect(await differencesOf(`${ONE}    replies: { qa: { fail: 2 of 5 tests failed } }`)).toEqual([
      'status: completed / failed: step qa, REJECTED 2 of 5 tests failed',
    ]);
  });

  it('shows the history of a run that went wrong', async () => {
    const [result] = (await report(`${ONE}    replies: { planning: fail }`)).tests;
    expect(result?.facts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['run.started', 'step.queued', 'step.failed', 'run.failed']),
    );
  });
});

describe('replies', () => {
  it('are found by path or step, then by persona, then by *', async () => {
    const replies = `
    replies:
      planning: { result: by step }
      "@planner": { result: by persona }
      "@lead-engineer": { result: by persona }
      "*": { result: by star }`;
    const expected = `
    expect: { state: { planning_result: by step, implementation_result: by persona, qa_result: by star } }`;
    expect(await differencesOf(`${ONE}${replies}${expected}`)).toEqual([]);
  });

  it('say what they used, what their conversation is called, and when they can go on', async () => {
    const replies = `
    replies:
      planning:
        - { error: enough, class: QUOTA, resume_in: 2h, session: s-1, usage: { input_tokens: 900, cost_usd: 0.1 } }
        - pass`;
    const expected = `
    expect:
      elapsed: { at_least: 2h, at_most: 2h }
      requests: { planning: { count: 2, session: s-1, handover: [{ error: { class: QUOTA } }] } }`;
    expect(await differencesOf(`${ONE}${replies}${expected}`)).toEqual([]);
  });

  it('go by occurrence, and the last repeats', async () => {
    const replies = '    replies: { planning: [error, { error: boom, class: RATE_LIMIT }, { result: 3 }] }\n';
    const expected = '    expect: { steps: { planning: { status: succeeded, attempts: 3, result: 3 } } }\n';
    expect(await differencesOf(`${ONE}${replies}${expected}`)).toEqual([]);
    expect(await differencesOf(`${ONE}    replies: { planning: [error, { error: boom }] }`)).toEqual([
      'status: completed / failed: step planning, PERSONA_ERROR boom',
    ]);
  });

  it.each([
    ['garbage', 'INVALID_REPLY'],
    ['hang', 'TIMEOUT'],
    ['lose_worker', 'WORKER_LOST'],
    ['{ error: slow down, class: RATE_LIMIT }', 'RATE_LIMIT'],
  ])('%s fails the step with %s', async (reply, failure) => {
    const test = `${ONE}    replies: { qa: ${reply} }\n    expect: { error: { class: ${failure}, step: qa } }`;
    expect(await differencesOf(test)).toEqual([]);
  });

  it('carry artifacts and take time', async () => {
    const test = `${ONE}    replies: { qa: { artifacts: { report.md: all 9 passed }, after: 9m } }
    expect:
      artifacts: { report.md: 9 passed }
      elapsed: { at_least: 9m, at_most: 9m }
      steps: { qa: { artifacts: [report.md] } }`;
    expect(await differencesOf(test)).toEqual([]);
    expect(await differencesOf(test.replace('after: 9m', 'after: 11m'))).toContainEqual(
      expect.stringContaining('TIMEOUT'),
    );
  });

  it('are demanded for every request by strict', async () => {
    const differences = await differencesOf(`${ONE}    strict: true\n    replies: { planning: pass, qa: pass }`);
    expect(differences).toEqual([
      'replies: a reply for every request / none for implementation (@lead-engineer, attempt 1)',
      'replies: a reply for every request / none for code-review (@code-reviewer, attempt 1)',
      'replies: a reply for every request / none for security-review (@security-reviewer, attempt 1)',
    ]);
  });
});

describe('a run that cannot go on', () => {
  it('fails the test and names what waits', async () => {
    const differences = await differencesOf(`${ONE}    replies: { implementation: hang }`);
    expect(differences).toEqual([
      'status: completed / running, and nothing can happen any more: implementation is working: what it asked for never comes, and it has no timeout',
    ]);
  });

  it('is what a test may expect', async () => {
    const test = `${ONE}    replies: { implementation: no_worker }\n    expect: { status: running, never: [qa] }`;
    expect(await differencesOf(test)).toEqual([]);
  });
});

describe('a run is canceled', () => {
  it('when the test says', async () => {
    const test = `${ONE}    replies: { planning: { after: 10m } }\n    cancel: { at: 5m, reason: enough }
    expect: { status: canceled, elapsed: { at_least: 5m, at_most: 5m }, steps: { planning: canceled } }`;
    expect(await differencesOf(test)).toEqual([]);
  });

  it('or not, when it has ended by then', async () => {
    expect(await differencesOf(`${ONE}    cancel: { at: 5m }\n    expect: { status: canceled }`)).toEqual([
      'status: canceled / completed',
    ]);
  });
});

describe('expectations', () => {
  const held = `
    expect:
      path: [planning, implementation, qa, code-review, security-review]
      path_includes: [planning, qa]
      steps: { qa: succeeded }
      state: { qa_status: pass }
      requests: { planning: { count: 1, params: { stage: first, title: /^Ca/ } } }
      elapsed: { at_most: 1s }
      events: [step.succeeded, run.completed]`;

  it('all hold for a run that goes well', async () => {
    expect(await differencesOf(ONE + held)).toEqual([]);
  });

  it('are all reported when they do not', async () => {
    const broken = `
    replies: { qa: { fail: no } }
    expect:
      status: completed
      path: [planning, qa]
      path_includes: [qa, planning]
      never: [implementation]
      steps: { qa: succeeded, code-review: { status: succeeded, attempts: 1 } }
      state: { qa_status: pass }
      requests: { planning: { count: 2, params: { stage: second } } }
      elapsed: { at_least: 1h }
      error: { class: TIMEOUT, step: planning, message: /yes/ }
      events: [step.retrying]
      artifacts: [report.md]`;
    const places = (await differencesOf(ONE + broken)).map((line) => line.slice(0, line.indexOf(': ')));
    expect(places).toEqual([
      'status',
      'path',
      'path_includes',
      'never',
      'steps.qa.status',
      'steps.code-review.status',
      'steps.code-review.attempts',
      'state.qa_status',
      'requests.planning.count',
      'requests.planning.params.stage',
      'elapsed',
      'error.class',
      'error.step',
      'error.message',
      'events',
      "artifacts['report.md']",
    ]);
  });

  it('of a path are whole', async () => {
    expect(await differencesOf(`${ONE}    expect: { path: [planning, implementation, qa] }`)).toEqual([
      'path: planning, implementation, qa / planning, implementation, qa, code-review, security-review',
    ]);
  });

  it('can be that the start is refused', async () => {
    const test = 'tests:\n  - name: no title\n    expect: { refused: EXPRESSION_FAILED }\n';
    const workflow = 'variables: { t: "{{ task.title.length }}" }\nsteps: [{ id: a, persona: p }]';
    expect(await differencesOf(test, { workflow })).toEqual([]);
    expect(await differencesOf(test)).toEqual(['refused: EXPRESSION_FAILED / it started']);
  });
});

describe('virtual time', () => {
  it('lets a day pass at once', async () => {
    const { tests } = await report(
      `${ONE}    replies: { implementation: { after: 1d } }\n    expect: { elapsed: { at_least: 1d, at_most: 1d } }`,
    );
    expect(tests[0]).toMatchObject({ ok: true, virtualMs: 86_400_000 });
    expect(tests[0]?.realMs).toBeLessThan(10_000);
  });

  it('is the same in every run', async () => {
    const once = async (): Promise<unknown> => {
      const { tests } = await report(`${ONE}    replies: { planning: [lose_worker, error], qa: fail }`);
      return tests.map(({ realMs: _real, ...rest }) => rest);
    };
    expect(await once()).toEqual(await once());
  });
});

describe('coverage', () => {
  it('lists what no test reached', async () => {
    const { coverage } = await report(ONE);
    expect(coverage).toEqual([
      {
        workflow: 'loop',
        covered: 5,
        total: 12,
        missed: [
          'planning: never fails',
          'implementation: never fails',
          'qa: never fails',
          'code-review: its condition is never false',
          'code-review: never fails',
          'security-review: its condition is never false',
          'security-review: never fails',
        ],
      },
    ]);
  });

  it('adds up over tests', async () => {
    const { coverage } =
      await report(`${ONE}  - { name: private, task: { title: x }, replies: { qa: fail, code-review: fail }, expect: { status: failed } }
  - { name: again, task: { title: x }, replies: { code-review: fail }, expect: { status: failed } }`);
    expect(coverage[0]?.missed).toEqual([
      'planning: never fails',
      'implementation: never fails',
      'security-review: never fails',
    ]);
  });
});

it('a filter leaves out tests', async () => {
  const { tests } = await report(`${ONE}  - name: other\n    task: { title: x }\n`, { filter: 'oth' });
  expect(tests.map(({ name }) => name)).toEqual(['other']);
});
