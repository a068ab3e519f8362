/** From the text that a model has answered with to a reply, or what is wrong with it. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { checkReply, type DeclaredReply } from './reply.js';
import type { ResultCheck } from './runner.js';

export type ModelAnswer = { readonly reply: DeclaredReply } | { readonly problems: readonly string[] };

/** What its own words cannot tell: it is measured, or the worker's to say. */
const NOT_TO_SAY = ['usage', 'session', 'resumeInMs'];

export function readAnswer(
  text: string,
  want: {
    readonly output: JsonObject | undefined;
    readonly check: ResultCheck;
    readonly redact: (value: JsonValue) => JsonValue;
  },
): ModelAnswer {
  const read = jsonIn(text);
  if ('problem' in read) return { problems: [read.problem] };
  const { value } = read;
  if (isJsonObject(value)) {
    const said = NOT_TO_SAY.filter((key) => Object.hasOwn(value, key));
    if (said.length > 0) return { problems: said.map((key) => `key "${key}" is not yours to give`) };
  }
  const first = checkReply(value);
  if (first.reply === null) return { problems: first.problems };
  // Only now, since what is nested too deep is refused above.
  const checked = checkReply(want.redact(value));
  if (checked.reply === null) return { problems: checked.problems };
  const { reply } = checked;
  const problems = reply.artifacts.flatMap(({ name, source }) =>
    'path' in source ? [`artifact "${name}" has a "path", and you have no files; give its "content"`] : [],
  );
  if (reply.error !== null && !OWN_CLASSES.has(reply.error.class))
    problems.push(`error.class "${reply.error.class}" is not yours to give; leave the class out`);
  if (reply.status === 'pass' && want.output !== undefined) problems.push(...want.check(want.output, reply.result));
  return problems.length > 0 ? { problems } : { reply };
}

const OWN_CLASSES: ReadonlySet<string> = new Set(['REJECTED', 'PERSONA_ERROR']);

/** The whole text, but for thoughts before it and a code fence around it. */
function jsonIn(text: string): { readonly value: JsonValue } | { readonly problem: string } {
  const bare = text.replace(/^\s*<think>.*?<\/think>/s, '').trim();
  const inner = /^```(?:json)?[^\S\n]*\n(.*)\n```$/s.exec(bare)?.[1] ?? bare;
  if (inner === '') return { problem: 'the answer is empty' };
  try {
    return { value: JSON.parse(inner) as JsonValue };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/,? ?"?.*" is not valid JSON$/s, '') : '';
    if (!inner.startsWith('{'))
      return { problem: 'the answer does not begin with "{": it must be one JSON object and nothing else' };
    return { problem: `the answer is not JSON${why === '' ? '' : `: ${why}`}` };
  }
}
