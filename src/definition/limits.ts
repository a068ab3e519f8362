/** How much of anything a workflow may have, and what its names look like. Apart, since everything that reads one needs it. */

export const WORKFLOW_LIMITS = {
  bytes: 1024 * 1024,
  /** Lists and maps inside each other. */
  depth: 50,
  /** Values of a file, with every alias written out. */
  values: 100_000,
  /** Nested ones included. */
  steps: 2_000,
  /** Steps inside steps. */
  nesting: 8,
  /** Steps that one `plan` may ask for. */
  planned: 500,
  /** Steps that a plugin may make of one. */
  expanded: 200,
  retries: 100,
  /** Pauses of a backoff that are written one by one. */
  pauses: 100,
  /** What each pause may be multiplied with. */
  factor: 100,
  /** Rounds of a loop. */
  rounds: 1_000,
  /** Items of one for_each. */
  items: 10_000,
  /** Choices of one decision. */
  choices: 50,
  /** Reminders of one decision, and steps of its escalation. */
  nudges: 20,
  /** People who must choose the same. */
  quorum: 100,
  /** Runs with the same key that may be under way. */
  runs: 100_000,
  /** Steps of one run, each round of a loop and item of a for_each counted. */
  instances: 100_000,
  /** 365 days. */
  timeoutMs: 365 * 86_400_000,
} as const;

/** What the id of a step and the name of a persona look like. No `|`: ids become parts of timer names. */
export const STEP_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
