/**
 * Definitions that are programs: run here, and written down as YAML, so that the one reader reads them too. The one place
 * that runs code of a project's `workflows` and `plugins`, in TypeScript or JavaScript.
 */
import { fileURLToPath } from 'node:url';
import { extname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { stringify } from 'yaml';
import { CoordError, messageOf } from '../core/errors.js';
import { plainOf } from './define.js';
import { pathBelow, treeOfJson } from './json-tree.js';
import { readText } from './load-files.js';
import { Problems } from './problem.js';
import { readTree, type TreeNode } from './tree.js';

export interface DefinitionModule {
  /** The workflow as YAML. */
  readonly text: string;
  /** The path of what stands at a place of the text, such as `steps[2].retries`. Line and column count from 1. */
  readonly pathAt: (line: number, column: number) => string;
}

/** What a program exports as its default. Throws DEFINITION_NOT_FOUND or DEFINITION_INVALID. */
export async function loadModule(file: string): Promise<unknown> {
  const source = await readText(file);
  const filename = resolve(file);
  try {
    // Nothing is kept on the disk or in memory: the next load sees the file as it is then.
    const jiti = createJiti(import.meta.url, {
      fsCache: false,
      moduleCache: false,
      interopDefault: false,
      alias: ALIAS,
    });
    const loaded = await jiti.evalModule(source, {
      filename,
      id: filename,
      ext: extname(filename),
      async: true,
      forceTranspile: true,
    });
    const exported = typeof loaded === 'object' && loaded !== null && 'default' in loaded ? loaded.default : undefined;
    if (exported !== undefined) return exported;
  } catch (error) {
    throw new CoordError('DEFINITION_INVALID', `${file} cannot be run: ${messageOf(error)}`, { cause: error });
  }
  throw new CoordError('DEFINITION_INVALID', `${file} has no default export; write "export default …"`);
}

/** Definitions import the helpers from here, wherever the project is and whether it has installed them or not. */
const ALIAS = { 'coord/define': fileURLToPath(new URL('./define', import.meta.url)) };

/** The workflow that a program exports. Throws DEFINITION_NOT_FOUND or DEFINITION_INVALID. */
export async function loadDefinitionModule(file: string): Promise<DefinitionModule> {
  const value = plainOf(await loadModule(file));
  const json = treeOfJson(value);
  if (typeof json === 'string')
    throw new CoordError('DEFINITION_INVALID', `${file} exports what cannot be written as JSON: ${json}`);
  const text = stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
  return { text, pathAt: pathsOf(text) };
}

function pathsOf(text: string): DefinitionModule['pathAt'] {
  const problems = new Problems(text, '');
  const tree = readTree(text, problems);
  const places: { start: number; path: string }[] = [];
  if (tree !== null) collect(tree, '', places);
  const sorted = places.toSorted((a, b) => a.start - b.start);
  return (line, column) => {
    const offset = problems.offsetOf(line, column);
    return sorted.findLast(({ start }) => start <= offset)?.path ?? '';
  };
}

function collect(node: TreeNode, path: string, places: { start: number; path: string }[]): void {
  places.push({ start: node.start, path });
  if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) collect(item, pathBelow(path, index), places);
  if (node.kind !== 'map') return;
  for (const { key, keyRange, value } of node.entries) {
    places.push({ start: keyRange.start, path: pathBelow(path, key) });
    collect(value, pathBelow(path, key), places);
  }
}
