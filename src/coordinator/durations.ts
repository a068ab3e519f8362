/**
 * Durations counted in bounded memory: exactly while there are few, then in buckets that are 5 % wide, so that a percentile
 * is at most 2.5 % wrong however many there were.
 */

const EXACT = 256;
const WIDTH = Math.log(1.05);

export class Durations {
  #exact: number[] | null = [];
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #sum = 0;

  get count(): number {
    return this.#count;
  }

  /** Of all, ms. */
  get sum(): number {
    return this.#sum;
  }

  /** Ms; less than 0 counts as 0, since clocks may be set back. */
  add(ms: number): void {
    const duration = Math.max(0, ms);
    this.#count++;
    this.#sum += duration;
    if (this.#exact !== null && this.#exact.length < EXACT) {
      this.#exact.push(duration);
      return;
    }
    for (const one of this.#exact ?? []) this.#addToBucket(one);
    this.#exact = null;
    this.#addToBucket(duration);
  }

  /** The duration that this share (0 to 1) of all does not exceed, ms; null without any. */
  quantile(share: number): number | null {
    if (this.#count === 0) return null;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (this.#exact !== null) return this.#exact.toSorted((a, b) => a - b)[rank - 1] ?? null;
    let seen = 0;
    for (const bucket of [...this.#buckets.keys()].toSorted((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0;
      if (seen >= rank) return bucket < 0 ? 0 : Math.exp((bucket + 0.5) * WIDTH);
    }
    return null;
  }

  #addToBucket(ms: number): void {
    const bucket = ms < 1 ? -1 : Math.floor(Math.log(ms) / WIDTH);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
  }
}
