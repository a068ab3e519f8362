/** How much there is of what, and who holds it: for looking at a namespace again and again. Nothing here changes anything. */
import type { RunStatus } from './statuses.js';

export interface PartitionLook {
  /** Why nobody may take the partition, or null: it waits for an operator after it was restored from a backup. */
  readonly hold: string | null;
  /** How many runs are in each status. */
  readonly runs: Readonly<Record<RunStatus, number>>;
  /** Messages that are not applied yet. */
  readonly messages: number;
}

/** The requests of one persona in one partition. */
export interface QueueLook {
  /** Requests that no worker has begun. */
  readonly requests: number;
  /** When the oldest of them came, by the store's clock, ms; null without any. */
  readonly oldestAt: number | null;
  /** Workers that take them, also those that were killed, with how long ago each was heard of, ms. */
  readonly readers: readonly { readonly worker: string; readonly idleMs: number }[];
}

/** A slot at one moment. */
export interface SlotLook {
  /** Null when nobody holds it. */
  readonly limit: number | null;
  readonly holders: readonly string[];
  /** Runs that wait for it, the next one first; of a very long line only the beginning. */
  readonly line: readonly string[];
}

export interface OverviewPort {
  look(partition: number): Promise<PartitionLook>;
  queue(partition: number, persona: string): Promise<QueueLook>;
  slot(partition: number, key: string): Promise<SlotLook>;
}

/** Runs of a line that are named. */
export const LINE_SHOWN = 1_000;
