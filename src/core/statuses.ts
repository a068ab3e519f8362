/** The closed lists of statuses, as `docs/lifecycles.md` draws them. */

export const RUN_STATUSES = [
  'pending',
  'running',
  'waiting',
  'paused',
  'compensating',
  'completed',
  'failed',
  'canceled',
] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const STEP_STATUSES = [
  'pending',
  'queued',
  'working',
  'waiting',
  'retrying',
  'succeeded',
  'failed',
  'skipped',
  'canceled',
] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** What a persona says of its own work: `fail` is a verdict ("the tests fail"), `error` is no verdict at all. */
export const VERDICTS = ['pass', 'fail', 'error'] as const;
export type Verdict = (typeof VERDICTS)[number];

const ENDED_RUNS: Readonly<Record<RunStatus, boolean>> = {
  pending: false,
  running: false,
  waiting: false,
  paused: false,
  compensating: false,
  completed: true,
  failed: true,
  canceled: true,
};

const SETTLED_STEPS: Readonly<Record<StepStatus, boolean>> = {
  pending: false,
  queued: false,
  working: false,
  waiting: false,
  retrying: false,
  succeeded: true,
  failed: true,
  skipped: true,
  canceled: true,
};

export const runHasEnded = (status: RunStatus): boolean => ENDED_RUNS[status];
export const stepIsSettled = (status: StepStatus): boolean => SETTLED_STEPS[status];

/** Why an attempt, a step or a run did not succeed. Closed: policies, metrics and documents name these and no others. */
export const ERROR_CLASSES = [
  'REJECTED',
  'PERSONA_ERROR',
  'INVALID_REPLY',
  'RATE_LIMIT',
  'QUOTA',
  'TIMEOUT',
  'QUEUE_TIMEOUT',
  'WORKER_LOST',
  'EXPRESSION',
  'INVALID_INPUT',
  'INVALID_OUTPUT',
  'INVALID_STATE',
  'STEP_FAILED',
  'RUN_FAILED',
  'LIMIT',
  'EVIDENCE',
  'CANCELED',
] as const;
export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** Classes that only the engine gives; a reply that claims one is not valid. */
export const ENGINE_CLASSES: readonly ErrorClass[] = [
  'QUEUE_TIMEOUT',
  'EXPRESSION',
  'INVALID_INPUT',
  'INVALID_OUTPUT',
  'STEP_FAILED',
  'RUN_FAILED',
  'LIMIT',
  'EVIDENCE',
  'CANCELED',
];

/** Classes that say nothing against the work that was done. */
export const INTERRUPTED_CLASSES: ReadonlySet<ErrorClass> = new Set(['QUOTA', 'RATE_LIMIT', 'TIMEOUT', 'WORKER_LOST']);

/** Classes that an attempt is tried again for, unless its step names others. */
export const RETRYABLE_CLASSES: readonly ErrorClass[] = [
  'PERSONA_ERROR',
  'INVALID_REPLY',
  'RATE_LIMIT',
  'QUOTA',
  'TIMEOUT',
  'QUEUE_TIMEOUT',
  'WORKER_LOST',
  'RUN_FAILED',
];
