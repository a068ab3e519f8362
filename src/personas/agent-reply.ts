/**
 * A reply in an agent's last message: the last JSON object with a `status` that stands alone or in a fenced block. What is
 * only talked about in a sentence is none, and neither is an object inside another one that is broken.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';

export type Found =
  | { readonly value: JsonObject }
  /** A phrase that says what is wrong with it, or that there is none. */
  | { readonly problem: string };

/** Characters of the message's end that are looked at. */
const LOOKED_AT = 256 * 1024;
/** Beginnings that lead nowhere, after which the text is given up: each may have been read to the end. */
const TRIES = 50;

export function replyIn(message: string): Found {
  const text = message.slice(-LOOKED_AT);
  let found: Found = { problem: 'the last message holds no JSON object with a "status"' };
  let tries = 0;
  const starts = /^[^\S\n]*\{/gm;
  for (let start = starts.exec(text); start !== null; start = starts.exec(text)) {
    const from = start.index + start[0].length - 1;
    const end = endOfObject(text, from);
    if (end === null) {
      // Its parts must not pass for the whole.
      if (/^\{\s*"/.test(text.slice(from, from + 200))) return { problem: 'the JSON object is not complete' };
      if (++tries > TRIES) return { problem: 'the last message is not readable' };
      continue;
    }
    starts.lastIndex = end;
    if (!/^[^\S\n]*(?:\n|$)/.test(text.slice(end, end + 200))) continue;
    const read = objectIn(text.slice(from, end));
    if (read !== null) found = read;
  }
  return found;
}

/** Null for what is no reply at all. */
function objectIn(text: string): Found | null {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) && Object.hasOwn(value, 'status') ? { value } : null;
  } catch {
    return /^\{\s*"status"/.test(text) ? { problem: 'the JSON object with the "status" is not valid JSON' } : null;
  }
}

/** Index after the `}` that closes the `{` at `from`; null when there is none. */
function endOfObject(text: string, from: number): number | null {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return null;
}

const ASK_LIMIT = 2_000;

/** The question that a message ends with; null when it ends with none. */
export function questionIn(message: string): string | null {
  const text = message.trim().replace(/[*_`\s]+$/, '');
  if (!text.endsWith('?')) return null;
  const paragraph = text.split(/\n\s*\n/).at(-1) ?? text;
  return paragraph.trim().slice(-ASK_LIMIT);
}
