/** What is stored, as it is: for looking whether it is what it should be. Nothing here changes anything. */
import type { HistoryEntry, StoredRun } from './ports.js';
import type { RunStatus } from './statuses.js';

/** A run as it lies in the store at one moment, with what stands beside it. */
export interface InspectedRun {
  /** Null when there is no such run, although something names it. */
  readonly run:
    | (Omit<StoredRun, 'claims'> & {
        readonly status: string;
        /** Tokens that are awaited, by step. */
        readonly tokens: ReadonlyMap<string, string>;
        /** Tokens whose reply lies in the inbox, by step. */
        readonly delivered: ReadonlyMap<string, string>;
        /** Steps that a worker holds. */
        readonly claimed: readonly string[];
      })
    | null;
  /** The listings that name it. */
  readonly listed: readonly RunStatus[];
}

export interface InspectionPort {
  /** Ids of all runs that anything is stored of: a run, a history, a place in a listing. */
  names(partition: number): Promise<readonly string[]>;
  inspect(partition: number, run: string): Promise<InspectedRun>;
  history(want: { partition: number; run: string; after: string; limit: number }): Promise<readonly HistoryEntry[]>;
  /** Ids of timers with when they are due, ms. */
  timers(partition: number): Promise<readonly { readonly id: string; readonly dueAt: number }[]>;
  /** Runs that messages in the inbox are for, with how many. */
  waiting(partition: number): Promise<ReadonlyMap<string, number>>;
}
