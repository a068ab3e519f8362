/**
 * The environment of a command persona: an allow-list, so that a secret of the worker reaches a persona only when
 * its file names it, and so that nothing in it changes what another program loads or runs.
 */
import type { Finding } from '../core/finding.js';

const BASE = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'TZ', 'TMPDIR'];

/** Variables that make a program load or run something else than it says. `*` at the end matches any rest. */
const REFUSED = [
  'LD_*',
  'DYLD_*',
  'GIT_*',
  'BASH_FUNC_*',
  'BASH_ENV',
  'ENV',
  'SHELLOPTS',
  'BASHOPTS',
  'PROMPT_COMMAND',
  'PS4',
  'IFS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'PYTHONSTARTUP',
  'PYTHONPATH',
  'PYTHONHOME',
  'PERL5OPT',
  'PERL5LIB',
  'PERL5DB',
  'RUBYOPT',
  'RUBYLIB',
  'JAVA_TOOL_OPTIONS',
  '_JAVA_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'SSH_ASKPASS',
];

/** Why a persona may not ask for this variable, or null when it may. */
export function refusalOf(name: string): string | null {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return 'is not the name of an environment variable';
  if (name.startsWith('COORD_')) return 'is set by coord itself';
  const hit = REFUSED.some((entry) => (entry.endsWith('*') ? name.startsWith(entry.slice(0, -1)) : name === entry));
  return hit ? 'changes what programs load or run, so it is never passed on' : null;
}

/** Whether the variables that a persona names are there; one that is not may well be left out on purpose. */
export function variablesAsked(
  names: readonly string[],
  inherited: NodeJS.ProcessEnv = process.env,
): readonly Finding[] {
  return names
    .filter((name) => (inherited[name] ?? '') === '')
    .map((name) => ({
      level: 'warning',
      subject: name,
      message: 'is not set here, so the persona does not get it',
      cure: `export ${name}=…, where the worker is started`,
    }));
}

/** The allow-list, then the names a persona asks for, then what coord sets; unset names stay unset. */
export function personaEnvironment(
  names: readonly string[],
  set: Readonly<Record<string, string>>,
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const allowed = new Set([...BASE, ...names.filter((name) => refusalOf(name) === null)]);
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value !== undefined && (allowed.has(name) || name.startsWith('LC_'))) environment[name] = value;
  }
  return { ...environment, TERM: 'dumb', ...set };
}
