/** Text from outside, made safe and short enough for a message, a log line or a terminal. */

// Escape sequences: CSI (colors, cursor), OSC (titles, links) up to its end, and other two-character ones.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;

/** One line without escape sequences, control and invisible characters. */
export function cleanLine(line: string): string {
  return line
    .replace(ESCAPES, '')
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
}

/** The same, at most 500 characters. */
export function plainLine(line: string): string {
  const clean = cleanLine(line);
  return clean.length > 500 ? `${clean.slice(0, 499)}…` : clean;
}

/** Lines of any length without escape sequences, control and invisible characters but tabs; no empty ones around. */
export function plainText(text: string): string {
  const lines = text
    .replace(ESCAPES, '')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => line.replace(/(?!\t)[\p{Cc}\p{Cf}]/gu, '').trimEnd());
  const first = lines.findIndex((line) => line !== '');
  return first === -1 ? '' : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1).join('\n');
}

/** The beginning of a text, with control and invisible characters written as escapes. */
export function abbreviate(text: string, limit: number): string {
  const shown = text.slice(0, limit).replace(/[\p{Cc}\p{Cf}\p{Cs}\uFFFD]/gu, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  return text.length > limit ? `${shown}…` : shown;
}

/** The last lines that hold something, at most `count`, cleaned. */
export function lastLines(text: string, count: number): readonly string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => plainLine(line))
    .filter((line) => line !== '')
    .slice(-count);
}
