/** Default content for each part of a ticket, for when the service that would make it cannot be reached. */
import { answer, progress } from '../../../../personas/programs/persona.mjs';

const DEFAULTS = {
  intent: ({ title }) => ({ summary: title, actor: null, wants: title, value: null, keywords: [] }),
  type: () => ({ type: 'chore', confidence: 0, because: [] }),
  preflight: () => ({
    findings: [
      { code: 'not_checked', severity: 'low', message: 'The preflight could not be reached: nothing was checked.' },
    ],
    critical: 0,
    filesRead: 0,
  }),
  index_status: () => ({ status: 'unavailable', done: 0, total: 0, message: 'the index could not be reached' }),
  context: () => ({ files: [], message: 'the index could not be reached' }),
  api: () => ({ endpoints: [] }),
  draft: ({ title }) => ({
    acceptanceCriteria: [`${title}: done as the description says, and shown by a test.`],
    assumptions: ['Written without the analyst: read it again before work begins.'],
    repositoryPaths: [],
  }),
  questions: () => ({ questions: [] }),
  refine: ({ draft, questions, answers }) => ({
    ...draft,
    assumptions: [
      ...draft.assumptions,
      ...questions
        .filter(({ id }) => answers[id] !== undefined)
        .map(({ id, ask }) => `${ask} ${JSON.stringify(answers[id])}`),
    ],
  }),
};

await answer(async ({ step, params }) => {
  const content = Object.hasOwn(DEFAULTS, params.work) ? DEFAULTS[params.work] : null;
  if (content === null) throw new Error(`there is no default for "${params.work}" (step ${step})`);
  progress(`the service for ${params.work} could not be reached: default content`);
  return { status: 'pass', result: { ...content(params), source: 'default' } };
});
