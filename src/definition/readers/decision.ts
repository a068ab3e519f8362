/** Steps that ask people: what they can choose, what they are shown, who is told when, and what holds when nobody decides. */
import { problemsOfAsked } from '../../core/asked.js';
import type { JsonValue } from '../../core/json.js';
import { quoted } from '../../expression/problem.js';
import { hasHoles } from '../../expression/template.js';
import { describe, isText } from '../fields.js';
import {
  APPROVAL,
  type Choice,
  type DecisionStep,
  type Duration,
  type Escalation,
  EXPIRED,
  rejectsByDefault,
  type StepBase,
} from '../steps.js';
import { toJson, type TreeNode } from '../tree.js';
import { templateUses } from '../uses.js';
import { STEP_ID, WORKFLOW_LIMITS } from '../workflow.js';
import type { StepBody } from './draft.js';
import { nodeBelow, Sheet } from './sheet.js';

export function readDecision(sheet: Sheet, base: StepBase): StepBody {
  const prompt = sheet.needed('prompt', 'Say what is asked, for example "prompt: Deploy {{ task.version }}?".');
  const choices = readChoices(sheet);
  const questions = readQuestions(sheet);
  return {
    definition: {
      ...base,
      type: 'decision',
      prompt,
      choices,
      reject: readReject(sheet, choices),
      form: sheet.schema('form'),
      context: sheet.values('context') ?? {},
      assignees: readPeople(sheet, 'assignees'),
      ...present({
        questions,
        draft: readDraft(sheet),
        on_timeout: readOnTimeout(sheet, base, choices),
        remind: readReminders(sheet),
        escalate: readEscalations(sheet),
        quorum: readQuorum(sheet),
      }),
    },
  };
}

/** Only what the step says: definitions of before have none of it, and stay as they were. */
function present(said: Partial<DecisionStep>): Partial<DecisionStep> {
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** What is asked one by one: a list, or a template that gives one. */
function readQuestions(sheet: Sheet): DecisionStep['questions'] {
  const { fields, problems, owner } = sheet;
  const node = fields.node('questions');
  if (node === null) return undefined;
  if (fields.has('form')) problems.add('wrong-type', node, `${owner} has "form" and "questions"`, 'Keep one of them.');
  if (isText(node) && hasHoles(node.value)) return sheet.template('questions') ?? undefined;
  if (node.kind !== 'list') {
    fields.refuse('questions', 'a list of questions, or a template that gives one');
    return undefined;
  }
  sheet.use('questions', node);
  const list = toJson(node) as readonly JsonValue[];
  if (templateUses(node, 'questions', problems).length > 0) return list;
  for (const { path, message } of problemsOfAsked(list)) {
    const where = path.length === 0 ? '' : `${path.join('.')} `;
    const example = 'A question is { id: scope, ask: "How far?", type: text }.';
    problems.add(
      'wrong-type',
      nodeBelow(node, path),
      `"questions" of ${owner} cannot be asked: ${where}${message}`,
      example,
    );
  }
  return list;
}

function readDraft(outer: Sheet): DecisionStep['draft'] {
  const node = outer.fields.map('draft', 'a map with "value" and "schema"');
  if (node === null) return undefined;
  const sheet = new Sheet(node, `"draft" of ${outer.owner}`, outer.problems);
  sheet.fields.only({ known: ['value', 'schema'], meant: { of: 'value', from: 'value', data: 'value' } });
  sheet.need('value', 'Say what is judged, for example "value: "{{ steps.draft.result }}"".');
  const draft = { value: sheet.value('value'), schema: sheet.schema('schema') };
  outer.uses.push(...sheet.uses);
  return draft;
}

/** What holds when nobody decides in time. */
function readOnTimeout(sheet: Sheet, { timeout }: StepBase, choices: readonly Choice[]): string | undefined {
  const word = sheet.fields.text('on_timeout');
  if (word === null) return timeout === null ? undefined : EXPIRED;
  const ids = [...choices.map(({ id }) => id), EXPIRED];
  if (timeout === null) {
    const hint = 'Say when the time is up, for example "timeout: 2d".';
    sheet.problems.add('wrong-type', word, `${sheet.owner} has "on_timeout" and no "timeout"`, hint);
  } else if (!ids.includes(word.value)) {
    const hint = sheet.problems.suggest(word.value, ids) || `It is one of ${ids.join(', ')}.`;
    sheet.problems.add('wrong-type', word, `${quoted(word.value)} is no choice of ${sheet.owner}`, hint);
  }
  return word.value;
}

function readReminders(sheet: Sheet): readonly Duration[] | undefined {
  const list = sheet.durations('remind');
  if (list !== null && list.length > WORKFLOW_LIMITS.nudges)
    sheet.fields.refuse('remind', `at most ${String(WORKFLOW_LIMITS.nudges)} times`);
  return list ?? undefined;
}

function readEscalations(outer: Sheet): readonly Escalation[] | undefined {
  const list = outer.fields.list('escalate', 'a list such as [{ after: 8h, to: [lead] }]');
  if (list === null) return undefined;
  if (list.items.length > WORKFLOW_LIMITS.nudges)
    outer.fields.refuse('escalate', `at most ${String(WORKFLOW_LIMITS.nudges)} steps up`);
  return list.items.flatMap((item) => {
    if (item.kind !== 'map') {
      outer.problems.add(
        'wrong-type',
        item,
        `"escalate" of ${outer.owner} must be a list of maps with "after" and "to"`,
      );
      return [];
    }
    const sheet = new Sheet(item, `"escalate" of ${outer.owner}`, outer.problems);
    sheet.fields.only({ known: ['after', 'to'], meant: { assignees: 'to', people: 'to', in: 'after' } });
    sheet.need('after', 'Say after how long, for example "after: 8h".');
    sheet.need('to', 'Say who is asked then, for example "to: [lead]".');
    const after = sheet.duration('after');
    const to = readPeople(sheet, 'to');
    outer.uses.push(...sheet.uses);
    return after === null ? [] : [{ after, to }];
  });
}

function readQuorum(sheet: Sheet): number | undefined {
  return sheet.number('quorum', { from: 1, to: WORKFLOW_LIMITS.quorum }) ?? undefined;
}

/** Approve and reject, unless the step says what can be chosen. */
function readChoices(sheet: Sheet): readonly Choice[] {
  const node = sheet.fields.node('choices');
  if (node === null) return APPROVAL;
  const choices = choicesOf(node, sheet);
  const ids = choices.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined)
    sheet.problems.add('wrong-type', node, `${sheet.owner} has the choice ${quoted(twice)} twice`, 'Keep one of them.');
  return choices.length === 0 ? APPROVAL : choices;
}

function choicesOf(node: TreeNode, sheet: Sheet): readonly Choice[] {
  const wanted = 'a list of choices, or a map of each choice to its label';
  const count = node.kind === 'list' ? node.items.length : node.kind === 'map' ? node.entries.length : 0;
  if (node.kind === 'scalar') {
    sheet.fields.refuse('choices', wanted);
    return [];
  }
  if (count === 0 || count > WORKFLOW_LIMITS.choices) {
    const counts = count === 0 ? 'no choice' : `${String(count)} choices, more than ${String(WORKFLOW_LIMITS.choices)}`;
    const hint = count === 0 ? 'Without "choices" there are approve and reject.' : null;
    sheet.problems.add('wrong-type', node, `${sheet.owner} has ${counts}`, hint);
    return [];
  }
  if (node.kind === 'list') return node.items.flatMap((item) => choiceOf(item, sheet) ?? []);
  return node.entries.flatMap(({ key, keyRange, value }) => {
    if (isText(value)) return choice({ value: key, at: keyRange }, value.value, sheet) ?? [];
    sheet.problems.add(
      'wrong-type',
      value,
      `the label of the choice ${quoted(key)} must be a text, not ${describe(value)}`,
    );
    return [];
  });
}

function choiceOf(item: TreeNode, sheet: Sheet): Choice | null {
  if (isText(item)) return choice({ value: item.value, at: item }, item.value, sheet);
  if (item.kind === 'map') {
    const fields = new Sheet(item, `a choice of ${sheet.owner}`, sheet.problems);
    fields.fields.only({
      known: ['id', 'label'],
      meant: { name: 'label', text: 'label', title: 'label', value: 'id' },
    });
    fields.need('id', 'A choice is an id, or a map with "id" and "label".');
    const id = fields.fields.text('id');
    return id === null ? null : choice({ value: id.value, at: id }, fields.text('label') ?? id.value, sheet);
  }
  sheet.problems.add('wrong-type', item, `a choice of ${sheet.owner} must be an id, or a map with "id" and "label"`);
  return null;
}

function choice(id: { value: string; at: { start: number; end: number } }, label: string, sheet: Sheet): Choice | null {
  if (STEP_ID.test(id.value)) return { id: id.value, label };
  const hint = 'It starts with a letter and has up to 64 letters, digits, "-" and "_"; any text can be its label.';
  sheet.problems.add('wrong-type', id.at, `${quoted(id.value)} cannot be the id of a choice`, hint);
  return null;
}

/** The choices that fail the step; `reject`, where it can be chosen, unless the step says others. */
function readReject(sheet: Sheet, choices: readonly Choice[]): readonly string[] {
  const ids = choices.map(({ id }) => id);
  if (!sheet.fields.has('reject')) return rejectsByDefault(choices);
  return sheet.texts('reject', 'choices').flatMap((word) => {
    if (ids.includes(word.value)) return [word.value];
    const hint = sheet.problems.suggest(word.value, ids) || `Choices are ${ids.join(', ')}.`;
    sheet.problems.add('wrong-type', word, `${quoted(word.value)} is no choice of ${sheet.owner}`, hint);
    return [];
  });
}

function readPeople(sheet: Sheet, key: 'assignees' | 'to'): readonly string[] {
  const node = sheet.fields.node(key);
  if (node !== null) sheet.use(key, node);
  return sheet.texts(key, 'people').map(({ value }) => value);
}
