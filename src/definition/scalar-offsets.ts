/**
 * Where in the file each character of a YAML text comes from. Quotes, escapes, indentation and folded lines lie
 * between the two, so value and source are walked side by side.
 */

export interface ScalarSource {
  readonly start: number;
  readonly end: number;
  /** As the `yaml` package names it: PLAIN, QUOTE_SINGLE, QUOTE_DOUBLE, BLOCK_LITERAL or BLOCK_FOLDED. */
  readonly type: string;
  readonly value: string;
}

/** For every character of the value its offset in `text`, and one more for the end. */
export function offsetsOf(text: string, scalar: ScalarSource): readonly number[] {
  const { type, value, end } = scalar;
  const escapes = type === 'QUOTE_DOUBLE';
  let at = scalar.start;
  if (type.startsWith('QUOTE_')) at++;
  if (type.startsWith('BLOCK_')) at = firstContent(text, scalar);

  const offsets: number[] = [];
  for (let index = 0; index < value.length; index++) {
    const character = value[index] ?? '';
    if (escapes) at = skipContinuation(text, at);
    if (isSpace(character)) {
      offsets.push(at);
      if (isSpace(text[at] ?? '') || (escapes && text[at] === '\\')) at += escapes ? escapeLength(text, at) : 1;
      continue;
    }
    while (at < end && isSpace(text[at] ?? '')) at++;
    if (escapes) at = skipContinuation(text, at);
    offsets.push(at);
    if (escapes && text[at] === '\\') {
      // An escape such as \U0001F600 is one place for both halves of its character.
      const width = escapeLength(text, at);
      if (isHighSurrogate(character) && width > 6) {
        offsets.push(at);
        index++;
      }
      at += width;
    } else {
      at += type === 'QUOTE_SINGLE' && character === "'" ? 2 : 1;
    }
  }
  offsets.push(Math.min(at, end));
  return offsets;
}

/** Behind the header line of a block (`|`, `>-`, …). */
function firstContent(text: string, scalar: ScalarSource): number {
  const line = text.indexOf('\n', scalar.start);
  return line === -1 || line >= scalar.end ? scalar.end : line + 1;
}

/** A backslash before a line break joins the lines: neither it nor the indentation is part of the value. */
function skipContinuation(text: string, at: number): number {
  const match = /^\\\r?\n[ \t]*/.exec(text.slice(at, at + 400));
  return match === null ? at : at + match[0].length;
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function escapeLength(text: string, at: number): number {
  return text[at] === '\\' ? 2 + (HEX_DIGITS[text[at + 1] ?? ''] ?? 0) : 1;
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r';
}

function isHighSurrogate(character: string): boolean {
  return character >= '\uD800' && character <= '\uDBFF';
}
