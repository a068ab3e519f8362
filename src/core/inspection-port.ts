/** What is stored, as it is: for looking whether it is what it should be. Nothing here changes anything. */
import type { OverviewPort } from './overview-port.js';
import type { RunStatus } from './statuses.js';

/** As `StoredRun` in ports.ts, with what readers of runs have no need of. */
export interface InspectedFields {
  readonly format: number;
  readonly version: number;
  readonly status: string;
  readonly chain: string;
  readonly definition: string;
  readonly input: string;
  readonly record: string;
  readonly quarantined: string | null;
  /** Records of the steps that have left `pending`, by step id, as all that follows. */
  readonly steps: ReadonlyMap<string, string>;
  /** Tokens that are awaited. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Tokens whose reply lies in the inbox. */
  readonly delivered: ReadonlyMap<string, string>;
  /** Steps that a worker holds. */
  readonly claimed: readonly string[];
}

/** A run as it lies in the store at one moment, with what stands beside it. */
export interface InspectedRun {
  /** Null when there is no such run, although something names it. */
  readonly run: InspectedFields | null;
  /** The listings that name it. */
  readonly listed: readonly RunStatus[];
}

export interface InspectionPort extends OverviewPort {
  /** Ids of all runs that anything is stored of: a run, a history, a place in a listing. */
  names(partition: number): Promise<readonly string[]>;
  inspect(partition: number, run: string): Promise<InspectedRun>;
  /** Ids of timers with when they are due, ms. */
  timers(partition: number): Promise<readonly { readonly id: string; readonly dueAt: number }[]>;
  /** Runs that messages in the inbox are for, with how many. */
  waiting(partition: number): Promise<ReadonlyMap<string, number>>;
}
