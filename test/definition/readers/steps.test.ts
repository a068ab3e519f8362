/** Every type of step: what it becomes, and what is said of what it cannot be. */
import { describe, expect, it } from 'vitest';
import { NO_RETRIES, type StepDefinition } from '../../../src/definition/steps.js';
import { definitionOf, lines, problemsOf } from '../workflow-text.js';

/** The last step of a list that starts with a step `a`. */
function stepOf(yaml: string): StepDefinition {
  return definitionOf(textOf(yaml)).steps[1] as StepDefinition;
}

function textOf(yaml: string): string {
  const indented = yaml.trim().replaceAll('\n', '\n    ');
  return `name: w\nsteps:\n  - { id: a, persona: p }\n  - id: x\n    ${indented}\n`;
}

/** Problems of the step, without their places. */
function said(yaml: string): readonly string[] {
  return lines(textOf(yaml)).map((line) => line.replace(/^\d+:\d+ /, ''));
}

const BODY = 'steps: [{ id: b, persona: p }]';

describe('common keys', () => {
  it('are read of every type', () => {
    expect(
      stepOf(
        'type: emit\nevent: e\nname: "N {{ task.n }}"\ndescription: d\ndependencies: [a]\ncondition: task.x\nwhen: always\ntimeout: 5m\non_error: ask',
      ),
    ).toEqual({
      id: 'x',
      type: 'emit',
      event: 'e',
      data: {},
      name: 'N {{ task.n }}',
      description: 'd',
      dependencies: ['a'],
      condition: 'task.x',
      when: 'always',
      timeout: 300,
      on_error: 'ask',
      compensate: [],
    });
  });

  it.each([
    [
      'persona: p\nwhen: task.x',
      'wrong-type: "when" of step "x" must be one of on_success, always, on_failure, not the text "task.x"',
    ],
    [
      'persona: p\non_error: ignore',
      'wrong-type: "on_error" of step "x" must be one of fail, continue, ask, not the text "ignore"',
    ],
    ['persona: p\nwait_for: all', 'unknown-key: unknown key "wait_for" in step "x"'],
    ['type: loops\nsteps: []', 'unknown-type: unknown step type "loops"'],
  ])('%j', (yaml, expected) => {
    expect(said(yaml)).toContain(expected);
  });

  it('a key of another type is said to belong there', () => {
    const definition = textOf('persona: p\nwait_for: all');
    expect(lines(definition)).toEqual(['6:5 unknown-key: unknown key "wait_for" in step "x"']);
    expect(hints(definition)).toEqual(['"wait_for" belongs to steps of type "parallel".']);
    expect(hints(textOf('persona: p\nneeds: [a]'))).toEqual(['Did you mean "dependencies"?']);
    expect(hints(textOf('type: decide\nprompt: p'))[0]).toMatch(/^Types are persona-request, git-operation, /);
  });

  it('compensate is one step or a list, and its steps may leave out their ids', () => {
    expect(stepOf('persona: p\ncompensate: { persona: q }').compensate).toMatchObject([{ id: 'x-undo', persona: 'q' }]);
    const several = 'persona: p\ncompensate: [{ persona: q }, { id: own, persona: q }, { persona: q }]';
    expect(stepOf(several).compensate.map(({ id }) => id)).toEqual(['x-undo', 'own', 'x-undo-2']);
    expect(said('persona: p\ncompensate: later')[0]).toMatch(/^wrong-type: "compensate" of step "x" must be the step/);
  });
});

describe('persona-request and plan', () => {
  it('has fallbacks, a queue timeout and an output', () => {
    const yaml = 'persona: p\nfallback: [q, p, q]\nqueue_timeout: 10m\noutput: { type: object }\nparams: { a: [1] }';
    expect(stepOf(yaml)).toMatchObject({
      persona: 'p',
      fallback: ['q'],
      queue_timeout: 600,
      output: { type: 'object' },
      params: { a: [1] },
    });
    expect(stepOf('persona: p\nfallback: q')).toMatchObject({ fallback: ['q'] });
    expect(stepOf('persona: p\noutput: true')).toMatchObject({ output: true });
  });

  it('a plan may hold no steps that act outside, unless it says so', () => {
    expect(stepOf('type: plan\npersona: p')).toMatchObject({
      allow: { types: ['persona-request', 'conditional', 'parallel', 'loop', 'for_each'], personas: null },
      max_steps: 50,
    });
    expect(stepOf('type: plan\npersona: p\nallow: { types: [workflow], personas: [q] }\nmax_steps: 500')).toMatchObject(
      {
        allow: { types: ['workflow'], personas: ['q'] },
        max_steps: 500,
      },
    );
    expect(said('type: plan\npersona: p\nmax_steps: 501\nallow: { types: [lop] }')).toEqual([
      'wrong-type: "max_steps" of step "x" must be a whole number from 1 to 500, not the number 501',
      'unknown-type: unknown step type "lop"',
    ]);
  });

  it('a schema that is none is shown at its place', () => {
    expect(lines(textOf('persona: p\noutput:\n  properties:\n    score: { type: numbr }'))[0]).toMatch(
      /^8:\d+ invalid-schema: "output" of step "x" is no schema that can be used: at properties\.score/,
    );
    expect(said('persona: p\noutput: text')[0]).toMatch(/^wrong-type: "output" of step "x" must be a JSON Schema/);
  });
});

describe('retries', () => {
  const backoff = NO_RETRIES.backoff;
  it.each([
    ['3', { count: 3, backoff, retry_on: null }],
    ['"{{ task.n ?? 2 }}"', { count: '{{ task.n ?? 2 }}', backoff, retry_on: null }],
    ['{ count: 2 }', { count: 2, backoff, retry_on: null }],
    ['{ max_attempts: 3, backoff: [1s, 500ms, 4] }', { count: 2, backoff: [1, 0.5, 4], retry_on: null }],
    [
      '{ count: 5, backoff: { initial: 2s, factor: 3, max: 1m, jitter: 0.2 }, retry_on: [TIMEOUT, RATE_LIMIT] }',
      { count: 5, backoff: { initial: 2, factor: 3, max: 60, jitter: 0.2 }, retry_on: ['TIMEOUT', 'RATE_LIMIT'] },
    ],
    [
      '{ count: 1, backoff: { initial: 5m } }',
      { count: 1, backoff: { initial: 300, factor: 2, max: 300, jitter: 0 }, retry_on: null },
    ],
  ])('%s', (written, expected) => {
    expect(stepOf(`persona: p\nretries: ${written}`)).toHaveProperty('retries', expected);
  });

  it.each([
    ['"{{ variables.n ?? 2 }}"', 'expression: unknown variable "n"'],
    ['{ count: "{{ variables.n }}" }', 'expression: unknown variable "n"'],
    ['{ count: 1, max_attempts: 2 }', 'wrong-type: the retries of step "x" have both "count" and "max_attempts"'],
    [
      '{ max_attempts: 0 }',
      'wrong-type: "max_attempts" of the retries of step "x" must be a whole number from 1 to 101, not the number 0',
    ],
    ['{ retry_on: [TIMEOUTS] }', 'wrong-type: unknown error class "TIMEOUTS"'],
    [
      '{ retry_on: [REJECTED] }',
      'wrong-type: REJECTED is never tried again: it is a verdict about the work, and asking again would only ask for another answer',
    ],
    [
      '{ retry_on: [EXPRESSION] }',
      'wrong-type: EXPRESSION is never tried again: another attempt would end the same way',
    ],
    [
      '{ backoff: [] }',
      'wrong-type: "backoff" of the retries of step "x" must be a list of pauses such as [1s, 5s, 30s], or a map with initial, factor, max and jitter, not a list',
    ],
    [
      '{ backoff: [soon] }',
      'wrong-type: a pause of the retries of step "x" must be seconds, or a duration such as "500ms" or "1m", not the text "soon"',
    ],
    [
      '{ backoff: { jitter: 2 } }',
      'wrong-type: "jitter" of the backoff of the retries of step "x" must be a number from 0 to 1, not the number 2',
    ],
  ])('%s', (written, expected) => {
    expect(said(`persona: p\nretries: ${written}`)).toEqual([expected]);
  });
});

describe('blocks', () => {
  it('conditional', () => {
    const yaml =
      'type: conditional\ncondition: task.x\nthen_steps: [{ id: b, persona: p }]\nelse_steps: [{ id: c, persona: p }]';
    expect(stepOf(yaml)).toMatchObject({
      type: 'conditional',
      condition: 'task.x',
      then_steps: [{ id: 'b' }],
      else_steps: [{ id: 'c' }],
    });
    expect(said('type: conditional')).toEqual([
      'missing-key: step "x" has no "condition"',
      'missing-key: step "x" has no "then_steps"',
    ]);
  });

  it.each([
    ['', 'all'],
    ['wait_for: any', 'any'],
    ['wait_for: 1', 1],
  ])('parallel, %j', (written, wait_for) => {
    expect(stepOf(`type: parallel\n${BODY}\n${written}`)).toMatchObject({ wait_for, steps: [{ id: 'b' }] });
  });

  it('loop', () => {
    expect(stepOf(`type: loop\nuntil: steps.b.status === 'pass'\nmax_rounds: 3\non_limit: ask\n${BODY}`)).toMatchObject(
      {
        until: "steps.b.status === 'pass'",
        while: null,
        max_rounds: 3,
        on_limit: 'ask',
      },
    );
    expect(stepOf(`type: loop\nwhile: loop.round < task.n\nmax_rounds: "{{ task.n }}"\n${BODY}`)).toMatchObject({
      until: null,
      max_rounds: '{{ task.n }}',
    });
  });

  it.each([
    [
      `type: loop\nuntil: steps.b.status === 'pass'\n${BODY}`,
      'unbounded-loop: step "x" has no "max_rounds", so it could go on for ever',
    ],
    [`type: loop\nmax_rounds: 2\n${BODY}`, 'missing-key: step "x" has no "until"'],
    [
      `type: loop\nmax_rounds: 2\nuntil: loop.round > 1\nwhile: loop.round < 2\n${BODY}`,
      'wrong-type: step "x" has both "until" and "while"',
    ],
    [
      `type: loop\nmax_rounds: 1001\nuntil: loop.round > 1\n${BODY}`,
      'wrong-type: "max_rounds" of step "x" must be a whole number from 1 to 1000, not the number 1001',
    ],
    [
      `type: parallel\nwait_for: some\n${BODY}`,
      'wrong-type: "wait_for" of step "x" must be all, any or the number of steps that must succeed, not the text "some"',
    ],
    ['type: parallel', 'missing-key: step "x" has no "steps"'],
    [`type: for_each\n${BODY}`, 'missing-key: step "x" has no "items"'],
    [
      `type: for_each\nitems: "a {{ task.b }}"\n${BODY}`,
      'wrong-type: "items" of step "x" must be a list, or a template such as "{{ task.files }}", not the text "a {{ task.b }}"',
    ],
  ])('%j', (yaml, expected) => {
    expect(said(yaml)).toContain(expected);
  });

  it('for_each', () => {
    expect(stepOf(`type: for_each\nitems: "{{ task.files }}"\nconcurrency: 2\n${BODY}`)).toMatchObject({
      items: '{{ task.files }}',
      concurrency: 2,
    });
    expect(stepOf(`type: for_each\nitems: [1, "{{ task.b }}", { c: d }]\n${BODY}`)).toMatchObject({
      items: [1, '{{ task.b }}', { c: 'd' }],
      concurrency: null,
    });
  });

  it('nest eight levels, and no deeper', () => {
    const nested = (levels: number): string =>
      levels === 0
        ? '{ id: end, persona: p }'
        : `{ id: n${String(levels)}, type: parallel, steps: [${nested(levels - 1)}] }`;
    expect(lines(`name: w\nsteps: [${nested(8)}]\n`)).toEqual([]);
    expect(lines(`name: w\nsteps: [${nested(9)}]\n`).join()).toMatch(
      /too-large: steps are nested deeper than 8 levels/,
    );
  });

  it('count their steps to the limit of the file', () => {
    const many = Array.from(
      { length: 1_000 },
      (_, index) => `{ id: s${String(index)}, type: parallel, steps: [{ id: t${String(index)}, persona: p }] }`,
    );
    expect(lines(`name: w\nsteps:\n${many.map((step) => `- ${step}\n`).join('')}`)).toEqual([]);
    expect(lines(`name: w\nsteps:\n- { id: one, persona: p }\n${many.map((step) => `- ${step}\n`).join('')}`)).toEqual([
      '1003:39 too-large: with this step there are more than 2000 steps',
    ]);
  });
});

describe('git-operation', () => {
  it('takes templates', () => {
    expect(
      stepOf('type: git-operation\noperation: branch\nbranch: "feature/{{ task.slug }}"\nfrom: main'),
    ).toMatchObject({
      operation: 'branch',
      branch: 'feature/{{ task.slug }}',
      from: 'main',
      message: null,
      remote: null,
      retries: NO_RETRIES,
    });
  });

  it.each([
    [
      'operation: brunch',
      'wrong-type: "operation" of step "x" must be one of branch, switch, commit, push, merge, rebase, sync, not the text "brunch"',
    ],
    ['branch: b', 'missing-key: step "x" has no "operation"'],
    ['operation: merge', 'missing-key: step "x" has no "branch"'],
    ['operation: commit', 'missing-key: step "x" has no "message"'],
    [
      'operation: push\nremote: https://evil.example/x',
      'wrong-type: "remote" of step "x" cannot be "https://evil.example/x": a remote is named as "git remote" lists it, for example origin',
    ],
  ])('%j', (yaml, expected) => {
    expect(said(`type: git-operation\n${yaml}`)).toEqual([expected]);
  });

  it.each([
    '--orphan=evil',
    '-f',
    'a..b',
    'HEAD:refs/heads/main',
    '@{-1}',
    'x.lock',
    'a/',
    'a b',
    'a\\nb',
    'x~1',
    '-{{ task.a }}',
    '@',
    'x.lock/y',
    'a'.repeat(201),
  ])('refuses the branch %j', (branch) => {
    expect(said(`type: git-operation\noperation: switch\nbranch: "${branch}"`)[0]).toMatch(
      /^wrong-type: "branch" of step "x" cannot be /,
    );
    expect(said(`type: git-operation\noperation: branch\nbranch: ok\nfrom: "${branch}"`)[0]).toMatch(
      /"from" of step "x" cannot be/,
    );
  });
});

describe('decision', () => {
  it('asks for approval when it says nothing else', () => {
    expect(stepOf('type: decision\nprompt: "Deploy {{ task.v }}?"\nassignees: ann')).toMatchObject({
      prompt: 'Deploy {{ task.v }}?',
      choices: [
        { id: 'approve', label: 'Approve' },
        { id: 'reject', label: 'Reject' },
      ],
      reject: ['reject'],
      form: null,
      context: {},
      assignees: ['ann'],
    });
  });

  it.each([
    [
      '[now, later]',
      [
        { id: 'now', label: 'now' },
        { id: 'later', label: 'later' },
      ],
      [],
    ],
    [
      '{ go: Go ahead, reject: No }',
      [
        { id: 'go', label: 'Go ahead' },
        { id: 'reject', label: 'No' },
      ],
      ['reject'],
    ],
    [
      '[{ id: go, label: Go! }, stop]\nreject: [stop]',
      [
        { id: 'go', label: 'Go!' },
        { id: 'stop', label: 'stop' },
      ],
      ['stop'],
    ],
  ])('choices: %s', (written, choices, reject) => {
    expect(stepOf(`type: decision\nprompt: p\nchoices: ${written}`)).toMatchObject({ choices, reject });
  });

  it.each([
    ['choices: [a]', 'missing-key: step "x" has no "prompt"'],
    ['prompt: p\nchoices: [a, a]', 'wrong-type: step "x" has the choice "a" twice'],
    ['prompt: p\nchoices: []', 'wrong-type: step "x" has no choice'],
    ['prompt: p\nchoices: ["go on"]', 'wrong-type: "go on" cannot be the id of a choice'],
    ['prompt: p\nchoices: [go]\nreject: [og]', 'wrong-type: "og" is no choice of step "x"'],
  ])('%j', (yaml, expected) => {
    expect(said(`type: decision\n${yaml}`)).toEqual([expected]);
  });
});

describe('wait, emit and workflow', () => {
  it.each([
    ['type: wait\nduration: 2d', { duration: 172_800, until: null, signal: null }],
    ['type: wait\nuntil: 2026-12-24T18:00:00Z', { duration: null, until: '2026-12-24T18:00:00Z' }],
    ['type: wait\nsignal: paid\ntimeout: 1h', { signal: 'paid', timeout: 3_600 }],
    [
      'type: emit\nevent: phase.completed\ndata: { a: "{{ task.a }}" }',
      { event: 'phase.completed', data: { a: '{{ task.a }}' } },
    ],
    [
      'type: workflow\nworkflow: hotfix\ntask: { a: 1 }\nretries: 1',
      { workflow: 'hotfix', definition: null, task: { a: 1 } },
    ],
    ['type: workflow\nworkflow: hotfix', { task: null, retries: NO_RETRIES }],
  ])('%j', (yaml, expected) => {
    expect(stepOf(yaml)).toMatchObject(expected);
  });

  it.each([
    ['type: wait', 'missing-key: step "x" has no "duration"'],
    ['type: wait\nduration: 1s\nsignal: s', 'wrong-type: step "x" waits for "duration" and "signal"'],
    [
      'type: wait\nuntil: tomorrow',
      'wrong-type: "until" of step "x" must be a time such as "2026-01-31T09:00:00Z", or a template that gives one, not the text "tomorrow"',
    ],
    ['type: emit', 'missing-key: step "x" has no "event"'],
    ['type: workflow', 'missing-key: step "x" has no "workflow"'],
    [
      'type: workflow\nworkflow: "{{ task.w }}"',
      'wrong-type: "workflow" of step "x" must be the name of a workflow, not the text "{{ task.w }}"',
    ],
  ])('%j', (yaml, expected) => {
    expect(said(yaml)).toEqual([expected]);
  });
});

function hints(text: string): readonly (string | null)[] {
  return problemsOf(text).map(({ hint }) => hint);
}
