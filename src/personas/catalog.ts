/**
 * The personas that a worker can serve: every persona file of some folders, those that coord brings itself, and
 * functions that a program hands over.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { CoordError, messageOf } from '../core/errors.js';
import {
  type FunctionPersona,
  type GitPersona,
  type HttpPersona,
  PERSONA_NAME,
  type PersonaDefinition,
  type VerifyPersona,
} from './persona.js';
import { formatProblem, PERSONA_FILE_LIMIT_BYTES, type PersonaProblem, parsePersonaFile } from './persona-file.js';
import type { PersonaFunction } from './runner.js';

/** What the files of some folders come to. */
export interface Survey {
  /** Those that can be read, and the built-in ones; by name. */
  readonly personas: ReadonlyMap<string, PersonaDefinition>;
  readonly problems: readonly PersonaProblem[];
}

/**
 * Reads `*.md` (but `README.md`) of each folder; a folder that does not exist holds none. Of two personas with one
 * name, the one in the earlier folder is taken. Built-in personas are there unless a file has their name.
 */
export async function surveyPersonas(
  directories: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Survey> {
  const personas = new Map<string, PersonaDefinition>();
  const problems: PersonaProblem[] = [];
  for (const directory of directories) {
    const here = new Map<string, PersonaDefinition>();
    for (const file of await personaFiles(directory)) {
      const parsed = await readPersona(file);
      problems.push(...parsed.problems);
      if (parsed.persona === null) continue;
      const other = here.get(parsed.persona.name);
      if (parsed.persona.name === VERIFY) {
        const message = `persona "${VERIFY}" is coord's own, so that nobody else can say what was verified; give it another name`;
        problems.push({ file, line: 1, column: 1, code: 'duplicate_name', message });
      } else if (other === undefined) here.set(parsed.persona.name, parsed.persona);
      else {
        const message = `persona "${other.name}" is defined by ${other.file ?? ''} already; give one another name`;
        problems.push({ file, line: 1, column: 1, code: 'duplicate_name', message });
      }
    }
    for (const [name, persona] of here) if (!personas.has(name)) personas.set(name, persona);
  }
  for (const [name, persona] of builtInPersonas(env)) if (!personas.has(name)) personas.set(name, persona);
  return { personas, problems };
}

/** Where Claude Code has its agents, in a project. */
export const AGENTS_FOLDER = join('.claude', 'agents');

/**
 * The same; throws PERSONA_INVALID with all problems of all files, whose `cause` is the list of problems. Files that were
 * not written for coord are left out when they cannot be read; a survey tells of them.
 */
export async function loadPersonas(
  directories: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ReadonlyMap<string, PersonaDefinition>> {
  const { personas, problems: all } = await surveyPersonas(directories, env);
  const problems = all.filter(({ file }) => !dirname(file).endsWith(join(sep, AGENTS_FOLDER)));
  if (problems.length === 0) return personas;
  const count = problems.length === 1 ? '1 problem' : `${String(problems.length)} problems`;
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`);
  throw new CoordError('PERSONA_INVALID', [`${count} in persona files:`, ...lines].join('\n'), { cause: problems });
}

/** Runs have a worktree each, so their git steps may well run at the same time. */
const GIT_CONCURRENCY = 4;

/** Who answers `verify` steps. No file can have this name. */
const VERIFY = 'verify';

/**
 * Personas that need no file: `git`, which every `git-operation` step asks, `verify`, and agents whose service the environment
 * names.
 */
export function builtInPersonas(env: NodeJS.ProcessEnv = process.env): ReadonlyMap<string, PersonaDefinition> {
  const plain = { prompt: '', file: null, tools: [], model: null };
  const git: GitPersona = {
    ...plain,
    kind: 'git',
    name: 'git',
    description: "Branches, commits, merges and pushes in the run's worktree.",
    concurrency: GIT_CONCURRENCY,
    protected: null,
  };
  const verify: VerifyPersona = {
    ...plain,
    kind: 'verify',
    name: VERIFY,
    description: 'Runs commands where nothing but the commit of the run is.',
    concurrency: 1,
  };
  const services = SERVICES.flatMap((name): readonly HttpPersona[] => {
    const variable = `${name.toUpperCase().replaceAll('-', '_')}_ENDPOINT`;
    if ((env[variable] ?? '').trim() === '') return [];
    const secret = `${variable}_SECRET`;
    const secretVariable = (env[secret] ?? '').trim() === '' ? null : secret;
    const description = `The service that ${variable} names.`;
    return [{ ...plain, kind: 'http', name, description, concurrency: 1, endpoint: { variable }, secretVariable }];
  });
  return new Map([git, verify, ...services].map((persona) => [persona.name, persona]));
}

/** Agents that a variable such as AIDER_ENDPOINT brings. */
const SERVICES = ['claude-code', 'codegen', 'aider', 'goose'];

/** A persona that this program serves itself, without a file. Throws PERSONA_INVALID. */
export function functionPersona(want: {
  readonly name: string;
  readonly run: PersonaFunction;
  readonly concurrency?: number;
  readonly description?: string;
}): FunctionPersona {
  const { name, run, concurrency = 1, description = '' } = want;
  if (!PERSONA_NAME.test(name)) {
    throw new CoordError('PERSONA_INVALID', `persona name "${name}" must match ${String(PERSONA_NAME)}`);
  }
  if (name === VERIFY)
    throw new CoordError('PERSONA_INVALID', `persona "${VERIFY}" is coord's own; give yours another name`);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new CoordError('PERSONA_INVALID', `persona "${name}": concurrency must be a whole number from 1 to 1000`);
  }
  return { kind: 'function', name, description, prompt: '', file: null, concurrency, tools: [], model: null, run };
}

async function personaFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new CoordError('PERSONA_INVALID', `personas of ${directory} cannot be listed: ${messageOf(error)}`);
  });
  const files = names.filter((name) => /\.md$/i.test(name) && name.toLowerCase() !== 'readme.md');
  return files.toSorted().map((name) => resolve(join(directory, name)));
}

async function readPersona(file: string): Promise<ReturnType<typeof parsePersonaFile>> {
  const failed = (code: 'not_readable' | 'too_large', message: string): ReturnType<typeof parsePersonaFile> => ({
    persona: null,
    problems: [{ file, line: 1, column: 1, code, message }],
  });
  try {
    const about = await stat(file);
    if (!about.isFile()) return failed('not_readable', 'is not a file');
    if (about.size > PERSONA_FILE_LIMIT_BYTES) return failed('too_large', 'is larger than 256 KiB');
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
    return parsePersonaFile(text, file);
  } catch (error) {
    const text = error instanceof TypeError ? 'is not UTF-8 text' : `cannot be read: ${messageOf(error)}`;
    return failed('not_readable', text);
  }
}
