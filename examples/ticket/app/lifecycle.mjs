/** What becomes of a ticket: its statuses, which may follow which, and what a ticket of each status must have. */

/** By status, those that may follow it. A ticket may always stay what it is. */
const TRANSITIONS = {
  draft: ['generating'],
  generating: ['suspended-findings', 'suspended-questions', 'ready', 'failed', 'draft'],
  'suspended-findings': ['generating', 'failed', 'draft'],
  'suspended-questions': ['generating', 'failed', 'draft'],
  ready: ['generating'],
  failed: ['generating', 'draft'],
};

const isThere = (value) => value !== null && value !== undefined && value !== '' && value.length !== 0;

/** By status, what must be there: the name of a field, or a check of its own with the words for what is missing. */
const REQUIRED = {
  draft: ['title'],
  generating: ['title', 'lock'],
  'suspended-findings': [
    'lock',
    {
      what: 'a finding that is critical',
      holds: ({ findings }) => findings.some(({ severity }) => severity === 'critical'),
    },
  ],
  'suspended-questions': ['lock', 'questions'],
  ready: ['title', 'type', 'acceptanceCriteria', 'assumptions'],
  failed: ['failure'],
};

/** A change that is refused: a verdict about the ticket, not a breakdown. */
export class Refusal extends Error {}

/** Throws a Refusal that names everything that stands in the way of `next` replacing `before`. */
export function checkTicket(before, next) {
  if (!(next.status in TRANSITIONS))
    throw new Refusal(
      `${next.id}: there is no status "${next.status}"; there are ${Object.keys(TRANSITIONS).join(', ')}`,
    );
  const from = before?.status ?? 'draft';
  if (next.status !== from && !TRANSITIONS[from].includes(next.status))
    throw new Refusal(
      `${next.id} cannot go from ${from} to ${next.status}: after ${from} comes ${TRANSITIONS[from].join(' or ')}`,
    );
  const missing = REQUIRED[next.status].flatMap((need) => {
    if (typeof need === 'string') return isThere(next[need]) ? [] : [need];
    return need.holds(next) ? [] : [need.what];
  });
  if (missing.length > 0)
    throw new Refusal(
      from === next.status
        ? `${next.id} is ${from} and must keep: ${missing.join(', ')}`
        : `${next.id} cannot go from ${from} to ${next.status}: it lacks ${missing.join(', ')}`,
    );
}
