/** What runs and steps wait for in words, each with the command that ends the waiting. */
import type { Question, WaitsFor } from '../../core/facts.js';
import type { JsonObject, JsonValue } from '../../core/json.js';
import type { Slot } from '../../core/ports.js';
import type { RunView, StepView } from '../../core/views.js';
import { dateAndTime, duration, timeOfDay } from './duration.js';
import { formOptions } from './form-words.js';
import { lockWords } from './lock-words.js';
import { oneLine } from './printable.js';
import { shellWord } from './shell-word.js';

/** `waits until 09:00:00`, `waits for signal "approved"`, `asks ann: Ship it?`; all on one line. */
export function waitWords(waitsFor: WaitsFor): string {
  switch (waitsFor.kind) {
    case 'time':
      return `waits until ${dateAndTime(waitsFor.until)}`;
    case 'signal':
      return `waits for signal ${JSON.stringify(oneLine(waitsFor.name))}`;
    case 'decision': {
      const { assignees, prompt } = waitsFor.question;
      return oneLine(`asks${assignees.length === 0 ? '' : ` ${assignees.join(', ')}`}: ${shortened(prompt, PROMPT)}`);
    }
    case 'run':
      return `waits with run ${oneLine(waitsFor.run)}`;
    case 'lock':
      return `waits for ${lockWords(waitsFor.name, waitsFor.holder)}`;
  }
}

/** As `waitWords` for somebody who looks at it now: a time of today is told without its date, and how long it is until then. */
export function waitWordsNow(waitsFor: WaitsFor, now: number): string {
  if (waitsFor.kind !== 'time') return waitWords(waitsFor);
  const { until } = waitsFor;
  const today = dateAndTime(until).slice(0, 10) === dateAndTime(now).slice(0, 10);
  return `waits until ${today ? timeOfDay(until) : dateAndTime(until)}, ${duration(until - now)} more`;
}

/** `waits for its turn: at most 1 run with key "deploy"`. */
export function slotWords({ key, limit }: Slot): string {
  const runs = limit === 1 ? '1 run' : `${String(limit)} runs`;
  return `waits for its turn: at most ${runs} with key ${JSON.stringify(oneLine(key))}`;
}

export interface AnswerWay {
  readonly command: string;
  readonly meaning: string;
  /** Of a decision. */
  readonly choice?: string;
}

/** The commands that end the waiting, each with what it means; empty for a time. Without a `form` they say nothing of data. */
export function answersTo(
  waitsFor: WaitsFor,
  { run, step, form = null }: { readonly run: string; readonly step: string; readonly form?: StepView['form'] },
): readonly AnswerWay[] {
  if (waitsFor.kind === 'time') return [];
  if (waitsFor.kind === 'signal')
    return [{ command: `coord signal ${shellWord(run)} ${shellWord(waitsFor.name)}`, meaning: '' }];
  if (waitsFor.kind === 'run') return [{ command: `coord show ${shellWord(waitsFor.run)}`, meaning: '' }];
  if (waitsFor.kind === 'lock') return waitsFor.holder === undefined ? [] : [{ command: 'coord locks', meaning: '' }];
  return waitsFor.question.choices.map(({ id, label }) => ({
    command: `coord decide ${shellWord(run)} ${shellWord(step)} ${shellWord(id)}${formOptions(form, id)}`,
    meaning: label === id ? '' : oneLine(label),
    choice: id,
  }));
}

/** Something that only people, or a program on their behalf, can end. */
export interface Ask {
  readonly run: string;
  readonly step: string;
  /** The same for the same question. */
  readonly key: string;
  /** Whether the answer must bring data. */
  readonly wantsData: boolean;
  readonly commands: readonly AnswerWay[];
  /** What is asked, and below it the commands that answer. */
  readonly lines: readonly string[];
}

/** Whatever of a run waits for an answer or a signal, in the order of the workflow. */
export function asksOf(view: RunView): readonly Ask[] {
  return view.steps.flatMap((step) => askOf(view.id, step));
}

/** A step that waits with a run inside asks nothing itself. */
function askOf(run: string, { id, waitsFor, form }: StepView): readonly Ask[] {
  if (waitsFor?.kind !== 'signal' && waitsFor?.kind !== 'decision') return [];
  const token = waitsFor.kind === 'signal' ? `signal ${waitsFor.name}` : waitsFor.question.token;
  const asked = { run, step: id, form };
  const commands = answersTo(waitsFor, asked);
  const lines = linesOf(waitsFor, asked);
  return [{ run, step: id, key: `${run} ${id} ${token}`, lines, wantsData: form !== null, commands }];
}

interface DecisionAsked {
  readonly run: string;
  readonly step: string;
  readonly question: Question;
  readonly form: StepView['form'];
}

function linesOf(waitsFor: WaitsFor, asked: Omit<DecisionAsked, 'question'>): readonly string[] {
  const answers = answersTo(waitsFor, asked);
  const width = Math.max(0, ...answers.map(({ command }) => command.length));
  return [
    `${oneLine(asked.step)} ${waitWords(waitsFor)}`,
    ...contextLines(waitsFor),
    ...answers.map(({ command, meaning }) => `  ${meaning === '' ? command : `${command.padEnd(width)}  ${meaning}`}`),
  ];
}

/** Characters of what templates gave, which may be whole documents. */
const PROMPT = 500;
const CONTEXT = { entries: 20, characters: 200 } as const;

function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function contextLines(waitsFor: WaitsFor): readonly string[] {
  if (waitsFor.kind !== 'decision' || waitsFor.question.about === 'failure') return [];
  const { question } = waitsFor;
  return [...valueLines(question.context), ...draftLines(question), ...timeLines(question)].map((line) => `  ${line}`);
}

/** What there is to judge by, one line for each. */
export function valueLines(context: JsonObject): readonly string[] {
  const entries = Object.entries(context);
  const lines = entries.slice(0, CONTEXT.entries).map(([name, value]) => `${oneLine(name)}: ${valueWords(value)}`);
  return entries.length > CONTEXT.entries ? [...lines, `and ${String(entries.length - CONTEXT.entries)} more`] : lines;
}

function valueWords(value: JsonValue): string {
  return oneLine(shortened(typeof value === 'string' ? value : JSON.stringify(value), CONTEXT.characters));
}

function draftLines({ draft, edited, asked = [] }: Question): readonly string[] {
  return [
    ...(draft === undefined ? [] : [`draft${edited === true ? ', edited' : ''}: ${valueWords(draft)}`]),
    ...asked.map(({ id, ask, reason }) => oneLine(`${id}: ${ask}${reason === undefined ? '' : ` (${reason})`}`)),
  ];
}

function timeLines({ due, otherwise, quorum, votes = [] }: Question): readonly string[] {
  const after = otherwise === undefined ? 'it fails' : `${oneLine(otherwise)} holds`;
  return [
    ...(quorum === undefined ? [] : [`answered by ${String(votes.length)}; ${String(quorum)} must choose the same`]),
    ...(due === undefined ? [] : [`until ${dateAndTime(due)}, then ${after}`]),
  ];
}

/** One question as `asksOf` shows it: what is asked, what to judge it by, and the commands that answer. */
export function decisionLines({ run, step, question, form }: DecisionAsked): readonly string[] {
  return linesOf({ kind: 'decision', question }, { run, step, form });
}

/** The lines of a few of them; what is left out is counted. */
export function askLines(asks: readonly Ask[], { run, most }: { run: string; most: number }): readonly string[] {
  const shown = asks
    .slice(0, most)
    .flatMap(({ lines }) => lines.map((line, at) => (at === 0 ? `? ${line}` : `  ${line}`)));
  const more = asks.length - most;
  return more <= 0 ? shown : [...shown, `? and ${String(more)} more: coord show ${run} --json`];
}
