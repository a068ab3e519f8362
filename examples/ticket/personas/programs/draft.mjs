/** The draft of a ticket: acceptance criteria, assumptions and files; and the draft again, with the author's answers in it. */
import { bulletsOf, sentencesOf } from './request-text.mjs';

const MOST_PATHS = 5;

/** `{ acceptanceCriteria, assumptions, repositoryPaths }` of a request and what is known about it. */
export function draftOf({ title, description, type, findings, context, api }) {
  const stated = bulletsOf(description);
  const wished =
    stated.length > 0
      ? stated
      : sentencesOf(description).filter((one) => /\b(must|should|shall|never|always)\b/i.test(one));
  const acceptanceCriteria = [
    ...wished.map(sentence),
    ...(wished.length === 0 ? [`${sentence(title)} It works as described.`] : []),
  ];
  if (type === 'bug') acceptanceCriteria.push('A test fails without the change and passes with it.');
  for (const { method, path } of api?.endpoints ?? [])
    acceptanceCriteria.push(`${method} ${path} answers as its description says, before and after the change.`);
  const repositoryPaths = (context?.files ?? []).slice(0, MOST_PATHS).map(({ path, matched }) => ({
    path,
    reason: `speaks of ${matched.slice(0, 4).join(', ')}`,
  }));
  return {
    acceptanceCriteria,
    assumptions: assumptionsOf({ wished, findings, repositoryPaths }),
    repositoryPaths,
    source: 'analysis',
  };
}

function assumptionsOf({ wished, findings, repositoryPaths }) {
  return [
    ...(wished.length === 0 ? ['The request names no criterion; the one here was made from its title.'] : []),
    ...(repositoryPaths.length === 0
      ? ['No code was looked at: which files are concerned is still to be found out.']
      : []),
    ...findings
      .filter(({ severity }) => severity === 'critical')
      .map(({ message }) => `Known, and accepted: ${message}`),
    'What the criteria do not name stays as it is.',
  ];
}

/** The draft with one criterion for each answer; `answers` by the id of its question, null for one that was left out. */
export function refine({ draft, questions, answers }) {
  const given = questions.flatMap((question) => {
    const answer = answers[question.id];
    return answer === undefined || answer === null || answer === '' ? [] : [{ question, answer }];
  });
  const open = questions.filter((question) => !given.some((one) => one.question === question));
  return {
    ...draft,
    acceptanceCriteria: [...draft.acceptanceCriteria, ...given.map(criterionOf)],
    assumptions: [...draft.assumptions, ...open.map(({ ask }) => `Not answered: ${ask}`)],
    source: 'analysis',
  };
}

function criterionOf({ question, answer }) {
  const said =
    typeof answer === 'boolean' ? (answer ? 'yes' : 'no') : Array.isArray(answer) ? answer.join(', ') : String(answer);
  return `${question.ask.replace(/\?$/, '')}: ${sentence(said)}`;
}

function sentence(text) {
  const trimmed = text.trim();
  const upper = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
