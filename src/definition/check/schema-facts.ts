/**
 * What a JSON Schema says for certain about a value and its members. Whatever is not plain (`$ref`, `anyOf` …) is
 * taken as unknown: a check that guesses would refuse files that work.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { JsonSchema } from '../steps.js';

export type TypeName = 'text' | 'number' | 'boolean' | 'null' | 'list' | 'object';

/** Null: nothing is known. */
export type Known = JsonSchema | null;

const TYPE_NAMES: Readonly<Record<string, TypeName>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
  array: 'list',
  object: 'object',
};
/** Keywords that can allow members which `properties` does not list. */
const OPEN_KEYWORDS = ['allOf', 'anyOf', 'oneOf', 'if', 'not', 'dependentSchemas', 'patternProperties', '$dynamicRef'];

function plain(schema: Known): JsonObject | null {
  return schema === null || schema === true || Object.hasOwn(schema, '$ref') ? null : schema;
}

/** The only values it can have, or null when there are too many to name. */
export function valuesOf(schema: Known): readonly JsonValue[] | null {
  const facts = plain(schema);
  if (facts === null) return null;
  if (Object.hasOwn(facts, 'const')) return [facts['const'] ?? null];
  const listed = facts['enum'];
  if (Array.isArray(listed)) return listed as readonly JsonValue[];
  return facts['type'] === 'boolean' && facts['nullable'] !== true ? [true, false] : null;
}

/** The types it can have, or null when it can have any. */
export function typesOf(schema: Known): ReadonlySet<TypeName> | null {
  const facts = plain(schema);
  if (facts === null) return null;
  const values = valuesOf(facts);
  if (values !== null) return new Set(values.map(typeOfValue));
  const { type } = facts;
  const names = Array.isArray(type) ? (type as readonly JsonValue[]) : [type];
  const types = new Set<TypeName>();
  for (const name of names) {
    const known = typeof name === 'string' ? TYPE_NAMES[name] : undefined;
    if (known === undefined) return null;
    types.add(known);
  }
  if (facts['nullable'] === true) types.add('null');
  return types;
}

function typeOfValue(value: JsonValue): TypeName {
  if (value === null) return 'null';
  if (typeof value === 'object') return Array.isArray(value) ? 'list' : 'object';
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'boolean';
}

export interface Member {
  readonly schema: Known;
  /** `unlisted`: others are named, this one is not. `impossible`: the schema allows no such member. */
  readonly known: 'yes' | 'unlisted' | 'impossible';
  /** What it could have been, for a guess. */
  readonly names: readonly string[];
}

const UNKNOWN: Member = { schema: null, known: 'yes', names: [] };

export function memberOf(schema: Known, name: string): Member {
  const facts = plain(schema);
  if (facts === null) return UNKNOWN;
  const types = typesOf(facts);
  if (types !== null && !types.has('object')) return memberOfNoObject(facts, types, name);
  const { properties, additionalProperties: others } = facts;
  const listed = isJsonObject(properties) ? properties : {};
  const names = Object.keys(listed);
  if (Object.hasOwn(listed, name)) return { schema: schemaOf(listed[name]), known: 'yes', names };
  // What may also be a list or a text has members of another kind.
  if (types === null && others !== false) return UNKNOWN;
  if (isJsonObject(others)) return { schema: others, known: 'yes', names };
  if (others === false && !Object.hasOwn(facts, 'patternProperties'))
    return { schema: null, known: 'impossible', names };
  if (others !== undefined || names.length === 0 || OPEN_KEYWORDS.some((keyword) => Object.hasOwn(facts, keyword)))
    return UNKNOWN;
  return { schema: null, known: 'unlisted', names };
}

function memberOfNoObject(facts: JsonObject, types: ReadonlySet<TypeName>, name: string): Member {
  const measured = types.has('text') || types.has('list');
  if (measured && name === 'length') return { schema: { type: 'number' }, known: 'yes', names: [] };
  if (measured && /^\d+$/.test(name)) {
    const single = types.size === 1 && types.has('list') && !Object.hasOwn(facts, 'prefixItems');
    return { ...UNKNOWN, schema: single ? schemaOf(facts['items']) : null };
  }
  return { schema: null, known: 'impossible', names: measured ? ['length'] : [] };
}

function schemaOf(value: JsonValue | undefined): Known {
  return value === true || isJsonObject(value) ? value : null;
}

const ARTICLES: Readonly<Record<TypeName, string>> = {
  text: 'a text',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
  list: 'a list',
  object: 'an object',
};

/** `a text or a number`. */
export function typesInWords(types: ReadonlySet<TypeName>): string {
  return [...types].map((type) => ARTICLES[type]).join(' or ');
}
