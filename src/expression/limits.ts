/**
 * What an expression may cost and which names it may never touch. Definitions can come from a repository that
 * somebody else writes to, so every limit holds before the thing it limits is done.
 */
export const EXPRESSION_LIMITS = {
  /** Characters of source; checked before anything reads it. */
  characters: 2_000,
  /** Names, values, operators and opening brackets; bounds the size and the depth of what is compiled. */
  parts: 200,
  /** Brackets inside brackets; counted before the recursive parser starts. */
  depth: 64,
  /** Units of work per evaluation: about one per part evaluated inside callbacks, list item, or 256 characters. */
  steps: 10_000,
  /** Characters of a text that an evaluation makes. */
  text: 100 * 1024,
  /** Characters, as JSON, of a list that an evaluation makes. */
  value: 1_000_000,
  /** Lists and maps inside each other of what a template makes: whoever reads a record goes as deep. */
  nesting: 200,
  /** Characters, as JSON, of what the templates of one field make together. */
  rendered: 4_000_000,
} as const;

/** Names that reach from data to the language's own objects. Refused as written, as unicode escapes, and when computed. */
export const BLOCKED_NAMES: ReadonlySet<string> = new Set([
  '__proto__',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
  'arguments',
  'callee',
  'caller',
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'prototype',
  'toLocaleString',
  'toString',
  'valueOf',
]);
