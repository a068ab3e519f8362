/** Limits of what a persona's processes may use, set by `prlimit` (util-linux) when they are started; each process has them. */
import type { Finding } from '../core/finding.js';
import { findProgram } from './program.js';

export interface ProcessLimits {
  /** Bytes of memory that a process may have written to or be about to; null for no limit. */
  readonly memory: number | null;
  /** Seconds of processor time of one process. */
  readonly cpu: number | null;
  /** Bytes of the largest file that it may write. */
  readonly file: number | null;
  /** Bytes that may be printed before it is ended; watched by coord itself. */
  readonly output: number | null;
}

export const NO_LIMITS: ProcessLimits = { memory: null, cpu: null, file: null, output: null };

/** Between the signal that a program may catch and the one that ends it, seconds of processor time. */
const CPU_GRACE = 5;

/** The command with its limits; null when it has some and this system cannot set them. */
export async function withLimits(argv: readonly string[], limits: ProcessLimits): Promise<readonly string[] | null> {
  const options = optionsOf(limits);
  if (options.length === 0) return argv;
  const prlimit = await findProgram('prlimit');
  return 'file' in prlimit ? [prlimit.file, '--core=0', ...options, '--', ...argv] : null;
}

function optionsOf({ memory, cpu, file }: ProcessLimits): readonly string[] {
  return [
    // Not the address space: what a runtime only reserves costs nothing.
    ...(memory === null ? [] : [`--data=${String(memory)}`]),
    ...(cpu === null ? [] : [`--cpu=${String(cpu)}:${String(cpu + CPU_GRACE)}`]),
    ...(file === null ? [] : [`--fsize=${String(file)}`]),
  ];
}

/** What is said of a persona whose limits this system cannot set: it is not run without them. */
export function limitsRefused(persona: string): string {
  return `persona "${persona}" has limits, which are set by prlimit, and that is not on this worker's PATH; install util-linux, or take "limits" out of its file`;
}

/** Whether limits can be set here; nothing to say of a persona without. */
export async function limitsLookedAt(limits: ProcessLimits): Promise<readonly Finding[]> {
  if (optionsOf(limits).length === 0) return [];
  const found = await findProgram('prlimit');
  if ('file' in found) return [{ level: 'ok', subject: 'limits', message: `set by ${found.file}`, cure: null }];
  const message = 'are set by prlimit, which is not on PATH; without it the persona is not run';
  return [{ level: 'error', subject: 'limits', message, cure: 'install util-linux, or take "limits" out of the file' }];
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
};

/** Bytes of `2GiB`, `500MB` or a bare number; null for anything else. */
export function parseSize(text: string): number | null {
  const found = /^(\d{1,12}(?:\.\d{1,3})?)\s*(B|kB|KiB|MB|MiB|GB|GiB)?$/.exec(text.trim());
  if (found === null) return null;
  const bytes = Math.floor(Number(found[1]) * (UNITS[found[2] ?? 'B'] ?? 1));
  return bytes > 0 ? bytes : null;
}
