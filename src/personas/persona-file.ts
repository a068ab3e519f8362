/**
 * A persona file: Markdown with YAML front matter, whose body is the role's prompt. Parsing reports every problem
 * at once, each with its place, and refuses keys it does not know, so that a slip is never a silent default.
 */
import { basename, dirname } from 'node:path';
import { didYouMean, nearest } from '../core/suggest.js';
import { FILE_KINDS, type Kind, KINDS } from './file-kinds.js';
import { FrontMatter, type FrontMatterProblem, splitFrontMatter } from './front-matter.js';
import { PERSONA_NAME, type PersonaBase, type PersonaDefinition } from './persona.js';
import { findRole, type Role } from './role.js';

export type PersonaProblem = FrontMatterProblem & { readonly file: string };
export type ParsedPersona =
  | { readonly persona: PersonaDefinition; readonly problems: readonly [] }
  | { readonly persona: null; readonly problems: readonly PersonaProblem[] };

/** Largest persona file, in bytes. */
export const PERSONA_FILE_LIMIT_BYTES = 256 * 1024;

const COMMON_KEYS = ['name', 'description', 'kind', 'role', 'concurrency', 'tools', 'model'];

/** `file` is an absolute path; relative paths in the text are resolved against its folder. */
export function parsePersonaFile(text: string, file: string): ParsedPersona {
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

  const role = readTakenRole(front, dirname(file));
  const common = readCommon(front, file);
  const base: PersonaBase = {
    ...common,
    description: common.description === '' ? (role?.description ?? '') : common.description,
    prompt: [role?.prompt ?? '', parts.body].filter((part) => part !== '').join('\n\n'),
    ...(role !== null && { role }),
    file,
  };
  const foreign = isAgentFile(front);
  const kind = foreign ? 'agent' : readKind(front);
  const persona = kind === null ? null : FILE_KINDS[kind].read(front, { base, folder: dirname(file) });
  if (!foreign) refuseKeys(front, kind);
  if (persona === null || front.problems.length > 0) return failed(front.sortedProblems());
  return { persona, problems: [] };
}

/** One line per problem, in the form that editors and terminals open: `file:line:column`. */
export function formatProblem(problem: PersonaProblem): string {
  return `${problem.file}:${String(problem.line)}:${String(problem.column)} ${problem.code}: ${problem.message}`;
}

function readCommon(front: FrontMatter, file: string): Omit<PersonaBase, 'prompt' | 'file' | 'role'> {
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

function readTakenRole(front: FrontMatter, folder: string): Role | null {
  const name = front.text('role');
  if (name === null) return null;
  const found = findRole(name, folder);
  if (!('problem' in found)) return found;
  front.report('role', 'bad_value', `role: ${found.problem}.${didYouMean(name, found.known)}`);
  return null;
}

/**
 * A file that was written for Claude Code: it says what it is for, and nothing that only a persona of coord says. Whatever
 * else it has (`color`, …) is for others to know.
 */
function isAgentFile(front: FrontMatter): boolean {
  if (front.has('kind') || !front.has('description')) return false;
  const ours = new Set(['role', ...KINDS.flatMap((kind) => FILE_KINDS[kind].keys)]);
  return front.keys.every((key) => !ours.has(key) && nearest(key, ['kind']) === null);
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
  const hint = didYouMean(text, KINDS);
  front.report('kind', 'bad_value', `kind "${text}" is unknown; it is one of ${quoted(KINDS)}.${hint}`);
  return null;
}

function refuseKeys(front: FrontMatter, kind: Kind | null): void {
  const every = [...COMMON_KEYS, ...KINDS.flatMap((known) => FILE_KINDS[known].keys)];
  const mine = kind === null ? every : [...COMMON_KEYS, ...FILE_KINDS[kind].keys];
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
