/** The keys of a persona file of kind `command`, and those of any kind that starts programs. */
import { isAbsolute, resolve } from 'node:path';
import { refusalOf } from './environment.js';
import type { FrontMatter } from './front-matter.js';
import { NO_LIMITS, parseSize, type ProcessLimits } from './limits.js';
import type { CommandPersona, FilePlace } from './persona.js';

export const COMMAND_KEYS = ['command', 'env', 'output', 'limits'];

export function readCommand(front: FrontMatter, { base, folder }: FilePlace): CommandPersona {
  if (!front.has('command'))
    front.report('command', 'missing_key', 'kind "command" needs the key "command": a list of program and arguments');
  return {
    ...base,
    kind: 'command',
    command: readProgram(front, folder) ?? [],
    env: readEnv(front),
    limits: readLimits(front),
    output: front.choice('output', ['json', 'text']) ?? 'json',
  };
}

/** The key `command`: program and arguments; null when it is missing. */
export function readProgram(front: FrontMatter, folder: string): readonly string[] | null {
  if (!front.has('command')) return null;
  const command = front.list('command');
  if (command !== null && (command.length === 0 || command[0] === '')) {
    front.report('command', 'bad_value', 'command must name a program');
  } else if (command?.some((argument) => argument.includes('\0')) === true) {
    front.report('command', 'bad_value', 'command must not hold NUL characters');
  }
  return (command ?? []).map((argument, index) => resolveArgument(argument, { folder, first: index === 0 }));
}

/** The program when it holds a `/`, and any argument that begins with `./` or `../`, stand beside the file. */
function resolveArgument(argument: string, place: { readonly folder: string; readonly first: boolean }): string {
  const beside = /^\.\.?\//.test(argument) || (place.first && argument.includes('/') && !isAbsolute(argument));
  return beside ? resolve(place.folder, argument) : argument;
}

const LIMITS = ['memory', 'cpu', 'file', 'output'] as const;

/** The key `limits`: `{ memory: 2GiB, cpu: 600, file: 100MiB, output: 10MiB }`. */
export function readLimits(front: FrontMatter): ProcessLimits {
  const given = front.members('limits', LIMITS);
  if (given === null) return NO_LIMITS;
  const size = (name: string): number | null => {
    const value = given.get(name);
    if (value === undefined) return null;
    const bytes = typeof value === 'number' || typeof value === 'string' ? parseSize(String(value)) : null;
    if (bytes === null)
      front.report('limits', 'bad_value', `limits: ${name} must be a size, such as "500MB" or "2GiB"`);
    return bytes;
  };
  const cpu = given.get('cpu') ?? null;
  const whole = typeof cpu === 'number' && Number.isInteger(cpu) && cpu > 0 ? cpu : null;
  if (cpu !== null && whole === null)
    front.report('limits', 'bad_value', 'limits: cpu must be a whole number of seconds');
  return { memory: size('memory'), cpu: whole, file: size('file'), output: size('output') };
}

/** Names of variables that are passed on. */
export function readEnv(front: FrontMatter): readonly string[] {
  const env = front.has('env') ? (front.list('env') ?? []) : [];
  for (const name of env) {
    const refusal = refusalOf(name);
    if (refusal !== null) front.report('env', 'refused_variable', `env: "${name}" ${refusal}`);
  }
  return env;
}
