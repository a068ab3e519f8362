/** What only the author can say: a question for each finding that asks one, and for what the draft had to assume. */

const MOST = 5;

/** `[{ id, ask, reason, type, options?, default?, required }]`, those of the gravest findings first. */
export function questionsOf({ type, findings, draft }) {
  const ofFindings = findings
    .filter(({ question }) => question !== undefined && question !== null)
    .map(({ code, message, question }) => ({ id: code, reason: message, required: false, ...question }));
  const ofDraft = draft.assumptions.some((text) => text.startsWith('The request names no criterion'))
    ? [
        {
          id: 'done_when',
          ask: type === 'bug' ? 'What should happen instead?' : 'How will you see that it is done?',
          reason: 'The request names nothing that can be checked.',
          type: 'text',
          required: false,
        },
      ]
    : [];
  return [...ofDraft, ...ofFindings].slice(0, MOST);
}
