/** Which workflow a task is for, when nobody has named one: by its type, or by what its words say it is. */
import { CoordError } from '../core/errors.js';
import type { JsonObject } from '../core/json.js';

export interface Selection {
  readonly workflow: string;
  /** For people: what it was chosen by. */
  readonly because: string;
}

/** Workflows that come with coord and can always be had. */
const SHIPPED = ['project-loop', 'hotfix', 'feature'] as const;
const OTHERWISE = 'project-loop';

/** Words of a title or description that say what a task is, and the words for types that mean the same. */
const KINDS: readonly { readonly workflow: string; readonly types: readonly string[]; readonly words: RegExp }[] = [
  { workflow: 'hotfix', types: ['emergency', 'urgent'], words: /\b(?:hotfix|urgent|critical|emergency)\b/i },
  { workflow: 'feature', types: ['enhancement', 'story'], words: /\b(?:feature|enhancement)\b/i },
];

/**
 * `task.type` (or `task_type`) names the workflow: one of `own`, one that comes with coord, or a word that means one of
 * those. Without a type the title and description are looked at; what says nothing is for `project-loop`.
 * Throws USAGE for a task that says nothing at all.
 */
export function workflowFor(task: JsonObject, own: readonly string[]): Selection {
  const type = textOf(task['type']) ?? textOf(task['task_type']);
  if (type !== null) {
    const named = [...own, ...SHIPPED].find((name) => name === type);
    const meant = KINDS.find(({ types }) => types.includes(type.toLowerCase()));
    const workflow = named ?? meant?.workflow ?? OTHERWISE;
    return { workflow, because: `the task's type is "${type}"` };
  }
  const text = [task['title'], task['description']].map((value) => textOf(value) ?? '').join(' ');
  if (text.trim() === '')
    throw new CoordError('USAGE', 'name a workflow, or give a task that has a type, a title or a description');
  const found = KINDS.find(({ words }) => words.test(text));
  const word = found === undefined ? null : (found.words.exec(text)?.[0] ?? null);
  return word === null || found === undefined
    ? { workflow: OTHERWISE, because: 'the task names no type' }
    : { workflow: found.workflow, because: `the task says "${word}"` };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}
