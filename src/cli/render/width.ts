/** How many columns a text takes on a terminal, and cutting and padding by that; colors take none. */
import { stripVTControlCharacters } from 'node:util';

/** East Asian wide and fullwidth characters, and emoji that are drawn as pictures. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{M}\u200D]/u;
const COLOR = /(\u001B\[[0-9;]*m)/;

export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) width += columnsOf(character);
  return width;
}

/** At most `columns` columns; what is cut off is marked with `…`, and colors that are open then are closed. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let left = columns - 1;
  let kept = '';
  let colored = false;
  for (const part of text.split(COLOR)) {
    if (COLOR.test(part)) {
      kept += part;
      colored = true;
      continue;
    }
    for (const character of part) {
      left -= columnsOf(character);
      if (left < 0) return `${kept}…${colored ? '\u001B[0m' : ''}`;
      kept += character;
    }
  }
  return kept;
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

function columnsOf(character: string): number {
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
