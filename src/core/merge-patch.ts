/** JSON Merge Patch (RFC 7396): how an answer edits what it was shown. */
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/** `target` with what `patch` says: members are replaced, null takes one away; a list is replaced as a whole. */
export function mergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return patch;
  const merged = new Map<string, JsonValue>(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key) ?? null, value));
  }
  return Object.fromEntries(merged);
}

/** The patch that makes `to` of `from`; null when they are the same. A null in `to` cannot be told from a member that is gone. */
export function patchBetween(from: JsonValue, to: JsonValue): JsonValue {
  if (isSame(from, to)) return null;
  if (!isJsonObject(from) || !isJsonObject(to)) return to;
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    if (before !== undefined && isSame(before, value)) continue;
    patch[key] = before === undefined ? value : patchBetween(before, value);
  }
  return patch satisfies JsonObject;
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
