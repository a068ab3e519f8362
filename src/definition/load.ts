/** Workflow files on the disk: finding them by name, reading them, and saying where was looked. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CoordError, messageOf } from '../core/errors.js';
import { nearest } from '../core/suggest.js';
import { formatProblems } from './frame.js';
import { parseWorkflow } from './parse.js';
import type { Problem } from './problem.js';
import { WORKFLOW_LIMITS, type WorkflowDefinition } from './workflow.js';

export interface LoadOptions {
  /** Folders with workflow files; the first that has the name wins. */
  readonly directories: readonly string[];
  /** Known personas, or null to check none. */
  readonly personas: ReadonlySet<string> | null;
  /** Whether the problems of an invalid file are shown in color; not, by default. */
  readonly color?: boolean;
}

export interface LoadedWorkflow {
  readonly definition: WorkflowDefinition;
  readonly file: string;
  readonly text: string;
  readonly warnings: readonly Problem[];
}

export interface WorkflowFile {
  readonly name: string;
  readonly file: string;
}

const EXTENSION = /\.ya?ml$/;

/**
 * Loads a workflow by its name, or by the path of a file: a text with a `/` or the ending of YAML is a path.
 * Throws DEFINITION_NOT_FOUND, or DEFINITION_INVALID with every problem of the file as the message.
 */
export async function loadWorkflow(nameOrPath: string, options: LoadOptions): Promise<LoadedWorkflow> {
  const file = isPath(nameOrPath) ? nameOrPath : await fileOf(nameOrPath, options.directories);
  const bytes = await readBounded(file);
  const text = decode(bytes, file);
  const parsed = parseWorkflow(text, { file, personas: options.personas });
  if (parsed.ok) return { definition: parsed.definition, file, text, warnings: parsed.warnings };
  throw new CoordError('DEFINITION_INVALID', formatProblems(parsed.problems, text, { color: options.color ?? false }));
}

/** The workflow files of the directories, by name; of two with the same name, the one that is loaded. */
export async function listWorkflows(directories: readonly string[]): Promise<readonly WorkflowFile[]> {
  const found = new Map<string, WorkflowFile>();
  for (const directory of directories) {
    const files = await readdir(directory).catch(() => []);
    // `.yml` before `.yaml`, should a folder have both.
    for (const file of files
      .filter((name) => EXTENSION.test(name))
      .toSorted()
      .toReversed()) {
      const name = file.replace(EXTENSION, '');
      if (!found.has(name)) found.set(name, { name, file: join(directory, file) });
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isPath(text: string): boolean {
  return /[\\/]/.test(text) || EXTENSION.test(text);
}

async function fileOf(name: string, directories: readonly string[]): Promise<string> {
  const files = await listWorkflows(directories);
  const found = files.find((candidate) => candidate.name === name);
  if (found !== undefined) return found.file;
  const names = files.map((candidate) => candidate.name);
  const guess = nearest(name, names);
  const hint =
    guess === null ? (names.length === 0 ? '' : ` Known are ${names.join(', ')}.`) : ` Did you mean "${guess}"?`;
  const looked = directories.map((directory) => join(directory, `${name}.yml`)).join(', ') || 'no folder';
  throw new CoordError('DEFINITION_NOT_FOUND', `there is no workflow "${name}"; looked for ${looked}.${hint}`);
}

/** The file's bytes, and one more than the limit at most, so that a huge file costs nothing. */
async function readBounded(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r');
    try {
      const buffer = new Uint8Array(WORKFLOW_LIMITS.bytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new CoordError('DEFINITION_NOT_FOUND', `the workflow file ${file} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
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
