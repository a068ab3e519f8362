/** What became of an answer: many may answer at once, and all but one are told who was first. */
import type { Fact } from '../core/facts.js';
import type { JsonValue } from '../core/json.js';
import { factsCausedBy, type OutcomeMeans, type Patience, type Stored } from './client-outcome.js';
import { wonBy } from './decisions.js';

/** An answer that is stored, for `decided`. */
export interface SentAnswer extends Omit<Stored, 'entry'> {
  readonly step: string;
  /** The question that was answered; null for whatever the step asked. */
  readonly token: string | null;
  readonly choice: string;
  readonly data: JsonValue;
  readonly by: string;
  /** Null when this key has sent it before. */
  readonly entry: string | null;
}

export type AnswerOutcome =
  /** It holds. */
  | { readonly outcome: 'done' }
  /** It counts, and others must choose the same. */
  | { readonly outcome: 'counted'; readonly votes: number; readonly quorum: number }
  /** It came too late, with who was first, what they chose and when. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Nobody has moved the run yet: the answer lies in its inbox. */
  | { readonly outcome: 'stored' };

export interface DecidedMeans extends OutcomeMeans {
  readonly history: (run: string) => Promise<readonly Fact[]>;
}

/** Waits until the run has taken the answer or refused it. */
export async function decided(means: DecidedMeans, sent: SentAnswer, patience: Patience): Promise<AnswerOutcome> {
  const { entry, run, step } = sent;
  if (entry === null) return repeated(await means.history(run), sent);
  const facts = await factsCausedBy(means, { ...sent, entry }, patience);
  if (facts === null) return { outcome: 'stored' };
  for (const fact of facts) {
    if (fact.type === 'decision.answered' && fact.step === step) return { outcome: 'done' };
    if (fact.type === 'decision.voted' && fact.step === step) return counted(fact);
    if (fact.type === 'message.ignored')
      return { outcome: 'refused', reason: `${fact.reason}${wonBy(await means.history(run), sent)}` };
  }
  return { outcome: 'done' };
}

function counted({ votes, quorum }: Fact & { readonly type: 'decision.voted' }): AnswerOutcome {
  return { outcome: 'counted', votes, quorum };
}

/** Of the same answer once more only what it says is known: it holds when it is the one that holds. */
function repeated(facts: readonly Fact[], sent: SentAnswer): AnswerOutcome {
  const isSame = (fact: Fact): boolean =>
    (fact.type === 'decision.answered' || fact.type === 'decision.voted') &&
    fact.step === sent.step &&
    (sent.token === null || fact.token === sent.token) &&
    fact.by === sent.by &&
    fact.choice === sent.choice;
  const mine = facts.findLast(isSame);
  if (mine?.type === 'decision.voted') return counted(mine);
  if (mine !== undefined) return { outcome: 'done' };
  const won = wonBy(facts, sent);
  return won === '' ? { outcome: 'stored' } : { outcome: 'refused', reason: `it was too late${won}` };
}
