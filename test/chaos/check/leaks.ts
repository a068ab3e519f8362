/** I15: what only the workers' environment holds is nowhere else: not in Redis's files, not in any log. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Found, type Violation } from './violation.js';

export function secretIsNowhere(secret: string, folders: readonly string[]): readonly Violation[] {
  const found = new Found('I15');
  for (const file of folders.flatMap(filesIn))
    if (readFileSync(file).includes(secret)) found.lost(`the secret of the workers stands in ${file}`);
  return found.violations;
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const about = statSync(path);
    return about.isDirectory() ? filesIn(path) : about.isFile() ? [path] : [];
  });
}
