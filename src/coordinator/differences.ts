/** Where two JSON texts differ, said so that a person finds the place. */
import { isJsonObject, type JsonValue } from '../core/json.js';

export interface Difference {
  /** Path in the value, for example `more.block.round`; empty for the whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

const SHOWN = 120;

/**
 * The first place where `found` is another text than `expected`, or null. The order of an object's members does not count:
 * it tells which process wrote the text, one that had read the object or one that had made it. Everything else does.
 */
export function firstDifference(expected: string, found: string): Difference | null {
  if (expected === found) return null;
  const should = parsed(expected);
  const is = parsed(found);
  if (should === undefined || is === undefined || JSON.stringify(is) !== found)
    return { path: '', expected: shortened(expected, found), found: shortened(found, expected) };
  return differenceIn(should, is, '');
}

function differenceIn(should: JsonValue, is: JsonValue, path: string): Difference | null {
  if (Array.isArray(should) && Array.isArray(is)) {
    for (let index = 0; index < Math.max(should.length, is.length); index++) {
      const found = member(should[index], is[index], `${path}[${String(index)}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (isJsonObject(should) && isJsonObject(is)) {
    for (const key of new Set([...Object.keys(should), ...Object.keys(is)])) {
      const found = member(should[key], is[key], path === '' ? key : `${path}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  return should === is ? null : { path, expected: shown(should), found: shown(is) };
}

function member(should: JsonValue | undefined, is: JsonValue | undefined, path: string): Difference | null {
  if (should !== undefined && is !== undefined) return differenceIn(should, is, path);
  if (should === is) return null;
  return { path, expected: shown(should), found: shown(is) };
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** The part of a text around where it leaves the other. */
function shortened(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  const from = Math.max(0, at - 20);
  const part = text.slice(from, from + SHOWN);
  return `${from > 0 ? '…' : ''}${part}${from + SHOWN < text.length ? '…' : ''}`;
}
