/** Which kinds a persona file may have, the keys of each, and who reads them. A kind is one row here. */
import { resolve } from 'node:path';
import { AGENT_KEYS, readAgent } from './agent-file.js';
import { COMMAND_KEYS, readCommand } from './command-file.js';
import type { FrontMatter } from './front-matter.js';
import { HTTP_KEYS, readHttp } from './http-file.js';
import { HUMAN_KEYS, readHuman } from './human-file.js';
import { MODEL_KEYS, readModel } from './model-file.js';
import type { FilePlace, FunctionPersona, GitPersona, PersonaDefinition } from './persona.js';

interface FileKind {
  /** Those that only this kind, or a few, have. */
  readonly keys: readonly string[];
  /** Reports what is wrong with them; what it gives then is not used. */
  read(front: FrontMatter, place: FilePlace): PersonaDefinition;
}

export const FILE_KINDS = {
  agent: { keys: AGENT_KEYS, read: readAgent },
  command: { keys: COMMAND_KEYS, read: readCommand },
  function: { keys: ['module', 'export'], read: readFunction },
  git: { keys: ['protected'], read: readGit },
  http: { keys: HTTP_KEYS, read: readHttp },
  human: { keys: HUMAN_KEYS, read: readHuman },
  model: { keys: MODEL_KEYS, read: readModel },
} satisfies Readonly<Partial<Record<PersonaDefinition['kind'], FileKind>>>;

export type Kind = keyof typeof FILE_KINDS;
export const KINDS = Object.keys(FILE_KINDS) as readonly Kind[];

function readFunction(front: FrontMatter, { base, folder }: FilePlace): FunctionPersona {
  for (const key of FILE_KINDS.function.keys) {
    if (!front.has(key)) front.report(key, 'missing_key', `kind "function" needs the key "${key}"`);
  }
  const run = { module: resolve(folder, front.text('module') ?? ''), export: front.text('export') ?? '' };
  return { ...base, kind: 'function', run };
}

function readGit(front: FrontMatter, { base }: FilePlace): GitPersona {
  return { ...base, kind: 'git', protected: front.has('protected') ? front.list('protected') : null };
}
