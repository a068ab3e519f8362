/** Where the `$ref` of a JSON Schema lead: only to other places of the same document. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';

/** The value at a pointer such as `#/$defs/name`, or null when nothing is there. */
export function resolveReference(root: JsonValue, target: string): JsonObject | boolean | null {
  let at: JsonValue | undefined = root;
  for (const part of target.split('/').slice(1)) {
    const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(at)) at = /^\d{1,6}$/.test(key) ? (at as readonly JsonValue[])[Number(key)] : undefined;
    else at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return isJsonObject(at) || typeof at === 'boolean' ? at : null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Keywords whose schemas are asked about the very same value. */
const SAME_VALUE = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'] as const;

/** A schema that has to be decided before it can be decided, or null. All references must lead somewhere. */
export function refersInCircles(root: JsonValue, schemas: Iterable<JsonValue>): JsonValue | null {
  const state = new Map<JsonValue, 'done' | 'open'>();
  for (const schema of schemas) {
    if (state.has(schema)) continue;
    const path: { readonly schema: JsonValue; readonly next: JsonValue[] }[] = [
      { schema, next: neighbors(root, schema) },
    ];
    state.set(schema, 'open');
    for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
      const next = last.next.pop();
      if (next === undefined) {
        state.set(last.schema, 'done');
        path.pop();
        continue;
      }
      if (state.get(next) === 'open') return next;
      if (state.has(next)) continue;
      state.set(next, 'open');
      path.push({ schema: next, next: neighbors(root, next) });
    }
  }
  return null;
}

function neighbors(root: JsonValue, schema: JsonValue): JsonValue[] {
  if (!isJsonObject(schema)) return [];
  const found: JsonValue[] = [];
  const target = schema['$ref'];
  if (typeof target === 'string') found.push(resolveReference(root, target));
  for (const keyword of SAME_VALUE) {
    const member = schema[keyword];
    if (Array.isArray(member)) found.push(...(member as readonly JsonValue[]));
    else if (keyword === 'dependentSchemas' && isJsonObject(member)) found.push(...Object.values(member));
    else if (member !== undefined) found.push(member);
  }
  return found.filter((member) => isJsonObject(member));
}
