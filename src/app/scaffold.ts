/** What `coord init` and `coord new` write: copies of the templates that come with coord. Nothing is ever overwritten. */
import { appendFile, copyFile, constants, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMap, isScalar, type Document, parseDocument } from 'yaml';
import type { CreatedWorkflow, NewWorkflow } from '../cli/application.js';
import { CoordError } from '../core/errors.js';
import { didYouMean } from '../core/suggest.js';
import { systemCode, systemWords } from '../core/system-errors.js';
import { EDITOR_SCHEMA, SHIPPED_WORKFLOWS, TEMPLATES } from './project.js';

/** Makes a project in the folder; what is there stays as it is. Throws USAGE when the folder cannot be written to. */
export async function initProject(
  folder: string,
): Promise<readonly { readonly file: string; readonly created: boolean }[]> {
  const from = join(TEMPLATES, 'project');
  try {
    const files: { file: string; created: boolean }[] = [];
    for (const file of await filesIn(from)) {
      const to = join(folder, file);
      await makeFolder(dirname(to));
      const isWorkflow = /^workflows[\\/][^\\/]+\.yml$/.test(file);
      const write = isWorkflow
        ? async (): Promise<void> =>
            writeFile(to, withSchema(await readFile(join(from, file), 'utf8'), to), { flag: 'wx' })
        : (): Promise<void> => copyFile(join(from, file), to, constants.COPYFILE_EXCL);
      files.push({ file, created: await unlessThere(write) });
    }
    return [...files, { file: '.gitignore', created: await ignoreState(join(folder, '.gitignore')) }];
  } catch (error) {
    throw new CoordError('USAGE', `no project can be made in ${folder}: ${systemWords(error)}`, { cause: error });
  }
}

/** The workflows that come with coord, and the small ones that are only there to be copied. */
export async function listTemplates(): Promise<readonly { readonly name: string; readonly description: string }[]> {
  const templates = await templateFiles();
  return Promise.all(
    [...templates].map(async ([name, file]) => {
      const description: unknown = parseDocument(await readFile(file, 'utf8')).get('description');
      return { name, description: typeof description === 'string' ? description : '' };
    }),
  );
}

/** Writes `workflows/<name>.yml` in the project. Throws USAGE, DEFINITION_NOT_FOUND. */
export async function newWorkflow(
  directory: string,
  { name, template }: NewWorkflow,
): Promise<Omit<CreatedWorkflow, 'missing'>> {
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name) || /\.(?:ya?ml|json)$/.test(name))
    throw new CoordError(
      'USAGE',
      `"${name}" cannot be the name of a workflow file: up to 64 letters, digits, ".", "-" and "_", without .yml`,
    );
  const templates = await templateFiles();
  const source = templates.get(template);
  if (source === undefined) {
    const known = [...templates.keys()];
    throw new CoordError(
      'DEFINITION_NOT_FOUND',
      `there is no template "${template}".${didYouMean(template, known)} Known are ${known.join(', ')}.`,
    );
  }
  const file = join(directory, 'workflows', `${name}.yml`);
  const text = named(await readFile(source, 'utf8'), name);
  const written = await unlessThere(async () => {
    await makeFolder(dirname(file));
    await writeFile(file, withSchema(text, file), { flag: 'wx' });
  }).catch((error: unknown) => {
    throw new CoordError('USAGE', `${file} cannot be written: ${systemWords(error)}`, { cause: error });
  });
  if (!written) throw new CoordError('USAGE', `${file} is there already; choose another name`);
  return { file };
}

/** By name; the small ones first. */
async function templateFiles(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of [TEMPLATES, SHIPPED_WORKFLOWS]) {
    for (const file of (await readdir(folder)).toSorted())
      if (file.endsWith('.yml') && !found.has(file.slice(0, -4))) found.set(file.slice(0, -4), join(folder, file));
  }
  return found;
}

/** The text with another `name`, and everything else as it is written. */
function named(text: string, name: string): string {
  const range = nameRange(parseDocument(text));
  return range === null ? text : `${text.slice(0, range[0])}${name}${text.slice(range[1])}`;
}

function nameRange({ contents }: Document.Parsed): readonly [number, number] | null {
  if (!isMap(contents)) return null;
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === 'name');
  const range = isScalar(pair?.value) ? pair.value.range : null;
  return range === null || range === undefined ? null : [range[0], range[1]];
}

/** Editors read this line: they complete and check what is typed. */
function withSchema(text: string, file: string): string {
  const path = relative(dirname(resolve(file)), EDITOR_SCHEMA).replaceAll('\\', '/');
  // A package outside of the project is somewhere else on every machine, and then a path that climbs is no better.
  const schema =
    path.includes('node_modules/') && !path.startsWith('../../../') ? path : pathToFileURL(EDITOR_SCHEMA).href;
  return `# yaml-language-server: $schema=${schema}\n${text}`;
}

async function filesIn(folder: string, below = ''): Promise<readonly string[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const files = entries
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(async (entry) => {
      const path = join(below, entry.name);
      return entry.isDirectory() ? filesIn(folder, path) : [path];
    });
  return (await Promise.all(files)).flat();
}

/** Step by step: below /proc, the recursive way of Node never comes to an end. */
async function makeFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory() === true) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  await mkdir(path).catch(async (error: unknown) => {
    // Somebody else may have made it meanwhile; a file in its place is in the way.
    if (systemCode(error) !== 'EEXIST') throw error;
    if (!(await stat(path)).isDirectory()) throw new CoordError('USAGE', `${path} is a file, not a folder`);
  });
}

/** False when the file is there. */
async function unlessThere(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

const IGNORED = '.coord/';

/** Adds coord's own folder to what git ignores; false when it is there. */
async function ignoreState(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.split(/\r?\n/).some((line) => /^\/?\.coord\/?$/.test(line.trim()))) return false;
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${IGNORED}\n`);
  return true;
}
