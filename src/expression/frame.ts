/**
 * One evaluation: what it reads, what it has spent, and how it ends badly. Every failure is an EXPRESSION_FAILED
 * that names the part of the source it comes from.
 */
import { CoordError } from '../core/errors.js';
import { EXPRESSION_LIMITS } from './limits.js';
import { quoted, type Span } from './problem.js';
import type { Scope } from './scope.js';

export interface Frame {
  readonly scope: Scope;
  /** Values of callback parameters, by slot. */
  readonly locals: unknown[];
  steps: number;
}

/** A part of a source, for messages. */
export interface Fragment {
  readonly source: string;
  readonly span: Span;
}

export function fail(fragment: Fragment, message: string): never {
  const { source, span } = fragment;
  const part = source.slice(span.start, span.end);
  const where = part === source.trim() ? quoted(part) : `${quoted(part)} in ${quoted(source.trim())}`;
  throw new CoordError('EXPRESSION_FAILED', `${message}: ${where}`);
}

/** Counts work before it is done. */
export function spend(frame: Frame, steps: number, fragment: Fragment): void {
  frame.steps += steps;
  if (frame.steps > EXPRESSION_LIMITS.steps) {
    fail(fragment, `the evaluation takes more than ${String(EXPRESSION_LIMITS.steps)} steps`);
  }
}

/** Counts the work of reading or making a text of `length` characters. */
export function spendText(frame: Frame, length: number, fragment: Fragment): void {
  spend(frame, 1 + Math.floor(length / 256), fragment);
}

/** A text that the evaluation is about to make; refused before it exists. */
export function makeText(frame: Frame, length: number, fragment: Fragment): void {
  if (length > EXPRESSION_LIMITS.text) {
    fail(fragment, `a text of ${String(length)} characters would be made, more than ${String(EXPRESSION_LIMITS.text)}`);
  }
  spendText(frame, length, fragment);
}

/** The kind of a value, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number') return 'a number';
  if (typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'an object';
}
