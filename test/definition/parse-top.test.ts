/** What stands at the top of a file: schemas, environments, slots, failures, defaults. */
import { describe, expect, it } from 'vitest';
import { parseWorkflow } from '../../src/definition/parse.js';
import { readDefinition } from '../../src/definition/workflow.js';
import { definitionOf, lines, problemsOf } from './workflow-text.js';

const STEPS = 'steps:\n  - { id: a, persona: p }\n';

describe('the top of a file', () => {
  it('has every key', () => {
    const definition = definitionOf(`name: w
input: { type: object, properties: { slug: { type: string } } }
output: { type: object }
result: { from: "{{ steps.a.result }}" }
variables: { limit: 2 }
timeout: "{{ variables.limit }}"
max_concurrent_steps: 3
concurrency: { key: "{{ task.slug }}-{{ variables.limit }}", limit: 1 }
${STEPS}on_failure:
  - { id: tell, persona: q }
  - { id: then, persona: q, dependencies: [tell, a] }
`);
    expect(definition).toMatchObject({
      input: { type: 'object', properties: { slug: { type: 'string' } } },
      output: { type: 'object' },
      result: { from: '{{ steps.a.result }}' },
      timeout: '{{ variables.limit }}',
      max_concurrent_steps: 3,
      concurrency: { key: '{{ task.slug }}-{{ variables.limit }}', limit: 1 },
      steps: [
        { id: 'a', when: 'on_success' },
        { id: 'tell', when: 'on_failure' },
        { id: 'then', when: 'on_failure', dependencies: ['tell', 'a'] },
      ],
    });
    expect(readDefinition(JSON.stringify(definition))).toEqual(definition);
  });

  it('a bare concurrency counts the runs of the workflow', () => {
    expect(definitionOf(`name: w\nconcurrency: 4\n${STEPS}`).concurrency).toEqual({ key: 'w', limit: 4 });
    expect(definitionOf(`name: w\nconcurrency: { limit: 4 }\n${STEPS}`).concurrency).toEqual({ key: 'w', limit: 4 });
  });

  it('error_handling is what steps do that say nothing themselves', () => {
    const { steps } = definitionOf(`name: w
error_handling: { strategy: retry_with_fallback, max_retries: 3, fallback_agents: [goose, aider] }
steps:
  - { id: a, persona: goose }
  - { id: b, persona: p, retries: 1, fallback: [] }
  - { id: c, type: git-operation, operation: sync }
`);
    expect(steps).toMatchObject([
      { fallback: ['aider'], retries: { count: 3 } },
      { fallback: [], retries: { count: 1 } },
      { retries: { count: 3 } },
    ]);
  });

  it.each([
    [
      'concurrency: many\n',
      '2:14 wrong-type: "concurrency" of the workflow must be the number of runs that may be under way, or a map with "key" and "limit", not the text "many"',
    ],
    ['concurrency: { key: x }\n', '2:16 missing-key: the concurrency of the workflow has no "limit"'],
    ['concurrency: { key: "{{ steps.a.result }}", limit: 1 }\n', '2:25 expression: "steps" cannot be read here'],
    ['timeout: "{{ variables.no }}"\n', '2:24 expression: unknown variable "no"'],
    [
      'max_concurrent_steps: 0\n',
      '2:23 wrong-type: "max_concurrent_steps" of the workflow must be a whole number from 1 to 10000, not the number 0',
    ],
    [
      'retention: never\n',
      '2:12 wrong-type: "retention" of the workflow must be a duration such as "12h" or "30d", up to 365 days, or "forever", not the text "never"',
    ],
    [
      'retention: null\n',
      '2:1 wrong-type: "retention" of the workflow must be a duration such as "12h" or "30d", up to 365 days, or "forever", not empty',
    ],
    [
      'error_handling: { strategy: rety }\n',
      '2:29 wrong-type: "strategy" of the error_handling of the workflow must be one of retry_with_fallback, retry, fallback, fail, not the text "rety"',
    ],
    [
      'on_failure: [{ id: b, persona: p, when: always }]\n',
      '2:41 wrong-type: "when" of step "b" must be on_failure in the list "on_failure", not the text "always"',
    ],
    ['jobs: []\n', '2:1 unknown-key: unknown key "jobs" in the workflow'],
    ['result: "{{ steps.b.result }}"\n', '2:19 expression: unknown step "b"'],
  ])('%j', (line, expected) => {
    expect(lines(`name: w\n${line}${STEPS}`)).toEqual([expected]);
  });
});

describe('environments', () => {
  const text = `name: w
variables: { base: main, url: "http://{{ variables.base }}" }
environments:
  staging: { variables: { url: "https://staging/{{ variables.base }}" } }
  production: { variables: { base: release } }
${STEPS}`;
  const parse = (environment: string | null, from = text) =>
    parseWorkflow(from, { file: 'w.yml', personas: null, environment });

  it('put their variables over those of the file, in the order of the file', () => {
    expect(parse('staging')).toMatchObject({
      definition: { variables: { base: 'main', url: 'https://staging/{{ variables.base }}' } },
    });
    expect(parse('production')).toMatchObject({ definition: { variables: { base: 'release' } } });
    expect(parse(null)).toMatchObject({ definition: definitionOf(text) });
  });

  it('must be there', () => {
    expect(parse('stagin')).toMatchObject({
      ok: false,
      problems: [{ code: 'unknown-environment', line: 4, hint: 'Did you mean "staging"?' }],
    });
    expect(parse('staging', `name: w\n${STEPS}`)).toMatchObject({ problems: [{ hint: 'It has none.' }] });
  });

  it('are checked even when they are not chosen', () => {
    const bad = text.replace('base: release', 'bas: release, base: "{{ variables.url }}"');
    expect(problemsOf(bad)).toMatchObject([
      { code: 'unknown-key', line: 5, hint: 'Did you mean "base"?' },
      { code: 'expression', message: 'the variable "base" reads "url", which is written below it' },
    ]);
    expect(lines(text.replace('{ variables: { base: release } }', 'release'))).toEqual([
      '5:3 wrong-type: the environment "production" must be a map with "variables"',
    ]);
  });
});
