/**
 * Whether a value is a JSON Schema that can be used here. Schemas come from files, and from personas that plan steps,
 * so nothing of one is used before all of it has passed: its size, its words, its patterns, and where its `$ref` lead.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { didYouMean, nearest } from '../core/suggest.js';
import { quoted } from '../expression/problem.js';
import { FORMATS } from './schema-format.js';
import { readPattern } from './schema-pattern.js';
import { refersInCircles, resolveReference } from './schema-reference.js';
import { guess } from './schema-run.js';
import {
  FORBIDDEN_NAMES,
  KEYWORDS,
  REFUSED_KEYWORDS,
  SCHEMA_LIMITS,
  SCHEMA_TYPES,
  type Shape,
} from './schema-words.js';

export interface SchemaProblem {
  /** Keys and positions that lead to the place. */
  readonly path: readonly (string | number)[];
  /** What is wrong, and what to do. */
  readonly message: string;
}

type Path = readonly (string | number)[];

/** Every reason why `schema` cannot be used, none when it can; at most 50. Never throws. */
export function checkSchema(schema: JsonValue): readonly SchemaProblem[] {
  const bulk = checkBulk(schema);
  if (bulk.length > 0) return bulk;
  const walk = new Walk(schema);
  walk.run();
  return walk.problems.slice(0, SCHEMA_LIMITS.problems);
}

/** Sizes and names of everything that is written, before anything is called a schema. */
function checkBulk(schema: JsonValue): readonly SchemaProblem[] {
  const problems: SchemaProblem[] = [];
  const open: { readonly value: JsonValue; readonly path: Path }[] = [{ value: schema, path: [] }];
  let values = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next;
    if (++values > SCHEMA_LIMITS.values) return [tooLarge(`${String(SCHEMA_LIMITS.values)} values`)];
    if (typeof value !== 'object' || value === null) continue;
    if (path.length >= SCHEMA_LIMITS.nesting) {
      return [
        {
          path: path.slice(0, 10),
          message: `the schema is nested deeper than ${String(SCHEMA_LIMITS.nesting)} levels`,
        },
      ];
    }
    const members = Array.isArray(value)
      ? [...(value as readonly JsonValue[]).entries()]
      : Object.entries(value as JsonObject);
    if (values + open.length + members.length > SCHEMA_LIMITS.values)
      return [tooLarge(`${String(SCHEMA_LIMITS.values)} values`)];
    for (const [key, member] of members) {
      const at = [...path, key];
      if (typeof key === 'string' && FORBIDDEN_NAMES.has(key)) {
        problems.push({ path: at, message: `the name "${key}" is not allowed in a schema; choose another one` });
      } else open.push({ value: member, path: at });
    }
  }
  return problems.slice(0, SCHEMA_LIMITS.problems);
}

function tooLarge(what: string): SchemaProblem {
  return { path: [], message: `the schema has more than ${what}; make it smaller` };
}

class Walk {
  readonly problems: SchemaProblem[] = [];
  #patterns = 0;
  readonly #root: JsonValue;
  /** Where each schema stands; the places that a `$ref` may lead to. */
  readonly #schemas = new Map<JsonValue, Path>();
  readonly #references: { readonly path: Path; readonly target: string }[] = [];
  readonly #open: { readonly value: JsonValue; readonly path: Path; readonly depth: number }[] = [];

  constructor(root: JsonValue) {
    this.#root = root;
  }

  run(): void {
    this.#open.push({ value: this.#root, path: [], depth: 1 });
    let count = 0;
    for (let next = this.#open.pop(); next !== undefined && !this.#isFull; next = this.#open.pop()) {
      if (++count > SCHEMA_LIMITS.schemas) {
        this.#add([], `the schema has more than ${String(SCHEMA_LIMITS.schemas)} schemas inside; make it smaller`);
        return;
      }
      if (next.depth > SCHEMA_LIMITS.depth) {
        this.#add(next.path, `schemas are nested deeper than ${String(SCHEMA_LIMITS.depth)}; move some to "$defs"`);
        return;
      }
      this.#schema(next.value, next.path, next.depth);
    }
    this.#checkReferences();
  }

  #add(path: Path, message: string): void {
    if (!this.#isFull) this.problems.push({ path, message });
  }

  /** Asked before anything is looked for that takes time, such as a guess. */
  get #isFull(): boolean {
    return this.problems.length >= SCHEMA_LIMITS.problems;
  }

  #schema(value: JsonValue, path: Path, depth: number): void {
    if (typeof value === 'boolean') {
      if (path.length === 0 && !value) this.#add(path, 'the schema false allows nothing; write what is allowed');
      return;
    }
    if (!isJsonObject(value)) {
      this.#add(path, `a schema is a map such as "type: string", or true, not ${kindOf(value)}`);
      return;
    }
    this.#schemas.set(value, path);
    const inside: { readonly value: JsonValue; readonly path: Path; readonly depth: number }[] = [];
    const visit = (member: JsonValue, ...keys: (string | number)[]): void => {
      inside.push({ value: member, path: [...path, ...keys], depth: depth + 1 });
    };
    for (const [keyword, member] of Object.entries(value)) {
      if (this.#isFull) return;
      const shape = KEYWORDS.get(keyword);
      if (shape === undefined) this.#unknown(keyword, [...path, keyword]);
      else if (!this.#inside(keyword, shape, { member, visit }))
        this.#plain(keyword, shape, { member, path: [...path, keyword] });
    }
    // The last one that is put there is the next one that is looked at.
    this.#open.push(...inside.toReversed());
  }

  #unknown(keyword: string, path: Path): void {
    if (keyword.startsWith('x-')) return;
    const instead = REFUSED_KEYWORDS.get(keyword);
    if (instead !== undefined) {
      this.#add(path, `"${keyword}" is not supported; ${instead}`);
      return;
    }
    const meant = didYouMean(keyword, KEYWORDS.keys()) || ' A note of your own starts with "x-".';
    this.#add(path, `unknown keyword ${quoted(keyword)} in a schema.${meant}`);
  }

  /** Visits the schemas of a keyword that holds some; false when it holds none, or not what it should. */
  #inside(
    keyword: string,
    shape: Shape,
    { member, visit }: { member: JsonValue; visit: (member: JsonValue, ...keys: (string | number)[]) => void },
  ): boolean {
    if (shape === 'schema' || (shape === 'items' && !Array.isArray(member))) {
      visit(member, keyword);
      return true;
    }
    if (shape === 'schemas' || shape === 'items') {
      if (!Array.isArray(member) || member.length === 0) return false;
      for (const [index, one] of (member as readonly JsonValue[]).entries()) visit(one, keyword, index);
      return true;
    }
    if (shape !== 'schemas by name' && shape !== 'schemas by pattern') return false;
    if (!isJsonObject(member)) return false;
    for (const [name, one] of Object.entries(member)) visit(one, keyword, name);
    return shape === 'schemas by name';
  }

  /** Problems of a keyword's own value. */
  #plain(keyword: string, shape: Shape, { member, path }: { member: JsonValue; path: Path }): void {
    switch (shape) {
      case 'pattern':
        if (typeof member === 'string') this.#pattern(member, path);
        else this.#wrong(keyword, 'a text', { member, path });
        return;
      case 'schemas by pattern':
        if (!isJsonObject(member)) this.#wrong(keyword, 'a map of schemas', { member, path });
        else for (const name of Object.keys(member)) this.#pattern(name, [...path, name]);
        return;
      case 'reference':
        if (typeof member === 'string') this.#references.push({ path, target: member });
        else this.#wrong(keyword, 'a text such as "#/$defs/name"', { member, path });
        return;
      case 'type':
        this.#type(member, path);
        return;
      case 'text':
        if (typeof member !== 'string') this.#wrong(keyword, 'a text', { member, path });
        else if (keyword === 'format') this.#format(member, path);
        return;
      default: {
        const wanted = WANTED[shape];
        if (wanted !== undefined && !wanted.fits(member)) this.#wrong(keyword, wanted.what, { member, path });
      }
    }
  }

  #wrong(keyword: string, what: string, { member, path }: { member: JsonValue; path: Path }): void {
    const old = typeof member === 'boolean' && keyword.startsWith('exclusive');
    const hint = old
      ? '; put the number itself there'
      : keyword === 'required' && typeof member === 'boolean'
        ? '; it stands beside "properties" and lists their names'
        : '';
    this.#add(path, `"${keyword}" must be ${what}, not ${kindOf(member)}${hint}`);
  }

  #pattern(source: string, path: Path): void {
    if (++this.#patterns > SCHEMA_LIMITS.patterns || this.#isFull) {
      if (this.#patterns === SCHEMA_LIMITS.patterns + 1)
        this.#add(path, `the schema has more than ${String(SCHEMA_LIMITS.patterns)} patterns; use fewer`);
      return;
    }
    const result = readPattern(source);
    if (!result.ok) this.#add(path, `${result.message}: ${quoted(source)}`);
  }

  #type(member: JsonValue, path: Path): void {
    const listed: readonly JsonValue[] = Array.isArray(member) ? member : [member];
    if (listed.length === 0) this.#add(path, '"type" lists no type');
    for (const name of listed) {
      if (this.#isFull) return;
      if (typeof name === 'string' && (SCHEMA_TYPES as readonly string[]).includes(name)) continue;
      const meant = typeof name === 'string' ? didYouMean(OTHER_TYPES[name] ?? name, SCHEMA_TYPES) : '';
      const shown = typeof name === 'string' ? quoted(name) : kindOf(name);
      this.#add(path, `unknown type ${shown}.${meant || ` Types are ${SCHEMA_TYPES.join(', ')}.`}`);
    }
  }

  #format(name: string, path: Path): void {
    if (FORMATS.has(name) || UNCHECKED_FORMATS.has(name)) return;
    const meant = nearest(name, FORMATS.keys());
    // Formats are open: one that looks like none of ours is somebody's own.
    if (meant !== null) this.#add(path, `unknown format ${quoted(name)}. Did you mean "${meant}"?`);
  }

  #checkReferences(): void {
    for (const { path, target } of this.#references) {
      if (this.#isFull) return;
      const problem = this.#referenceProblem(target);
      if (problem !== null) this.#add(path, problem);
    }
    if (this.problems.length > 0) return;
    const circle = refersInCircles(this.#root, this.#schemas.keys());
    if (circle === null) return;
    const message =
      'the schema leads back to itself for the same value, so it could never be decided; put it below "properties" or "items"';
    this.#add(this.#schemas.get(circle) ?? [], message);
  }

  #referenceProblem(target: string): string | null {
    if (!target.startsWith('#'))
      return `"$ref" can only lead to a place of the same schema, such as "#/$defs/name", not ${quoted(target)}`;
    if (target !== '#' && !target.startsWith('#/'))
      return `"$ref" must be a path such as "#/$defs/name", not ${quoted(target)}`;
    const found = resolveReference(this.#root, target);
    if (typeof found === 'boolean' || (found !== null && this.#schemas.has(found))) return null;
    const defs = isJsonObject(this.#root) ? this.#root['$defs'] : null;
    const names = isJsonObject(defs ?? null) ? Object.keys(defs as JsonObject).map((name) => `#/$defs/${name}`) : [];
    return `"$ref" leads to ${quoted(target)}, where no schema is.${guess(target, names)}`;
  }
}

/** Words of other languages for the types. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  bool: 'boolean',
  dict: 'object',
  float: 'number',
  int: 'integer',
  list: 'array',
  map: 'object',
  str: 'string',
  text: 'string',
};

/** Formats that schemas commonly have and that say nothing that is checked here. */
const UNCHECKED_FORMATS: ReadonlySet<string> = new Set(
  (
    'base64 base64url binary byte cidrv4 cidrv6 cuid cuid2 double e164 ' +
    'emoji float guid idn-email idn-hostname int32 int64 iri iri-reference json-pointer ' +
    'json-string jwt ksuid mac nanoid password regex relative-json-pointer ulid uri-reference ' +
    'uri-template xid'
  ).split(' '),
);

const WANTED: Readonly<
  Partial<Record<Shape, { readonly what: string; readonly fits: (value: JsonValue) => boolean }>>
> = {
  boolean: { what: 'true or false', fits: (value) => typeof value === 'boolean' },
  count: {
    what: 'a whole number from 0',
    fits: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0,
  },
  items: { what: 'a schema or a list of schemas', fits: () => false },
  names: { what: 'a list of names', fits: isNames },
  'names by name': {
    what: 'a map of lists of names',
    fits: (value) => isJsonObject(value) && Object.values(value).every(isNames),
  },
  number: { what: 'a number', fits: (value) => typeof value === 'number' },
  positive: { what: 'a number above 0', fits: (value) => typeof value === 'number' && value > 0 },
  schemas: { what: 'a list of at least one schema', fits: () => false },
  'schemas by name': { what: 'a map of schemas', fits: () => false },
  values: { what: 'a list of at least one value', fits: (value) => Array.isArray(value) && value.length > 0 },
};

function isNames(value: JsonValue): boolean {
  return Array.isArray(value) && value.every((name: JsonValue) => typeof name === 'string');
}

/** The kind of a value, for messages. */
function kindOf(value: JsonValue): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return typeof value === 'string'
    ? `the text ${quoted(value)}`
    : typeof value === 'number'
      ? `the number ${String(value)}`
      : String(value);
}
