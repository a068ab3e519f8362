/** How processes watch over a store that may die or forget: what it has lost of what it confirmed, and who else is there. */

/**
 * Part of a partition's past that the store once confirmed and has no more: after a power cut without `appendfsync
 * always`, a failover, a restored copy. Positions count the state changes of a partition.
 */
export interface Loss {
  readonly partition: number;
  /** First and last position that are gone. */
  readonly from: number;
  readonly to: number;
}

/** A loss as it was recorded, once for all who notice it. */
export interface Incident extends Loss {
  readonly id: string;
  /** The store's time when it was noticed, ms. */
  readonly at: number;
  /** Who noticed. */
  readonly by: string;
}

/**
 * Every state change of a partition counts its position up, and its answer says where it stands and in which term. A
 * store object remembers what was confirmed to it; a store that is behind has lost history, and an incident is recorded.
 * What was begun in the lost part has no claim any more: its worker is told to stop.
 */
export interface WatermarkPort {
  /** Compares what this process has seen confirmed with the store; records an incident unless another has recorded this loss. */
  check(partition: number, by: string): Promise<Loss | null>;
  /** Oldest first, without those that were acknowledged. */
  incidents(partition: number): Promise<readonly Incident[]>;
  /** Takes incidents off the list; the loss stays recorded in the history of takeovers. Returns how many. */
  acknowledge(partition: number): Promise<number>;
}

/** Coordinators that were heard of within the time that a lease lives. */
export interface Roll {
  /** Names in order, the asking one's among them. */
  readonly coordinators: readonly string[];
  /** Changes when one comes or goes. */
  readonly mark: string;
}

/** How the coordinators of a namespace know of each other, to share its partitions. */
export interface RollPort {
  /**
   * Says that the coordinator is there, and hears who else is. `gone`: the store does not hold the namespace that was
   * opened, but none or another one of that name; whoever opened it must stop.
   */
  announce(who: {
    coordinator: string;
    aliveMs: number;
    /** Whether the others are to look again, since something became free. */
    tell: boolean;
  }): Promise<Roll | 'gone'>;
  forget(coordinator: string): Promise<void>;
  /** Resolves when a coordinator came or went since `mark`, or when the wait runs out or is aborted. */
  changed(want: { mark: string; waitMs: number; signal: AbortSignal }): Promise<void>;
}
