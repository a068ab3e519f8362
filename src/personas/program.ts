/** Where a program is that a persona names, found as it will be when the persona is asked. */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { Finding } from '../core/finding.js';

/** Absolute path of the program, or why there is none. A name without a `/` is looked for on the PATH. */
export async function findProgram(
  program: string,
  path: string = process.env['PATH'] ?? '',
): Promise<{ readonly file: string } | { readonly problem: 'not found' | 'not executable' }> {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const files = program.includes('/') ? [program] : folders.map((folder) => join(folder, program));
  let there = false;
  for (const file of files) {
    const about = await stat(file).catch(() => null);
    if (about === null || !about.isFile()) continue;
    there = true;
    if (await isExecutable(file)) return { file };
  }
  return { problem: there ? 'not executable' : 'not found' };
}

export async function lookForProgram(program: string): Promise<Finding> {
  const found = await findProgram(program);
  if ('file' in found) return { level: 'ok', subject: program, message: found.file, cure: null };
  const isPath = program.includes('/');
  const message =
    found.problem === 'not executable' ? 'may not be executed' : isPath ? 'is not there' : 'is not on PATH';
  const cure =
    found.problem === 'not executable'
      ? `chmod +x ${isPath ? program : `"$(which -a ${program})"`}`
      : isPath
        ? 'correct the path in the persona file; it is relative to the file'
        : `install ${program}, or name it by its path in the persona file`;
  return { level: 'error', subject: program, message, cure };
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
