/** Small workflows for tests of the engine: every step in normal form, with only what matters written down. */
import {
  type ConditionalStep,
  type DecisionStep,
  DEFAULT_BACKOFF,
  type EmitStep,
  type ForEachStep,
  type GitOperationStep,
  type LockStep,
  type LoopStep,
  type ParallelStep,
  type PersonaRequestStep,
  type PlanStep,
  type Retries,
  type StepBase,
  type StepDefinition,
  type UnlockStep,
  type VerifyStep,
  type WaitStep,
  type WorkflowStep,
} from '../../src/definition/steps.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';

type Change<T> = Omit<Partial<T>, 'type' | 'id' | 'retries'> & { readonly retries?: Retries | number | string };

function base(id: string): StepBase {
  return {
    id,
    name: id,
    description: '',
    dependencies: [],
    condition: null,
    when: 'on_success',
    timeout: null,
    on_error: 'fail',
    compensate: [],
  };
}

function retriesOf(given: Retries | number | string | undefined): Retries {
  return typeof given === 'object' ? given : { count: given ?? 0, backoff: DEFAULT_BACKOFF, retry_on: null };
}

const asking = { persona: 'worker', fallback: [], params: {}, queue_timeout: null } as const;

/** A persona-request of the persona `worker`. */
export function step(id: string, { retries, ...change }: Change<PersonaRequestStep> = {}): PersonaRequestStep {
  return { ...base(id), ...asking, type: 'persona-request', output: null, ...change, retries: retriesOf(retries) };
}

export function planning(id: string, { retries, ...change }: Change<PlanStep> = {}): PlanStep {
  const allow = { types: ['persona-request', 'conditional', 'parallel', 'loop', 'for_each'], personas: null } as const;
  return { ...base(id), ...asking, type: 'plan', allow, max_steps: 50, ...change, retries: retriesOf(retries) };
}

export function verify(id: string, { retries, ...change }: Change<VerifyStep> = {}): VerifyStep {
  const policy = { queue_timeout: null, retries: retriesOf(retries) };
  return { ...base(id), type: 'verify', run: [['npm', 'test']], ...change, ...policy };
}

export function git(id: string, { retries, ...change }: Change<GitOperationStep> = {}): GitOperationStep {
  const fields = { operation: 'commit', branch: null, from: null, message: null, remote: null } as const;
  return {
    ...base(id),
    ...fields,
    type: 'git-operation',
    queue_timeout: null,
    ...change,
    retries: retriesOf(retries),
  };
}

export function conditional(
  id: string,
  condition: string,
  branches: { then?: readonly StepDefinition[]; else?: readonly StepDefinition[] },
  change: Omit<Partial<ConditionalStep>, 'type' | 'id'> = {},
): ConditionalStep {
  return {
    ...base(id),
    type: 'conditional',
    then_steps: branches.then ?? [],
    else_steps: branches.else ?? [],
    ...change,
    condition,
  };
}

export function parallel(
  id: string,
  steps: readonly StepDefinition[],
  change: Omit<Partial<ParallelStep>, 'type' | 'id'> = {},
): ParallelStep {
  return { ...base(id), type: 'parallel', wait_for: 'all', ...change, steps };
}

export function loop(
  id: string,
  steps: readonly StepDefinition[],
  change: Omit<Partial<LoopStep>, 'type' | 'id'> = {},
): LoopStep {
  return { ...base(id), type: 'loop', until: null, while: null, max_rounds: 3, on_limit: 'fail', ...change, steps };
}

export function forEach(
  id: string,
  steps: readonly StepDefinition[],
  change: Omit<Partial<ForEachStep>, 'type' | 'id'> = {},
): ForEachStep {
  return { ...base(id), type: 'for_each', items: [], concurrency: null, ...change, steps };
}

export function inner(
  id: string,
  workflowName: string,
  { retries, ...change }: Change<WorkflowStep> = {},
): WorkflowStep {
  return {
    ...base(id),
    type: 'workflow',
    workflow: workflowName,
    definition: null,
    task: null,
    ...change,
    retries: retriesOf(retries),
  };
}

export function decision(id: string, change: Omit<Partial<DecisionStep>, 'type' | 'id'> = {}): DecisionStep {
  return {
    ...base(id),
    type: 'decision',
    prompt: 'Go on?',
    choices: [
      { id: 'approve', label: 'Approve' },
      { id: 'reject', label: 'Reject' },
    ],
    reject: ['reject'],
    form: null,
    context: {},
    assignees: [],
    ...change,
  };
}

export function wait(id: string, change: Omit<Partial<WaitStep>, 'type' | 'id'> = {}): WaitStep {
  return { ...base(id), type: 'wait', duration: null, until: null, signal: null, ...change };
}

export function emit(id: string, event: string, change: Omit<Partial<EmitStep>, 'type' | 'id'> = {}): EmitStep {
  return { ...base(id), type: 'emit', data: {}, ...change, event };
}

export function lock(id: string, name: string, change: Omit<Partial<LockStep>, 'type' | 'id'> = {}): LockStep {
  return { ...base(id), type: 'lock', ...change, lock: name };
}

export function unlock(id: string, name: string, change: Omit<Partial<UnlockStep>, 'type' | 'id'> = {}): UnlockStep {
  return { ...base(id), type: 'unlock', ...change, lock: name };
}

export function workflow(
  steps: readonly StepDefinition[],
  change: Partial<WorkflowDefinition> = {},
): WorkflowDefinition {
  return {
    format: 2,
    name: 'test',
    version: '1.0.0',
    description: '',
    input: null,
    output: null,
    result: null,
    variables: {},
    timeout: null,
    max_concurrent_steps: null,
    concurrency: null,
    steps,
    ...change,
  };
}
