/** What is wrong with an expression, and where: offsets count UTF-16 units from the start of its source. */
import { CoordError } from '../core/errors.js';

export interface ExpressionProblem {
  readonly message: string;
  /** What to do about it, or null. */
  readonly hint: string | null;
  readonly offset: number;
  readonly length: number;
}

/** Thrown for an expression or template that cannot be compiled. Its code is always EXPRESSION_INVALID. */
export class ExpressionError extends CoordError {
  readonly problem: ExpressionProblem;

  constructor(problem: ExpressionProblem) {
    const hint = problem.hint === null ? '' : `. ${problem.hint}`;
    super('EXPRESSION_INVALID', `${problem.message}, at character ${String(problem.offset + 1)}${hint}`);
    this.problem = problem;
  }
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Ends the compilation with a problem at `span`. */
export function refuse(span: Span, message: string, hint: string | null = null): never {
  throw new ExpressionError({ message, hint, offset: span.start, length: Math.max(1, span.end - span.start) });
}

/** Text for a message: quoted, without control characters, and never long. */
export function quoted(text: string): string {
  const clipped = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return `"${clipped.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '�')}"`;
}
