/**
 * Circuit breakers, one for each persona and the endpoint that it calls, shared by all workers of the namespace. Closed: calls
 * are made. Open: none is, until the cool-down is over. Half-open: one worker makes one call, and what comes of it decides.
 */

export interface BreakerPolicy {
  /** Failures in a row after which it opens. */
  readonly failures: number;
  /** A failure that comes later than this after the one before it begins a new row, ms. */
  readonly windowMs: number;
  /** How long it stays open the first time; twice as long after each probe that fails, ms. */
  readonly coolDownMs: number;
  /** But never longer than this, ms. */
  readonly longestMs: number;
  /** How long the right to make the one call lasts without being renewed, ms. */
  readonly probeMs: number;
}

export interface BreakerName {
  readonly persona: string;
  /** As it is shown, without secrets. */
  readonly endpoint: string;
}

/** One whose endpoint has failed since it last answered; the others are not stored. Times are the store's, ms. */
export interface BreakerState extends BreakerName {
  readonly state: 'closed' | 'open' | 'half-open';
  /** In a row. */
  readonly failures: number;
  /** When the first of them was. */
  readonly since: number;
  readonly lastAt: number;
  /** What was said last. */
  readonly message: string;
  /** Open: when one call is let through. */
  readonly retryAt: number | null;
  /** Half-open: who makes the one call, and until when the right to it lasts. */
  readonly probe: { readonly worker: string; readonly until: number } | null;
}

/** `wait`: ms after which it makes sense to ask again. */
export type BreakerAnswer = 'go' | 'probe' | { readonly wait: number };

export interface BreakerPort {
  /**
   * Whether a worker may call. `probe`: the one call, and the right to it for `probeMs` from now; asking again renews it. Of all
   * that ask, one is given it.
   */
  enter(want: BreakerName & { readonly worker: string; readonly probeMs: number }): Promise<BreakerAnswer>;
  /**
   * Tells what came of a call. While it is not closed only the call of the probe counts: `ok` closes it, `failed` opens it for
   * longer, `unknown` gives the right back. How it stands afterwards: `go` or `wait`.
   */
  told(
    call: BreakerName & {
      readonly worker: string;
      readonly probe: boolean;
      readonly outcome: 'ok' | 'failed' | 'unknown';
      readonly message: string;
      /** What the endpoint asks for, ms; 0: nothing. */
      readonly waitMs: number;
      readonly policy: BreakerPolicy;
    },
  ): Promise<Exclude<BreakerAnswer, 'probe'>>;
  /** In order of their names. */
  all(): Promise<readonly BreakerState[]>;
}

/** Characters of a message that are kept. */
export const BREAKER_MESSAGE = 500;

export function breakerKey({ persona, endpoint }: BreakerName): string {
  return `${persona} ${endpoint}`;
}
