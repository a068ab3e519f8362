/** What happened, line by line: virtual time, process, call, outcome. Its hash is what two runs of one seed agree on. */
import { createHash, type Hash } from 'node:crypto';

export class Trace {
  readonly #hash: Hash = createHash('sha256');
  readonly #keep: boolean;
  /** Only when they are kept. */
  readonly lines: string[] = [];
  #pending: string[] = [];

  constructor(keep: boolean) {
    this.#keep = keep;
  }

  add(now: number, who: string, what: string): void {
    const line = `${String(now)} ${who} ${what}`;
    if (this.#keep) this.lines.push(line);
    this.#pending.push(line);
    if (this.#pending.length > 500) this.#flush();
  }

  /** Ends the trace. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#pending.join('\n'));
    this.#pending = [];
  }
}

/** What an answer says, in a few letters: no contents, which hold names that the machine gives. */
export function outcomeOf(value: unknown): string {
  if (typeof value === 'string') return value.length > 20 ? `text of ${String(value.length)}` : value;
  if (typeof value === 'number') return 'number';
  if (Array.isArray(value)) return `list of ${String(value.length)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  const said: unknown = Reflect.get(value, 'outcome');
  return typeof said === 'string' ? said : 'record';
}
