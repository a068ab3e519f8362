/** Asks the person at the terminal what a step asks: what to judge by first, then the choice, then one question at a time. */
import type { Asked } from '../core/asked.js';
import type { Question } from '../core/facts.js';
import type { JsonObject, JsonValue } from '../core/json.js';
import { patchBetween } from '../core/merge-patch.js';
import type { StepView } from '../core/views.js';
import { askedOfForm } from '../definition/asked-schema.js';
import { compileSchema } from '../definition/json-schema.js';
import type { Prompts } from './prompts.js';
import { decisionLines, valueLines } from './render/waiting.js';

export interface WizardWant {
  readonly run: string;
  readonly step: string;
  readonly question: Question;
  readonly form: StepView['form'];
  /** Given already, and not asked for. */
  readonly choice?: string | undefined;
}

export interface Answered {
  readonly choice: string;
  readonly data: JsonValue;
  readonly edits?: JsonValue;
}

/** What stands for an answer that is left out. */
const NONE = '';

/** Null when the person leaves: nothing is answered then. */
export async function wizard(prompts: Prompts, want: WizardWant): Promise<Answered | null> {
  const { question, form, step } = want;
  const { choices, draft, context, about } = question;
  const [title = step] = decisionLines(want);
  const shown = about === 'failure' ? [] : valueLines(context);
  prompts.show(title, shown.join('\n'));
  const choice =
    want.choice ??
    (await prompts.select(
      'Your answer?',
      choices.map(({ id, label }) => ({ value: id, label: label === id ? id : `${label} (${id})` })),
    ));
  if (choice === null) return null;
  const needsForm = form !== null && !form.notFor.includes(choice);
  if (draft !== undefined)
    prompts.show(question.edited === true ? 'Draft, edited' : 'Draft', JSON.stringify(draft, null, 2));
  const edits = draft !== undefined && mayEdit(want, choice) ? await editsOf(prompts, draft) : undefined;
  if (edits === null) return null;
  const data = needsForm ? await answersTo(prompts, question.asked ?? null, form.schema) : null;
  if (data === undefined) return null;
  return { choice, data, ...(edits !== undefined && { edits }) };
}

/** Who rejects a draft changes nothing in it. */
function mayEdit({ question: { rejects = [] } }: WizardWant, choice: string): boolean {
  return !rejects.includes(choice);
}

/** What the person changes in it; undefined for nothing, null when they leave. */
async function editsOf(prompts: Prompts, draft: JsonValue): Promise<JsonValue | undefined> {
  const way = await prompts.select('The draft?', [
    { value: 'keep', label: 'Take it as it is' },
    { value: 'edit', label: 'Edit it' },
  ]);
  if (way === null) return null;
  if (way === 'keep') return undefined;
  for (let text = JSON.stringify(draft, null, 2); ; ) {
    text = await prompts.edit(text, 'draft.json');
    const edited = parsed(text);
    if (edited !== undefined) return patchBetween(draft, edited) ?? undefined;
    const again = await prompts.confirm('That is no JSON. Edit it once more? (No takes the draft as it was.)');
    if (again === null) return null;
    if (!again) return undefined;
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** One question at a time; undefined when the person leaves. A form that is not made of plain fields is answered as JSON. */
async function answersTo(
  prompts: Prompts,
  asked: readonly Asked[] | null,
  schema: JsonObject | true,
): Promise<JsonValue | undefined> {
  const list = asked ?? askedOfForm(schema);
  if (list === null) return await asJson(prompts, schema);
  const data: Record<string, JsonValue> = {};
  for (const [at, one] of list.entries()) {
    const title = `${String(at + 1)}/${String(list.length)} ${one.ask}${one.reason === undefined ? '' : ` (${one.reason})`}`;
    const answer = await ask(prompts, title, one);
    if (answer === undefined) return undefined;
    if (answer !== null) data[one.id] = answer;
  }
  const [issue] = compileSchema(schema)(data);
  if (issue === undefined) return data;
  prompts.show('This does not fit', `${issue.path === '' ? 'the answer' : issue.path}: ${issue.message}`);
  return await answersTo(prompts, asked, schema);
}

async function asJson(prompts: Prompts, schema: JsonObject | true): Promise<JsonValue | undefined> {
  const check = compileSchema(schema);
  const text = await prompts.text('The answer, as JSON', {
    usual: '{}',
    check: (written) => {
      const value = parsed(written === '' ? '{}' : written);
      if (value === undefined) return 'That is no JSON.';
      const [issue] = check(value);
      return issue === undefined ? null : `${issue.path === '' ? 'It' : issue.path} ${issue.message}`;
    },
  });
  return text === null ? undefined : parsed(text === '' ? '{}' : text);
}

/** Null: skipped; undefined: the person leaves. */
async function ask(prompts: Prompts, title: string, one: Asked): Promise<JsonValue | undefined> {
  const { type, options } = one;
  const mustAnswer = one.required === true && one.default === undefined;
  const skip = mustAnswer ? [] : [{ value: NONE, label: skipWords(one) }];
  if (type === 'yes_no' || type === 'choice') {
    const offered = type === 'yes_no' ? ['yes', 'no'] : (options ?? []);
    const chosen = await prompts.select(title, [
      ...usualFirst(offered, one).map((value) => ({ value, label: value })),
      ...skip,
    ]);
    if (chosen === null) return undefined;
    if (chosen === NONE) return null;
    return type === 'yes_no' ? chosen === 'yes' : chosen;
  }
  if (type === 'list' && options !== undefined) {
    const chosen = await prompts.several(
      title,
      options.map((value) => ({ value, label: value })),
    );
    if (chosen === null) return undefined;
    return chosen.length === 0 && !mustAnswer ? null : chosen;
  }
  const text = await prompts.text(type === 'list' ? `${title} (several with a comma between)` : title, {
    usual: mustAnswer ? '' : skipWords(one),
    check: (written) => {
      if (written.trim() === '') return mustAnswer ? 'This must be answered.' : null;
      return type === 'number' && !Number.isFinite(Number(written)) ? 'This is no number.' : null;
    },
  });
  if (text === null) return undefined;
  if (text.trim() === '') return null;
  if (type === 'number') return Number(text);
  return type === 'list'
    ? text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '')
    : text;
}

function skipWords({ default: usual }: Asked): string {
  return usual === undefined ? 'skip' : `skip: ${typeof usual === 'string' ? usual : JSON.stringify(usual)}`;
}

function usualFirst(options: readonly string[], { default: usual }: Asked): readonly string[] {
  const first = usual === true ? 'yes' : usual === false ? 'no' : usual;
  return options.toSorted((a, b) => Number(b === first) - Number(a === first));
}
