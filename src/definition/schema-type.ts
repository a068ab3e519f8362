/**
 * What a JSON Schema says for certain about a value at a path inside, for the checks of expressions. What it leaves
 * open stays open: an answer may say less than the schema, never more.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { resolveReference } from './schema-reference.js';
import { typeOfValue, type ValueType } from './schema-scalars.js';
import type { JsonSchema } from './steps.js';

export interface KnownValue {
  /** Types that it can have; null for any. */
  readonly types: ReadonlySet<ValueType> | null;
  /** Values that it can have; null when they are not listed. */
  readonly values: readonly JsonValue[] | null;
  /** Names of members that the schema has a word for. */
  readonly names: readonly string[];
  /** Whether it can have other members than those: `yes` when the schema says so, `unsaid` when it says nothing of it. */
  readonly others: 'no' | 'unsaid' | 'yes';
  /** Whether anything is there: `no` when the schema rules it out. */
  readonly exists: 'maybe' | 'no' | 'yes';
}

/** Schemas that all hold for one value. */
type Conjunction = readonly JsonObject[];

/** One way in which a value can be as its schema says. */
interface Alternative {
  readonly schemas: Conjunction;
  readonly exists: 'maybe' | 'no' | 'yes';
}

/** What may still be spent on looking, about one per schema that is looked at. Without any left, nothing is known. */
export interface Effort {
  left: number;
}

/** For all the questions that one file asks: far more than any file in use needs, and less than a second. */
const EFFORT = 2_000_000;
const ALTERNATIVES = 32;
const NOTHING: Alternative = { schemas: [], exists: 'no' };
/** Anything at all, there or not. */
export const ANYTHING: KnownValue = { types: null, values: null, names: [], others: 'yes', exists: 'maybe' };

export function newEffort(): Effort {
  return { left: EFFORT };
}

/** What is known of the value at `path`; a `schema` that `checkSchema` has accepted. Never throws. */
export function typeOf(
  schema: JsonSchema,
  path: readonly (string | number)[],
  effort: Effort = newEffort(),
): KnownValue {
  let current = expand(schema, [{ schemas: schema === true ? [] : [schema], exists: 'yes' }], effort);
  for (const key of path) {
    if (current === null) return ANYTHING;
    const next = current.flatMap((alternative) => step(alternative, key));
    current = expand(schema, next, effort);
  }
  return current === null ? ANYTHING : together(current);
}

/** Writes out what is asked of the same value elsewhere; null when there are too many ways, or too much to look at. */
function expand(root: JsonSchema, from: readonly Alternative[], effort: Effort): readonly Alternative[] | null {
  const done: Alternative[] = [];
  const open: { readonly alternative: Alternative; readonly at: number }[] = from.map((alternative) => ({
    alternative,
    at: 0,
  }));
  let work = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { alternative, at } = next;
    const schema = alternative.schemas[at];
    effort.left -= schema === undefined ? 1 : costOf(schema) + alternative.schemas.length;
    if (++work > 1_000 || effort.left < 0 || open.length + done.length > ALTERNATIVES) return null;
    if (schema === undefined) {
      done.push(alternative);
      continue;
    }
    for (const schemas of waysOf(root, schema)) {
      open.push({ alternative: { ...alternative, schemas: [...alternative.schemas, ...schemas] }, at: at + 1 });
    }
  }
  return done;
}

/** Long lists of names are what takes time. */
function costOf({ properties, required }: JsonObject): number {
  const names = isJsonObject(properties) ? Object.keys(properties).length : 0;
  return 1 + ((names + listOf(required).length) >> 3);
}

/** For each way that `schema` leaves, the further schemas that hold then. */
function waysOf(root: JsonSchema, schema: JsonObject): readonly Conjunction[] {
  const all = [schema['$ref'] === undefined ? true : referredTo(root, schema['$ref']), ...listOf(schema['allOf'])];
  const always = all.filter((member) => isJsonObject(member));
  let ways: readonly Conjunction[] = [always];
  for (const members of [listOf(schema['anyOf']), listOf(schema['oneOf'])]) {
    if (members.length === 0) continue;
    const open = members.filter((member) => member !== false);
    ways = ways.flatMap((way) => open.map((member) => (isJsonObject(member) ? [...way, member] : way)));
  }
  return ways;
}

function referredTo(root: JsonSchema, target: JsonValue): JsonValue {
  return typeof target === 'string' ? (resolveReference(root, target) ?? true) : true;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

/** The member `key` of a value: of an object, a list or a text, as its types allow. */
function step({ schemas, exists }: Alternative, key: string | number): readonly Alternative[] {
  const types = typesOf(schemas);
  const name = String(key);
  const found: Alternative[] = [];
  const certain = exists === 'yes' && types?.size === 1;
  if (types === null || types.has('object')) found.push(memberOf(schemas, name, certain));
  if (types === null || types.has('array') || types.has('string')) {
    if (name === 'length') found.push({ schemas: [{ type: 'number' }], exists: certain ? 'yes' : 'maybe' });
    else if (/^\d{1,9}$/.test(name)) {
      if (types === null || types.has('array')) found.push(itemOf(schemas, Number(name)));
      if (types === null || types.has('string')) found.push({ schemas: [{ type: 'string' }], exists: 'maybe' });
    }
  }
  return found.length === 0 ? [NOTHING] : found;
}

function memberOf(schemas: Conjunction, name: string, certain: boolean): Alternative {
  const inner: JsonObject[] = [];
  let isRequired = false;
  for (const schema of schemas) {
    isRequired ||= listOf(schema['required']).includes(name);
    const { properties, additionalProperties } = schema;
    const own = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
    // Whether a pattern covers the name is not asked: it may, and then says something of its own.
    const other = own === undefined && !isJsonObject(schema['patternProperties']) ? additionalProperties : undefined;
    if (own === false || other === false) return NOTHING;
    for (const member of [own, other]) if (isJsonObject(member)) inner.push(member);
  }
  return { schemas: inner, exists: certain && isRequired ? 'yes' : 'maybe' };
}

function itemOf(schemas: Conjunction, index: number): Alternative {
  const inner: JsonObject[] = [];
  for (const schema of schemas) {
    const { items, prefixItems, additionalItems } = schema;
    const first = listOf(Array.isArray(items) ? items : prefixItems);
    const item = index < first.length ? first[index] : Array.isArray(items) ? additionalItems : items;
    if (item === false) return NOTHING;
    if (isJsonObject(item)) inner.push(item);
  }
  return { schemas: inner, exists: 'maybe' };
}

function together(all: readonly Alternative[]): KnownValue {
  // Schemas that exclude each other leave no type, and so no value.
  const some = all.filter(({ schemas, exists }) => exists !== 'no' && typesOf(schemas)?.size !== 0);
  if (some.length === 0) return { types: null, values: null, names: [], others: 'unsaid', exists: 'no' };
  const types = some.map(({ schemas }) => typesOf(schemas));
  const values = some.map(({ schemas }) => valuesOf(schemas));
  return {
    types: types.some((one) => one === null) ? null : new Set(types.flatMap((one) => [...(one ?? [])])),
    values: values.some((one) => one === null) ? null : values.flatMap((one) => one ?? []),
    names: [...new Set(some.flatMap(({ schemas }) => schemas.flatMap(namesOf)))],
    others: othersOf(some),
    exists: some.length === all.length && some.every(({ exists }) => exists === 'yes') ? 'yes' : 'maybe',
  };
}

function namesOf(schema: JsonObject): readonly string[] {
  return isJsonObject(schema['properties']) ? Object.keys(schema['properties']) : [];
}

function othersOf(all: readonly Alternative[]): KnownValue['others'] {
  if (all.every(({ schemas }) => schemas.some(isClosed))) return 'no';
  return all.some(({ schemas }) => isOpen(schemas)) ? 'yes' : 'unsaid';
}

function isClosed(schema: JsonObject): boolean {
  return schema['additionalProperties'] === false && schema['patternProperties'] === undefined;
}

/** Keywords that can speak of members which `properties` does not list. */
const OPENING = [
  'additionalProperties',
  'patternProperties',
  '$ref',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'not',
  'dependentSchemas',
] as const;

/** An object of which no member is named may have any. */
function isOpen(schemas: Conjunction): boolean {
  if (typesOf(schemas)?.has('object') === false || schemas.some(isClosed)) return false;
  return (
    schemas.every((schema) => !isJsonObject(schema['properties'])) ||
    schemas.some((schema) => OPENING.some((keyword) => schema[keyword] !== undefined))
  );
}

/** Null for any. */
function typesOf(schemas: Conjunction): ReadonlySet<ValueType> | null {
  let types: ReadonlySet<ValueType> | null = null;
  for (const own of schemas.map(typesOfOne)) types = narrowed(types, own);
  return types;
}

function narrowed(
  before: ReadonlySet<ValueType> | null,
  own: ReadonlySet<ValueType> | null,
): ReadonlySet<ValueType> | null {
  if (before === null || own === null) return before ?? own;
  return new Set([...before].filter((type) => own.has(type)));
}

function typesOfOne(schema: JsonObject): ReadonlySet<ValueType> | null {
  const values = valuesOfOne(schema);
  const { type } = schema;
  if (values !== null) return new Set(values.map(typeOfValue));
  if (type === undefined) return null;
  const names = Array.isArray(type) ? (type as readonly JsonValue[]) : [type];
  const types = new Set(names.map((name) => (name === 'integer' ? 'number' : (name as ValueType))));
  if (schema['nullable'] === true) types.add('null');
  return types;
}

function valuesOf(schemas: Conjunction): readonly JsonValue[] | null {
  const listed = schemas.map(valuesOfOne).filter((values) => values !== null);
  const [first] = listed.toSorted((a, b) => a.length - b.length);
  return first ?? null;
}

function valuesOfOne(schema: JsonObject): readonly JsonValue[] | null {
  const listed = Object.hasOwn(schema, 'const') ? [schema['const'] ?? null] : schema['enum'];
  if (!Array.isArray(listed)) return null;
  const values = listed as readonly JsonValue[];
  return schema['nullable'] === true && !values.includes(null) ? [...values, null] : values;
}
