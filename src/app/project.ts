/** Where things are: the folders of a project, and those that come with coord. The first folder that has a name wins. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GlobalOptions } from '../cli/application.js';
import { AGENTS_FOLDER } from '../personas/catalog.js';

/** The package's own folder; the same relative path from `src/app` and from `dist/app`. */
const PACKAGE = fileURLToPath(new URL('../../', import.meta.url));

export const PROGRAM = join(PACKAGE, 'bin', 'coord');
export const VERSION = (JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }).version;

/** Workflows to begin with; `project` in it is what `coord init` makes. */
export const TEMPLATES = join(PACKAGE, 'workflows', 'templates');
/** What editors check workflow files against. */
export const EDITOR_SCHEMA = join(PACKAGE, 'schema', 'workflow.schema.json');
/** The workflows that come with coord. */
export const SHIPPED_WORKFLOWS = join(PACKAGE, 'workflows');

/** What coord keeps in a project; ignored by git through a file of its own. */
export function stateDirectory(options: Pick<GlobalOptions, 'directory'>): string {
  return join(options.directory, '.coord');
}

/** Of the project itself. */
export function ownWorkflowDirectories(options: GlobalOptions): readonly string[] {
  return unique([join(options.directory, 'workflows'), join(stateDirectory(options), 'workflows')]);
}

export function workflowDirectories(options: GlobalOptions): readonly string[] {
  return unique([...ownWorkflowDirectories(options), SHIPPED_WORKFLOWS]);
}

/** Programs with step types. */
export function pluginDirectories(options: GlobalOptions): readonly string[] {
  return unique([join(options.directory, 'plugins'), join(stateDirectory(options), 'plugins')]);
}

/** Files of what starts runs by itself. */
export function schedulesDirectory(options: GlobalOptions): string {
  return join(options.directory, 'schedules');
}

export function personaDirectories(
  options: Pick<GlobalOptions, 'directory'>,
  given: readonly string[],
): readonly string[] {
  return unique([
    ...given,
    join(options.directory, 'personas'),
    join(stateDirectory(options), 'personas'),
    join(options.directory, AGENTS_FOLDER),
    join(PACKAGE, 'personas'),
  ]);
}

function unique(directories: readonly string[]): readonly string[] {
  return [...new Set(directories.map((directory) => resolve(directory)))];
}
