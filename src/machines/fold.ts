/**
 * The fold: what a run becomes when messages reach it, as a pure function of (state, messages). Time is the
 * arrival of each message by the store's clock, so folding again gives the same result to the byte.
 * A message that changes nothing leaves a fact that says why.
 */
import type { StepFailure } from '../core/facts.js';
import type { InnerRunOutcome, Message } from '../core/messages.js';
import { runHasEnded } from '../core/statuses.js';
import { isAsking } from '../definition/steps.js';
import { advance } from './advance.js';
import { questionOf, refusalOf } from './answers.js';
import { attemptFailed, takeReply } from './attempts.js';
import { begin, cancelInside, timeOutBlock } from './blocks.js';
import { answer, expire, nudge } from './decisions.js';
import { stopOrdinary } from './early-end.js';
import { endPending, endRun, failRun } from './ending.js';
import { failStep } from './failures.js';
import { adopt } from './forking.js';
import { cancelInnerRun, innerRunWaits } from './inner-runs.js';
import { findPlanned, planned, rootOf } from './instances.js';
import { missNoLocks, notFree, takeLock } from './locks.js';
import { base, moveStep, passStep } from './moves.js';
import { goOn, isOver, pause, resume, tryNext } from './pausing.js';
import { runLifecycle } from './run.machine.js';
import { deadlineTimer, timeFrom, timeoutOf } from './run-time.js';
import { Draft, type FoldResult, type RunState } from './state.js';
import { addUsed } from './usage.js';
import { SIGNALS_KEPT, takeSignal } from './waits.js';

type MessageOf<K extends Message['kind']> = Extract<Message, { readonly kind: K }>;

/** Folds messages in order. Throws RUN_UNREADABLE when the state makes no sense; `state` is never changed. */
export function fold(state: RunState, messages: readonly Message[]): FoldResult {
  const draft = new Draft(state);
  for (const message of messages) {
    draft.cause = { id: message.id, at: message.at };
    take(draft, message);
  }
  return draft.result();
}

function take(draft: Draft, message: Message): void {
  const why = runHasEnded(draft.record.status) ? `the run is ${draft.record.status}` : apply(draft, message);
  if (why !== null) ignore(draft, message, why);
  else if (!runHasEnded(draft.record.status)) advance(draft);
}

/** Why the message changes nothing, or null when it does. */
function apply(draft: Draft, message: Message): string | null {
  switch (message.kind) {
    case 'start':
      return start(draft, message);
    case 'reply':
      return reply(draft, message);
    case 'timer':
      return message.timer.kind === 'deadline' ? deadline(draft) : timer(draft, message);
    case 'cancel':
      return cancel(draft, message);
    case 'signal':
      return takeSignal(draft, message) ? null : `${String(SIGNALS_KEPT)} signals wait already`;
    case 'decide':
      return decide(draft, message);
    case 'inner-run':
      return innerRun(draft, message.outcome);
    case 'pause':
      return pause(draft, message);
    case 'resume':
      return resume(draft, message);
    case 'retry':
    case 'skip':
    case 'restart':
      return 'it is folded alone: see steering.ts';
    case 'migrate':
      return 'a migration is folded alone: see migrate.ts';
  }
}

function start(draft: Draft, message: MessageOf<'start'>): string | null {
  const move = runLifecycle.move(draft.record.status, 'START');
  if (move === null) return 'the run has started already';
  const { state, plan } = draft;
  const issues = plan.checkInput(draft.task);
  const unfit =
    state.unfit ?? issues.map((issue) => `${issue.path === '' ? 'task' : issue.path}: ${issue.message}`).join('; ');
  if (unfit !== '') {
    const reason = state.unfit ?? `the task does not fit the workflow's input schema: ${unfit}`;
    failRun(draft, { class: state.unfit === null ? 'INVALID_INPUT' : 'EXPRESSION', message: reason, step: null });
    endPending(draft);
    return null;
  }
  const timeout = timeoutOf(draft);
  if (timeout !== null && 'unfit' in timeout) {
    failRun(draft, { class: 'EXPRESSION', message: timeout.unfit, step: null });
    endPending(draft);
    return null;
  }
  draft.setRecord({ status: move.state, startedAt: message.at });
  const { definition, hash } = plan;
  draft.facts.push({ ...base(draft), type: 'run.started', workflow: definition.name, definition: hash });
  if (timeout !== null) draft.arm(deadlineTimer(draft), { afterMs: timeout.ms });
  const { past } = draft.state.input;
  if (past !== undefined) adopt(draft, past);
  else if (!begin(draft, rootOf(draft))) endRun(draft);
  return null;
}

function reply(draft: Draft, message: MessageOf<'reply'>): string | null {
  const { step, token, worker, begunAt } = message;
  const awaited = draft.step(step).token;
  if (awaited === null || awaited !== token) return `attempt ${token} of step ${step} is no longer awaited`;
  began(draft, step, { worker, begunAt });
  takeReply(draft, step, message.reply);
  return null;
}

function timer(draft: Draft, message: MessageOf<'timer'>): string | null {
  const { kind, step: path, attempt } = message.timer;
  const late = `the ${kind} timer of attempt ${String(attempt)} of step ${path} came after the attempt had ended`;
  const step = findPlanned(draft, path);
  if (step === null) return `there is no step ${path}`;
  const record = draft.step(path);
  if (Math.max(1, record.attempt) !== attempt) return late;
  if (kind === 'wait' || kind === 'retry') {
    if (record.status !== (kind === 'wait' ? 'waiting' : 'retrying')) return late;
    if (kind === 'wait') passStep(draft, path);
    else tryNext(draft, path);
    return null;
  }
  if (kind === 'nudge') return nudge(draft, path) ? null : late;
  if (kind === 'lock') return takeLock(draft, path, { answer: message.lock, late });
  if (!isAsking(step.definition)) return timeOut(draft, path, { at: message.at, late });
  if (record.token === null) return late;
  if (kind === 'queue') {
    if (message.claim !== null) return `a worker has begun attempt ${String(attempt)} of step ${path}`;
    const waited = seconds(message.at - (record.queuedAt ?? message.at));
    const error = { class: 'QUEUE_TIMEOUT', message: `no worker began within ${waited}` } as const;
    attemptFailed(draft, path, { error });
    return null;
  }
  // Only a reply takes the claim of an attempt that is awaited: it arrived in time, and lies behind this message.
  if (message.claim === null) return `the reply of attempt ${String(attempt)} of step ${path} is on its way`;
  began(draft, path, { worker: message.claim.worker, begunAt: message.claim.begunAt });
  const held = seconds(message.at - (draft.step(path).begunAt ?? message.at));
  const lost = `worker ${message.claim.worker} stopped sending heartbeats ${held} after it began`;
  const error: StepFailure =
    kind === 'timeout'
      ? { class: 'TIMEOUT', message: `no reply within ${held} of work` }
      : { class: 'WORKER_LOST', message: lost };
  attemptFailed(draft, path, { error });
  return null;
}

/** The time of a step is up that no worker answers: a wait, a decision, a block, an inner run. */
function timeOut(draft: Draft, path: string, { at, late }: { at: number; late: string }): string | null {
  const { status, begunAt, more } = draft.step(path);
  const { type } = planned(draft, path).definition;
  // A step that people are asked about, since it failed or its rounds are used up, has come to its end in time.
  const asks = more.waitsFor?.kind === 'decision' && more.waitsFor.question.about !== 'step';
  if (status !== 'working' && (status !== 'waiting' || asks)) return late;
  const error = {
    class: 'TIMEOUT',
    message: `it was not over within ${seconds(at - (begunAt ?? at))}`,
  } as const;
  if (type === 'workflow') {
    innerRunWaits(draft, path, { run: more.run ?? '', waits: false });
    cancelInnerRun(draft, path, error.message);
    attemptFailed(draft, path, { error });
  } else if (status === 'waiting') {
    const question = questionOf(draft, path);
    const waited = seconds(at - (begunAt ?? at));
    if (question !== null && expire(draft, path, { question, waited })) return null;
    const nobody = question === null ? notFree(draft.step(path), waited) : `nobody decided within ${waited}`;
    const message = nobody ?? error.message;
    failStep(draft, path, { error: { ...error, message } });
  } else {
    timeOutBlock(draft, path, error);
  }
  return null;
}

/** The run's own time is up: what is under way is canceled, and what deals with failures still runs. */
function deadline(draft: Draft): string | null {
  const { status, failure } = draft.record;
  if (status !== 'running' && status !== 'waiting') return `the run is ${status}`;
  const message = `the run was not over within ${seconds(draft.cause.at - timeFrom(draft))}`;
  if (failure === null) failRun(draft, { class: 'TIMEOUT', message, step: null });
  const heldBack = draft.paused && isOver(draft);
  missNoLocks(draft);
  stopOrdinary(draft, message);
  if (heldBack) endRun(draft);
  return null;
}

function cancel(draft: Draft, { reason, by, claims }: MessageOf<'cancel'>): string | null {
  const { status, canceled } = draft.record;
  const cancelable = status === 'pending' || status === 'running' || status === 'waiting' || status === 'paused';
  if (canceled !== null || !cancelable) return `a run that is ${status} cannot be canceled`;
  draft.setRecord({ canceled: { reason, by } });

  if (status === 'pending') {
    endPending(draft);
    return null;
  }
  // What is to be undone is begun, so it is not paused any more.
  const heldBack = draft.paused && isOver(draft);
  missNoLocks(draft);
  goOn(draft, by);
  // An attempt in a worker's hands is canceled too; its next heartbeat tells the worker to stop.
  for (const [path, claim] of claims) if (findPlanned(draft, path) !== null) began(draft, path, claim);
  cancelInside(draft, [rootOf(draft)], 'the run was canceled');
  if (heldBack) endRun(draft);
  return null;
}

/** People's answer to the question that a step waits with. */
function decide(draft: Draft, message: MessageOf<'decide'>): string | null {
  const refusal = refusalOf(draft, message);
  const asked = questionOf(draft, message.step);
  if (refusal !== null || asked === null) return refusal;
  answer(draft, message.step, { asked, given: message });
  return null;
}

function innerRun(draft: Draft, outcome: InnerRunOutcome): string | null {
  const { step: path, token, run, status, result, error, head } = outcome;
  const record = draft.step(path);
  const open = record.status === 'working' || (record.status === 'waiting' && record.more.waitsFor?.kind === 'run');
  if (!open || record.token !== token) return `run ${run} of step ${path} is no longer awaited`;
  if (outcome.used !== undefined) addUsed(draft, path, outcome.used);
  innerRunWaits(draft, path, { run, waits: status === 'waiting' });
  if (status === 'waiting' || status === 'running') return null;
  if (status === 'completed') {
    if (head !== null) draft.setRecord({ head });
    passStep(draft, path, { result, commit: head });
  } else if (status === 'canceled') {
    failStep(draft, path, { error: { class: 'CANCELED', message: `run ${run} was canceled` } });
  } else {
    const why = error === null ? 'it failed' : `${error.class} ${error.message}`;
    attemptFailed(draft, path, { error: { class: 'RUN_FAILED', message: `run ${run}: ${why}` } });
  }
  return null;
}

/** The step machine goes through `working` even when the fold learns of it late. */
function began(draft: Draft, path: string, { worker, begunAt }: { worker: string; begunAt: number }): void {
  if (draft.step(path).status !== 'queued') return;
  moveStep(draft, path, 'BEGIN', { worker, begunAt });
  const { attempt } = draft.step(path);
  const fact = { type: 'step.working', step: path, attempt, worker } as const;
  draft.facts.push({ ...base(draft), at: begunAt, ...fact });
}

function ignore(draft: Draft, message: Message, reason: string): void {
  const step =
    message.kind === 'reply' || message.kind === 'decide'
      ? message.step
      : message.kind === 'timer'
        ? message.timer.step
        : message.kind === 'inner-run'
          ? message.outcome.step
          : null;
  draft.facts.push({ ...base(draft), type: 'message.ignored', kind: message.kind, reason, step });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
