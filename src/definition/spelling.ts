/** How other documents spell what the language has: the one table of it, for reading such files and for rewriting them. */

export interface Spelling {
  readonly where: 'workflow' | 'step';
  readonly from: string;
  readonly to: string;
  /** What happens to the value: it stays, or is taken as said. */
  readonly value: 'as it is' | 'milliseconds' | 'groups' | 'retry config' | 'retry map';
  /** For people who rewrite a file. */
  readonly note: string;
}

export const SPELLINGS: readonly Spelling[] = [
  { where: 'workflow', from: 'id', to: 'name', value: 'as it is', note: 'a workflow is called by its name' },
  { where: 'step', from: 'depends_on', to: 'dependencies', value: 'as it is', note: 'the same list' },
  { where: 'step', from: 'agent', to: 'persona', value: 'as it is', note: 'who does the step' },
  { where: 'step', from: 'config', to: 'params', value: 'as it is', note: 'what the persona is handed' },
  {
    where: 'step',
    from: 'retry_count',
    to: 'retries',
    value: 'as it is',
    note: 'in a file with this key, timeouts without a unit are milliseconds',
  },
  { where: 'step', from: 'max_retries', to: 'retries', value: 'as it is', note: 'further attempts after the first' },
  { where: 'step', from: 'maxRetries', to: 'retries', value: 'as it is', note: 'further attempts after the first' },
  {
    where: 'step',
    from: 'retryConfig',
    to: 'retries',
    value: 'retry config',
    note: '{ maxAttempts, backoffMs, retryOn } is { max_attempts, backoff, retry_on }; maxAttempts counts the first one',
  },
  {
    where: 'step',
    from: 'retry',
    to: 'retries',
    value: 'retry map',
    note: '{ count, delay_ms, backoff_multiplier } is { count, backoff: { initial, factor } }',
  },
  { where: 'step', from: 'timeout_ms', to: 'timeout', value: 'milliseconds', note: 'with its unit: 1500ms' },
  {
    where: 'step',
    from: 'parallel',
    to: 'dependencies',
    value: 'groups',
    note: 'neighbours with "parallel: true" are one group, and each group waits for the one before it',
  },
];

/** Words of other systems that are refused, with what is meant by them: a guess, where a spelling is a promise. */
export const MEANT_IN_WORKFLOW: Readonly<Record<string, string>> = {
  concurrency_group: 'concurrency',
  env: 'variables',
  envs: 'environments',
  inputSchema: 'input',
  inputs: 'input',
  jobs: 'steps',
  max_parallel: 'max_concurrent_steps',
  outputSchema: 'output',
  outputs: 'output',
  stages: 'steps',
  tasks: 'steps',
  title: 'name',
  vars: 'variables',
};

export const MEANT_IN_STEP: Readonly<Record<string, string>> = {
  args: 'params',
  after: 'dependencies',
  body: 'steps',
  continue_on_error: 'on_error',
  depends: 'dependencies',
  dependsOn: 'dependencies',
  do: 'steps',
  else: 'else_steps',
  fallbacks: 'fallback',
  foreach: 'items',
  if: 'condition',
  in: 'items',
  input: 'params',
  inputs: 'params',
  max_iterations: 'max_rounds',
  needs: 'dependencies',
  on_failure: 'when',
  options: 'choices',
  over: 'items',
  payload: 'data',
  question: 'prompt',
  retry: 'retries',
  requires: 'dependencies',
  role: 'persona',
  rollback: 'compensate',
  schema: 'output',
  then: 'then_steps',
  timeout_seconds: 'timeout',
  undo: 'compensate',
  uses: 'workflow',
  with: 'params',
};

/** Keys of a step whose texts are no templates. */
export const PLAIN_KEYS: readonly string[] = [
  'id',
  'type',
  'description',
  'condition',
  'until',
  'while',
  'output',
  'form',
  'dependencies',
];
