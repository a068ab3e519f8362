/** Who sits at the terminal, as the history of a run names them. */
import { userInfo } from 'node:os';
import type { Io } from './io.js';

export function person({ env }: Pick<Io, 'env'>): string {
  const named = env['USER'] ?? env['LOGNAME'] ?? '';
  if (named !== '') return named;
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry, as containers have.
    return 'somebody';
  }
}
