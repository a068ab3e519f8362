import { describe, expect, it } from 'vitest';
import {
  type AnalyzedStep,
  analyzeCriticalPath,
  createExecutionPlan,
  findParallelizationOpportunities,
  validateNoCycles,
} from '../../src/definition/analysis.js';
import { CoordError } from '../../src/core/errors.js';
import { loop, parallel, step } from '../harness/definitions.js';

const steps: readonly AnalyzedStep[] = [
  { id: 'analyze' },
  { id: 'deploy', dependencies: ['analyze', 'build'] },
  { id: 'build', dependencies: ['analyze'] },
  { id: 'test', dependencies: ['analyze'] },
  { id: 'clean', when: 'always' },
];

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error instanceof CoordError ? `${error.code}: ${error.message}` : error;
  }
}

describe('the execution plan', () => {
  it('is an order, and levels of steps that can run at once', () => {
    expect(createExecutionPlan(steps)).toEqual({
      order: ['analyze', 'build', 'test', 'deploy', 'clean'],
      levels: [['analyze'], ['build', 'test'], ['deploy'], ['clean']],
    });
    expect(createExecutionPlan([])).toEqual({ order: [], levels: [] });
  });

  it('is refused for what is no graph', () => {
    const dangling = [{ id: 'a', dependencies: ['b'] }];
    expect(errorOf(() => createExecutionPlan(dangling))).toBe(
      'DEFINITION_INVALID: step "a" depends on "b", which is no step; correct the name',
    );
    expect(errorOf(() => createExecutionPlan([{ id: 'a' }, { id: 'a' }]))).toBe(
      'DEFINITION_INVALID: the step id "a" is there twice; give one another id',
    );
  });
});

describe('cycles', () => {
  it('are named', () => {
    const circle = [
      { id: 'step1', dependencies: ['step2'] },
      { id: 'step2', dependencies: ['step1'] },
    ];
    const message = 'DEFINITION_INVALID: Circular dependency detected: step1 -> step2 -> step1';
    expect(errorOf(() => validateNoCycles(circle))).toBe(message);
    expect(errorOf(() => analyzeCriticalPath(circle))).toBe(message);
    expect(errorOf(() => validateNoCycles([{ id: 'a', dependencies: ['a'] }]))).toContain('a -> a');
    expect(
      errorOf(() =>
        validateNoCycles([
          { id: 'a', dependencies: ['c'] },
          { id: 'c', when: 'always' },
        ]),
      ),
    ).toContain('a -> c -> a');
  });

  it('are none in a graph', () => {
    expect(() => validateNoCycles(steps)).not.toThrow();
  });
});

describe('the critical path', () => {
  it('is the longest chain of steps', () => {
    expect(analyzeCriticalPath(steps)).toEqual({
      path: ['analyze', 'build', 'deploy', 'clean'],
      total: 4,
      unit: 'steps',
      untimed: 4,
    });
  });

  it('is the longest in seconds where timeouts are given', () => {
    expect(
      analyzeCriticalPath([
        { id: 'a', timeout: 10 },
        { id: 'b', dependencies: ['a'], timeout: '5m' },
        { id: 'c', dependencies: ['a'] },
        { id: 'd', dependencies: ['c'], timeout: '{{ variables.t }}' },
      ]),
    ).toEqual({ path: ['a', 'b'], total: 310, unit: 'seconds', untimed: 0 });
  });

  it('takes a block for as long as what it holds, and a loop as often as it may go round', () => {
    const slow = step('slow', { timeout: 60 });
    expect(
      analyzeCriticalPath([loop('fix', [slow, step('qa', { dependencies: ['slow'], timeout: 30 })])]),
    ).toMatchObject({
      total: 270,
      unit: 'seconds',
    });
    expect(analyzeCriticalPath([loop('fix', [slow], { timeout: 100 })]).total).toBe(100);
    expect(analyzeCriticalPath([parallel('p', [slow, step('b', { timeout: 70 })])]).total).toBe(70);
  });
});

describe('what can run at the same time', () => {
  it('are the levels with several steps', () => {
    expect(findParallelizationOpportunities(steps)).toEqual({
      groups: [['build', 'test']],
      redundant: [{ step: 'deploy', dependency: 'analyze', through: 'build' }],
    });
  });
});
