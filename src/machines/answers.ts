/** Which answers to a question count. The client asks before it sends one, the fold when it arrives. */
import type { JsonValue } from '../core/json.js';
import type { Question } from '../core/facts.js';
import { didYouMean } from '../core/suggest.js';
import { mergePatch } from '../core/merge-patch.js';
import { testOfAsked, withDefaults } from '../definition/asked-schema.js';
import type { SchemaIssue } from '../definition/json-schema.js';
import type { PlannedStep } from '../definition/plan.js';
import { findPlanned, type Run } from './instances.js';

export interface Answer {
  readonly step: string;
  readonly token: string | null;
  readonly choice: string;
  readonly data: JsonValue;
  readonly by: string;
  readonly edits?: JsonValue | undefined;
  readonly from?: string | undefined;
}

/** The question that the step at `path` waits with, or null. */
export function questionOf(run: Run, path: string): Question | null {
  const { status, more } = run.step(path);
  return status === 'waiting' && more.waitsFor?.kind === 'decision' ? more.waitsFor.question : null;
}

/** Whether a choice fails a decision step. */
export function rejects({ definition }: PlannedStep, choice: string): boolean {
  return definition.type === 'decision' && definition.reject.includes(choice);
}

/** Why an answer does not count, or null when it does. */
export function refusalOf(run: Run, answer: Answer): string | null {
  const { step: path, token, choice } = answer;
  const step = findPlanned(run, path);
  if (step === null) return `there is no step "${path}"`;
  const question = questionOf(run, path);
  if (question === null) {
    const { status, more } = run.step(path);
    return more.waitsFor?.kind === 'decision'
      ? `the question of step ${path} is answered already: the step is ${status}`
      : `step ${path} asks nothing: it is ${status}`;
  }
  if (token !== null && token !== question.token) return `step ${path} asks something else by now`;
  const choices = question.choices.map(({ id }) => id);
  if (!choices.includes(choice))
    return `"${choice}" is not a choice of step ${path}.${didYouMean(choice, choices)} Choices are ${choices.join(', ')}.`;
  return (
    refusalOfVote(question, answer) ?? refusalOfData(step, question, answer) ?? refusalOfEdits(step, question, answer)
  );
}

/** Where several must agree, each counts once, and only who is asked. */
function refusalOfVote({ quorum, assignees, votes = [] }: Question, { step: path, by }: Answer): string | null {
  if (quorum === undefined) return null;
  if (assignees.length > 0 && !assignees.includes(by))
    return `step ${path} is decided by ${assignees.join(', ')}, and ${by} is none of them`;
  const before = votes.find((vote) => vote.by === by);
  if (before === undefined) return null;
  return `${by} has answered step ${path} already with "${before.choice}" at ${new Date(before.at).toISOString()}`;
}

function refusalOfData(step: PlannedStep, question: Question, { step: path, choice, data }: Answer): string | null {
  const check = checkOf(step, question, choice);
  // Who says no need not fill in the form.
  if (check === null || (rejects(step, choice) && data === null)) return null;
  const issues = check(data);
  if (issues.length === 0) return null;
  // Who sends no data is told which fields there must be.
  const missing = data === null ? check({}) : [];
  const listed = listOf(missing.length > 0 ? missing : issues, 'data');
  return `the answer does not fit the form of step ${path}: ${listed}`;
}

/** The test of the data of an answer, or null when it may be anything. */
function checkOf(
  step: PlannedStep,
  { about, asked }: Question,
  choice: string,
): ((data: JsonValue) => readonly SchemaIssue[]) | null {
  const isForm =
    about === 'step' || (about === 'input' && choice === 'answer') || (about === 'budget' && choice !== 'stop');
  if (!isForm) return null;
  if (asked === undefined) return step.checkForm;
  return (data) => testOfAsked(asked)(withDefaults(asked, data));
}

function refusalOfEdits(step: PlannedStep, { draft }: Question, { step: path, choice, edits }: Answer): string | null {
  if (edits === undefined) return null;
  if (draft === undefined) return `step ${path} shows no draft, so there is nothing to edit`;
  if (rejects(step, choice)) return `"${choice}" rejects the draft of step ${path}, so it edits nothing`;
  const issues = step.checkDraft?.(mergePatch(draft, edits)) ?? [];
  return issues.length === 0
    ? null
    : `the edited draft of step ${path} is not as it must be: ${listOf(issues, 'draft')}`;
}

function listOf(issues: readonly SchemaIssue[], whole: string): string {
  return issues.map(({ path, message }) => `${path === '' ? whole : path}: ${message}`).join('; ');
}
