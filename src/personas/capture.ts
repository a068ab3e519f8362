/** Keeps a bounded part of an endless stream, so that a program that prints gigabytes costs memory for the limit only. */

/** The first `limit` bytes, and how many there were in all. */
export class Head {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    if (this.#kept >= this.#limit) return;
    const part = chunk.subarray(0, this.#limit - this.#kept);
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  get total(): number {
    return this.#total;
  }

  get truncated(): boolean {
    return this.#total > this.#limit;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** The last `limit` bytes, and how many there were in all. */
export class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#total += chunk.length;
    this.#chunks.push(chunk);
    this.#kept += chunk.length;
    // Twice the limit before cutting, so that the copying stays proportional to what is printed.
    if (this.#kept > 2 * this.#limit || this.#chunks.length > 1_024) this.#cut();
  }

  get total(): number {
    return this.#total;
  }

  get truncated(): boolean {
    return this.#total > this.#limit;
  }

  bytes(): Buffer {
    this.#cut();
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #cut(): void {
    const all = Buffer.concat(this.#chunks);
    // A copy, so that the large chunk it was part of is given back.
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limit)));
    this.#chunks = [kept];
    this.#kept = kept.length;
  }
}

export interface LinesLimits {
  /** Characters of a line; what is longer counts as several. */
  readonly longest: number;
  /** Lines of one piece of the stream that are told: the last ones. */
  readonly most: number;
}

/** Cuts a stream into lines. */
export class Lines {
  readonly #decoder = new TextDecoder();
  readonly #line: (text: string) => void;
  readonly #limits: LinesLimits;
  #rest = '';

  constructor(line: (text: string) => void, limits: LinesLimits) {
    this.#line = line;
    this.#limits = limits;
  }

  add(chunk: Buffer): void {
    const parts = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/);
    this.#rest = parts.pop() ?? '';
    const { longest, most } = this.#limits;
    for (const part of parts.length > most ? parts.slice(-most) : parts) this.#line(part);
    if (this.#rest.length > longest) this.end();
  }

  end(): void {
    if (this.#rest !== '') this.#line(this.#rest);
    this.#rest = '';
  }
}
