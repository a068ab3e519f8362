/** Small workflows for tests of the engine. */
import type { StepDefinition, WorkflowDefinition } from '../../src/definition/workflow.js';

export function step(id: string, change: Partial<StepDefinition> = {}): StepDefinition {
  return {
    id,
    name: id,
    type: 'persona-request',
    persona: 'worker',
    dependencies: [],
    condition: null,
    timeout: null,
    retries: 0,
    params: {},
    ...change,
  };
}

export function workflow(
  steps: readonly StepDefinition[],
  change: Partial<WorkflowDefinition> = {},
): WorkflowDefinition {
  return { format: 1, name: 'test', version: '1.0.0', description: '', variables: {}, steps, ...change };
}
