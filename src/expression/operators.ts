/**
 * What the operators do. As in JavaScript where both sides fit; where JavaScript would convert one side behind the
 * author's back, an error: a score that is missing must not quietly be "less than 80".
 */
import { type Fragment, fail, type Frame, kindOf, makeText, spendText } from './frame.js';
import type { BinaryOperator, UnaryOperator } from './syntax.js';

export interface Operation {
  readonly frame: Frame;
  readonly fragment: Fragment;
}

type Binary = (left: unknown, right: unknown, at: Operation) => unknown;
type Unary = (value: unknown, at: Operation) => unknown;

export const BINARY: Readonly<Record<BinaryOperator, Binary>> = {
  '===': identical,
  '!==': (left, right, at) => !identical(left, right, at),
  '==': looselyEqual,
  '!=': (left, right, at) => !looselyEqual(left, right, at),
  '<': (left, right, at) => compare('<', [left, right], at) < 0,
  '<=': (left, right, at) => compare('<=', [left, right], at) <= 0,
  '>': (left, right, at) => compare('>', [left, right], at) > 0,
  '>=': (left, right, at) => compare('>=', [left, right], at) >= 0,
  '+': (left, right, at) =>
    typeof left === 'number' && typeof right === 'number' ? finite(left + right, at) : concatenate(left, right, at),
  '-': (left, right, at) => finite(numeric('-', left, at) - numeric('-', right, at), at),
  '*': (left, right, at) => finite(numeric('*', left, at) * numeric('*', right, at), at),
  '/': (left, right, at) => finite(numeric('/', left, at) / numeric('/', right, at), at),
  '%': (left, right, at) => finite(numeric('%', left, at) % numeric('%', right, at), at),
};

export const UNARY: Readonly<Record<UnaryOperator, Unary>> = {
  '!': (value) => !value,
  '-': (value, at) => -numeric('-', value, at),
  // The one way from a text to a number.
  '+': (value, at) => (typeof value === 'string' ? numberOf(value, at) : numeric('+', value, at)),
};

function numberOf(text: string, at: Operation): number {
  spendText(at.frame, text.length, at.fragment);
  return text.trim() === '' ? numeric('+', text, at) : finite(Number(text), at);
}

function identical(left: unknown, right: unknown, at: Operation): boolean {
  if (typeof left === 'string' && typeof right === 'string' && left.length === right.length && left.length > 256) {
    spendText(at.frame, left.length, at.fragment);
  }
  return left === right;
}

/** JavaScript's `==` between plain values; lists and objects equal only themselves, since converting them runs code. */
function looselyEqual(left: unknown, right: unknown, at: Operation): boolean {
  if (isPlain(left) && isPlain(right) && typeof left !== typeof right) {
    if (left === null || right === null || left === undefined || right === undefined)
      return (left ?? null) === (right ?? null);
    // Making a number of a text reads all of it.
    for (const side of [left, right]) if (typeof side === 'string') spendText(at.frame, side.length, at.fragment);
    return Number(left) === Number(right);
  }
  return identical(left, right, at);
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null;
}

function compare(operator: string, [left, right]: readonly [unknown, unknown], at: Operation): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') {
    spendText(at.frame, Math.min(left.length, right.length), at.fragment);
    if (left === right) return 0;
    return left < right ? -1 : 1;
  }
  return fail(at.fragment, `"${operator}" compares two numbers or two texts, not ${kindOf(left)} and ${kindOf(right)}`);
}

/** A text with a text, number or boolean; nothing else becomes part of a text. */
function concatenate(left: unknown, right: unknown, at: Operation): string {
  if ((typeof left !== 'string' && typeof right !== 'string') || !isPrintable(left) || !isPrintable(right)) {
    return fail(at.fragment, `"+" adds two numbers or joins texts, not ${kindOf(left)} and ${kindOf(right)}`);
  }
  const before = String(left);
  const after = String(right);
  makeText(at.frame, before.length + after.length, at.fragment);
  return before + after;
}

/** What may stand inside a text. */
export function isPrintable(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function numeric(operator: string, value: unknown, at: Operation): number {
  return typeof value === 'number' ? value : fail(at.fragment, `"${operator}" takes numbers, not ${kindOf(value)}`);
}

function finite(value: number, at: Operation): number {
  return Number.isFinite(value) ? value : fail(at.fragment, 'the result is not a number');
}
