/** The parts of a ticket that are a matter of language, by `params.work`. No model is asked, and nothing is invented. */
import { answer, count, progress } from '../../../../personas/programs/persona.mjs';
import { draftOf, refine } from './draft.mjs';
import { questionsOf } from './questions.mjs';
import { intentOf, typeOf } from './request-text.mjs';

const WORK = {
  intent: ({ title, description }) => intentOf(title, description),
  type: ({ title, description, intent }) => typeOf(`${title}\n${description}`, intent),
  draft: (params) => draftOf(params),
  questions: (params) => ({ questions: questionsOf(params) }),
  refine: (params) => refine(params),
};

await answer(async ({ params }) => {
  const work = Object.hasOwn(WORK, params.work) ? WORK[params.work] : null;
  if (work === null)
    throw new Error(`"${params.work}" is no work of the analyst; there are ${Object.keys(WORK).join(', ')}`);
  const result = work(params);
  progress(
    `${params.work}: ${result.summary ?? result.type ?? count((result.questions ?? result.acceptanceCriteria).length, result.questions ? 'question' : 'criterion')}`,
  );
  return { status: 'pass', result };
});
