/** A terminal or a pipe of a test's own. */
import type { Io } from '../../src/cli/io.js';

export interface FakeIoOptions {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly color?: boolean;
  readonly env?: Io['env'];
  readonly cwd?: string;
  /** What the person answers to yes-or-no questions; nobody is there by default. */
  readonly answer?: boolean | null;
  /** What the person answers to all others, one by one; null leaves the question. */
  readonly answers?: readonly (string | readonly string[] | null)[];
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
  readonly host = 'host-1';
  readonly prompts: Io['prompts'];
  readonly #callbacks = new Set<() => void>();
  #out = '';
  #err = '';

  constructor({
    isTTY = false,
    columns = 80,
    rows = 24,
    color = false,
    env = {},
    cwd = '/',
    answer,
    answers,
  }: FakeIoOptions) {
    this.isTTY = isTTY;
    this.columns = columns;
    this.rows = rows;
    this.color = color;
    this.env = env;
    this.cwd = cwd;
    this.prompts =
      answer === undefined && answers === undefined ? null : this.#person(answer ?? null, [...(answers ?? [])]);
  }

  /** Somebody who answers in this order, and fails the test when asked more than that. */
  #person(yes: boolean | null, answers: (string | readonly string[] | null)[]): NonNullable<Io['prompts']> {
    const next = (question: string): string | readonly string[] | null => {
      this.questions.push(question);
      const answer = answers.shift();
      if (answer === undefined) throw new Error(`nobody has said what to answer to "${question}"`);
      return answer;
    };
    const text = (answer: string | readonly string[] | null): string | null => {
      if (answer === null || typeof answer === 'string') return answer;
      throw new Error(`"${String(this.questions.at(-1))}" takes one answer`);
    };
    return {
      confirm: async (question) => {
        this.questions.push(question);
        return yes;
      },
      select: async (question, options) => {
        const answer = text(next(`${question} [${options.map(({ label }) => label).join(' | ')}]`));
        if (answer !== null && !options.some(({ value }) => value === answer)) throw new Error(`there is no ${answer}`);
        return answer;
      },
      several: async (question, options) => {
        const answer = next(`${question} [${options.map(({ label }) => label).join(' | ')}]`);
        return typeof answer === 'string' ? [answer] : answer;
      },
      text: async (question, { check }) => {
        for (;;) {
          const answer = text(next(question));
          const why = answer === null ? null : check(answer);
          if (why === null) return answer;
          this.questions.push(`! ${why}`);
        }
      },
      show: (title, shown) => void this.questions.push(`= ${title}: ${shown}`),
      edit: async (before) => {
        this.questions.push(`edit ${before}`);
        return text(next('editor')) ?? before;
      },
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
