import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../src/core/duration.js';
import { CoordError } from '../../src/core/errors.js';
import { definitionHash, readDefinition, stateName } from '../../src/definition/workflow.js';
import { definitionOf } from './workflow-text.js';

const TEXT = 'name: w\nvariables: { a: 1, b: 2 }\nsteps: [{ id: a, persona: p, timeout: 5m }]\n';

describe('a definition', () => {
  it('has the hash of its content, not of its file', () => {
    const hash = definitionHash(definitionOf(TEXT));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(
      definitionHash(definitionOf(`# comment\n${TEXT.replace('5m', '300').replace('name: w', 'name: "w"')}`)),
    ).toBe(hash);
    expect(definitionHash(definitionOf(TEXT.replace('5m', '301')))).not.toBe(hash);
    // A definition that says nothing of its retention is what it was before there was one.
    expect(definitionOf(TEXT)).not.toHaveProperty('retention');
    const kept = definitionOf(`retention: 1.5h\n${TEXT}`);
    expect(kept.retention).toBe(5_400);
    expect(definitionHash(kept)).not.toBe(hash);
    expect(definitionOf(`retention: forever\n${TEXT}`).retention).toBe('forever');
  });

  it('survives being stored as JSON', () => {
    const definition = definitionOf(TEXT);
    expect(readDefinition(JSON.stringify(definition))).toEqual(definition);
  });

  it.each(['nonsense', '{"format":2}', '{}', 'null'])('%s is not one', (json) => {
    expect(() => readDefinition(json)).toThrow(CoordError);
    expect(() => readDefinition(json)).toThrow(/^the stored definition /);
  });
});

describe('names in context.state', () => {
  it('are made from the id', () => {
    expect([stateName('planning', 'result'), stateName('qa', 'status'), stateName('code-review', 'status')]).toEqual([
      'planning_result',
      'qa_status',
      'code_review_status',
    ]);
  });
});

describe('durations', () => {
  it.each<[string, number | null]>([
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['1500ms', 1_500],
    ['30', 30_000],
    [' 1.5 h ', 5_400_000],
    ['', null],
    ['-5s', null],
    ['5 minutes', null],
    ['1e3', null],
    ['5m30s', null],
  ])('%j', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});
