/** Whether an answer can be taken as a run stands now: told to whoever answers, before it becomes a message. */
import type { z } from 'zod';
import type { Fact } from '../core/facts.js';
import type { decideBodySchema } from '../core/messages.js';
import type { StoredRun } from '../core/ports.js';
import type { Plan } from '../definition/plan.js';
import { questionOf, refusalOf } from '../machines/answers.js';
import { readerOf } from './view.js';

export interface Asked {
  readonly stored: StoredRun;
  readonly plan: Plan;
  /** Read only for who comes too late. */
  readonly history: () => Promise<readonly Fact[]>;
}

/** Why the answer would change nothing, or null. Who comes too late is told who has answered, with what and when. */
export async function whyRefused(
  { stored, plan, history }: Asked,
  answer: z.infer<typeof decideBodySchema>,
): Promise<string | null> {
  const run = readerOf(stored, plan);
  const why = refusalOf(run, answer);
  if (why === null || questionOf(run, answer.step) !== null) return why;
  const answered = (await history()).findLast((fact) => fact.type === 'decision.answered' && fact.step === answer.step);
  if (answered?.type !== 'decision.answered') return why;
  return `${why}; ${answered.by} answered "${answered.choice}" at ${new Date(answered.at).toISOString()}`;
}
