/** What commands that tell a run something have in common: the message is stored, so somebody should move the run. */
import { hasCode } from '../core/errors.js';
import type { Session } from './application.js';
import { type Call, note } from './call.js';

/** Starts the host again when nobody moves runs. What was told is stored whatever comes of that. */
export async function keepMoving(call: Call, session: Session): Promise<void> {
  try {
    if (!(await call.app.isHosted(session))) await call.app.ensureHost(session, call.options, null);
  } catch (error) {
    if (!hasCode(error, 'HOST_START_FAILED') && !hasCode(error, 'PERSONA_INVALID')) throw error;
    note(call, `It is stored, but nobody moves runs now: ${error.message}`);
  }
}
