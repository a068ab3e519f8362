/** Workflows inside workflows: a definition pins what its steps run by the hash of its content. */
import type { StepDefinition } from './steps.js';
import type { WorkflowDefinition } from './workflow.js';

/** The definition with the hash of every workflow that its steps name. */
export function withInner(definition: WorkflowDefinition, hashes: ReadonlyMap<string, string>): WorkflowDefinition {
  return { ...definition, steps: filled(definition.steps, hashes) };
}

function filled(steps: readonly StepDefinition[], hashes: ReadonlyMap<string, string>): readonly StepDefinition[] {
  return steps.map((step): StepDefinition => {
    const compensate = filled(step.compensate, hashes);
    switch (step.type) {
      case 'workflow':
        return { ...step, compensate, definition: hashes.get(step.workflow) ?? null };
      case 'conditional':
        return {
          ...step,
          compensate,
          then_steps: filled(step.then_steps, hashes),
          else_steps: filled(step.else_steps, hashes),
        };
      case 'parallel':
      case 'loop':
      case 'for_each':
        return { ...step, compensate, steps: filled(step.steps, hashes) };
      default:
        return { ...step, compensate };
    }
  });
}
