/**
 * Why something does not go on: the closed list of reasons, each with what is known of it, and chains of them from what waits
 * down to the root of its waiting.
 */
import type { Question, StepFailure } from './facts.js';
import type { LockParty } from './lock-port.js';
import type { RunStatus } from './statuses.js';
import type { RunSummary, StepView } from './views.js';

/** An attempt that a worker has in hand. Times are the store's, ms. */
export interface InHand {
  readonly run: string;
  readonly step: string;
  readonly worker: string;
  readonly begunAt: number;
  readonly progress: string;
}

/** What is known of whoever served a persona last. */
export interface LastSeen {
  readonly worker: string;
  readonly at: number;
}

/** Why something waits; each code is one kind of reason, and never means another. */
export type Reason =
  | { readonly code: 'no-coordinator'; readonly partition: number }
  /** The partition was restored from a backup, and nobody has released it. */
  | { readonly code: 'partition-on-hold'; readonly partition: number; readonly hold: string }
  | { readonly code: 'start-not-applied' }
  | { readonly code: 'message-not-applied'; readonly messages: number }
  | {
      readonly code: 'slot';
      readonly key: string;
      readonly limit: number;
      readonly holders: readonly string[];
      /** Runs before it in the line; null when it stands very far behind. */
      readonly ahead: number | null;
    }
  /** A slot is held by a run that has ended or is gone: a defect. */
  | { readonly code: 'slot-leaked'; readonly key: string; readonly holder: string }
  | { readonly code: 'dependencies'; readonly open: readonly string[] }
  | { readonly code: 'step-limit'; readonly limit: number | null; readonly active: number }
  | { readonly code: 'no-worker'; readonly persona: string; readonly lastSeen: LastSeen | null }
  | {
      readonly code: 'workers-busy';
      readonly persona: string;
      readonly workers: readonly string[];
      /** What they have in hand, as far as it was found. */
      readonly doing: readonly InHand[];
      /** Requests of the persona in this partition that no worker has begun. */
      readonly requests: number;
    }
  /** The endpoint that its persona calls is in trouble, so no worker takes its request for now. */
  | {
      readonly code: 'breaker';
      readonly persona: string;
      readonly endpoint: string;
      /** In a row, the first of them at `failingSince`. */
      readonly failures: number;
      readonly failingSince: number;
      readonly message: string;
      /** When it is tried again; null: now, by `probe`. */
      readonly retryAt: number | null;
      readonly probe: string | null;
    }
  | { readonly code: 'queued'; readonly persona: string; readonly workers: readonly string[] }
  /** The run awaits an answer to a request that lies nowhere any more: somebody has deleted it. */
  | { readonly code: 'request-missing'; readonly persona: string }
  | {
      readonly code: 'working';
      readonly persona: string;
      readonly worker: string;
      readonly attempt: number;
      readonly beatAt: number;
      readonly progress: string;
    }
  | {
      readonly code: 'worker-silent';
      readonly persona: string;
      readonly worker: string;
      readonly attempt: number;
      readonly beatAt: number;
      /** Whether nothing is heard of the worker at all. */
      readonly gone: boolean;
    }
  | { readonly code: 'retrying'; readonly until: number | null; readonly error: StepFailure; readonly attempt: number }
  /** Its persona has used up its quota, or is asked too often, and has said when it can go on. */
  | { readonly code: 'parked'; readonly persona: string; readonly until: number; readonly error: StepFailure }
  /** What is left of the run's budget is set aside for others, or people are asked for more of it. */
  | { readonly code: 'budget' }
  | { readonly code: 'time'; readonly until: number }
  | { readonly code: 'signal'; readonly name: string }
  | { readonly code: 'decision'; readonly question: Question; readonly form: StepView['form'] }
  | {
      readonly code: 'lock';
      readonly name: string;
      /** Null: nobody, and it is given to whoever is first in the line. */
      readonly holder: LockParty | null;
      readonly heldSince: number | null;
      /** How many are before it in the line; null when it has no place yet. */
      readonly ahead: number | null;
    }
  | { readonly code: 'inner-run'; readonly inner: string }
  | {
      readonly code: 'block';
      readonly type: string;
      readonly open: readonly string[];
      /** The round of a loop, from 1; else null. */
      readonly round: number | null;
      /** How many items a for_each has; else null. */
      readonly items: number | null;
    }
  | { readonly code: 'compensating'; readonly open: readonly string[] }
  | { readonly code: 'paused'; readonly paused: NonNullable<RunSummary['paused']> | null }
  | { readonly code: 'quarantined'; readonly why: string }
  | { readonly code: 'definition-missing'; readonly why: string }
  | { readonly code: 'newer-format'; readonly why: string }
  | { readonly code: 'unreadable'; readonly why: string }
  | {
      readonly code: 'ended';
      readonly status: RunStatus;
      readonly failure: RunSummary['failure'];
      readonly canceled: RunSummary['canceled'];
    }
  /** Nothing will ever move it: a defect of coord, or of what is stored. */
  | { readonly code: 'stuck' }
  /** Runs that wait for each other, in order; the last waits for the first. */
  | { readonly code: 'deadlock'; readonly cycle: readonly string[] };

/** A reason, with who waits for it since when (the store's time, ms; null: not known). `step` null: the run itself. */
export type Cause = Reason & { readonly run: string; readonly step: string | null; readonly since: number | null };

/** From what waits to the root of its waiting; never empty. */
export type Chain = readonly Cause[];

export interface Explanation {
  readonly run: string;
  /** Null when it cannot be read. */
  readonly status: RunStatus | null;
  /** The store's time of the look, ms. */
  readonly now: number;
  /** One chain for everything that waits, the roots that need somebody most first. */
  readonly waits: readonly Chain[];
  /** Further waits that are not listed. */
  readonly more: number;
}
