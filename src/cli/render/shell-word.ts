/** One word of a command as a shell reads it back: what is printed here is there to be copied. */
import { oneLine } from './printable.js';

/** Control characters are shown as escapes, since such a command is not for running blindly. */
export function shellWord(text: string): string {
  const shown = oneLine(text);
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}
