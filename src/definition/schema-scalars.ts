/** The keywords of a schema that look at a value by itself: its type, the values it may have, texts and numbers. */
import { canonicalJson, type JsonObject, type JsonValue } from '../core/json.js';
import { quoted } from '../expression/problem.js';
import { FORMATS } from './schema-format.js';
import { readPattern } from './schema-pattern.js';
import { type Check, counted, guess, type SchemaRun, shown } from './schema-run.js';
import { SCHEMA_LIMITS, SCHEMA_TYPES } from './schema-words.js';

const TYPE_WORDS: Readonly<Record<(typeof SCHEMA_TYPES)[number], string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
  array: 'a list',
  object: 'an object',
};

/** `a text`, for messages; a word that is no type as it is. */
export function typeInWords(name: string): string {
  const known = SCHEMA_TYPES.find((type) => type === name);
  return known === undefined ? name : TYPE_WORDS[known];
}

/** Null when the schema says nothing about the type. */
export function typeTest(schema: JsonObject): { readonly what: string; fits(value: JsonValue): boolean } | null {
  const { type } = schema;
  if (type === undefined) return null;
  const names = new Set(Array.isArray(type) ? (type as readonly JsonValue[]) : [type]);
  return {
    what: [...names].map((name) => (typeof name === 'string' ? typeInWords(name) : '')).join(' or '),
    fits: (value) =>
      names.has(typeOfValue(value)) || (names.has('integer') && typeof value === 'number' && Number.isInteger(value)),
  };
}

/** The types that values have; a schema also knows `integer`. */
export type ValueType = Exclude<(typeof SCHEMA_TYPES)[number], 'integer'>;

export function typeOfValue(value: JsonValue): ValueType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'object';
}

/** `enum` and `const`. */
export function valueChecks(schema: JsonObject): readonly Check[] {
  const checks: Check[] = [];
  if (Object.hasOwn(schema, 'const')) checks.push(oneOfValues([schema['const'] ?? null]));
  const listed = schema['enum'];
  if (Array.isArray(listed)) checks.push(oneOfValues(listed as readonly JsonValue[]));
  return checks;
}

const SHOWN_VALUES = 12;

function oneOfValues(values: readonly JsonValue[]): Check {
  const known = new Set(values.map(identity));
  const texts = values.filter((value) => typeof value === 'string');
  const words = values.slice(0, SHOWN_VALUES).map((value) => wordFor(value));
  if (values.length > SHOWN_VALUES) words.push('…');
  const wanted = values.length === 1 ? (words[0] ?? '') : `one of ${words.join(', ')}`;
  return (value, run) => {
    if (known.has(identityIn(value, run)) || !run.spend(texts.length)) return;
    const meant = typeof value === 'string' ? guess(value, texts) : '';
    run.report(`expected ${wanted}, not ${shown(value)}${meant === '' ? '' : `.${meant}`}`);
  };
}

function wordFor(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const text = canonicalJson(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** Equal values, and only those, have equal ones. */
function identity(value: JsonValue): JsonValue {
  return typeof value === 'object' && value !== null
    ? `{}${canonicalJson(value)}`
    : typeof value === 'string'
      ? `"${value}`
      : value;
}

/** As `identity`, paid for. */
export function identityIn(value: JsonValue, run: SchemaRun): JsonValue {
  if (typeof value !== 'object' || value === null) return identity(value);
  const found = canonicalJson(value);
  run.spend(1 + (found.length >> 6));
  return `{}${found}`;
}

/** Keywords of texts. */
export function textChecks(schema: JsonObject): readonly Check[] {
  const checks: ((text: string, run: SchemaRun) => void)[] = [];
  const { minLength, maxLength, pattern, format } = schema;
  if (typeof minLength === 'number') {
    checks.push((text, run) => {
      if (lengthOf(text) < minLength)
        run.report(`expected at least ${counted(minLength, 'character')}, not ${String(lengthOf(text))}`);
    });
  }
  if (typeof maxLength === 'number') {
    checks.push((text, run) => {
      if (text.length > maxLength && lengthOf(text) > maxLength)
        run.report(`expected at most ${counted(maxLength, 'character')}, not ${String(lengthOf(text))}`);
    });
  }
  if (typeof pattern === 'string') checks.push(patternCheck(pattern));
  const known = typeof format === 'string' ? FORMATS.get(format) : undefined;
  if (known !== undefined && typeof format === 'string') {
    checks.push((text, run) => {
      if (!known.test(text)) run.report(`expected a ${format} such as ${known.example}, not the text ${quoted(text)}`);
    });
  }
  return checks.map(
    (check): Check =>
      (value, run) => {
        if (typeof value === 'string' && run.spend(value.length >> 10)) check(value, run);
      },
  );
}

/** Characters as people count them, not UTF-16 units. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

function patternCheck(source: string): (text: string, run: SchemaRun) => void {
  const test = textTest(source);
  return (text, run) => {
    const outcome = test(text, run);
    if (outcome === 'no') run.report(`the text ${quoted(text)} does not match the pattern ${source}`);
    if (outcome === 'too long') {
      const limit = `at most ${counted(SCHEMA_LIMITS.matched, 'character')} where a pattern is asked for`;
      run.report(`expected ${limit}, not ${String(text.length)}`);
    }
  };
}

/** Tests a text on a pattern that has been checked. */
export function textTest(source: string): (text: string, run: SchemaRun) => 'no' | 'too long' | 'yes' {
  const result = readPattern(source);
  return (text, run) => {
    if (!result.ok) return 'no';
    if (text.length > SCHEMA_LIMITS.matched) return 'too long';
    if (!run.spend(result.pattern.cost(text.length))) return 'yes';
    return result.pattern.test(text) ? 'yes' : 'no';
  };
}

/** Keywords of numbers. */
export function numberChecks(schema: JsonObject): readonly Check[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const checks: Check[] = [];
  const add = (limit: JsonValue | undefined, words: string, fits: (value: number, limit: number) => boolean): void => {
    if (typeof limit !== 'number') return;
    checks.push((value, run) => {
      if (typeof value === 'number' && !fits(value, limit))
        run.report(`expected ${words} ${String(limit)}, not ${String(value)}`);
    });
  };
  add(minimum, 'at least', (value, limit) => value >= limit);
  add(maximum, 'at most', (value, limit) => value <= limit);
  add(exclusiveMinimum, 'more than', (value, limit) => value > limit);
  add(exclusiveMaximum, 'less than', (value, limit) => value < limit);
  add(multipleOf, 'a multiple of', isMultiple);
  return checks;
}

/** 0.3 is a multiple of 0.1, though not in binary. */
function isMultiple(value: number, of: number): boolean {
  const times = value / of;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}
