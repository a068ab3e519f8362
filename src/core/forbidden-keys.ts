/** Keys that no data may have: they mean something else to the language, so some way of copying would drop or obey them. */
import type { JsonValue } from './json.js';

const FORBIDDEN = ['__proto__', 'constructor', 'prototype'] as const;

/** The first of them anywhere in a value, which may be nested deeply or hold itself; null for none. */
export function forbiddenKey(value: JsonValue): string | null {
  const seen = new Set<JsonValue>();
  const open: JsonValue[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    const found = FORBIDDEN.find((key) => Object.hasOwn(next as object, key));
    if (found !== undefined) return found;
    for (const inside of Object.values(next) as readonly JsonValue[]) open.push(inside);
  }
  return null;
}
