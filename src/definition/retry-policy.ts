/** How often a step is tried again, and when. */
import type { ErrorClass } from '../core/statuses.js';

/** Seconds before the second, third … attempt; the last one repeats. */
export type BackoffList = readonly number[];

export interface BackoffCurve {
  /** Seconds before the second attempt. */
  readonly initial: number;
  readonly factor: number;
  /** Seconds at most. */
  readonly max: number;
  /** Part of the delay that is drawn, 0 to 1: 0.2 gives 80 % to 100 % of it. */
  readonly jitter: number;
}

export interface Retries {
  /** Further attempts after the first, or template text that gives their number. */
  readonly count: number | string;
  readonly backoff: BackoffList | BackoffCurve;
  /** Classes that are tried again; null for all that may be. */
  readonly retry_on: readonly ErrorClass[] | null;
}

/** 1 s, 2 s, 4 s … up to a minute. */
export const DEFAULT_BACKOFF: BackoffCurve = { initial: 1, factor: 2, max: 60, jitter: 0 };
export const NO_RETRIES: Retries = { count: 0, backoff: DEFAULT_BACKOFF, retry_on: null };
