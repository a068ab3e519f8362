/** What a persona needs to know from people before it can go on: a question, and a new attempt with the answers. */
import type { Asked } from '../core/asked.js';
import type { JsonObject } from '../core/json.js';
import type { PersonaReply } from '../core/exchange.js';
import { ask } from './failures.js';
import { handsOver } from './handover.js';
import { moveStep } from './moves.js';
import type { Draft } from './state.js';

/** A persona that asks more often than this does not come to an end by asking. */
export const INPUTS_LIMIT = 10;

const CHOICES = [
  { id: 'answer', label: 'Answer' },
  { id: 'skip', label: 'Go on without answers' },
  { id: 'fail', label: 'Let it fail' },
] as const;

/** How often the step has asked so far. */
export function inputsAsked(draft: Draft, path: string): number {
  return draft.step(path).more.inputs ?? 0;
}

/** Asks people what the persona asks. What it has done so far is kept: the next attempt starts from its commit. */
export function askForInput(
  draft: Draft,
  path: string,
  { persona, reply }: { readonly persona: string; readonly reply: PersonaReply },
): void {
  const { result, artifacts, commit, questions = [], prompt } = reply;
  if (commit !== null) draft.setRecord({ head: commit });
  draft.setMore(path, { inputs: inputsAsked(draft, path) + 1 });
  const question = {
    about: 'input',
    prompt: prompt ?? `${persona} needs to know before it goes on with step ${path}`,
    choices: CHOICES,
    context: result === null ? {} : { result },
    assignees: [],
    asked: questions,
    at: draft.cause.at,
  } as const;
  ask(draft, path, { question, change: { result, artifacts, commit, ...(handsOver(draft) && { error: null }) } });
}

/** A new attempt, which counts as no failure. Null: people go on without answering. */
export function goOnWithAnswers(
  draft: Draft,
  path: string,
  { asked, data }: { readonly asked: readonly Asked[]; readonly data: JsonObject | null },
): void {
  const { answers = [], place, ...more } = draft.step(path).more;
  void place;
  const given = asked.map(({ id, ask: question }) => ({ id, ask: question, answer: data?.[id] ?? null }));
  moveStep(draft, path, 'AGAIN', { more: { ...more, answers: [...answers, ...given] } });
  draft.ready.push(path);
}
