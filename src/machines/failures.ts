/** What it means that a step failed for good: its list fails, its list goes on, or people are asked. */
import type { Question, StepFailure } from '../core/facts.js';
import type { PlannedStep } from '../definition/plan.js';
import { isAsking } from '../definition/steps.js';
import { mayGoOn, planned } from './instances.js';
import { base, moveStep } from './moves.js';
import type { StepRecord } from './records.js';
import type { Draft } from './state.js';
import { withUsage } from './usage.js';

export interface Failing {
  readonly error: StepFailure;
  readonly change?: Partial<StepRecord>;
}

/** Ends a step with a failure, or asks people about it where the step says so and its run still goes well. */
export function failStep(draft: Draft, path: string, { error, change = {} }: Failing): void {
  const step = planned(draft, path);
  const { on_error: policy } = step.definition;
  if (policy === 'ask' && mayGoOn(draft, path)) {
    askAbout(draft, { path, step, error, change });
    return;
  }
  endFailed(draft, path, { error, change, tolerated: policy === 'continue' });
}

export function endFailed(
  draft: Draft,
  path: string,
  { error, change = {}, tolerated }: Failing & { readonly tolerated: boolean },
): void {
  const { status, more } = draft.step(path);
  const event = status === 'pending' || status === 'retrying' ? 'REFUSE' : 'FAIL';
  moveStep(draft, path, event, {
    verdict: 'error',
    error,
    ...change,
    more: tolerated ? { ...more, tolerated: true } : more,
  });
  const { attempt, worker, result, artifacts } = draft.step(path);
  draft.facts.push({
    ...base(draft),
    type: 'step.failed',
    step: path,
    attempt,
    error,
    worker,
    result,
    artifacts,
    ...withUsage(draft),
  });
}

/** Makes a step wait for people's answer. */
export function ask(
  draft: Draft,
  path: string,
  asked: { readonly question: Omit<Question, 'token'>; readonly change?: Partial<StepRecord> },
): void {
  const questions = (draft.step(path).more.questions ?? 0) + 1;
  const question = { ...asked.question, token: `${path}?${String(questions)}` };
  const more = { ...draft.step(path).more, questions, waitsFor: { kind: 'decision', question } as const };
  moveStep(draft, path, 'WAIT', { ...asked.change, token: null, more });
  draft.facts.push({ ...base(draft), type: 'step.waiting', step: path, waitsFor: more.waitsFor, ...withUsage(draft) });
}

/** Whether a failed step can be done again from its beginning: what a block held cannot. */
function canRepeat({ definition }: PlannedStep): boolean {
  return (isAsking(definition) && definition.type !== 'plan') || definition.type === 'workflow';
}

function askAbout(
  draft: Draft,
  { path, step, error, change }: { path: string; step: PlannedStep; error: StepFailure; change: Partial<StepRecord> },
): void {
  const attempt = isAsking(step.definition) ? `, attempt ${String(draft.step(path).attempt)}` : '';
  // What a template said once it says again.
  const again = canRepeat(step) && error.class !== 'EXPRESSION' ? [{ id: 'retry', label: 'Try again' }] : [];
  const question = {
    about: 'failure',
    prompt: `Step ${path} failed${attempt}: ${error.class} ${error.message}`,
    choices: [...again, { id: 'continue', label: 'Go on without it' }, { id: 'fail', label: 'Let it fail' }],
    context: { class: error.class, message: error.message },
    assignees: [],
  } as const;
  ask(draft, path, { question, change: { error, ...change } });
}
