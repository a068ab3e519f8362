/** Reads what a scripted reply says of itself: what it has used, its conversation, and when it can go on. */
import { type Usage, usageSchema } from '../core/exchange.js';
import type { Fields } from '../definition/fields.js';
import { toJson } from '../definition/tree.js';
import { durationOf, type Reading } from './read-values.js';
import type { ScriptedReply } from './scenario.js';

type Figures = Pick<ScriptedReply, 'resumeInMs' | 'session' | 'usage'>;

/** As the reply of a persona spells them, with the names of a file. */
const USAGE_KEYS = {
  model: 'model',
  input_tokens: 'inputTokens',
  output_tokens: 'outputTokens',
  cost_usd: 'costUsd',
  turns: 'turns',
  denied: 'denied',
} as const;

export function readFigures(fields: Fields, what: string, reading: Reading): Figures {
  const usage = readUsage(fields, reading);
  const session = fields.text('session')?.value;
  const node = fields.node('resume_in');
  const resumeInMs = node === null ? null : durationOf(node, `"resume_in" of ${what}`, reading);
  const errorClass = fields.text('class')?.value;
  if (node !== null && errorClass !== 'QUOTA' && errorClass !== 'RATE_LIMIT')
    reading.problems.add(
      'unknown-key',
      node,
      `"resume_in" of ${fields.owner} belongs to the classes QUOTA and RATE_LIMIT`,
      'For example { error: enough, class: QUOTA, resume_in: 2h }.',
    );
  return {
    ...(usage !== null && { usage }),
    ...(session !== undefined && { session }),
    ...(resumeInMs !== null && resumeInMs > 0 && { resumeInMs }),
  };
}

function readUsage(fields: Fields, { problems }: Reading): Usage | null {
  const map = fields.map('usage', 'a map such as { input_tokens: 900, cost_usd: 0.1 }');
  if (map === null) return null;
  const known = Object.keys(USAGE_KEYS);
  const entries = map.entries.flatMap(({ key, keyRange, value }): [string, unknown][] => {
    const name = Object.hasOwn(USAGE_KEYS, key) ? USAGE_KEYS[key as keyof typeof USAGE_KEYS] : null;
    if (name !== null) return [[name, toJson(value)]];
    const hint = problems.suggest(key, known) || `Known keys are ${known.join(', ')}.`;
    problems.add('unknown-key', keyRange, `unknown key "${key}" in "usage" of ${fields.owner}`, hint);
    return [];
  });
  const parsed = usageSchema.safeParse(Object.fromEntries(entries));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  problems.add(
    'wrong-type',
    map,
    `"usage" of ${fields.owner} cannot be: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
  return null;
}
