/** The keys of the language: which a workflow has, which every step, and which each type of step. */
import type { StepType } from './steps.js';

export const WORKFLOW_KEYS = [
  'name',
  'version',
  'description',
  'input',
  'output',
  'result',
  'variables',
  'environments',
  'timeout',
  'max_concurrent_steps',
  'concurrency',
  'retention',
  'budget',
  'evidence',
  'states',
  'steps',
  'on_failure',
  'error_handling',
] as const;
export type WorkflowKey = (typeof WORKFLOW_KEYS)[number];

export const COMMON_KEYS = [
  'id',
  'name',
  'description',
  'type',
  'dependencies',
  'condition',
  'when',
  'timeout',
  'on_error',
  'enters',
  'compensate',
] as const;
export type CommonKey = (typeof COMMON_KEYS)[number];

const POLICY = ['queue_timeout', 'retries'] as const;
const ASKING = ['persona', 'fallback', 'params', ...POLICY, 'on_quota', 'resume_from', 'budget'] as const;

/** Besides the common ones. */
export const TYPE_KEYS = {
  'persona-request': [...ASKING, 'output'],
  'git-operation': ['operation', 'branch', 'from', 'message', 'remote', ...POLICY],
  verify: ['run', 'expect', 'protect', ...POLICY],
  conditional: ['then_steps', 'else_steps'],
  parallel: ['steps', 'wait_for'],
  loop: ['steps', 'until', 'while', 'max_rounds', 'on_limit'],
  for_each: ['items', 'steps', 'concurrency'],
  workflow: ['workflow', 'task', 'retries'],
  decision: [
    'prompt',
    'choices',
    'reject',
    'form',
    'questions',
    'draft',
    'context',
    'assignees',
    'on_timeout',
    'remind',
    'escalate',
    'quorum',
  ],
  wait: ['duration', 'until', 'signal'],
  emit: ['event', 'data'],
  end: ['status', 'reason'],
  lock: ['lock'],
  unlock: ['lock'],
  plan: [...ASKING, 'allow', 'max_steps'],
} as const satisfies Readonly<Record<StepType, readonly string[]>>;
export type TypeKey = (typeof TYPE_KEYS)[StepType][number];

/** What a step of a plugin's type has besides the common ones. */
export const PLUGIN_KEYS = ['params'] as const;

/** What `error_handling` says to do when an attempt has failed. */
export const ERROR_STRATEGIES = ['retry_with_fallback', 'retry', 'fallback', 'fail'] as const;
export type ErrorStrategy = (typeof ERROR_STRATEGIES)[number];
