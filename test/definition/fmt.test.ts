/** Old spellings are rewritten, and nothing else changes. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { respellText } from '../../src/definition/fmt.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { definitionOf } from './workflow-text.js';

const ROOT = join(import.meta.dirname, '../..');

const OLD = `# How we ship.
id: ship
name: Ship it
version: '1.10' # never a number

steps:
  # First the plan.
  - id: plan      # by a person
    agent: planner
    retry_count: 2
    timeout: 60000 # a minute
    config:
      title: "\${task.title || 'none'}"
      keep: "\${HOME}"

  - id: left
    type: checks
    agent: qa
    # At the same time.
    parallel: true
  - id: right
    agent: qa
    parallel: true
    retryConfig: { maxAttempts: 3, backoffMs: [1000, 2000], retryOn: [TIMEOUT] }
  - id: last
    agent: qa
    parallel: false
    retry:
      count: 1
      delay_ms: 500 # not too long
      backoff_multiplier: 2
    timeout_ms: 1500
    depends_on: []
`;

const NEW = `# How we ship.
name: ship
description: Ship it
version: '1.10' # never a number

steps:
  # First the plan.
  - id: plan # by a person
    persona: planner
    retries: 2
    timeout: 60000ms # a minute
    params:
      title: "{{ task?.title || 'none' }}"
      keep: "\${HOME}"

  - id: left
    persona: qa
    params:
      type: checks
    # At the same time.
    dependencies: [plan]
  - id: right
    persona: qa
    retries: { max_attempts: 3, backoff: [1000ms, 2000ms], retry_on: [TIMEOUT] }
    dependencies: [plan]
  - id: last
    persona: qa
    retries:
      count: 1
      backoff:
        # not too long
        initial: 500ms
        factor: 2
        max: 1h
    timeout: 1500ms
    dependencies: [left, right]
`;

function fmt(text: string, file = 'w.yml'): string {
  const written = respellText(text, { file });
  expect(definitionHash(definitionOf(written))).toBe(definitionHash(definitionOf(text)));
  expect(respellText(written, { file })).toBe(written);
  return written;
}

describe('a file in other spellings', () => {
  it('is rewritten with its comments and in its order', () => {
    expect(fmt(OLD)).toBe(NEW);
  });

  it('keeps its own style', () => {
    const text = 'name: w\r\nsteps:\r\n- { id: a, agent: p }\r\n- id: b\r\n  agent: p\r\n  depends_on: [ a ]\r\n';
    expect(fmt(text)).toBe(
      'name: w\r\nsteps:\r\n- { id: a, persona: p }\r\n- id: b\r\n  persona: p\r\n  dependencies: [ a ]\r\n',
    );
  });

  it('stays JSON', () => {
    const text =
      '{"id": "w", "steps": [{"id": "a", "agent": "p", "type": "analysis", "timeout": 5000, "retry_count": 1}]}';
    expect(JSON.parse(fmt(text, 'w.json'))).toEqual({
      name: 'w',
      steps: [{ id: 'a', persona: 'p', timeout: '5000ms', retries: 1, params: { type: 'analysis' } }],
    });
  });

  it('is rewritten inside of blocks', () => {
    const text =
      'name: w\nsteps:\n  - id: l\n    type: loop\n    max_rounds: 2\n    until: steps.a.status === "pass"\n    steps:\n      - { id: a, agent: p, on_error: continue }\n    compensate:\n      agent: p\n';
    expect(fmt(text)).toBe(text.replaceAll('agent', 'persona'));
  });
});

describe('a file without old spellings', () => {
  const folders = [
    'workflows',
    'workflows/templates',
    'workflows/templates/project/workflows',
    'test/definition/fixtures',
  ];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.yml'))
      .map((name) => join(folder, name)),
  );

  it.each(files)('%s is left as it is', (file) => {
    const written = readFileSync(join(ROOT, file), 'utf8');
    // This one is for a reader of templates only.
    const text = file.endsWith('templating.yml') ? `${written.trimEnd()}\n    persona: p\n` : written;
    expect(respellText(text, { file })).toBe(text);
  });
});

describe('a file that cannot be rewritten', () => {
  it('is refused with its problems', () => {
    expect(() => respellText('name: w\nsteps:\n  - id: a\n    agnt: p\n', { file: 'w.yml' })).toThrow(
      /w\.yml:4:5 {2}unknown-key/,
    );
  });

  it('is refused when an alias would mean something else', () => {
    const text =
      'name: w\nvariables: { v: &v { timeout: 5000 } }\nsteps:\n  - id: a\n    agent: p\n    config: { inner: *v }\n';
    expect(fmt(text)).toBe(text.replace('agent', 'persona').replace('config', 'params'));
    const steps =
      'name: w\nsteps:\n  - { id: a, agent: p, config: &c { depends_on: [x] } }\n  - { id: b, agent: p, retry: { count: 1, delay_ms: &d 500 }, timeout_ms: *d }\n';
    expect(() => respellText(steps, { file: 'w.yml' })).toThrow(/w\.yml cannot be rewritten: .*aliases/);
  });

  it('means the same afterwards, whatever steps it has', () => {
    const value = fc.constantFrom(
      'depends_on: []',
      'timeout: 1500',
      'timeout: "${task.t}"',
      'retry_count: 1 # tries',
      'retryConfig: { maxAttempts: 2 }',
      '# said\n    parallel: true',
      'config: { a: "${task.a || variables.b}", "b c": 1.50 }',
      'name: |\n      ${task.x}\n      second',
      "description: '${task.x}'",
    );
    const steps = fc.array(
      fc.uniqueArray(value, {
        maxLength: 5,
        selector: (line) =>
          line
            .replace(/^# said\n +/, '')
            .split(':')[0]
            ?.replace('retryConfig', 'retry_count'),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(steps, (drawn) => {
        const written = drawn.map((rows, index) =>
          [`  - id: s${String(index)}`, '    agent: p', ...rows.map((row) => `    ${row}`)].join('\n'),
        );
        expect(fmt(`id: w\nvariables: { b: x }\nsteps:\n${written.join('\n')}\n`)).toContain('name: w');
      }),
      { numRuns: 150, seed: 7 },
    );
  });
});
