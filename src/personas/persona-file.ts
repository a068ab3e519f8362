/**
 * A persona file: Markdown with YAML front matter, whose body is the role's prompt. Parsing reports every problem
 * at once, each with its place, and refuses keys it does not know, so that a slip is never a silent default.
 */
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { didYouMean } from '../core/suggest.js';
import { refusalOf } from './environment.js';
import { FrontMatter, type FrontMatterProblem, splitFrontMatter } from './front-matter.js';
import type { PersonaFunction } from './runner.js';

interface PersonaBase {
  readonly name: string;
  readonly description: string;
  /** The role's prompt: the body of the file; empty for none. */
  readonly prompt: string;
  /** Absolute path of its file; null for a persona that a program defined. */
  readonly file: string | null;
  /** Attempts that one worker runs at the same time. */
  readonly concurrency: number;
  /** Kept for programs that read them; coord itself does not use these two. */
  readonly tools: readonly string[];
  readonly model: string | null;
}

export interface CommandPersona extends PersonaBase {
  readonly kind: 'command';
  /** Program and arguments; paths that were relative to the file are absolute here. */
  readonly command: readonly string[];
  /** Names of variables passed through in addition to the base allow-list. */
  readonly env: readonly string[];
  readonly output: 'json' | 'text';
}

export interface FunctionPersona extends PersonaBase {
  readonly kind: 'function';
  /** The function itself, or where to import it from. */
  readonly run: PersonaFunction | { readonly module: string; readonly export: string };
}

/** Git operations in the run's worktree, done by coord itself. */
export interface GitPersona extends PersonaBase {
  readonly kind: 'git';
  /** Branches of remotes that are never pushed to; null: `main`, `master` and the remote's default branch. */
  readonly protected: readonly string[] | null;
}

export type PersonaDefinition = CommandPersona | FunctionPersona | GitPersona;

export type PersonaProblem = FrontMatterProblem & { readonly file: string };
export type ParsedPersona =
  | { readonly persona: PersonaDefinition; readonly problems: readonly [] }
  | { readonly persona: null; readonly problems: readonly PersonaProblem[] };

export const PERSONA_NAME = /^[a-z][a-z0-9-]{0,63}$/;
/** Largest persona file, in bytes. */
export const PERSONA_FILE_LIMIT_BYTES = 256 * 1024;

const KINDS = ['command', 'function', 'git'] as const;
type Kind = (typeof KINDS)[number];
const LATER_KINDS = new Set(['model', 'agent', 'http', 'human']);
const COMMON_KEYS = ['name', 'description', 'kind', 'concurrency', 'tools', 'model'];
const KEYS: Readonly<Record<Kind, readonly string[]>> = {
  command: ['command', 'env', 'output'],
  function: ['module', 'export'],
  git: ['protected'],
};

/** `file` is an absolute path; relative paths in the text are resolved against its folder. */
export function parsePersonaFile(text: string, file: string): ParsedPersona {
  const folder = dirname(file);
  const failed = (problems: readonly FrontMatterProblem[]): ParsedPersona => ({
    persona: null,
    problems: problems.map((problem) => ({ ...problem, file })),
  });
  if (Buffer.byteLength(text) > PERSONA_FILE_LIMIT_BYTES) {
    return failed([{ line: 1, column: 1, code: 'too_large', message: 'is larger than 256 KiB' }]);
  }
  const parts = splitFrontMatter(text);
  if (parts === null) {
    const message = 'must begin with front matter: a line "---", YAML keys, and a line "---"';
    return failed([{ line: 1, column: 1, code: 'no_front_matter', message }]);
  }
  const front = new FrontMatter(parts.yaml, 2);
  if (!front.readable) return failed(front.problems);

  const base = { ...readCommon(front, file), prompt: parts.body, file };
  const kind = readKind(front);
  const persona = kind === null ? null : readPersona(front, { base, kind, folder });
  refuseKeys(front, kind);
  if (persona === null || front.problems.length > 0) return failed(front.sortedProblems());
  return { persona, problems: [] };
}

function readPersona(
  front: FrontMatter,
  about: { readonly base: PersonaBase; readonly kind: Kind; readonly folder: string },
): PersonaDefinition {
  const { base, kind, folder } = about;
  switch (kind) {
    case 'command':
      return { ...base, kind, ...readCommand(front, folder) };
    case 'function':
      return { ...base, kind, run: readFunction(front, folder) };
    case 'git':
      return { ...base, kind, protected: front.has('protected') ? front.list('protected') : null };
  }
}

/** One line per problem, in the form that editors and terminals open: `file:line:column`. */
export function formatProblem(problem: PersonaProblem): string {
  return `${problem.file}:${String(problem.line)}:${String(problem.column)} ${problem.code}: ${problem.message}`;
}

function readCommon(front: FrontMatter, file: string): Omit<PersonaBase, 'prompt' | 'file'> {
  const fromFile = basename(file).replace(/\.md$/i, '');
  const named = front.text('name');
  const name = named ?? fromFile;
  if (!PERSONA_NAME.test(name)) {
    const where = front.has('name') ? '' : ' (taken from the file name; rename the file or add the key "name")';
    if (named !== null || !front.has('name')) {
      const rule = 'must start with a lower-case letter and hold only lower-case letters, digits and "-", at most 64';
      front.report('name', 'bad_value', `name "${name}"${where} ${rule}`);
    }
  }
  return {
    name,
    description: front.text('description') ?? '',
    concurrency: front.integer('concurrency', { least: 1, most: 1000 }) ?? 1,
    tools: front.has('tools') ? (front.textOrList('tools') ?? []) : [],
    model: front.text('model'),
  };
}

function readKind(front: FrontMatter): Kind | null {
  if (!front.has('kind')) {
    front.report('kind', 'missing_key', `key "kind" is required: one of ${quoted(KINDS)}`);
    return null;
  }
  const text = front.text('kind');
  if (text === null) return null;
  const kind = KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  const message = LATER_KINDS.has(text)
    ? `kind "${text}" is not available in this version; use one of ${quoted(KINDS)}`
    : `kind "${text}" is unknown; it is one of ${quoted(KINDS)}.${didYouMean(text, KINDS)}`;
  front.report('kind', LATER_KINDS.has(text) ? 'unavailable_kind' : 'bad_value', message);
  return null;
}

function readCommand(front: FrontMatter, folder: string): Pick<CommandPersona, 'command' | 'env' | 'output'> {
  const command = front.has('command') ? front.list('command') : null;
  if (!front.has('command')) {
    front.report('command', 'missing_key', 'kind "command" needs the key "command": a list of program and arguments');
  } else if (command !== null && (command.length === 0 || command[0] === '')) {
    front.report('command', 'bad_value', 'command must name a program');
  } else if (command?.some((argument) => argument.includes('\0')) === true) {
    front.report('command', 'bad_value', 'command must not hold NUL characters');
  }
  const env = front.has('env') ? (front.list('env') ?? []) : [];
  for (const name of env) {
    const refusal = refusalOf(name);
    if (refusal !== null) front.report('env', 'refused_variable', `env: "${name}" ${refusal}`);
  }
  return {
    command: (command ?? []).map((argument, index) => resolveArgument(argument, { folder, first: index === 0 })),
    env,
    output: front.choice('output', ['json', 'text']) ?? 'json',
  };
}

/** The program when it holds a `/`, and any argument that begins with `./` or `../`, stand beside the file. */
function resolveArgument(argument: string, place: { readonly folder: string; readonly first: boolean }): string {
  const beside = /^\.\.?\//.test(argument) || (place.first && argument.includes('/') && !isAbsolute(argument));
  return beside ? resolve(place.folder, argument) : argument;
}

function readFunction(front: FrontMatter, folder: string): { module: string; export: string } {
  for (const key of KEYS.function) {
    if (!front.has(key)) front.report(key, 'missing_key', `kind "function" needs the key "${key}"`);
  }
  return { module: resolve(folder, front.text('module') ?? ''), export: front.text('export') ?? '' };
}

function refuseKeys(front: FrontMatter, kind: Kind | null): void {
  const every = [...COMMON_KEYS, ...Object.values(KEYS).flat()];
  const mine = kind === null ? every : [...COMMON_KEYS, ...KEYS[kind]];
  for (const key of front.keys) {
    if (mine.includes(key)) continue;
    if (every.includes(key)) {
      front.report(key, 'misplaced_key', `key "${key}" has no meaning for kind "${kind ?? ''}"`);
    } else {
      front.report(key, 'unknown_key', `key "${key}" is unknown.${didYouMean(key, mine)}`);
    }
  }
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(', ');
}
