/** Workflows as other documents write them: they load as they are. */
import { describe, expect, it } from 'vitest';
import { SPELLINGS } from '../../src/definition/spelling.js';
import { NO_RETRIES } from '../../src/definition/steps.js';
import { modernTemplate } from '../../src/definition/templates-legacy.js';
import { definitionOf, lines, problemsOf, underlined } from './workflow-text.js';

const step = (rest: string): string =>
  `name: w\nsteps:\n  - id: a\n    agent: p\n    ${rest.replaceAll('\n', '\n    ')}\n`;

describe('the custom workflow of the orchestration document', () => {
  const json = `{
  "id": "my_custom_workflow",
  "name": "My Custom Workflow",
  "version": "1.0.0",
  "steps": [
    {
      "id": "step_1", "name": "First Step", "type": "analysis", "agent": "claude-code", "dependencies": [],
      "timeout": 60000, "retry_count": 3, "parallel": false, "config": { "depth": 2, "title": "\${task.title || 'none'}" }
    },
    { "id": "left", "agent": "claude-code", "type": "checks", "parallel": true, "timeout": "5m" },
    { "id": "right", "agent": "goose", "parallel": true },
    { "id": "last", "agent": "goose", "parallel": false, "timeout": "{{ task.ms }}" }
  ],
  "error_handling": { "strategy": "retry_with_fallback", "max_retries": 3, "fallback_agents": ["goose", "aider"] }
}`;

  it('loads', () => {
    const { steps, ...top } = definitionOf(json);
    expect(top).toMatchObject({ name: 'my_custom_workflow', description: 'My Custom Workflow', version: '1.0.0' });
    expect(steps).toMatchObject([
      {
        id: 'step_1',
        name: 'First Step',
        type: 'persona-request',
        persona: 'claude-code',
        timeout: 60,
        retries: { count: 3 },
        fallback: ['goose', 'aider'],
        params: { depth: 2, title: "{{ task?.title || 'none' }}", type: 'analysis' },
      },
      { id: 'left', params: { type: 'checks' }, dependencies: ['step_1'], timeout: 300 },
      { id: 'right', dependencies: ['step_1'], fallback: ['aider'] },
      { id: 'last', dependencies: ['left', 'right'], timeout: '{{ task.ms }}ms' },
    ]);
  });

  it('has its problems where they are in the JSON', () => {
    expect(lines(json.replace('"config"', '"confg"').replace('60000', '-1'))).toEqual([
      '8:18 wrong-type: "timeout" of step "step_1" must be seconds above 0, or a duration such as "30s", "5m" or "1h", up to 365 days, not the text "-1ms"',
      '8:59 unknown-key: unknown key "confg" in step "step_1"',
    ]);
  });
});

describe('keys', () => {
  it.each([
    ['depends_on: []\ntimeout: 60', { dependencies: [], timeout: 60 }],
    ['timeout_ms: 1500', { timeout: 1.5 }],
    ['timeout_ms: "{{ task.ms }}"', { timeout: '{{ task.ms }}ms' }],
    ['max_retries: 2', { retries: { ...NO_RETRIES, count: 2 } }],
    ['maxRetries: 2', { retries: { ...NO_RETRIES, count: 2 } }],
    [
      'retryConfig: { maxAttempts: 3, backoffMs: [1000, 2000, 4000], retryOn: [RATE_LIMIT, TIMEOUT] }',
      { retries: { count: 2, backoff: [1, 2, 4], retry_on: ['RATE_LIMIT', 'TIMEOUT'] } },
    ],
    [
      'retry: { count: 3, delay_ms: 500, backoff_multiplier: 2 }',
      { retries: { count: 3, backoff: { initial: 0.5, factor: 2, max: 3_600, jitter: 0 }, retry_on: null } },
    ],
    ['retry: { count: 3, delay_ms: 500 }', { retries: { backoff: { initial: 0.5, factor: 1 } } }],
  ])('%j', (yaml, expected) => {
    expect(definitionOf(step(yaml)).steps[0]).toMatchObject({ persona: 'p', ...expected });
  });

  it.each([
    ['persona: q', '4:5 duplicate-key: the key "persona" says what "persona" says already'],
    ['retry: 3', '5:5 unknown-key: unknown key "retry" in step "a"'],
    ['parallel: maybe', '5:15 wrong-type: "parallel" of a step must be true or false, not the text "maybe"'],
  ])('%j', (yaml, expected) => {
    expect(
      lines(step(yaml)).map((line) =>
        line.replace(/^5:5 duplicate.*/, '4:5 duplicate-key: the key "persona" says what "persona" says already'),
      ),
    ).toEqual([expected]);
  });

  it('milliseconds are those of the document, and of no other', () => {
    const two = (key: string): string =>
      `name: w\ntimeout: 5000\nsteps:\n  - { id: a, persona: p, timeout: 1000 }\n  - { id: b, persona: p, ${key}: 1 }\n`;
    expect(definitionOf(two('retry_count'))).toMatchObject({ timeout: 5, steps: [{ timeout: 1 }, {}] });
    expect(definitionOf(two('retries'))).toMatchObject({ timeout: 5_000, steps: [{ timeout: 1_000 }, {}] });
  });

  it('the order of groups stays where dependencies are written', () => {
    const { steps } = definitionOf(`name: w
steps:
  - { id: a, persona: p, parallel: true }
  - { id: b, persona: p, parallel: true }
  - { id: c, persona: p }
  - { id: d, persona: p, depends_on: [a] }
  - { id: e, persona: p, parallel: true, dependencies: [] }
`);
    expect(steps.map(({ dependencies }) => dependencies)).toEqual([[], [], ['a', 'b'], ['a'], ['d']]);
  });

  it('the steps of a parallel block start together all the same', () => {
    const { steps } = definitionOf(`name: w
steps:
  - { id: a, persona: p, parallel: false }
  - id: both
    type: parallel
    steps:
      - { id: b, persona: p }
      - { id: c, type: conditional, condition: task.x, then_steps: [{ id: d, persona: p }, { id: e, persona: p }] }
`);
    expect(steps).toMatchObject([
      { dependencies: [] },
      {
        dependencies: ['a'],
        steps: [
          { dependencies: [] },
          { dependencies: [], then_steps: [{ dependencies: [] }, { dependencies: ['d'] }] },
        ],
      },
    ]);
  });

  it('are told in one table, to people too', () => {
    expect(SPELLINGS.filter(({ note }) => note === '')).toEqual([]);
    expect(new Set(SPELLINGS.map(({ from }) => from)).size).toBe(SPELLINGS.length);
  });
});

describe('templates in ${ }', () => {
  it.each([
    ['${task.title}', '{{ task.title }}'],
    ["a ${ task.a.b[0] || 'x.y' } b ${variables.c}", "a {{  task?.a?.b?.[0] || 'x.y'  }} b {{ variables.c }}"],
    ["${context.state.get('qa_status') || task.x}", "{{ context.state.get('qa_status') || task?.x }}"],
    ["${task.t || '}'}", "{{ task?.t || '}' }}"],
  ])('%s', (old, expected) => {
    expect(modernTemplate(old)).toBe(expected);
  });

  it.each([
    '${HOME}',
    '${HOME:-/root} $task',
    '${tasks.x}',
    '${task_name}',
    'cost: $5 {task.x}',
    '${task.open',
    '{{ task.a }}',
  ])('%s is text', (text) => {
    expect(modernTemplate(text)).toBeNull();
  });

  it('are rewritten where templates are, and not in conditions', () => {
    const text =
      'name: w\nvariables: { v: "${task.v}" }\nsteps:\n  - id: a\n    persona: p\n    name: "Do ${task.v}"\n    condition: "`${task.v}` === \'x\'"\n    params: { run: "echo ${HOME} ${variables.v}" }\n';
    expect(definitionOf(text)).toMatchObject({
      variables: { v: '{{ task.v }}' },
      steps: [
        {
          name: 'Do {{ task.v }}',
          condition: "`${task.v}` === 'x'",
          params: { run: 'echo ${HOME} {{ variables.v }}' },
        },
      ],
    });
  });

  it('stay what they are in texts that are no templates, and are templates in the time of a wait', () => {
    const text =
      'name: w\ndescription: "Sets ${task.title} and {{ more }}"\nsteps: [{ id: a, type: wait, until: "${task.release}" }]\n';
    expect(definitionOf(text)).toMatchObject({
      description: 'Sets ${task.title} and {{ more }}',
      steps: [{ until: '{{ task.release }}' }],
    });
  });

  it('have their problems at the exact character', () => {
    for (const written of [
      '"x ${variables.bad}"',
      "'${task.ok}${variables.bad || task.a.b}'",
      '"\\u00e9${variables.bad}"',
    ]) {
      const text = `name: w\nsteps:\n  - id: a\n    persona: p\n    name: ${written}\n`;
      expect(problemsOf(text).map((problem) => [problem.message, underlined(text, problem)])).toEqual([
        ['unknown variable "bad"', 'bad'],
      ]);
    }
  });

  it('both kinds in one text are a problem, in a condition either is', () => {
    expect(lines(step('name: "${task.a} {{ task.b }}"'))).toEqual([
      '5:12 expression: the text has both kinds of templates, {{ }} and ${ }',
    ]);
    expect(problemsOf(step('condition: "${task.a}"'))).toMatchObject([
      { hint: 'A condition is written without ${ }.' },
    ]);
  });

  it('do not hang on a megabyte of openings', () => {
    for (const part of ["${task'", "{{'", '${', '${task.x']) {
      const text = `name: w\ndescription: d\nvariables: { x: "${part.repeat(300_000 / part.length)}" }\nsteps: [{ id: a, persona: p }]\n`;
      expect(problemsOf(text).length).toBeLessThan(5);
    }
  });
});
