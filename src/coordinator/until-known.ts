/** Writes of clients whose outcome is not known: each one is harmless to repeat, by its key or by what it compares with. */
import type { Clock } from '../core/clock.js';
import { CoordError, hasCode } from '../core/errors.js';

/** How long a write is tried again while the store does not answer. */
const KNOW_WITHIN_MS = 30_000;
const TRY_AGAIN_MS = 100;

/** Repeats it until its outcome is known. Throws what is not retryable, and the last error after 30 s. */
export async function untilKnown<T>(clock: Clock, write: () => Promise<T>): Promise<T> {
  for (const giveUpAt = clock.now() + KNOW_WITHIN_MS; ; await clock.sleep(TRY_AGAIN_MS)) {
    try {
      return await write();
    } catch (error) {
      // A planted failure stands for the end of this process.
      const again = error instanceof CoordError && error.retryable && !hasCode(error, 'FAILPOINT');
      if (!again || clock.now() > giveUpAt) throw error;
    }
  }
}
