/** Problems of a workflow file, each with its place. They are collected, not thrown: a file is reported on as a whole. */

import { didYouMean } from '../core/suggest.js';

export type ProblemCode =
  | 'yaml-syntax'
  | 'yaml-unsafe'
  | 'too-large'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'unknown-type'
  | 'duplicate-id'
  | 'duplicate-dependency'
  | 'unknown-dependency'
  | 'cycle'
  | 'unknown-persona'
  | 'unknown-workflow'
  | 'unknown-environment'
  | 'invalid-schema'
  | 'invalid-expansion'
  | 'expression'
  | 'not-a-dependency'
  | 'constant-condition'
  | 'never-holds'
  | 'type-mismatch'
  | 'unmet-wait'
  | 'unbounded-loop';

/** An error stops the workflow from being used; a warning is shown. */
export type Severity = 'error' | 'warning';

export interface Problem {
  readonly code: ProblemCode;
  readonly severity: Severity;
  readonly message: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Column after the last character, on the same line. */
  readonly endColumn: number;
  /** What to do about it, or null. */
  readonly hint: string | null;
}

/** Offsets into the text of the file; `end` is after the last character. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Most problems that are kept of one file. */
const PROBLEMS_KEPT = 1_000;
/** Comparisons of words for one file: a guess is a courtesy, and a file of a hundred thousand typos gets none. */
const COMPARISONS = 50_000;

export class Problems {
  #comparisons = COMPARISONS;
  readonly #text: string;
  readonly #file: string;
  readonly #lineStarts: readonly number[];
  readonly #problems = new Map<string, Problem & { readonly offset: number }>();
  /** Places of which everything is said. */
  readonly #settled = new Set<number>();

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    const starts = [0];
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.#lineStarts = starts;
  }

  /** Adding the same problem at the same place twice, as an alias can, has no effect. */
  add(code: ProblemCode, at: Range, message: string, hint: string | null = null): void {
    this.#add({ code, severity: 'error', message, hint }, at);
  }

  /** As `add`, for a value that cannot be read at all: whatever is said of it later only follows from that. */
  addLast(code: ProblemCode, at: Range, message: string, hint: string | null = null): void {
    this.add(code, at, message, hint);
    this.#settled.add(at.start);
  }

  /** What works but is hardly meant. */
  warn(code: ProblemCode, at: Range, message: string, hint: string | null = null): void {
    this.#add({ code, severity: 'warning', message, hint }, at);
  }

  #add({ code, severity, message, hint }: Pick<Problem, 'code' | 'severity' | 'message' | 'hint'>, at: Range): void {
    if (this.#problems.size >= PROBLEMS_KEPT || this.#settled.has(at.start)) return;
    const offset = Math.max(0, Math.min(at.start, this.#text.length));
    const line = this.lineOf(offset);
    const start = this.#lineStarts[line] ?? 0;
    const lineEnd = this.#text.indexOf('\n', start);
    const end = Math.min(at.end, lineEnd === -1 ? this.#text.length : lineEnd);
    const column = offset - start + 1;
    const problem = {
      code,
      severity,
      message,
      file: this.#file,
      line: line + 1,
      column,
      endColumn: Math.max(column + 1, end - start + 1),
      hint,
      offset,
    };
    const key = `${code} ${String(offset)} ${message}`;
    if (!this.#problems.has(key)) this.#problems.set(key, problem);
  }

  /** `Did you mean "x"?`, or an empty text. */
  suggest(word: string, known: readonly string[] | ReadonlySet<string>): string {
    this.#comparisons -= 'size' in known ? known.size : known.length;
    return this.#comparisons < 0 ? '' : didYouMean(word, known).trim();
  }

  get count(): number {
    return this.#problems.size;
  }

  /** In the order of their places. */
  list(): readonly Problem[] {
    return [...this.#problems.values()]
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ offset: _offset, ...problem }) => problem);
  }

  /** Keeps only what `wanted` says, told the code and the offset. */
  keep(wanted: (code: ProblemCode, offset: number) => boolean): void {
    for (const [key, problem] of this.#problems) if (!wanted(problem.code, problem.offset)) this.#problems.delete(key);
  }

  /** Line and column count from 1. */
  offsetOf(line: number, column: number): number {
    return (this.#lineStarts[line - 1] ?? 0) + column - 1;
  }

  /** Counted from 0. */
  lineOf(offset: number): number {
    let low = 0;
    let high = this.#lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
