/** What people are asked one by one, beside the choice: each entry with its type, its reason, and what it is when it is left out. */
import { z } from 'zod';
import { forbiddenKey } from './forbidden-keys.js';
import { type JsonValue, jsonValueSchema } from './json.js';
import { didYouMean } from './suggest.js';

/** `list`: several texts, of `options` where there are any. `yes_no`: true or false. */
export const ASKED_TYPES = ['text', 'number', 'choice', 'list', 'yes_no'] as const;

export interface Asked {
  /** Names the answer in the data. */
  readonly id: string;
  readonly ask: string;
  /** Why it is asked. */
  readonly reason?: string | undefined;
  readonly type: (typeof ASKED_TYPES)[number];
  readonly options?: readonly string[] | undefined;
  /** What it is when nothing is answered. */
  readonly default?: JsonValue | undefined;
  readonly required?: boolean | undefined;
}

/** One after the other: more is a form that nobody fills in. */
export const ASKED_LIMIT = 50;

const KEYS = ['id', 'ask', 'reason', 'type', 'options', 'default', 'required'];

const askedSchema = z
  .strictObject({
    id: z
      .string()
      .regex(
        /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
        'must start with a letter and have up to 64 letters, digits, "-" and "_"',
      ),
    ask: z.string().min(1).max(2_000),
    reason: z.string().max(2_000).optional(),
    type: z.enum(ASKED_TYPES).default('text'),
    options: z.array(z.string().min(1).max(500)).min(1).max(100).optional(),
    default: jsonValueSchema.optional(),
    required: z.boolean().optional(),
  })
  .superRefine((asked, context) => {
    const wrong = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if (forbiddenKey({ [asked.id]: true }) !== null) wrong('id', `"${asked.id}" cannot be read by anything`);
    const { type, options } = asked;
    if (type === 'choice' && options === undefined) wrong('options', 'is needed for a choice');
    if (options !== undefined && type !== 'choice' && type !== 'list') wrong('options', `do not go with "${type}"`);
    if (asked.default !== undefined && !isAnswer(asked, asked.default)) wrong('default', 'is no answer to it');
  });

/** A list of what is asked, as personas and workflows give it. */
export const askedListSchema: z.ZodType<readonly Asked[]> = z
  .array(askedSchema)
  .max(ASKED_LIMIT)
  .superRefine((list, context) => {
    const ids = list.map(({ id }) => id);
    const twice = ids.findIndex((id, at) => ids.indexOf(id) !== at);
    if (twice !== -1)
      context.addIssue({ code: 'custom', path: [twice, 'id'], message: `"${ids[twice] ?? ''}" is there twice` });
  });

/** Whether a value can be an answer to it. */
function isAnswer({ type, options }: Asked, value: JsonValue): boolean {
  const isOption = (one: JsonValue): boolean =>
    typeof one === 'string' && (options === undefined || options.includes(one));
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'yes_no':
      return typeof value === 'boolean';
    case 'choice':
      return isOption(value);
    case 'list':
      return Array.isArray(value) && value.every((one: JsonValue) => isOption(one));
  }
}

/** What is wrong with a list, each with where it stands. */
export function problemsOfAsked(
  value: JsonValue,
): readonly { readonly path: readonly (number | string)[]; readonly message: string }[] {
  const parsed = askedListSchema.safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => {
    const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
    if (issue.code !== 'unrecognized_keys') return { path, message: issue.message };
    const [key = ''] = issue.keys;
    return { path, message: `has the unknown key "${key}"${didYouMean(key, KEYS) || `; keys are ${KEYS.join(', ')}`}` };
  });
}

/** The first problem of a list, as `[2].options is needed for a choice`; null when there is none. */
export function whyNotAsked(value: JsonValue): string | null {
  const [issue] = problemsOfAsked(value);
  if (issue === undefined) return null;
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${String(key)}]` : `.${key}`)).join('');
  return `${path === '' ? 'it' : path.replace(/^\./, '')} ${issue.message}`;
}
