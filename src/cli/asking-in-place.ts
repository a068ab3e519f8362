/** Follows a run on a terminal, and asks the person there what the run asks, as soon as it waits for nothing else. */
import { CoordError } from '../core/errors.js';
import type { RunView } from '../core/views.js';
import { sendAnswer } from './answering.js';
import { type Call, note } from './call.js';
import type { Followed } from './follow.js';
import type { Session } from './application.js';
import { openInnerRuns } from './inner-runs.js';
import type { Prompts } from './prompts.js';
import { type WizardWant, wizard } from './wizard.js';

export interface InPlace {
  readonly session: Session;
  readonly prompts: Prompts;
  /** Follows until the run has ended or waits for people, or waits with it. */
  readonly follow: (untilWaiting: boolean) => Promise<Followed>;
}

/** The last that was followed. Who leaves a question goes on watching, and is asked nothing more. */
export async function askInPlace(call: Call, { session, prompts, follow }: InPlace): Promise<Followed> {
  for (;;) {
    const followed = await follow(true);
    if (followed.detached || followed.view.status !== 'waiting') return followed;
    const questions = await questionsIn(session, followed.view);
    // A signal is no question.
    if (questions.length === 0) return await follow(false);
    for (const want of questions) {
      const answered = await wizard(prompts, want);
      if (answered === null) return await follow(false);
      try {
        await sendAnswer(
          call,
          { session, run: want.run },
          { step: want.step, token: want.question.token, ...answered },
        );
      } catch (error) {
        // Somebody else was first, or it does not do: what is still asked is asked once more.
        if (!(error instanceof CoordError) || error.code !== 'DECISION_REFUSED') throw error;
        note(call, error.message);
      }
    }
  }
}

async function questionsIn(session: Session, view: RunView): Promise<readonly WizardWant[]> {
  return [view, ...(await openInnerRuns(session.client, view))].flatMap(({ id: run, steps }) =>
    steps.flatMap(({ id: step, waitsFor, form }) =>
      waitsFor?.kind === 'decision' ? [{ run, step, question: waitsFor.question, form }] : [],
    ),
  );
}
