/** How steps ask personas: for how long, how often, for how much, and what follows when an attempt does not pass. */
import type { JsonObject } from '../core/json.js';
import type { Retries } from './retry-policy.js';

/** How attempts are asked of a persona and what follows when they do not pass. */
export interface AskPolicy {
  /** How long a request may wait for a free worker: seconds, or template text; null for no limit. */
  readonly queue_timeout: number | string | null;
  readonly retries: Retries;
}

/** When a persona has used up its quota: the step waits until it has some again, or the next persona is asked. */
export const ON_QUOTAS = ['wait', 'fallback'] as const;
export type OnQuota = (typeof ON_QUOTAS)[number];

/** What an attempt after a failed one starts from: what the last one left, or what the steps before left. */
export const RESUMES_FROM = ['attempt', 'clean'] as const;
export type ResumesFrom = (typeof RESUMES_FROM)[number];

/** The most that may be used; what is left out has no limit. */
export interface Budget {
  /** Tokens read and written. */
  readonly tokens?: number | undefined;
  readonly cost_usd?: number | undefined;
  /** Answers of models. */
  readonly turns?: number | undefined;
}

/** Of a run. */
export interface RunBudget extends Budget {
  /** The part of it at which people are warned, 0 to 1; left out: 0.8. */
  readonly soft?: number | undefined;
}

/** What `budget` of a workflow says of `soft` when it says nothing. */
export const DEFAULT_SOFT = 0.8;

/** What has a limit, as a file and as the figures spell it. */
export const BUDGET_KEYS = [
  ['tokens', 'tokens'],
  ['cost_usd', 'costUsd'],
  ['turns', 'turns'],
] as const;

export interface Asking extends AskPolicy {
  readonly persona: string;
  /** Personas that are asked in turn when the one before has used up its attempts. */
  readonly fallback: readonly string[];
  /** Texts inside may be templates. */
  readonly params: JsonObject;
  /** Left out, as all that is below: wait. */
  readonly on_quota?: OnQuota | undefined;
  /** Left out: by what ended the attempt before. */
  readonly resume_from?: ResumesFrom | undefined;
  /** Of all attempts of the step together. */
  readonly budget?: Budget | undefined;
}

export const GIT_OPERATIONS = ['branch', 'switch', 'commit', 'push', 'merge', 'rebase', 'sync'] as const;
export type GitOperation = (typeof GIT_OPERATIONS)[number];
/** Those that cannot do without a `branch`. */
export const BRANCH_OPERATIONS: readonly GitOperation[] = ['branch', 'switch', 'merge', 'rebase'];
