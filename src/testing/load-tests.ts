/** Test files on the disk: finding them, reading them, and checking their names against the workflow they test. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CoordError, messageOf } from '../core/errors.js';
import { formatProblems } from '../definition/frame.js';
import { isModule, isPath } from '../definition/load-files.js';
import { loadDefinitionModule } from '../definition/load-module.js';
import { checkAgainst, readTests } from './read-tests.js';
import type { TestedWorkflow, TestFile } from './scenario.js';

export type LoadTested = (nameOrPath: string, environment: string | null) => Promise<TestedWorkflow>;

export interface LoadedTests {
  readonly files: readonly TestFile[];
  readonly workflowOf: (file: TestFile, environment: string | null) => Promise<TestedWorkflow>;
}

/** Programs are only run when they are named: in a folder, `*.test.ts` may be anybody's tests. */
const TEST_FILE = /\.test\.(?:ya?ml|json)$/;
const IGNORED: ReadonlySet<string> = new Set(['node_modules', '.git', '.coord', 'dist']);
const FOLDERS_DEEP = 20;

/** The test files that these files and folders are or hold, in order of their names. Throws USAGE for what does not exist. */
export async function findTests(given: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const path of given) {
    const kind = await stat(path).catch(() => null);
    if (kind === null) throw new CoordError('USAGE', `there is no file or folder of tests ${path}`);
    if (kind.isDirectory()) for (const file of await testsIn(path, FOLDERS_DEEP)) found.add(file);
    else found.add(path);
  }
  return [...found];
}

/**
 * Reads files that are named relative to `directory`. Throws TEST_INVALID with every problem of the first file that has
 * any, DEFINITION_… for a workflow that cannot be tested.
 */
export async function loadTests(
  files: readonly string[],
  { load, color, directory }: { readonly load: LoadTested; readonly color: boolean; readonly directory: string },
): Promise<LoadedTests> {
  const known = new Map<string, Promise<TestedWorkflow>>();
  const workflowOf: LoadedTests['workflowOf'] = (file, environment) => {
    const name = isPath(file.workflow) ? resolve(directory, dirname(file.file), file.workflow) : file.workflow;
    const key = `${environment ?? ''}\n${name}`;
    const loading = known.get(key) ?? load(name, environment);
    known.set(key, loading);
    return loading;
  };
  const loaded: TestFile[] = [];
  for (const file of files) {
    loaded.push(await checkedTests({ ...(await sourceOf(resolve(directory, file))), file, color, workflowOf }));
  }
  return { files: loaded, workflowOf };
}

/** One file from its text. Throws TEST_INVALID with every problem. */
export async function checkedTests({
  text,
  pathAt,
  file,
  color,
  workflowOf,
}: TestSource & { file: string; color: boolean; workflowOf: LoadedTests['workflowOf'] }): Promise<TestFile> {
  const { tests, reading } = readTests(text, file);
  const first = tests?.tests[0] ?? tests?.properties[0];
  // Environments change variables, not steps: any will do to check the names.
  if (tests !== null) checkAgainst(await workflowOf(tests, first?.environment ?? null), reading);
  const problems = reading.problems.list().map((problem) => {
    const path = pathAt?.(problem.line, problem.column) ?? '';
    return path === '' ? problem : { ...problem, message: `${path}: ${problem.message}` };
  });
  if (tests !== null && problems.length === 0) return tests;
  throw new CoordError('TEST_INVALID', formatProblems(problems, text, { color }));
}

async function testsIn(folder: string, depth: number): Promise<readonly string[]> {
  if (depth === 0) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !IGNORED.has(entry.name)) found.push(...(await testsIn(path, depth - 1)));
    else if (entry.isFile() && TEST_FILE.test(entry.name)) found.push(path);
  }
  return found;
}

interface TestSource {
  readonly text: string;
  /** Of a program: the path of what stands at a place of its text. */
  readonly pathAt?: (line: number, column: number) => string;
}

async function sourceOf(file: string): Promise<TestSource> {
  return isModule(file) ? loadDefinitionModule(file) : { text: await readText(file) };
}

async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    throw new CoordError('TEST_INVALID', `the test file ${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
