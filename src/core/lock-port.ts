/**
 * Named locks, each for the whole namespace. Who holds one, and who waits for it in which order, stands in the store; whether
 * a run has it rightly says the run's own record (`coordinator/run-locks.ts`): a grant that no record claims is nobody's.
 */
import { z } from 'zod';
import type { RunStatus } from './statuses.js';

export const LOCK_NAME = /^[^\s\p{Cc}](?:[^\p{Cc}]{0,198}[^\s\p{Cc}])?$/u;
export const LOCK_NAME_WORDS = 'up to 200 characters, without line breaks and without spaces around it';

/** Who holds a lock or waits for it: a run, by the step that takes it, or a command that somebody runs. */
export const lockPartySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('run'), id: z.string(), step: z.string(), attempt: z.number() }),
  z.strictObject({
    kind: z.literal('command'),
    /** Random. */
    id: z.string(),
    by: z.string(),
    host: z.string(),
    pid: z.number(),
    command: z.string(),
  }),
]);
export type LockParty = Readonly<z.infer<typeof lockPartySchema>>;

/** Times are the store's, ms. */
export interface LockHolding {
  readonly party: LockParty;
  /** Numbers the grants of a namespace: asking again for what one holds gives a new one, so that nobody gives back by an old one. */
  readonly grant: number;
  readonly since: number;
  /** When it is free again unless it is renewed; null: when it is given back. */
  readonly until: number | null;
}

export interface LockWaiter {
  readonly party: LockParty;
  readonly since: number;
  /** When its place is lost unless it asks again. */
  readonly until: number;
}

export interface LockState {
  readonly name: string;
  /** Null: nobody, and whoever is first in the line has not asked again yet. */
  readonly holder: LockHolding | null;
  /** First come, first served. */
  readonly line: readonly LockWaiter[];
}

/** A lock that somebody took away from who held it. */
export interface BrokenLock {
  readonly name: string;
  readonly from: LockParty;
  readonly by: string;
  readonly reason: string;
  readonly at: number;
}

/** As a run's message has it. */
export type LockAnswer =
  | { readonly granted: number }
  /** Who holds it; null: nobody, but others are before it in the line. */
  | { readonly granted: null; readonly holder: LockParty | null };

export interface LockPort {
  /**
   * Gives the lock to the party when nobody else holds it and nobody stands before it in the line; one that holds it already is
   * given it again. Otherwise it gets a place at the end of the line, or keeps the one it has, for `placeMs`; 0: none.
   */
  acquire(want: {
    readonly name: string;
    readonly party: LockParty;
    /** How long it is held without being renewed; null: until it is given back. */
    readonly leaseMs: number | null;
    readonly placeMs: number;
  }): Promise<
    | { readonly outcome: 'granted'; readonly grant: number }
    | {
        readonly outcome: 'refused';
        readonly state: LockState;
        /** How many are before it in the line. */
        readonly ahead: number;
      }
  >;
  /** Holds it for `leaseMs` more from now. `lost`: this grant is not the one by which it is held. */
  renew(held: {
    readonly name: string;
    readonly id: string;
    readonly grant: number;
    readonly leaseMs: number;
  }): Promise<'ok' | 'lost'>;
  /**
   * Gives the lock back, when it is held by this grant, and the party's place in the line, if it has one. `grant` null: only the
   * place. `next`: who is first in the line of a lock that nobody holds now.
   */
  release(held: {
    readonly name: string;
    readonly id: string;
    readonly grant: number | null;
    /** Who takes it away from who holds it, and why: remembered of the last 100. */
    readonly broken?: Pick<BrokenLock, 'by' | 'reason'>;
  }): Promise<{ readonly released: boolean; readonly next: LockParty | null }>;
  /** Makes a timer due now, if it is armed. */
  hasten(partition: number, timer: string): Promise<void>;
  /** What the run of a party says of itself and of the step, or null when it is gone. */
  said(
    partition: number,
    party: { readonly id: string; readonly step: string },
  ): Promise<{
    readonly status: RunStatus;
    /** JSON text of the run's record. */
    readonly record: string;
    /** JSON text of the step's record; null when it has none. */
    readonly step: string | null;
  } | null>;
  /** Those that somebody took away, newest first. */
  broken(): Promise<readonly BrokenLock[]>;
  get(name: string): Promise<LockState | null>;
  /** Those that somebody holds or waits for, in order of their names. */
  all(): Promise<readonly LockState[]>;
}
