/**
 * Texts with `{{ expression }}` holes. A text that is one hole gives the hole's value with its type, any other
 * gives a text. What a hole yields is never looked at again: braces inside a value stay braces.
 */
import { CoordError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { type Expression, parseExpression } from './expression.js';
import { kindOf } from './frame.js';
import { EXPRESSION_LIMITS } from './limits.js';
import { isPrintable } from './operators.js';
import { ExpressionError, quoted, refuse } from './problem.js';
import type { Scope } from './scope.js';
import { isShallow, isWithin } from './size.js';

export interface Hole {
  readonly expression: Expression;
  /** Where the expression's source starts in the template's text. */
  readonly offset: number;
}

export interface Template {
  readonly text: string;
  readonly holes: readonly Hole[];
  /** Throws EXPRESSION_FAILED, naming the hole, when one fails or has no value. */
  render(scope: Scope): JsonValue;
}

/** A JSON value whose texts may be templates, compiled as a whole. */
export interface ValueTemplate {
  readonly holes: readonly Expression[];
  render(scope: Scope): JsonValue;
}

export function hasHoles(text: string): boolean {
  return text.includes('{{');
}

/** Throws ExpressionError with offsets into `text`. */
export function parseTemplate(text: string): Template {
  const parts: (string | Hole)[] = [];
  let position = 0;
  for (let open = text.indexOf('{{'); open !== -1; open = text.indexOf('{{', position)) {
    const close = endOfHole(text, open + 2);
    if (close === -1)
      refuse(
        { start: open, end: open + 2 },
        '"{{" is not closed by "}}"',
        "For the characters themselves, write {{ '{{' }}.",
      );
    if (open > position) parts.push(text.slice(position, open));
    parts.push(parseHole(text, { start: open + 2, end: close }));
    position = close + 2;
  }
  if (position < text.length) parts.push(text.slice(position));

  const holes = parts.filter((part) => typeof part !== 'string');
  const [only] = holes;
  if (only !== undefined && parts.length === 1) return { text, holes, render: (scope) => valueOf(only, scope) };
  return { text, holes, render: (scope) => concatenate(parts, scope) };
}

/** Compiles every text inside `value`; names of members are taken as they are. Throws ExpressionError. */
export function compileValue(value: JsonValue): ValueTemplate {
  const template = compileParts(value);
  const { length } = template.holes;
  if (length === 0) return template;
  // One hole yields a value that is there already, or that its expression has measured.
  return { holes: template.holes, render: (scope) => measured(template.render(scope), length > 1) };
}

function measured(value: JsonValue, large: boolean): JsonValue {
  const { rendered, nesting } = EXPRESSION_LIMITS;
  if (!isShallow(value, nesting)) {
    const what = `more than ${String(nesting)} lists and maps inside each other`;
    throw new CoordError('EXPRESSION_FAILED', `the templates make a value with ${what}`);
  }
  if (!large) return value;
  if (isWithin(value, rendered)) return value;
  throw new CoordError(
    'EXPRESSION_FAILED',
    `the templates make a value of more than ${String(rendered)} characters together`,
  );
}

function compileParts(value: JsonValue): ValueTemplate {
  if (typeof value === 'string') {
    if (!hasHoles(value)) return constant(value);
    const template = parseTemplate(value);
    return { holes: template.holes.map((hole) => hole.expression), render: (scope) => template.render(scope) };
  }
  if (Array.isArray(value)) {
    const items = value.map((item: JsonValue) => compileParts(item));
    const holes = items.flatMap((item) => item.holes);
    return holes.length === 0 ? constant(value) : { holes, render: (scope) => items.map((item) => item.render(scope)) };
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value as JsonObject).map(([key, member]): [string, ValueTemplate] => [
      key,
      compileParts(member),
    ]);
    const holes = members.flatMap(([, member]) => member.holes);
    if (holes.length === 0) return constant(value);
    return {
      holes,
      render: (scope) => Object.fromEntries(members.map(([key, member]) => [key, member.render(scope)])),
    };
  }
  return constant(value);
}

/** Renders a value once, for callers that have no use for keeping it compiled. */
export function renderValue(value: JsonValue, scope: Scope): JsonValue {
  return compileValue(value).render(scope);
}

function constant(value: JsonValue): ValueTemplate {
  return { holes: [], render: () => value };
}

/** Offset of the `}}` that ends the hole, or -1. Braces inside quotes belong to the text in quotes. */
function endOfHole(text: string, start: number): number {
  let quote: string | null = null;
  for (let index = start; index < text.length; index++) {
    const character = text[index];
    if (quote !== null) {
      if (character === '\\') index++;
      else if (character === quote) quote = null;
    } else if (character === '"' || character === "'" || character === '`') {
      quote = character;
    } else if (character === '}' && text[index + 1] === '}') {
      return index;
    }
  }
  // A quote that never closes hides the end; the plain search finds it, and the expression's parser names the quote.
  return quote === null ? -1 : text.indexOf('}}', start);
}

function parseHole(text: string, span: { start: number; end: number }): Hole {
  const source = text.slice(span.start, span.end);
  const inner = source.trim();
  if (inner === '')
    refuse(
      { start: span.start - 2, end: span.end + 2 },
      'the hole is empty',
      "For the characters themselves, write {{ '{{' }}.",
    );
  const offset = span.start + source.indexOf(inner);
  try {
    return { expression: parseExpression(inner), offset };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new ExpressionError({ ...error.problem, offset: error.problem.offset + offset });
  }
}

function valueOf(hole: Hole, scope: Scope): JsonValue {
  const { expression } = hole;
  const value = expression.evaluate(scope);
  if (value === undefined || (value === null && !expression.mayBeNull)) {
    throw new CoordError(
      'EXPRESSION_FAILED',
      `${quoted(`{{${expression.source}}}`)} has no value; give it one with "?? …" if it may be missing`,
    );
  }
  return value;
}

function concatenate(parts: readonly (string | Hole)[], scope: Scope): string {
  let text = '';
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = valueOf(part, scope);
    if (!isPrintable(value)) {
      const name = quoted(`{{${part.expression.source}}}`);
      throw new CoordError('EXPRESSION_FAILED', `${name} is ${kindOf(value)}, which cannot be part of a text`);
    }
    text += String(value);
    if (text.length > EXPRESSION_LIMITS.text) {
      throw new CoordError(
        'EXPRESSION_FAILED',
        `the rendered text has more than ${String(EXPRESSION_LIMITS.text)} characters`,
      );
    }
  }
  return text;
}
