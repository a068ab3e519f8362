/** What is printed reads as the same definition, and looks as a person would have written it. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonValue } from '../../src/core/json.js';
import { printWorkflow } from '../../src/definition/print.js';
import { allSteps, STEP_TYPES } from '../../src/definition/steps.js';
import { definitionHash, readDefinition, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { randomDefinitions } from './random-definitions.js';
import { definitionOf } from './workflow-text.js';

const jsonOf = (definition: WorkflowDefinition): string => canonicalJson(definition as unknown as JsonValue);

describe('every definition', () => {
  it('is printed as what reads as the same definition', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(randomDefinitions(), (definition) => {
        for (const { type } of allSteps(definition.steps)) seen.add(type);
        const again = definitionOf(printWorkflow(definition));
        expect(again).toEqual(definition);
        expect(printWorkflow(again)).toBe(printWorkflow(definition));
      }),
      { numRuns: 150 },
    );
    expect([...seen].toSorted()).toEqual([...STEP_TYPES].toSorted());
  });

  it('is read from its canonical JSON with the same hash', () => {
    fc.assert(
      fc.property(randomDefinitions(), (definition) => {
        const stored = readDefinition(jsonOf(definition));
        expect(definitionHash(stored)).toBe(definitionHash(definition));
        expect(jsonOf(stored)).toBe(jsonOf(definition));
        expect(definitionHash(definitionOf(printWorkflow(stored)))).toBe(definitionHash(definition));
      }),
      { numRuns: 150 },
    );
  });

  const folder = new URL('../../workflows/', import.meta.url);
  it.each(readdirSync(folder).filter((file) => file.endsWith('.yml')))('of workflows/%s too', (file) => {
    const definition = definitionOf(readFileSync(new URL(file, folder), 'utf8'));
    expect(definitionOf(printWorkflow(definition))).toEqual(definition);
  });

  it('may be nested as deep as a file may be', () => {
    const deepest = `${'{ a: '.repeat(47)}1${' }'.repeat(47)}`;
    const definition = definitionOf(`name: w\nvariables: { v: ${deepest} }\nsteps: [{ id: a, persona: p }]\n`);
    expect(definitionOf(printWorkflow(definition))).toEqual(definition);
  });
});

describe('a person', () => {
  const WRITTEN = `name: ship
version: "1.10"
description: From a plan to a release

input:
  type: object
  required:
    - title

variables:
  base: "{{ task.base ?? 'main' }}"
  patience: 30m
timeout: 2d
concurrency: 2

steps:
  - id: planning
    name: Plan {{ task.title }}
    persona: planner
    fallback: [lead-engineer]
    timeout: "{{ variables.patience }}"
    queue_timeout: 90s
    retries: 2
    params:
      stage: initial

  - id: fix
    type: loop
    until: steps.qa.status === 'pass'
    max_rounds: 3
    on_limit: ask
    dependencies: [planning]
    steps:
      - id: implementation
        persona: lead-engineer
        retries:
          count: 3
          backoff: [1s, 5s, 1500ms, 0]
          retry_on: [RATE_LIMIT, TIMEOUT]
      - id: qa
        persona: qa-engineer
        dependencies: [implementation]
        retries:
          count: 1
          backoff:
            initial: 500ms
            max: 1h
            jitter: 0.2
        on_error: continue

  - id: approve
    type: decision
    prompt: Ship {{ task.title }}?
    choices:
      ship: Ship it
      hold: Hold it back
    reject: [hold]
    dependencies: [fix]
    timeout: 1d

  - id: merge
    type: git-operation
    operation: merge
    branch: "{{ variables.base }}"
    dependencies: [approve]
    condition: task.merge !== false
    compensate:
      id: merge-undo
      persona: lead-engineer

  - id: tell
    type: emit
    event: shipped
    when: always

result:
  commit: "{{ steps.merge.result ?? null }}"
`;

  it('would have written it so', () => {
    expect(printWorkflow(definitionOf(WRITTEN))).toBe(WRITTEN);
  });

  it('reads what was spelled in the words of other documents, and was merged in, as it is', () => {
    const other = `id: ship
steps:
  - { id: a, agent: claude-code, type: analysis, retry_count: 3, timeout: 60000, parallel: false, config: { t: "\${task.t || 'x'}" } }
  - { id: b, agent: goose, parallel: false }
error_handling: { strategy: fallback, fallback_agents: [goose, aider] }
on_failure:
  - { id: tell, type: emit, event: failed }
`;
    expect(printWorkflow(definitionOf(other))).toBe(`name: ship

steps:
  - id: a
    persona: claude-code
    fallback: [goose, aider]
    timeout: 1m
    retries: 3
    params:
      t: "{{ task?.t || 'x' }}"
      type: analysis

  - id: b
    persona: goose
    fallback: [aider]
    dependencies: [a]

  - id: tell
    type: emit
    event: failed
    when: on_failure
`);
  });

  it.each([
    [90, '90s'],
    [0.5, '500ms'],
    [5_400, '90m'],
    [172_800, '2d'],
    [1.005, '1005ms'],
  ])('reads %d seconds as %s', (timeout, text) => {
    const definition = definitionOf(`name: w\nsteps: [{ id: a, persona: p, timeout: ${String(timeout)} }]\n`);
    expect(definition.steps[0]?.timeout).toBe(timeout);
    expect(printWorkflow(definition)).toContain(`timeout: ${text}\n`);
  });
});
