/**
 * What a memory store holds, apart from the store objects that reach it. Several processes of a simulation share one,
 * each through a store of its own; and it can be copied and put back, as a server does that loses its last seconds.
 */
import type { BreakerState } from '../core/breaker-port.js';
import type { Clock } from '../core/clock.js';
import type { WorkerInfo } from '../core/ports.js';
import type { StoredSchedule } from '../core/schedule-port.js';
import type { BrokenLock, LockState } from '../core/lock-port.js';
import { MemoryPartition, type PartitionCopy } from './partition.js';

/** `opens`: how often it has opened since the endpoint last answered. */
export type MemoryBreaker = BreakerState & { readonly opens: number };

/** Everything that a memory store held at one moment; later changes do not reach it. */
export interface MemoryCopy {
  readonly places: ReadonlyMap<number, PartitionCopy>;
  readonly definitions: ReadonlyMap<string, string>;
  readonly workers: ReadonlyMap<string, WorkerInfo>;
  readonly coordinators: ReadonlyMap<string, number>;
  readonly schedules: ReadonlyMap<string, StoredSchedule>;
  readonly scheduleMark: number;
  readonly locks: ReadonlyMap<string, LockState>;
  readonly lockGrants: number;
  readonly brokenLocks: readonly BrokenLock[];
  readonly breakers: ReadonlyMap<string, MemoryBreaker>;
  readonly partitions: number | null;
}

export class MemoryContents {
  readonly #clock: Clock;
  readonly #places = new Map<number, MemoryPartition>();
  readonly incarnation: string;
  readonly definitions = new Map<string, string>();
  /** When each definition was read or written last. */
  readonly definitionsTouched = new Map<string, number>();
  readonly workers = new Map<string, WorkerInfo>();
  /** When each coordinator was heard of last. */
  readonly coordinators = new Map<string, number>();
  /** Counts coordinators that came or went. */
  rollMark = 0;
  readonly rollListeners = new Set<() => void>();
  readonly schedules = new Map<string, StoredSchedule>();
  /** The version that was given last. */
  scheduleMark = 0;
  readonly locks = new Map<string, LockState>();
  /** The grant that was given last. */
  lockGrants = 0;
  brokenLocks: BrokenLock[] = [];
  readonly breakers = new Map<string, MemoryBreaker>();
  /** How many partitions the namespace has; null before it was opened. */
  partitions: number | null = null;

  constructor(clock: Clock, incarnation: string) {
    this.#clock = clock;
    this.incarnation = incarnation;
  }

  now(): number {
    return this.#clock.now();
  }

  at(partition: number): MemoryPartition {
    const place = this.#places.get(partition) ?? new MemoryPartition(this.#clock);
    this.#places.set(partition, place);
    return place;
  }

  copy(): MemoryCopy {
    return {
      places: new Map([...this.#places].map(([partition, place]) => [partition, place.copy()])),
      definitions: new Map(this.definitions),
      workers: new Map(this.workers),
      coordinators: new Map(this.coordinators),
      schedules: new Map(this.schedules),
      scheduleMark: this.scheduleMark,
      locks: new Map(this.locks),
      lockGrants: this.lockGrants,
      brokenLocks: [...this.brokenLocks],
      breakers: new Map(this.breakers),
      partitions: this.partitions,
    };
  }

  /** Goes back to the copy, which can be put back again. Readers that wait are woken to look anew. */
  restore(copy: MemoryCopy): void {
    this.partitions = copy.partitions;
    this.scheduleMark = copy.scheduleMark;
    this.lockGrants = copy.lockGrants;
    this.brokenLocks = [...copy.brokenLocks];
    refill(this.locks, copy.locks);
    refill(this.breakers, copy.breakers);
    refill(this.schedules, copy.schedules);
    refill(this.definitions, copy.definitions);
    refill(this.workers, copy.workers);
    refill(this.coordinators, copy.coordinators);
    for (const [partition, place] of this.#places)
      place.restore(copy.places.get(partition) ?? new MemoryPartition(this.#clock).copy());
  }
}

function refill<K, V>(map: Map<K, V>, from: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
}
