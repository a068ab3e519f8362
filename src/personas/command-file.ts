/** The keys of a persona file of kind `command`. */
import { isAbsolute, resolve } from 'node:path';
import { refusalOf } from './environment.js';
import type { FrontMatter } from './front-matter.js';
import type { CommandPersona, FilePlace } from './persona.js';

export const COMMAND_KEYS = ['command', 'env', 'output'];

export function readCommand(front: FrontMatter, { base, folder }: FilePlace): CommandPersona {
  const command = front.has('command') ? front.list('command') : null;
  if (!front.has('command')) {
    front.report('command', 'missing_key', 'kind "command" needs the key "command": a list of program and arguments');
  } else if (command !== null && (command.length === 0 || command[0] === '')) {
    front.report('command', 'bad_value', 'command must name a program');
  } else if (command?.some((argument) => argument.includes('\0')) === true) {
    front.report('command', 'bad_value', 'command must not hold NUL characters');
  }
  return {
    ...base,
    kind: 'command',
    command: (command ?? []).map((argument, index) => resolveArgument(argument, { folder, first: index === 0 })),
    env: readEnv(front),
    output: front.choice('output', ['json', 'text']) ?? 'json',
  };
}

/** The program when it holds a `/`, and any argument that begins with `./` or `../`, stand beside the file. */
function resolveArgument(argument: string, place: { readonly folder: string; readonly first: boolean }): string {
  const beside = /^\.\.?\//.test(argument) || (place.first && argument.includes('/') && !isAbsolute(argument));
  return beside ? resolve(place.folder, argument) : argument;
}

/** Names of variables that are passed on, of any kind that starts programs. */
function readEnv(front: FrontMatter): readonly string[] {
  const env = front.has('env') ? (front.list('env') ?? []) : [];
  for (const name of env) {
    const refusal = refusalOf(name);
    if (refusal !== null) front.report('env', 'refused_variable', `env: "${name}" ${refusal}`);
  }
  return env;
}
