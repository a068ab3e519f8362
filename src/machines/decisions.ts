/** Asking people, and what their answers lead to. Which answers count is said by answers.ts. */
import { CoordError } from '../core/errors.js';
import { type Asked, askedListSchema, whyNotAsked } from '../core/asked.js';
import type { Nudge, Question, StepFailure } from '../core/facts.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.js';
import { mergePatch } from '../core/merge-patch.js';
import { withDefaults } from '../definition/asked-schema.js';
import type { PlannedStep } from '../definition/plan.js';
import { whereOf } from '../definition/plan-expressions.js';
import { renderDuration, renderField, renderMs, renderObject, renderText } from '../definition/render.js';
import type { DecisionStep } from '../definition/steps.js';
import type { Scope } from '../expression/scope.js';
import { type Answer, rejects } from './answers.js';
import { tryAgain } from './attempts.js';
import { moreRounds } from './blocks.js';
import { answerBudget } from './budget-questions.js';
import { ask, endFailed } from './failures.js';
import { planned } from './instances.js';
import { goOnWithAnswers } from './inputs.js';
import { armTimer, base, passStep } from './moves.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

type Deciding = PlannedStep & { readonly definition: DecisionStep };

/** Asks people. Throws EXPRESSION_FAILED. */
export function openDecision(draft: Draft, path: string, step: Deciding): void {
  const scope = scopeOf(draft, path, step);
  const now = draft.cause.at;
  const timeoutMs = renderDuration(step, 'timeout', scope);
  const assignees = (renderField(step, 'assignees', scope) ?? []) as readonly JsonValue[];
  const question = {
    about: 'step',
    prompt: renderText(step, 'prompt', scope) ?? '',
    choices: step.definition.choices,
    context: renderObject(step, 'context', scope),
    assignees: assignees.map(String),
    ...shownWith(step, scope),
    ...timesOf(step, scope, { now, timeoutMs }),
  } as const;
  ask(draft, path, { question, change: { attempt: draft.step(path).attempt + 1, begunAt: now } });
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
  armNudge(draft, path, question);
}

/** What is asked one by one, and what is judged. */
function shownWith(step: Deciding, scope: Scope): Pick<Question, 'asked' | 'draft' | 'quorum' | 'rejects'> {
  const { definition } = step;
  const { id, questions, draft, quorum, reject } = definition;
  const cannot = (field: string, message: string): never =>
    whereOf(id, field, () => {
      throw new CoordError('EXPRESSION_FAILED', message);
    });
  const list = questions === undefined ? null : (renderField(step, 'questions', scope) ?? []);
  const why = list === null ? null : whyNotAsked(list);
  if (why !== null) cannot('questions', `they cannot be asked: ${why}`);
  const value = draft === undefined ? null : renderField(step, 'draft', scope);
  const [issue] = draft === undefined ? [] : (step.checkDraft?.(value) ?? []);
  if (issue !== undefined)
    cannot('draft', `it is not as its schema says: ${issue.path === '' ? '' : `${issue.path} `}${issue.message}`);
  return {
    ...(list !== null && { asked: askedListSchema.parse(list) }),
    ...(draft !== undefined && { draft: value, rejects: reject }),
    ...(quorum !== undefined && quorum > 1 && { quorum }),
  };
}

/** When people are told again, and what holds when the time is up. */
function timesOf(
  step: Deciding,
  scope: Scope,
  { now, timeoutMs }: { readonly now: number; readonly timeoutMs: number | null },
): Pick<Question, 'due' | 'otherwise' | 'nudges'> {
  const { definition } = step;
  const { on_timeout: expired, choices } = definition;
  const otherwise = choices.find(({ id }) => id === expired)?.id;
  const nudges = nudgesOf(step, scope, now);
  return {
    ...(expired !== undefined && timeoutMs !== null && { due: now + timeoutMs }),
    ...(otherwise !== undefined && { otherwise }),
    ...(nudges.length > 0 && { nudges }),
  };
}

function nudgesOf(step: Deciding, scope: Scope, now: number): readonly Nudge[] {
  const { id } = step.definition;
  const list = (field: string): readonly JsonValue[] => (renderField(step, field, scope) ?? []) as readonly JsonValue[];
  const at = (field: string, after: JsonValue): number => now + renderMs(id, field, after);
  const reminders = list('remind').map((after): Nudge => ({ at: at('remind', after) }));
  const escalations = list('escalate').map((one): Nudge => {
    const { after = null, to = [] } = isJsonObject(one) ? one : {};
    return { at: at('escalate', after), to: (to as readonly JsonValue[]).map(String) };
  });
  // A sort keeps the order of those that are due at once.
  return [...reminders, ...escalations].toSorted((a, b) => a.at - b.at);
}

function armNudge(draft: Draft, path: string, { nudges = [] }: Pick<Question, 'nudges'>): void {
  const [next] = nudges;
  if (next !== undefined) armTimer(draft, { kind: 'nudge', path, afterMs: next.at - draft.cause.at, at: next.at });
}

/** Tells people again, and asks others too where that is said. False when there is nobody to tell any more. */
export function nudge(draft: Draft, path: string): boolean {
  const { status, more } = draft.step(path);
  if (status !== 'waiting' || more.waitsFor?.kind !== 'decision') return false;
  const { question } = more.waitsFor;
  const [due, ...nudges] = question.nudges ?? [];
  if (due === undefined) return false;
  const others = (due.to ?? []).filter((person) => !question.assignees.includes(person));
  const assignees = [...question.assignees, ...others];
  setQuestion(draft, path, { ...question, assignees, nudges });
  const { token } = question;
  const fact = { type: 'decision.reminded', step: path, token, assignees } as const;
  draft.facts.push({ ...base(draft), ...fact, ...(due.to !== undefined && { to: due.to }) });
  armNudge(draft, path, { nudges });
  return true;
}

function setQuestion(draft: Draft, path: string, question: Question): void {
  draft.setMore(path, { waitsFor: { kind: 'decision', question } });
}

/** Takes an answer that counts. */
export function answer(draft: Draft, path: string, { asked, given }: { asked: Question; given: Answer }): void {
  const { choice, by, edits, from } = given;
  const step = planned(draft, path);
  const data = asked.asked === undefined || rejects(step, choice) ? given.data : withDefaults(asked.asked, given.data);
  const said = {
    step: path,
    token: asked.token,
    choice,
    data,
    by,
    ...(from !== undefined && { from }),
    ...(edits !== undefined && { edits }),
  };
  const question = edited(asked, given);
  if (asked.about === 'step' && step.definition.type === 'decision') {
    const votes = votesOf(question, { ...said, at: draft.cause.at }, edits !== undefined);
    const same = votes.filter((vote) => vote.choice === choice).length;
    const { quorum = 1 } = asked;
    if (same < quorum && !rejects(step, choice)) {
      draft.facts.push({ ...base(draft), type: 'decision.voted', ...said, votes: same, quorum });
      voted(draft, path, { ...question, votes });
      return;
    }
    draft.facts.push({ ...base(draft), type: 'decision.answered', ...said });
    decide(draft, path, { question: { ...question, votes }, choice, data, by, why: `${by} chose "${choice}"` });
    return;
  }
  draft.facts.push({ ...base(draft), type: 'decision.answered', ...said });
  if (asked.about === 'input') {
    answerInput(draft, path, { asked: asked.asked ?? [], choice, data, by });
    return;
  }
  if (asked.about === 'budget') {
    answerBudget(draft, path, { asked, choice, data, by });
    return;
  }
  if (choice === 'more') moreRounds(draft, path, 1);
  else if (choice === 'accept') passStep(draft, path);
  else if (choice === 'retry') tryAgain(draft, path);
  else {
    const limit = { class: 'LIMIT', message: asked.prompt } as const;
    endFailed(draft, path, { error: draft.step(path).error ?? limit, tolerated: choice === 'continue' });
  }
}

/** What the persona wanted to know: it goes on with the answers, or without. */
function answerInput(
  draft: Draft,
  path: string,
  { asked, choice, data, by }: { asked: readonly Asked[]; choice: string; data: JsonValue; by: string },
): void {
  if (choice === 'fail') {
    const error = { class: 'REJECTED', message: `${by} chose "fail" when it asked` } as const;
    endFailed(draft, path, { error, change: { verdict: 'fail' }, tolerated: false });
    return;
  }
  goOnWithAnswers(draft, path, { asked, data: choice === 'answer' && isJsonObject(data) ? data : null });
}

function edited(asked: Question, { edits }: Answer): Question {
  if (edits === undefined || asked.draft === undefined) return asked;
  return { ...asked, draft: mergePatch(asked.draft, edits), edited: true };
}

/** Who has changed what is judged is the first to agree with it. */
function votesOf(
  { votes = [] }: Question,
  { by, choice, data, at }: { by: string; choice: string; data: JsonValue; at: number },
  anew: boolean,
): NonNullable<Question['votes']> {
  return [...(anew ? [] : votes), { by, choice, data, at }];
}

/** Others are waited for, unless there are none. */
function voted(draft: Draft, path: string, question: Question): void {
  const { assignees, votes = [], quorum = 1, choices } = question;
  if (assignees.length === 0 || !assignees.every((person) => votes.some(({ by }) => by === person))) {
    setQuestion(draft, path, question);
    return;
  }
  const counts = choices.map(({ id }) => `${id} ${String(votes.filter(({ choice }) => choice === id).length)}`);
  const message = `all have answered, and no choice has the ${String(quorum)} answers that it needs: ${counts.join(', ')}`;
  refuse(draft, path, {
    error: { class: 'REJECTED', message },
    result: resultOf(question, { choice: null, data: null, by: null }),
  });
}

interface Decided {
  readonly question: Question;
  readonly choice: string;
  readonly data: JsonValue;
  readonly by: string;
  readonly why: string;
}

/** Ends a decision step. */
function decide(draft: Draft, path: string, { question, choice, data, by, why }: Decided): void {
  const result = resultOf(question, { choice, data, by });
  if (rejects(planned(draft, path), choice))
    refuse(draft, path, { error: { class: 'REJECTED', message: why }, result });
  else passStep(draft, path, { result });
}

function refuse(draft: Draft, path: string, { error, result }: { error: StepFailure; result: JsonValue }): void {
  const tolerated = planned(draft, path).definition.on_error === 'continue';
  endFailed(draft, path, { error, change: { verdict: 'fail', result }, tolerated });
}

function resultOf({ draft, edited: changed, quorum, votes }: Question, given: JsonObject): JsonObject {
  return {
    ...given,
    ...(draft !== undefined && { draft, edited: changed === true }),
    ...(quorum !== undefined && { votes: (votes ?? []).map((vote) => ({ ...vote })) }),
  };
}

/** Who is told to have decided when the time was up. */
const NOBODY = 'timeout';

/**
 * The time is up: what the step says holds then. False when it says nothing, so that it fails; that nobody decided is told in
 * both cases, but for questions of before that was written down.
 */
export function expire(
  draft: Draft,
  path: string,
  { question, waited }: { question: Question; waited: string },
): boolean {
  if (question.due === undefined) return false;
  const { token, otherwise, asked = [] } = question;
  draft.facts.push({ ...base(draft), type: 'decision.expired', step: path, token, choice: otherwise ?? null });
  if (otherwise === undefined) return false;
  const data = question.asked === undefined ? null : withDefaults(asked, null);
  const why = `nobody decided within ${waited}, so "${otherwise}" holds`;
  decide(draft, path, { question, choice: otherwise, data, by: NOBODY, why });
  return true;
}
