/** Where things are: the folders of a project, and those that come with coord. The first folder that has a name wins. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GlobalOptions } from '../cli/application.js';

/** The package's own folder; the same relative path from `src/app` and from `dist/app`. */
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

export const PROGRAM = join(PACKAGE, 'bin', 'coord');
export const VERSION = (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version;

/** What coord keeps in a project; ignored by git through a file of its own. */
export function stateDirectory(options: GlobalOptions): string {
  return join(options.directory, '.coord');
}

/** Of the project itself. */
export function ownWorkflowDirectories(options: GlobalOptions): readonly string[] {
  return unique([join(options.directory, 'workflows'), join(stateDirectory(options), 'workflows')]);
}

export function workflowDirectories(options: GlobalOptions): readonly string[] {
  return unique([...ownWorkflowDirectories(options), join(PACKAGE, 'workflows')]);
}

export function personaDirectories(options: GlobalOptions, given: readonly string[]): readonly string[] {
  return unique([
    ...given,
    join(options.directory, 'personas'),
    join(stateDirectory(options), 'personas'),
    join(PACKAGE, 'personas'),
  ]);
}

function unique(directories: readonly string[]): readonly string[] {
  return [...new Set(directories.map((directory) => resolve(directory)))];
}
