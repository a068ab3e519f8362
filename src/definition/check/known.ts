/** What is known of a value that an expression reads, and of what lies inside it, as far as schemas say it. */
import { ANYTHING, type Effort, type KnownValue, typeOf } from '../schema-type.js';
import type { JsonSchema } from '../steps.js';
import type { JsonValue } from '../../core/json.js';

export interface Known {
  /** Looked up anew each time. */
  facts(): KnownValue;
  member(name: string): Known;
}

export const UNKNOWN: Known = { facts: () => ANYTHING, member: () => UNKNOWN };

/** A value that is as `schema` says, or with `path` what lies there inside it. */
export function schemaValue(schema: JsonSchema, effort: Effort, path: readonly string[] = []): Known {
  return {
    facts: () => typeOf(schema, path, effort),
    member: (name) => schemaValue(schema, effort, [...path, name]),
  };
}

/** An object whose members are known one by one. With `others` it may have more, of which nothing is known. */
export function recordValue(members: Readonly<Record<string, Known>>, others: 'unsaid' | 'yes'): Known {
  const names = Object.keys(members);
  return {
    facts: () => ({ types: new Set(['object']), values: null, names, others, exists: 'yes' }),
    member: (name) => (Object.hasOwn(members, name) ? (members[name] ?? UNKNOWN) : UNKNOWN),
  };
}

/** A name that stands for nothing by itself, such as `steps`. */
export function namespaceValue(member: (name: string) => Known): Known {
  return { facts: () => ANYTHING, member };
}

/** The only values it can have, or null when there are too many to name. */
export function valuesOf(known: Known): readonly JsonValue[] | null {
  const { values, types } = known.facts();
  return values ?? (types?.size === 1 && types.has('boolean') ? [true, false] : null);
}
