/** Reads what a test lets happen: the task, the replies of personas, signals, decisions, a cancel. */
import { askedListSchema, whyNotAsked } from '../core/asked.js';
import { ENGINE_CLASSES, ERROR_CLASSES } from '../core/statuses.js';
import { describe, Fields, isText, type Keys } from '../definition/fields.js';
import { nodeUnder, toJson, type TreeNode } from '../definition/tree.js';
import { readFigures } from './read-figures.js';
import { durationOf, flagOf, objectOf, type Reading, wordOf } from './read-values.js';
import {
  PASS,
  REPLY_KINDS,
  type ReplyKind,
  type ReplyList,
  type Scenario,
  type ScriptedDecision,
  type ScriptedReply,
  type ScriptedSignal,
} from './scenario.js';

export const SCENARIO_KEYS = ['task', 'replies', 'default', 'strict', 'signals', 'decisions', 'cancel'] as const;

const REPLY_KEYS: Keys = {
  known: [
    'result',
    'artifacts',
    'fail',
    'error',
    'class',
    'garbage',
    'asks',
    'hang',
    'lose_worker',
    'no_worker',
    'after',
    'usage',
    'session',
    'resume_in',
    'any',
  ],
  meant: {
    delay: 'after',
    outputs: 'artifacts',
    pass: 'result',
    reject: 'fail',
    timeout: 'hang',
    variants: 'any',
    questions: 'asks',
  },
};
const SIGNAL_KEYS: Keys = { known: ['name', 'data', 'at'], meant: { after: 'at', signal: 'name' } };
const DECISION_KEYS: Keys = {
  known: ['choice', 'data', 'by', 'edits', 'after', 'any'],
  meant: { at: 'after', decision: 'choice' },
};
const CANCEL_KEYS: Keys = { known: ['at', 'reason'], meant: { after: 'at' } };
/** Kinds that are chosen by a key of their own name, and whether the key carries a text. */
const MARKS: readonly (readonly [ReplyKind, 'text' | 'flag' | 'list'])[] = [
  ['fail', 'text'],
  ['error', 'text'],
  ['garbage', 'text'],
  ['asks', 'list'],
  ['hang', 'flag'],
  ['lose_worker', 'flag'],
  ['no_worker', 'flag'],
];
const ERROR_CHOICES = ERROR_CLASSES.filter((name) => name !== 'REJECTED' && !ENGINE_CLASSES.includes(name));
const MESSAGES: Readonly<Partial<Record<ReplyKind, string>>> = {
  fail: 'the work was rejected',
  error: 'the persona broke',
  garbage: 'this is not JSON',
};

/** `variants`: whether `any` may be used, as only properties try them all. */
export function readScenario(fields: Fields, reading: Reading, { variants }: { variants: boolean }): Scenario {
  return {
    task: objectOf(fields, 'task'),
    replies: readReplies(fields, { ...reading, variants }),
    strict: flagOf(fields, 'strict', reading),
    signals: readSignals(fields, reading),
    decisions: readDecisions(fields, { ...reading, variants }),
    cancel: readCancel(fields, reading),
  };
}

type WithVariants = Reading & { readonly variants: boolean };

function readReplies(fields: Fields, reading: WithVariants): ReadonlyMap<string, ReplyList> {
  const replies = new Map<string, ReplyList>();
  const rest = fields.map('replies', 'a map of replies by step');
  for (const { key, keyRange, value } of rest?.entries ?? []) {
    reading.mentions.push({ name: key, kind: 'reply', ...keyRange });
    replies.set(key, readReplyList(value, `the reply of "${key}"`, reading));
  }
  const all = fields.has('default') ? readDefault(fields, reading) : null;
  if (all !== null) replies.set('*', all);
  return replies;
}

function readDefault(fields: Fields, reading: WithVariants): ReplyList | null {
  const node = fields.scalar('default', `one of ${REPLY_KINDS.join(', ')}`);
  return node === null ? null : readReplyList(node, 'the default reply', reading);
}

function readReplyList(node: TreeNode, what: string, reading: WithVariants): ReplyList {
  const rows = node.kind === 'list' ? node.items : [node];
  return rows.map((row) => variantsOf(row, reading).flatMap((variant) => readReply(variant, what, reading) ?? []));
}

/** The members of `{ any: […] }`, or the value itself. */
function variantsOf(node: TreeNode, { variants, problems }: WithVariants): readonly TreeNode[] {
  const any = node.kind === 'map' ? nodeUnder(node, 'any') : null;
  if (any === null) return [node];
  if (!variants) {
    problems.add('unknown-key', any, '"any" can only be used in properties', 'A test has one course; write two tests.');
    return [];
  }
  if (any.kind === 'list' && any.items.length > 0) return any.items;
  problems.add('wrong-type', any, `"any" must be a list of variants, not ${describe(any)}`);
  return [];
}

function readReply(node: TreeNode, what: string, reading: Reading): ScriptedReply | null {
  if (isText(node)) {
    const kind = wordOf(node, { known: REPLY_KINDS, what, reading });
    return kind === null ? null : { ...PASS, kind, message: MESSAGES[kind] ?? '' };
  }
  if (node.kind !== 'map') {
    const hint = `Write one of ${REPLY_KINDS.join(', ')}, or a map such as { result: {} }.`;
    reading.problems.add('wrong-type', node, `${what} must be a reply, not ${describe(node)}`, hint);
    return null;
  }
  const fields = new Fields(node, what, reading.problems);
  fields.only(REPLY_KEYS);
  const marks = MARKS.filter(([kind]) => fields.has(kind));
  const [first, second] = marks;
  if (first !== undefined && second !== undefined)
    reading.problems.add('wrong-type', fields.range, `${what} cannot be both "${first[0]}" and "${second[0]}"`);
  const kind = first?.[0] ?? 'pass';
  const given = first === undefined || first[1] === 'list' ? null : readMark(fields, first, reading);
  const result = nodeUnder(node, 'result');
  const after = nodeUnder(node, 'after');
  return {
    kind,
    result: result === null ? {} : toJson(result),
    artifacts: readArtifacts(fields, reading),
    message: given ?? MESSAGES[kind] ?? '',
    class: readClass(fields, kind, reading),
    questions: kind === 'asks' ? readAsks(fields, reading) : PASS.questions,
    afterMs: after === null ? 0 : (durationOf(after, `"after" of ${what}`, reading) ?? 0),
    ...readFigures(fields, what, reading),
  };
}

function readAsks(fields: Fields, { problems }: Reading): ScriptedReply['questions'] {
  const list = fields.list('asks', 'a list of questions', 'For example [{ id: scope, ask: "How far?" }].');
  if (list === null) return PASS.questions;
  const value = toJson(list);
  const why = whyNotAsked(value);
  if (why === null) return askedListSchema.parse(value);
  problems.add('wrong-type', list, `"asks" of ${fields.owner} cannot be asked: ${why}`);
  return PASS.questions;
}

function readMark(
  fields: Fields,
  [kind, carries]: readonly [ReplyKind, 'text' | 'flag' | 'list'],
  reading: Reading,
): string | null {
  const node = fields.scalar(kind, carries === 'flag' ? 'true' : 'a text');
  if (node === null) return null;
  if (carries === 'text') {
    if (typeof node.value === 'string') return node.value;
    if (node.value === true) return null;
  } else if (node.value === true) {
    return null;
  }
  const wanted = carries === 'flag' ? 'true' : 'a text that says why, or true';
  reading.problems.add('wrong-type', node, `"${kind}" of ${fields.owner} must be ${wanted}, not ${describe(node)}`);
  return null;
}

function readClass(fields: Fields, kind: ReplyKind, reading: Reading): ScriptedReply['class'] {
  const node = fields.text('class');
  if (node === null) return PASS.class;
  if (kind !== 'error')
    reading.problems.add(
      'unknown-key',
      node,
      `"class" of ${fields.owner} belongs to "error"`,
      'Only errors have a class.',
    );
  return wordOf(node, { known: ERROR_CHOICES, what: 'the class of an error', reading }) ?? PASS.class;
}

function readArtifacts(fields: Fields, { problems }: Reading): Readonly<Record<string, string>> {
  const map = fields.map('artifacts', 'a map of contents by name');
  return Object.fromEntries(
    (map?.entries ?? []).flatMap(({ key, value }) => {
      if (isText(value)) return [[key, value.value]];
      problems.add('wrong-type', value, `the artifact "${key}" must be a text, not ${describe(value)}`);
      return [];
    }),
  );
}

function readSignals(fields: Fields, reading: Reading): readonly ScriptedSignal[] {
  const list = fields.list('signals', 'a list of signals');
  return (list?.items ?? []).flatMap((item): ScriptedSignal[] => {
    if (isText(item)) return [{ name: item.value, data: null, atMs: null }];
    if (item.kind !== 'map') {
      reading.problems.add(
        'wrong-type',
        item,
        `a signal must be a map, not ${describe(item)}`,
        'For example { name: approved }.',
      );
      return [];
    }
    const signal = new Fields(item, 'the signal', reading.problems);
    signal.only(SIGNAL_KEYS);
    const name = signal.has('name') ? signal.text('name') : signal.missing('name', 'For example { name: approved }.');
    const [data, at] = [nodeUnder(item, 'data'), nodeUnder(item, 'at')];
    const atMs = at === null ? null : durationOf(at, '"at" of the signal', reading);
    return name === null ? [] : [{ name: name.value, data: data === null ? null : toJson(data), atMs }];
  });
}

function readDecisions(fields: Fields, reading: WithVariants): Scenario['decisions'] {
  const decisions = new Map<string, readonly (readonly ScriptedDecision[])[]>();
  for (const { key, keyRange, value } of fields.map('decisions', 'a map of decisions by step')?.entries ?? []) {
    reading.mentions.push({ name: key, kind: 'decision', ...keyRange });
    const rows = value.kind === 'list' ? value.items : [value];
    decisions.set(
      key,
      rows.map((row) => variantsOf(row, reading).flatMap((variant) => readDecision(variant, key, reading) ?? [])),
    );
  }
  return decisions;
}

function readDecision(node: TreeNode, step: string, reading: Reading): ScriptedDecision | null {
  const what = `the decision about "${step}"`;
  if (isText(node)) return { choice: node.value, data: null, by: 'test', afterMs: 0 };
  if (node.kind !== 'map') {
    reading.problems.add(
      'wrong-type',
      node,
      `${what} must name a choice, not ${describe(node)}`,
      'For example approve.',
    );
    return null;
  }
  const fields = new Fields(node, what, reading.problems);
  fields.only(DECISION_KEYS);
  const choice = fields.has('choice')
    ? fields.text('choice')
    : fields.missing('choice', 'For example choice: approve.');
  const [data, after, edits] = [nodeUnder(node, 'data'), nodeUnder(node, 'after'), nodeUnder(node, 'edits')];
  const afterMs = after === null ? 0 : (durationOf(after, `"after" of ${what}`, reading) ?? 0);
  if (choice === null) return null;
  return {
    choice: choice.value,
    data: data === null ? null : toJson(data),
    by: fields.text('by')?.value ?? 'test',
    ...(edits !== null && { edits: toJson(edits) }),
    afterMs,
  };
}

function readCancel(fields: Fields, reading: Reading): Scenario['cancel'] {
  const map = fields.map('cancel', 'a map such as { at: 5m }');
  if (map === null) return null;
  const cancel = new Fields(map, 'the cancel', reading.problems);
  cancel.only(CANCEL_KEYS);
  const at = nodeUnder(map, 'at');
  const atMs = at === null ? 0 : (durationOf(at, '"at" of the cancel', reading) ?? 0);
  return { atMs, reason: cancel.text('reason')?.value ?? 'the test cancels' };
}
