/** What is kept of an attempt that did not pass. */
import type { PersonaReply, PersonaRequest } from '../core/exchange.js';
import { INTERRUPTED_CLASSES } from '../core/statuses.js';
import type { RawReply } from './runner.js';

/** Of one whose verdict does not count, since it was ended. */
export function leftBy({ artifacts, usage, session }: RawReply): Pick<RawReply, 'artifacts' | 'session' | 'usage'> {
  return { artifacts, ...(usage !== undefined && { usage }), ...(session !== undefined && { session }) };
}

/** Whether the next attempt may go on from what this one has done. */
export function isOfUse({ keep }: PersonaRequest, { error }: PersonaReply): boolean {
  return error !== null && (keep === true || INTERRUPTED_CLASSES.has(error.class));
}
