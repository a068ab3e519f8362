/** The keys of a persona file of kind `human`. */
import { whyNotAsked } from '../core/asked.js';
import type { FrontMatter } from './front-matter.js';
import { PROMPT_LIMIT, VERDICT_IDS } from './human.js';
import type { FilePlace, HumanPersona } from './persona.js';

export const HUMAN_KEYS = ['ask', 'verdict'];

export function readHuman(front: FrontMatter, { base }: FilePlace): HumanPersona {
  const verdict = front.boolean('verdict') ?? false;
  const questions = (front.has('ask') ? (front.list('ask') ?? []) : []).map((line) => {
    const [, id = '', ask = ''] = /^([^:\s]+)\s*:\s*(.+)$/s.exec(line) ?? [];
    if (id === '')
      front.report(
        'ask',
        'bad_value',
        `ask: "${line.slice(0, 80)}" must be "id: question", such as "branch: Which branch?"`,
      );
    else if (verdict && Object.hasOwn(VERDICT_IDS, id))
      front.report('ask', 'bad_value', `ask: "${id}" is asked by "verdict: true" already; take another id`);
    return { id, ask };
  });
  const why = whyNotAsked(questions);
  if (why !== null && questions.every(({ id }) => id !== ''))
    front.report('ask', 'bad_value', `ask${why.startsWith('[') ? '' : ': '}${why}`);
  if (base.prompt.length > PROMPT_LIMIT)
    front.report(
      'kind',
      'too_large',
      `the text that people are shown has more than ${String(PROMPT_LIMIT)} characters`,
    );
  return { ...base, kind: 'human', questions, verdict };
}
