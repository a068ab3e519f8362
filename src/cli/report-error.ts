/** The one place where a command's error becomes words and an exit code. */
import { CommanderError } from '@commander-js/extra-typings';
import { CoordError, messageOf } from '../core/errors.js';
import { EXIT } from './exit-codes.js';
import type { Io } from './io.js';
import { palette } from './render/paint.js';
import { severalLines } from './render/printable.js';

/** Prints the error (on stdout as JSON, else on stderr) and returns the exit code. */
export function reportError(
  thrown: unknown,
  { io, json, color }: { readonly io: Io; readonly json: boolean; readonly color: boolean },
): number {
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  const code = error instanceof CoordError ? error.code : null;
  const message = messageOf(error);
  if (json) {
    io.stdout.write(`${JSON.stringify({ error: { code, message } }, null, 2)}\n`);
  } else {
    const label = palette(color).bad(code === null ? 'error' : `error ${code}`);
    io.stderr.write(`${label}: ${severalLines(message).trimEnd()}\n`);
  }
  if (io.env['COORD_DEBUG'] === '1' && error instanceof Error)
    io.stderr.write(`${severalLines(error.stack ?? '').trimEnd()}\n`);
  return error instanceof CoordError ? error.exit : EXIT.failed;
}

function usageError(error: CommanderError): CoordError {
  return new CoordError('USAGE', error.message.replace(/^error: /, ''), { cause: error });
}
