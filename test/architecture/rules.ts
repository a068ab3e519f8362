/**
 * The rules that keep the shape of `src`. Each takes the whole table of files (path from the top folder → text)
 * and returns one line per violation, so that a test can plant a violation without touching the disk.
 */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import { type Source, importsOf, luaCode, readSource } from './source.js';
import { FORBIDDEN_FOLDERS, KEYS_FILE, LINES_AT_MOST, PACKAGES, RINGS, TIME_AND_CHANCE } from './table.js';

export type FileTable = ReadonlyMap<string, string>;
type Rule = (files: FileTable) => readonly string[];

/** Every import points inward, to a file that exists. */
const importsPointInward: Rule = (files) =>
  edgesOf(files).flatMap(({ from, to, specifier }) => {
    if (to === null) return [];
    if (!to.startsWith('src/')) return [`${from} imports ${specifier}, which lies outside src`];
    if (!files.has(to)) return [`${from} imports ${specifier}, but there is no ${to}`];
    const own = folderOf(from);
    const ring = RINGS[own];
    if (ring === undefined) return [`${from}: src/${own} has no row in test/architecture/table.ts`];
    const allowed = own === folderOf(to) || ring.folders.includes(folderOf(to)) || (ring.files?.test(to) ?? false);
    return allowed ? [] : [`${from} imports ${to}: ${own} may import ${listOf(ring.folders)} of ours`];
  });

/** Every package is imported by the folders that PACKAGES names, and Node's modules only where RINGS allows. */
const packagesStayInTheirFolder: Rule = (files) =>
  edgesOf(files).flatMap(({ from, to, specifier }) => {
    if (to !== null) return [];
    const own = folderOf(from);
    const name = packageOf(specifier);
    if (isNodeModule(name)) {
      const node = RINGS[own]?.node ?? false;
      const allowed = typeof node === 'boolean' ? node : node.test(from);
      return allowed ? [] : [`${from} imports ${specifier}: ${own} decides, it does not touch the machine`];
    }
    const folders = PACKAGES[name];
    if (folders === undefined) return [`${from} imports ${name}, which test/architecture/table.ts does not list`];
    return folders.includes(own) ? [] : [`${from} imports ${name}, which belongs to ${listOf(folders)}`];
  });

/** No file imports itself by way of others, not even for a type. */
const noCycles: Rule = (files) => {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edgesOf(files)) if (to !== null) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const seenAt = path.indexOf(file);
    if (seenAt !== -1) found.push(`cycle: ${[...path.slice(seenAt), file].join(' → ')}`);
    if (seenAt !== -1 || done.has(file)) return;
    for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return found;
};

/** Only one file knows how keys are spelled: text with a hash tag, `{…}:` or `{a:b}`, is nowhere else. */
const keysInOnePlace: Rule = (files) =>
  [...files].flatMap(([file, text]) => {
    if (file === KEYS_FILE) return [];
    const texts = file.endsWith('.lua') ? [luaCode(text)] : readSource(text).texts;
    // Three colons are Mermaid's class mark.
    const key = texts.find((candidate) => /\}:(?!::)|\{§:§\}/.test(candidate));
    return key === undefined ? [] : [`${file} spells a key (${key.trim().slice(0, 60)}): that is for ${KEYS_FILE}`];
  });

const filesStaySmall: Rule = (files) =>
  [...files].flatMap(([file, text]) => {
    const lines = text.trimEnd().split('\n').length;
    return lines > LINES_AT_MOST ? [`${file} has ${String(lines)} lines, more than ${String(LINES_AT_MOST)}`] : [];
  });

const foldersAreNamedBySubject: Rule = (files) =>
  [...files.keys()].flatMap((file) => {
    const bad = file.split('/').find((part) => FORBIDDEN_FOLDERS.includes(part.replace(/\.\w+$/, '')));
    return bad === undefined ? [] : [`${file}: "${bad}" names a kind of thing, not a subject`];
  });

const filesAreKebabCase: Rule = (files) =>
  [...files.keys()].flatMap((file) =>
    /^[a-z0-9]+(-[a-z0-9]+)*(\.machine)?\.(ts|lua)$/.test(posix.basename(file)) ? [] : [`${file} is not kebab-case`],
  );

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly except?: readonly string[];
}

const CLOCK = { instead: 'take a Clock (core/clock.ts)', except: TIME_AND_CHANCE };
const CHANCE = { instead: 'take Ids (core/ids.ts)', except: TIME_AND_CHANCE };

const BANS: readonly Ban[] = [
  { pattern: /\bDate\s*\.\s*now\b/, ...CLOCK },
  { pattern: /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\())/, ...CLOCK },
  { pattern: /(?<!\bnew\s+|[\w$.])Date\s*\(/, ...CLOCK },
  { pattern: /\bperformance\s*\.\s*now\b|\bprocess\s*\.\s*hrtime\b/, ...CLOCK },
  { pattern: /\b(?:setTimeout|setInterval|setImmediate)\b/, ...CLOCK },
  { pattern: /\bAbortSignal\s*\.\s*timeout\b/, ...CLOCK },
  { pattern: /\bMath\s*\.\s*random\b/, ...CHANCE },
  { pattern: /\b(?:randomUUID|randomBytes|randomInt|getRandomValues)\b/, ...CHANCE },
  {
    pattern: /\b(?:throw|reject\s*\()\s*new\s+(?:Aggregate|Eval|Range|Reference|Syntax|Type|URI)?Error\b/,
    instead: 'raise a CoordError with a code (core/errors.ts)',
  },
  { pattern: /\benum\s+[A-Za-z_$]/, instead: 'write a union of literals' },
];

/** What the house does not do anywhere in `src`, though the language allows it. */
const houseRules: Rule = (files) =>
  [...typescriptOf(files)].flatMap(([file, source]) =>
    source.code.split('\n').flatMap((line, index) =>
      BANS.flatMap(({ pattern, instead, except }) => {
        const match = except?.includes(file) === true ? null : pattern.exec(line);
        return match === null ? [] : [`${file}:${String(index + 1)} uses "${match[0].trim()}": ${instead}`];
      }),
    ),
  );

export const RULES: Readonly<Record<string, Rule>> = {
  importsPointInward,
  packagesStayInTheirFolder,
  noCycles,
  keysInOnePlace,
  filesStaySmall,
  foldersAreNamedBySubject,
  filesAreKebabCase,
  houseRules,
};

/** One import; `to` is null when it is not a file of ours. */
interface Edge {
  readonly from: string;
  readonly to: string | null;
  readonly specifier: string;
}

export function edgesOf(files: FileTable): readonly Edge[] {
  return [...typescriptOf(files)].flatMap(([from, source]) =>
    importsOf(source).map(({ specifier }) => ({
      from,
      to: specifier.startsWith('.') ? resolve(from, specifier) : null,
      specifier,
    })),
  );
}

function* typescriptOf(files: FileTable): Generator<[string, Source]> {
  for (const [file, text] of files) if (file.endsWith('.ts')) yield [file, readSource(text)];
}

function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

function folderOf(file: string): string {
  return file.split('/')[1] ?? '';
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isNodeModule(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name);
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}
