/** Workflow files on the disk: which there are, and their bytes as text. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordError } from '../core/errors.js';
import { nearest } from '../core/suggest.js';
import { readBytes } from './load-bytes.js';
import { WORKFLOW_LIMITS } from './workflow.js';

export interface WorkflowFile {
  readonly name: string;
  readonly file: string;
}

/** The ending of every kind of file, the preferred first: of two files with one name, that one is loaded. */
const ENDINGS = ['.yml', '.yaml', '.json', '.ts', '.mts', '.js', '.mjs'] as const;
const MODULE = /\.m?[jt]s$/;
/** Files that lie beside workflows and are none. */
const OTHERS = /(?:\.test\.[a-z]+|\.d\.m?ts|^(?:package(?:-lock)?|tsconfig)\.json)$/;

/** The workflow files of the directories, by name; of two with the same name, the one that is loaded. */
export async function listWorkflows(directories: readonly string[]): Promise<readonly WorkflowFile[]> {
  const found = new Map<string, WorkflowFile>();
  for (const directory of directories) {
    const files: readonly string[] = await readdir(directory).catch(() => []);
    for (const ending of ENDINGS) {
      for (const file of files.filter((name) => name.endsWith(ending) && !OTHERS.test(name))) {
        const name = file.slice(0, -ending.length);
        if (name !== '' && !found.has(name)) found.set(name, { name, file: join(directory, file) });
      }
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether a text is the path of a file rather than a name. */
export function isPath(text: string): boolean {
  return /[\\/]/.test(text) || ENDINGS.some((ending) => text.endsWith(ending));
}

/** Whether the file is a program, which has to be run to know the workflow. */
export function isModule(file: string): boolean {
  return MODULE.test(file);
}

/** Throws DEFINITION_NOT_FOUND, with where was looked and what was probably meant. */
export async function fileOf(name: string, directories: readonly string[]): Promise<string> {
  const files = await listWorkflows(directories);
  const found = files.find((candidate) => candidate.name === name);
  if (found !== undefined) return found.file;
  const hint = hintFor(name, files);
  const looked = directories.map((directory) => join(directory, `${name}.yml`)).join(', ') || 'no folder';
  throw new CoordError(
    'DEFINITION_NOT_FOUND',
    `there is no workflow "${name}"; looked for ${looked}.${hint === '' ? '' : ` ${hint}`}`,
  );
}

/** What was probably meant, or what there is; empty when there is nothing. */
export function hintFor(name: string, files: readonly WorkflowFile[]): string {
  const names = files.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  if (guess !== null) return `Did you mean "${guess}"?`;
  return names.length === 0 ? '' : `Known are ${names.join(', ')}.`;
}

/** The text of a file. Throws DEFINITION_NOT_FOUND when it cannot be read, DEFINITION_INVALID when it is too large or no text. */
export async function readText(file: string): Promise<string> {
  const read = await readBytes(file, { limit: WORKFLOW_LIMITS.bytes, pipes: false });
  if ('bytes' in read) return decode(read.bytes, file);
  const { refused, cause } = read;
  throw new CoordError('DEFINITION_NOT_FOUND', `the workflow file ${file} cannot be read: ${refused}`, { cause });
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.length > WORKFLOW_LIMITS.bytes) {
    throw new CoordError(
      'DEFINITION_INVALID',
      `${file}:1:1  too-large  the file has more than ${String(WORKFLOW_LIMITS.bytes)} bytes`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const line = lineOfBadByte(bytes);
    throw new CoordError(
      'DEFINITION_INVALID',
      `${file}:${String(line)}:1  yaml-unsafe  the line is not valid UTF-8; save the file as UTF-8`,
      {
        cause: error,
      },
    );
  }
}

/** The first line that does not decode by itself: a line break is one byte that no other character contains. */
function lineOfBadByte(bytes: Uint8Array): number {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const next = bytes.indexOf(0x0a, start);
    const end = next === -1 ? bytes.length : next;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, end));
    } catch {
      return line;
    }
    line++;
    start = end + 1;
  }
  return line;
}
