/** Which answers to a question count. The client asks before it sends one, the fold when it arrives. */
import type { JsonValue } from '../core/json.js';
import type { Question } from '../core/facts.js';
import { didYouMean } from '../core/suggest.js';
import { findPlanned, type Run } from './instances.js';

export interface Answer {
  readonly step: string;
  readonly token: string | null;
  readonly choice: string;
  readonly data: JsonValue;
}

/** The question that the step at `path` waits with, or null. */
export function questionOf(run: Run, path: string): Question | null {
  const { status, more } = run.step(path);
  return status === 'waiting' && more.waitsFor?.kind === 'decision' ? more.waitsFor.question : null;
}

/** Why an answer does not count, or null when it does. */
export function refusalOf(run: Run, { step: path, token, choice, data }: Answer): string | null {
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
  const { definition } = step;
  // Who says no need not fill in the form.
  const declines = definition.type === 'decision' && definition.reject.includes(choice) && data === null;
  const issues = question.about === 'step' && !declines ? (step.checkForm?.(data) ?? []) : [];
  if (issues.length === 0) return null;
  // Who sends no data is told which fields there must be.
  const missing = data === null ? (step.checkForm?.({}) ?? []) : [];
  const listed = (missing.length > 0 ? missing : issues).map(
    (issue) => `${issue.path === '' ? 'data' : issue.path}: ${issue.message}`,
  );
  return `the answer does not fit the form of step ${path}: ${listed.join('; ')}`;
}
