/** Sending an answer and waiting for what becomes of it: somebody else may have been first. */
import type { AnswerOutcome } from '../coordinator/client-decide.js';
import type { DecideRequest } from '../coordinator/client.js';
import { CoordError } from '../core/errors.js';
import type { Session } from './application.js';
import { type Call, note } from './call.js';
import { person } from './person.js';
import { keepMoving } from './telling.js';

/** How long, and how often, it is waited for that somebody moves the run: who seems to may have died a moment ago. */
const WAIT_MS = 3_000;
const WAITS = 10;

export type Answering = Omit<DecideRequest, 'by' | 'from'>;

/** Throws DECISION_REFUSED, with who answered what and when where that is why. */
export async function sendAnswer(
  call: Call,
  { session, run }: { readonly session: Session; readonly run: string },
  answer: Answering,
): Promise<Exclude<AnswerOutcome, { outcome: 'refused' }>> {
  const { client } = session;
  const sent = await client.decide(run, { ...answer, by: person(call.io), from: `coord on ${call.io.host}` });
  const left = new AbortController();
  const release = call.io.onInterrupt(() => left.abort());
  try {
    let decided: AnswerOutcome = { outcome: 'stored' };
    for (let waits = 0; waits < WAITS && decided.outcome === 'stored' && !left.signal.aborted; waits++) {
      await keepMoving(call, session);
      decided = await client.decided(sent, { waitMs: WAIT_MS, signal: left.signal });
    }
    if (decided.outcome === 'refused') throw new CoordError('DECISION_REFUSED', `run ${run}: ${decided.reason}`);
    if (decided.outcome === 'stored')
      note(
        call,
        `Nobody has moved the run yet: the answer is stored, and counts unless another was first: coord history ${run}`,
      );
    return decided;
  } finally {
    release();
  }
}

/** `is answered with approve`, or how many more must choose the same. */
export function outcomeWords(choice: string, outcome: Exclude<AnswerOutcome, { outcome: 'refused' }>): string {
  switch (outcome.outcome) {
    case 'done':
      return `is answered with ${choice}`;
    case 'counted':
      return `has ${String(outcome.votes)} of the ${String(outcome.quorum)} answers ${choice} that it needs`;
    case 'stored':
      return `has an answer in its inbox: ${choice}`;
  }
}
