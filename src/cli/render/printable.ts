/**
 * The one gate to the terminal for text that came from personas, tasks, files or other machines: whatever could move
 * the cursor, change the colors or turn the writing direction is shown as an escape instead of being obeyed.
 */
import { stripVTControlCharacters } from 'node:util';

/** Control and format characters (but not the joiner inside emoji), lone surrogates, line and paragraph separators. */
const UNPRINTABLE = /(?!\u200D)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** One line: line breaks become `\n`, so that nobody can add lines to what is printed. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** Several lines: line breaks and tabs stay. */
export function severalLines(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(UNPRINTABLE, (character) => (character === '\n' || character === '\t' ? character : escaped(character)));
}

/** A whole text file for reading on a terminal; its colors and cursor movements are left out. */
export function readable(text: string): string {
  return severalLines(stripVTControlCharacters(text));
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
