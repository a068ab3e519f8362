/**
 * The keywords of JSON Schema (2020-12, with what older drafts and OpenAPI spell differently) that are understood,
 * and what stands behind each. Everything else is refused, since a misspelt keyword would check nothing.
 */

/** What the value of a keyword must be. */
export type Shape =
  | 'boolean'
  | 'count'
  | 'items'
  | 'names'
  | 'names by name'
  | 'note'
  | 'number'
  | 'pattern'
  | 'positive'
  | 'reference'
  | 'schema'
  | 'schemas'
  | 'schemas by name'
  | 'schemas by pattern'
  | 'text'
  | 'type'
  | 'values';

export const KEYWORDS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['type', 'type'],
  ['enum', 'values'],
  ['const', 'note'],
  ['nullable', 'boolean'],
  ['properties', 'schemas by name'],
  ['required', 'names'],
  ['additionalProperties', 'schema'],
  ['patternProperties', 'schemas by pattern'],
  ['propertyNames', 'schema'],
  ['minProperties', 'count'],
  ['maxProperties', 'count'],
  ['dependentRequired', 'names by name'],
  ['dependentSchemas', 'schemas by name'],
  ['items', 'items'],
  ['prefixItems', 'schemas'],
  ['additionalItems', 'schema'],
  ['contains', 'schema'],
  ['minContains', 'count'],
  ['maxContains', 'count'],
  ['minItems', 'count'],
  ['maxItems', 'count'],
  ['uniqueItems', 'boolean'],
  ['minLength', 'count'],
  ['maxLength', 'count'],
  ['pattern', 'pattern'],
  ['format', 'text'],
  ['minimum', 'number'],
  ['maximum', 'number'],
  ['exclusiveMinimum', 'number'],
  ['exclusiveMaximum', 'number'],
  ['multipleOf', 'positive'],
  ['allOf', 'schemas'],
  ['anyOf', 'schemas'],
  ['oneOf', 'schemas'],
  ['not', 'schema'],
  ['if', 'schema'],
  ['then', 'schema'],
  ['else', 'schema'],
  ['$ref', 'reference'],
  ['$defs', 'schemas by name'],
  ['definitions', 'schemas by name'],
  ['$schema', 'text'],
  ['$id', 'text'],
  ['$comment', 'text'],
  ['title', 'text'],
  ['description', 'text'],
  ['default', 'note'],
  ['examples', 'note'],
  ['example', 'note'],
  ['deprecated', 'boolean'],
  ['readOnly', 'boolean'],
  ['writeOnly', 'boolean'],
  ['id', 'note'],
  ['contentEncoding', 'text'],
  ['contentMediaType', 'text'],
  ['contentSchema', 'note'],
  ['discriminator', 'note'],
  ['externalDocs', 'note'],
  ['xml', 'note'],
  // What editors read in the schemas of other tools.
  ['markdownDescription', 'text'],
  ['defaultSnippets', 'note'],
  ['errorMessage', 'note'],
  ['deprecationMessage', 'text'],
]);

/** Keywords of JSON Schema that are not understood, and what to write instead. */
export const REFUSED_KEYWORDS: ReadonlyMap<string, string> = new Map([
  ['unevaluatedProperties', 'write additionalProperties'],
  ['unevaluatedItems', 'write items behind prefixItems'],
  ['dependencies', 'write dependentRequired or dependentSchemas'],
  ['$anchor', 'refer to the schema by its path, such as "#/$defs/name"'],
  ['$dynamicRef', 'write $ref'],
  ['$dynamicAnchor', 'write $ref'],
  ['$recursiveRef', 'write $ref'],
  ['$recursiveAnchor', 'write $ref'],
  ['$vocabulary', 'leave it out'],
]);

export const SCHEMA_TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'] as const;

/** Names that reach from data to the language's own objects. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export const SCHEMA_LIMITS = {
  /** Schemas inside schemas. */
  depth: 30,
  /** Schemas, nested ones included. */
  schemas: 2_000,
  /** Values of any kind that it is written with. */
  values: 20_000,
  /** Lists and maps inside each other, as it is written. */
  nesting: 100,
  /** Problems that are told. */
  problems: 50,
  /** Patterns of one schema. */
  patterns: 100,
  /** Characters of a pattern. */
  pattern: 200,
  /** Characters of a text that a pattern is tested on. */
  matched: 10_240,
  /** Levels of a value that is checked. */
  valueDepth: 128,
  /** Checks inside checks while a value is checked; each is about five calls of functions. */
  calls: 600,
  /** Units of work for one value: about one per schema and value that meet. */
  work: 200_000,
  /** Issues that are told of one value. */
  issues: 5,
  /** Known words among which a guess is looked for, and characters of a word that is guessed at. */
  guessed: { words: 200, characters: 60 },
} as const;
