/**
 * How many partitions a coordinator may hold, so that all coordinators share them evenly and every partition has a place.
 * Everybody counts for itself from the same list of names; while the lists differ, somebody holds one too many for a
 * moment, and the leases see to it that no partition has two owners.
 */

/** `coordinators` are the names of all, in order; `name` is among them. */
export function quotaOf({
  coordinators,
  name,
  partitions,
}: {
  readonly coordinators: readonly string[];
  readonly name: string;
  readonly partitions: number;
}): number {
  const place = coordinators.indexOf(name);
  const count = Math.max(1, coordinators.length);
  return Math.floor(partitions / count) + (place < partitions % count ? 1 : 0);
}

type GiveUp = () => void;

/** What one coordinator holds, or is about to take, of its share. */
export class Share {
  readonly #holders = new Map<number, GiveUp>();
  readonly #forRoom = new Set<() => void>();
  readonly #forRoll = new Set<() => void>();
  readonly #leaving = new Map<number, () => void>();
  #quota = 0;

  get quota(): number {
    return this.#quota;
  }

  /** A place for the partition, when there is one; `evenIfFull` for what everybody else leaves lying. */
  reserve(partition: number, { evenIfFull }: { readonly evenIfFull: boolean }): boolean {
    if (!evenIfFull && this.#holders.size >= this.#quota) return false;
    this.#holders.set(partition, () => undefined);
    return true;
  }

  /** The reserved partition is held; `giveUp` is called when it is one too many, at once when it has become that meanwhile. */
  hold(partition: number, giveUp: GiveUp): void {
    this.#holders.set(partition, giveUp);
    if (this.#leaving.has(partition)) giveUp();
  }

  /** Gives the place back. */
  letGo(partition: number): void {
    this.#holders.delete(partition);
    this.#leaving.get(partition)?.();
    this.#leaving.delete(partition);
    if (this.#holders.size < this.#quota) for (const wake of this.#forRoom) wake();
  }

  /** A new roll: has given up what is too many, and wakes those who wait. Resolves with how many were given up, when they are. */
  async set(quota: number): Promise<number> {
    this.#quota = quota;
    for (const wake of [...this.#forRoom, ...this.#forRoll]) wake();
    const surplus = [...this.#holders].slice(quota);
    const left = surplus.map(
      ([partition]) => new Promise<void>((resolve) => void this.#leaving.set(partition, resolve)),
    );
    for (const [, giveUp] of surplus) giveUp();
    await Promise.all(left);
    return surplus.length;
  }

  /** Resolves when a place became free or the roll changed; or when aborted. */
  room(signal: AbortSignal): Promise<void> {
    return once(this.#forRoom, signal);
  }

  /** Resolves when the roll changed; or when aborted. */
  roll(signal: AbortSignal): Promise<void> {
    return once(this.#forRoll, signal);
  }
}

function once(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      listeners.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    listeners.add(done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
