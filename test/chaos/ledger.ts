/**
 * What the outside world was told: every operation of a client that was answered, and how. Kept in a file outside of
 * everything that is killed; what stands in here as done must be found in the store.
 */
import { appendFileSync } from 'node:fs';

export type Operation = 'start' | 'cancel' | 'signal' | 'decide' | 'pause' | 'resume' | 'retry' | 'restart';

export interface LedgerEntry {
  readonly op: Operation;
  readonly run: string;
  /** Stands in the message itself, so that it can be recognised: the reason of a cancel or of steering, the sender of the rest. */
  readonly mark: string;
  /** When it was answered, ms. */
  readonly at: number;
  /** `done`: the store has it. `refused`: it changed nothing, with the code. */
  readonly outcome: 'done' | 'refused';
  readonly code: string;
}

export class Ledger {
  readonly entries: LedgerEntry[] = [];
  readonly #file: string;
  /** Calls that have not ended, by what they are. */
  readonly open = new Map<string, number>();
  calls = 0;
  /** Writes whose answer stayed away, so that they had to be repeated. */
  unknown = 0;

  constructor(file: string) {
    this.#file = file;
  }

  begin(what: string): () => void {
    this.calls++;
    this.open.set(what, (this.open.get(what) ?? 0) + 1);
    return () => {
      const left = (this.open.get(what) ?? 1) - 1;
      if (left === 0) this.open.delete(what);
      else this.open.set(what, left);
    };
  }

  write(entry: LedgerEntry): void {
    this.entries.push(entry);
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}
