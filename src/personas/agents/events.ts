/** Reading one JSON event of a CLI's stream: what is not of the expected type is as if it were not there. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.js';

/** Null for a line that is no JSON object. */
export function eventOf(line: string): JsonObject | null {
  if (!line.startsWith('{')) return null;
  try {
    const value = JSON.parse(line) as JsonValue;
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function textOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter((item) => isJsonObject(item)) : [];
}

/** A whole number that is not negative; undefined for anything else. */
export function countOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** The sum of the counts that are there; undefined when none is. */
export function sumOf(...values: readonly (JsonValue | undefined)[]): number | undefined {
  const counts = values.map((value) => countOf(value)).filter((count) => count !== undefined);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

export function moneyOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
