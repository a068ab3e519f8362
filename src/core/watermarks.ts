/**
 * What one process has seen confirmed of each partition: the highest position of each term since it was last compared with
 * the store. What comes later must not hide what was lost before, so a term is kept until it was compared.
 */

/** Where a partition stood. The term is the epoch and the owner of that time, as the store spells them. */
export interface Mark {
  readonly term: string;
  readonly position: number;
}

export interface Watermark extends Mark {
  /** How far the partition had fallen back when it was heard of again; null when it was not behind. */
  readonly fellTo: number | null;
}

export class Watermarks {
  /** By partition, one per term and fall, oldest first. */
  readonly #seen = new Map<number, readonly Watermark[]>();

  partitions(): readonly number[] {
    return [...this.#seen.keys()];
  }

  of(partition: number): readonly Watermark[] {
    return this.#seen.get(partition) ?? [];
  }

  /** A state change was confirmed. Answers come in the order of the changes: one that is not ahead of the last has lost what was between. */
  note(partition: number, { term, position }: Mark): void {
    const marks = this.of(partition);
    const mark = { term, position, fellTo: null };
    const last = marks.at(-1);
    if (last?.term !== term) this.#seen.set(partition, [...marks, mark]);
    else if (position > last.position) this.#seen.set(partition, [...marks.slice(0, -1), mark]);
    else this.#seen.set(partition, [...marks.slice(0, -1), { ...last, fellTo: position - 1 }, mark]);
  }

  /** Where the partition stands, read without changing it. */
  saw(partition: number, mark: Mark): void {
    const last = this.of(partition).at(-1);
    if (last?.term !== mark.term || last.position !== mark.position) this.note(partition, mark);
  }

  /** A mark was compared, and any loss recorded; the partition stands at `now`. What was confirmed meanwhile stays to be compared. */
  compared(partition: number, mark: Watermark, now: Mark): void {
    const left = this.of(partition).filter((other) => other !== mark);
    this.#seen.set(partition, left);
    if (left.length === 0) this.note(partition, now);
  }
}
