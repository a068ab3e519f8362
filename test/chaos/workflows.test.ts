import { expect, test } from 'vitest';
import { allSteps } from '../../src/definition/steps.js';
import { Chance } from './random.js';
import { canaryWorkflow, chaosWorkflows, parkedWorkflow } from './workflows.js';

test('whatever the seed, the workflows are valid, and together they have every kind of step', () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= 15; seed++) {
    for (const { definition } of chaosWorkflows(new Chance(seed), 16))
      for (const step of allSteps(definition.steps)) kinds.add(step.type);
  }
  expect([...kinds].toSorted()).toEqual([
    'conditional',
    'decision',
    'emit',
    'for_each',
    'loop',
    'parallel',
    'persona-request',
    'plan',
    'wait',
    'workflow',
  ]);
});

test('a seed gives the same workflows again', () => {
  const of = (seed: number): string => JSON.stringify(chaosWorkflows(new Chance(seed), 8));
  expect(of(3)).toBe(of(3));
  expect(of(3)).not.toBe(of(4));
});

test('the two that are always there can be read', () => {
  expect([canaryWorkflow(), parkedWorkflow()].map(({ definition }) => definition.name)).toEqual(['canary', 'parked']);
});
