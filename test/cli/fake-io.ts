/** A terminal or a pipe of a test's own. */
import type { Io } from '../../src/cli/io.js';

export interface FakeIoOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly color?: boolean;
  readonly env?: Io['env'];
  readonly cwd?: string;
  /** What the person answers; nobody is there by default. */
  readonly answer?: boolean | null;
}

export class FakeIo implements Io {
  /** All that was written, in pieces. */
  readonly written: (string | Uint8Array)[] = [];
  readonly questions: string[] = [];
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  readonly env: Io['env'];
  readonly cwd: string;
  readonly confirm: Io['confirm'];
  readonly #callbacks = new Set<() => void>();
  #out = '';
  #err = '';

  constructor({ isTTY = false, columns = 80, rows = 24, color = false, env = {}, cwd = '/', answer }: FakeIoOptions) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
    this.color = color;
    this.env = env;
    this.cwd = cwd;
    this.confirm =
      answer === undefined
        ? null
        : async (question) => {
            this.questions.push(question);
            return answer;
          };
  }

  readonly stdout = {
    write: (text: string | Uint8Array): void => {
      this.written.push(text);
      this.#out += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
    },
  };

  readonly stderr = {
    write: (text: string | Uint8Array): void => {
      this.#err += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
    },
  };

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  onInterrupt(callback: () => void): () => void {
    const called = (): void => callback();
    this.#callbacks.add(called);
    return () => this.#callbacks.delete(called);
  }

  /** Ctrl-C. False when nobody listens: a real process would end here. */
  interrupt(): boolean {
    for (const callback of this.#callbacks) callback();
    return this.#callbacks.size > 0;
  }

  get listening(): boolean {
    return this.#callbacks.size > 0;
  }
}
