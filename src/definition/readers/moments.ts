/** Steps that no persona does: `decision`, `wait`, `emit`, and `workflow`, a run inside the run. */
import { quoted } from '../../expression/problem.js';
import { hasHoles } from '../../expression/template.js';
import { describe, isText } from '../fields.js';
import { APPROVAL, type Choice, NO_RETRIES, rejectsByDefault, type StepBase } from '../steps.js';
import type { TreeNode } from '../tree.js';
import { parseTime, STEP_ID, WORKFLOW_LIMITS } from '../workflow.js';
import type { StepBody } from './draft.js';
import { readRetries } from './retries.js';
import { Sheet } from './sheet.js';

export function readDecision(sheet: Sheet, base: StepBase): StepBody {
  const prompt = sheet.needed('prompt', 'Say what is asked, for example "prompt: Deploy {{ task.version }}?".');
  const choices = readChoices(sheet);
  return {
    definition: {
      ...base,
      type: 'decision',
      prompt,
      choices,
      reject: readReject(sheet, choices),
      form: sheet.schema('form'),
      context: sheet.values('context') ?? {},
      assignees: readAssignees(sheet),
    },
  };
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

function readAssignees(sheet: Sheet): readonly string[] {
  const node = sheet.fields.node('assignees');
  if (node !== null) sheet.use('assignees', node);
  return sheet.texts('assignees', 'people').map(({ value }) => value);
}

const MOMENTS = ['duration', 'until', 'signal'] as const;

export function readWait(sheet: Sheet, base: StepBase): StepBody {
  const { fields, problems, owner } = sheet;
  const given = MOMENTS.filter((key) => fields.has(key));
  const [, second] = given;
  if (given.length === 0) fields.missing('duration', 'Say what is waited for: "duration", "until" or "signal".');
  if (second !== undefined) {
    const at = fields.places.get(second) ?? fields.range;
    const words = given.map((key) => `"${key}"`).join(' and ');
    problems.add('wrong-type', at, `${owner} waits for ${words}`, 'Keep one of them.');
  }
  const until = sheet.template('until');
  if (until !== null && !hasHoles(until) && parseTime(until) === null)
    fields.refuse('until', 'a time such as "2026-01-31T09:00:00Z", or a template that gives one');
  const signal = sheet.template('signal');
  if (signal?.trim() === '') fields.refuse('signal', 'the name of a signal');
  return { definition: { ...base, type: 'wait', duration: sheet.duration('duration'), until, signal } };
}

export function readEmit(sheet: Sheet, base: StepBase): StepBody {
  const event = sheet.needed('event', 'Name the event, for example "event: phase.completed".');
  return { definition: { ...base, type: 'emit', event, data: sheet.values('data') ?? {} } };
}

export function readInner(sheet: Sheet, base: StepBase): StepBody {
  sheet.need('workflow', 'Say which workflow is run, by its name or the path of its file.');
  const workflow = sheet.text('workflow') ?? '';
  if (hasHoles(workflow))
    sheet.fields.refuse('workflow', 'the name of a workflow', 'It must be known when the file is loaded.');
  const retries = readRetries(sheet) ?? NO_RETRIES;
  return { definition: { ...base, type: 'workflow', workflow, definition: null, task: sheet.values('task'), retries } };
}
