/**
 * Bytes of a file that somebody named: never more than asked for, and never from something that gives none, such as a
 * named pipe that nobody writes to, on which reading would wait for ever.
 */
import { open, stat } from 'node:fs/promises';
import { systemWords } from '../core/system-errors.js';

export type Bytes = { readonly bytes: Uint8Array } | { readonly refused: string; readonly cause?: unknown };

/** What the shell makes of `<(command)`, and stdin: somebody writes there, and ends. */
const SHELL_PIPE = /^\/(?:dev\/(?:fd\/\d+|stdin)|proc\/(?:self|\d+)\/fd\/\d+)$/;

/** At most `limit` bytes and one more, which tells that there are more; or why there are none. `pipes`: the shell's may be read too. */
export async function readBytes(file: string, { limit, pipes }: { limit: number; pipes: boolean }): Promise<Bytes> {
  try {
    const about = await stat(file);
    const isPipe = pipes && about.isFIFO() && SHELL_PIPE.test(file);
    if (!about.isFile() && !isPipe) return { refused: `it is ${kindOf(about)}, not a regular file` };
    const handle = await open(file, 'r');
    try {
      const buffer = new Uint8Array(limit + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) return { bytes: buffer.subarray(0, length) };
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    return { refused: systemWords(error), cause: error };
  }
}

function kindOf(about: Awaited<ReturnType<typeof stat>>): string {
  if (about.isDirectory()) return 'a folder';
  if (about.isFIFO()) return 'a pipe';
  if (about.isSocket()) return 'a socket';
  return 'a device';
}
