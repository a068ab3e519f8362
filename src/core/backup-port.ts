/**
 * Copying a namespace away and back. A partition is copied as it is at one moment, while everybody goes on; a namespace that
 * is written back belongs to nobody until an operator releases it.
 */
import type { RunStatus } from './statuses.js';

/** One key. `partition` null: of the namespace as a whole. */
export interface BackupItem {
  readonly partition: number | null;
  /** Its name within the partition or the namespace. */
  readonly key: string;
  readonly type: string;
  /** As the store itself writes it down. */
  readonly dump: Uint8Array;
  /** Ms until it expires; null: never. */
  readonly ttlMs: number | null;
}

export interface PartitionCut {
  readonly position: number;
  /** All of that moment, but for what is named in `later`. */
  readonly items: readonly BackupItem[];
  /** Keys of what never changes: runs that have ended, artifacts. They are copied afterwards. */
  readonly later: readonly string[];
  /** How long the store did nothing else, ms. */
  readonly blockedMs: number;
}

export interface NamespaceLook {
  /** Null when nobody has ever opened it. */
  readonly partitions: number | null;
  readonly format: number;
  readonly incarnation: string;
  /** Whether any run is stored. */
  readonly used: boolean;
  /** What a restore that is not finished has written; null: there is none. */
  readonly restoring: string | null;
  /** Owners that hold a partition now. */
  readonly owners: readonly string[];
}

/** What waits in a partition that is on hold, or would. */
export interface Waiting {
  readonly partition: number;
  /** Why nobody may take it; null: it is not on hold. */
  readonly hold: string | null;
  readonly runs: Readonly<Partial<Record<RunStatus, number>>>;
  readonly messages: number;
  readonly requests: number;
  readonly timers: number;
  /** Timers whose time is over. */
  readonly due: number;
}

export interface BackupPort {
  /** Reads only, and creates no namespace. */
  look(): Promise<NamespaceLook>;
  cut(partition: number): Promise<PartitionCut>;
  /** Keys of the namespace as a whole, without those that say who is there. */
  namespaceKeys(): Promise<readonly string[]>;
  /** Null for what is gone. */
  copy(partition: number | null, keys: readonly string[]): Promise<readonly (BackupItem | null)[]>;

  /**
   * Takes the namespace out of everybody's hands: from now on it is refused, each partition is on hold, and all that was
   * in it is gone. `mark` says what is restored. Can be repeated.
   */
  begin(restore: { mark: string; partitions: number; hold: string }): Promise<void>;
  write(items: readonly BackupItem[]): Promise<void>;
  /** Takes runs out of the listings that were gone when they were to be copied. */
  drop(partition: number, runs: readonly string[]): Promise<void>;
  /** The namespace is there again, with a new incarnation; its partitions stay on hold. */
  finish(restored: { partitions: number; format: number; incarnation: string }): Promise<void>;

  waiting(partition: number): Promise<Waiting>;
  /** Lets coordinators and workers have the partition. False: it was not on hold. */
  release(partition: number): Promise<boolean>;
}
