/** Calls the store until the outcome is known: every call made through here may be repeated without another effect. */
import type { Clock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import type { Report } from './worker-events.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2_000;

/**
 * Throws what is not retryable, and the last error when aborted. A server that refuses to write (a full disk, a
 * fail-over under way) is waited for too: the work that is to be delivered is paid for. `doing` names the call in reports.
 */
export async function untilKnown<T>(
  doing: string,
  call: () => Promise<T>,
  means: { readonly clock: Clock; readonly report: Report; readonly signal: AbortSignal },
): Promise<T> {
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
    try {
      return await call();
    } catch (error) {
      means.report({ type: 'trouble', doing, message: messageOf(error) });
      if (means.signal.aborted || !mayPass(error)) throw error;
      await means.clock.sleep(delay, means.signal);
      if (means.signal.aborted) throw error;
    }
  }
}

function mayPass(error: unknown): boolean {
  return error instanceof CoordError && (error.retryable || error.code === 'REDIS_UNSUITABLE');
}
