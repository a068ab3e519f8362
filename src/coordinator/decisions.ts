/** Whether an answer can be taken as a run stands now: told to whoever answers, before it becomes a message. */
import type { z } from 'zod';
import { CoordError, hasCode } from '../core/errors.js';
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
  const isOpen = questionOf(run, answer.step)?.token === (answer.token ?? questionOf(run, answer.step)?.token);
  if (why === null || (isOpen && questionOf(run, answer.step) !== null)) return why;
  return `${why}${wonBy(await history(), answer)}`;
}

/** The error of an answer that was sent too late: somebody else's may have ended the run between the look and the sending. */
export async function refusedAfterAll(
  error: unknown,
  {
    run,
    answer,
    history,
  }: { readonly run: string; readonly answer: z.infer<typeof decideBodySchema> } & Pick<Asked, 'history'>,
): Promise<unknown> {
  if (!hasCode(error, 'RUN_ENDED')) return error;
  const won = wonBy(await history(), answer);
  if (won === '') return error;
  const message = `run ${run}: the question of step ${answer.step} is answered already${won}`;
  return new CoordError('DECISION_REFUSED', message, { cause: error });
}

/** `; ann answered "approve" at …`, or an empty text when the history does not say. */
export function wonBy(
  facts: readonly Fact[],
  { step, token }: { readonly step: string; readonly token: string | null },
): string {
  const end = facts.findLast(
    (fact) =>
      (fact.type === 'decision.answered' || fact.type === 'decision.expired') &&
      fact.step === step &&
      (token === null || fact.token === token),
  );
  const at = end === undefined ? '' : new Date(end.at).toISOString();
  if (end?.type === 'decision.answered') return `; ${end.by} answered "${end.choice}" at ${at}`;
  if (end?.type !== 'decision.expired') return '';
  return `; nobody had decided by ${at}${end.choice === null ? ', when its time was up' : `, so "${end.choice}" holds`}`;
}
