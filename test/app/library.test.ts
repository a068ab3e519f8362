/** What programs import from `coord` is there, and does what its name says. */
import { expect, test } from 'vitest';
import {
  analyzeCriticalPath,
  CoordError,
  createExecutionPlan,
  defineStepType,
  defineWorkflow,
  findParallelizationOpportunities,
  validateNoCycles,
} from '../../src/app/library.js';

const STEPS = [
  { id: 'a' },
  { id: 'b', dependencies: ['a'] },
  { id: 'c', dependencies: ['a'] },
  { id: 'd', dependencies: ['a', 'b', 'c'] },
];

test('the analysis of steps', () => {
  expect(createExecutionPlan(STEPS)).toEqual({ order: ['a', 'b', 'c', 'd'], levels: [['a'], ['b', 'c'], ['d']] });
  expect(analyzeCriticalPath(STEPS)).toMatchObject({ path: ['a', 'b', 'd'], total: 3, unit: 'steps' });
  expect(findParallelizationOpportunities(STEPS)).toEqual({
    groups: [['b', 'c']],
    redundant: [{ step: 'd', dependency: 'a', through: 'b' }],
  });
  expect(() =>
    validateNoCycles([
      { id: 'x', dependencies: ['y'] },
      { id: 'y', dependencies: ['x'] },
    ]),
  ).toThrow('Circular dependency detected: x -> y -> x');
});

test('definitions written as programs', () => {
  const workflow = { name: 'w', steps: [{ id: 'a', persona: 'p' }] };
  expect(defineWorkflow(workflow)).toBe(workflow);
  const type = { description: '', params: true, expand: () => [] } as const;
  expect(defineStepType({ ...type, name: 'mine' }).name).toBe('mine');
  expect(() => defineStepType({ ...type, name: 'loop' })).toThrow(CoordError);
});
