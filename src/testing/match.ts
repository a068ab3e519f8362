/** Compares what a test expects with what there is. Maps match when all that is written matches; `/…/` is a pattern. */
import { isJsonObject, type JsonValue } from '../core/json.js';
import type { TestDifference } from '../core/test-report.js';
import { readPattern, type TextPattern } from '../definition/schema-pattern.js';

const SHOWN = 300;
const SEARCHED = 10_000;

/** The differences, each with its place below `what`. `actual` undefined: there is nothing. */
export function differences(what: string, expected: JsonValue, actual: JsonValue | undefined): TestDifference[] {
  if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) return [differs(what, expected, actual)];
    return Object.entries(expected).flatMap(([key, value]) =>
      differences(placeOf(what, key), value, Object.hasOwn(actual, key) ? actual[key] : undefined),
    );
  }
  if (Array.isArray(expected)) {
    const items = expected as readonly JsonValue[];
    if (!Array.isArray(actual) || actual.length !== items.length) return [differs(what, expected, actual)];
    const found = actual as readonly JsonValue[];
    return items.flatMap((item, index) => differences(`${what}[${String(index)}]`, item, found[index]));
  }
  return matches(expected, actual) ? [] : [differs(what, expected, actual)];
}

/** A text or pattern that must be somewhere in the text. */
export function contains(expected: string, actual: string): boolean {
  const pattern = patternOf(expected);
  return pattern === null ? actual.includes(expected) : pattern.test(actual.slice(0, SEARCHED));
}

export function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}… (${String(text.length)} characters)` : text;
}

/** Why a text of the form `/…/` is no pattern; null when it is one, or is none. */
export function badPattern(text: string): string | null {
  const read = isPattern(text) ? readPattern(text.slice(1, -1)) : null;
  return read === null || read.ok ? null : read.message;
}

function matches(expected: JsonValue, actual: JsonValue | undefined): boolean {
  if (expected === actual) return true;
  if (typeof expected !== 'string' || typeof actual !== 'string') return false;
  return patternOf(expected)?.test(actual.slice(0, SEARCHED)) ?? false;
}

/** A pattern that matches in time that grows with the text; null for a text that is none. */
function patternOf(text: string): TextPattern | null {
  const read = isPattern(text) ? readPattern(text.slice(1, -1)) : null;
  return read?.ok === true ? read.pattern : null;
}

function isPattern(text: string): boolean {
  return text.length > 2 && text.startsWith('/') && text.endsWith('/');
}

function differs(what: string, expected: JsonValue, actual: JsonValue | undefined): TestDifference {
  return { what, expected: shown(expected), actual: shown(actual) };
}

function placeOf(what: string, key: string): string {
  return /^[\w-]+$/.test(key) ? `${what}.${key}` : `${what}['${key}']`;
}
