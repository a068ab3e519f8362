/** Files that the processes of a chaos run append to, a line at a time. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** None when there is no such file. */
export function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}

/** Lines of JSON of all files of the folder whose names begin so. */
export function jsonLines(folder: string, prefix: string): readonly unknown[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => linesOf(join(folder, name)))
    .flatMap((line) => {
      // A process that was killed while it wrote leaves half a line.
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}
