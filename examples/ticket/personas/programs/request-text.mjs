/** What the words of a request say: its lines and sentences, who wants what and why, and which type of work it is. */
import { wordsOf } from '../../../shopping-cart/personas/programs/repository.mjs';

const BULLET = /^\s*(?:[-*•]|\d+[.)])\s+/;
const STORY =
  /\bas an? (?<actor>[^,.;]+?),?\s+(?:i|we) (?:want|need|would like)(?: to)? (?<object>[^.;]+?)(?:,?\s+so that (?<value>[^.]+))?(?:\.|$)/i;

const TYPES = {
  bug: [
    'bug',
    'broken',
    'crash',
    'crashes',
    'error',
    'fail',
    'fails',
    'failing',
    'fix',
    'incorrect',
    'instead',
    'regression',
    'wrong',
    'cannot',
    'never',
  ],
  feature: [
    'add',
    'allow',
    'create',
    'enable',
    'export',
    'feature',
    'import',
    'introduce',
    'new',
    'offer',
    'support',
    'want',
  ],
  improvement: ['better', 'clearer', 'faster', 'improve', 'quicker', 'reduce', 'simplify', 'slow', 'speed'],
  chore: ['bump', 'clean', 'dependency', 'document', 'migrate', 'refactor', 'remove', 'rename', 'upgrade', 'update'],
};

/** The points of a list in the text, without their bullets. */
export function bulletsOf(text) {
  return text.split('\n').flatMap((line) => (BULLET.test(line) ? [line.replace(BULLET, '').trim()] : []));
}

/** The sentences outside of lists. */
export function sentencesOf(text) {
  const prose = text.split('\n').filter((line) => !BULLET.test(line));
  return prose
    .join(' ')
    .split(/(?<=[.!?])\s+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /\w/.test(sentence));
}

/** Names of files and of code in the text: `src/cart.js`, and what stands in backticks. */
export function codeNamesOf(text) {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name);
  const paths = text.match(/(?<![\w/.])(?:[\w-]+\/)+[\w.-]+\.\w+/g) ?? [];
  return [...new Set([...quoted, ...paths])];
}

/** Who wants what, and why, as far as the text says so. */
export function intentOf(title, description) {
  const story = STORY.exec(`${title}. ${description}`)?.groups;
  const words = [...new Set(wordsOf(`${title} ${title} ${description}`))];
  return {
    summary: title.trim().replace(/\.$/, ''),
    actor: story?.actor.trim() ?? null,
    wants: story?.object.trim() ?? sentencesOf(description)[0] ?? title,
    value: story?.value?.trim() ?? null,
    keywords: words.slice(0, 12),
    source: 'analysis',
  };
}

/** Which type has most of its words in the text; in a draw, and for no word at all, the one that promises least. */
export function typeOf(text) {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const scores = Object.entries(TYPES).map(([type, signs]) => {
    const found = [...new Set(words.filter((word) => signs.includes(word)))];
    return { type, because: found, score: found.length };
  });
  const [best] = scores.toSorted((a, b) => b.score - a.score);
  const total = scores.reduce((sum, { score }) => sum + score, 0);
  if (total === 0) return { type: 'chore', confidence: 0, because: [], source: 'analysis' };
  return {
    type: best.type,
    confidence: Math.round((best.score / total) * 100) / 100,
    because: best.because,
    source: 'analysis',
  };
}
