/**
 * The fold: what a run becomes when messages reach it, as a pure function of (state, messages). Time is the
 * arrival of each message by the store's clock, so folding again gives the same result to the byte.
 * A message that changes nothing leaves a fact that says why.
 */
import type { StepFailure } from '../core/facts.js';
import type { Message, PersonaReply } from '../core/messages.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import { runLifecycle } from './run.machine.js';
import { Draft, type FoldResult, type RunState } from './state.js';
import { advance, base, failStep, moveStep, retriesOf, retryDelayMs } from './steps.js';

/** A worker may vanish this often under one step before the step is taken for the cause. */
export const MAX_LOSSES = 5;

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
  if (runHasEnded(draft.record.status)) {
    ignore(draft, message, `the run is ${draft.record.status}`);
    return;
  }
  switch (message.kind) {
    case 'start':
      start(draft, message);
      return;
    case 'reply':
      reply(draft, message);
      return;
    case 'timer':
      timer(draft, message);
      return;
    case 'cancel':
      cancel(draft, message);
  }
}

function start(draft: Draft, message: MessageOf<'start'>): void {
  const move = runLifecycle.move(draft.record.status, 'START');
  if (move === null) {
    ignore(draft, message, 'the run has started already');
    return;
  }
  draft.setRecord({ status: move.state, startedAt: message.at });
  const { definition, hash, roots } = draft.state.plan;
  draft.facts.push({ ...base(draft), type: 'run.started', workflow: definition.name, definition: hash });
  advance(draft, roots);
}

function reply(draft: Draft, message: MessageOf<'reply'>): void {
  const { step, token, worker, begunAt } = message;
  const record = draft.step(step);
  if (record.token === null || record.token !== token) {
    ignore(draft, message, `attempt ${token} of step ${step} is no longer awaited`);
    return;
  }
  begin(draft, step, { worker, begunAt });
  if (message.reply.status === 'pass') {
    pass(draft, step, message.reply);
    advance(draft, []);
  } else {
    notPassed(draft, step, message.reply);
  }
}

function pass(draft: Draft, step: string, { status, result, artifacts, commit }: PersonaReply): void {
  moveStep(draft, step, 'PASS', { verdict: status, result, artifacts, commit, error: null });
  if (commit !== null) draft.setRecord({ head: commit });
  const { attempt, worker } = draft.step(step);
  draft.facts.push({
    ...base(draft),
    type: 'step.succeeded',
    step,
    attempt,
    worker: worker ?? '',
    verdict: status,
    result,
    artifacts,
    commit,
  });
}

function notPassed(draft: Draft, step: string, { status, result, artifacts, error }: PersonaReply): void {
  attemptFailed(draft, step, {
    error: error ?? { class: 'PERSONA_ERROR', message: `the persona replied ${status} without saying why` },
    // What the persona found out is kept, whatever becomes of the step.
    change: { verdict: status, result, artifacts },
  });
}

function timer(draft: Draft, message: MessageOf<'timer'>): void {
  const { kind, step, attempt } = message.timer;
  const record = draft.step(step);
  const awaited = kind === 'retry' ? record.status === 'retrying' : record.token !== null;
  if (!awaited || record.attempt !== attempt) {
    ignore(
      draft,
      message,
      `the ${kind} timer of attempt ${String(attempt)} of step ${step} came after the attempt had ended`,
    );
    return;
  }
  if (kind === 'retry') {
    moveStep(draft, step, 'DISPATCH');
    return;
  }
  if (message.claim === null) {
    // Only a reply takes the claim of an attempt that is awaited: it arrived in time, and lies behind this message.
    ignore(draft, message, `the reply of attempt ${String(attempt)} of step ${step} is on its way`);
    return;
  }
  begin(draft, step, { worker: message.claim.worker, begunAt: message.claim.begunAt });
  const heldMs = message.at - (draft.step(step).begunAt ?? message.at);
  const error: StepFailure =
    kind === 'timeout'
      ? { class: 'TIMEOUT', message: `no reply within ${seconds(heldMs)} of work` }
      : {
          class: 'WORKER_LOST',
          message: `worker ${message.claim.worker} stopped sending heartbeats ${seconds(heldMs)} after it began`,
        };
  attemptFailed(draft, step, { error, change: {} });
}

function cancel(draft: Draft, message: MessageOf<'cancel'>): void {
  const move = runLifecycle.move(draft.record.status, 'CANCEL');
  if (move === null) {
    ignore(draft, message, `a run that is ${draft.record.status} cannot be canceled`);
    return;
  }
  const { reason, by } = message;
  for (const id of draft.state.plan.order) {
    const { status, attempt } = draft.step(id);
    if (stepIsSettled(status)) continue;
    // An attempt in a worker's hands is canceled too; its next heartbeat tells the worker to stop.
    moveStep(draft, id, 'CANCEL', { reason: 'the run was canceled' });
    draft.facts.push({ ...base(draft), type: 'step.canceled', step: id, attempt, reason: 'the run was canceled' });
  }
  draft.setRecord({ status: move.state, endedAt: message.at, canceled: { reason, by } });
  draft.facts.push({ ...base(draft), type: 'run.canceled', reason, by });
}

/** The one place that decides what an attempt that did not pass leads to. */
function attemptFailed(
  draft: Draft,
  step: string,
  { error, change }: { error: StepFailure; change: Parameters<typeof moveStep>[3] },
): void {
  const record = draft.step(step);
  const lost = error.class === 'WORKER_LOST';
  const failures = record.failures + (lost ? 0 : 1);
  const losses = record.losses + (lost ? 1 : 0);
  const again = lost ? losses <= MAX_LOSSES : error.class !== 'REJECTED' && failures <= retriesOf(draft, step);
  const failing = draft.record.failure !== null;
  if (!again || failing) {
    failStep(draft, step, { event: 'FAIL', error, change: { failures, losses, ...change } });
    advance(draft, []);
    return;
  }
  retry(draft, step, { error, lost, change: { failures, losses, error, ...change } });
}

function retry(
  draft: Draft,
  step: string,
  { error, lost, change }: { error: StepFailure; lost: boolean; change: Parameters<typeof moveStep>[3] },
): void {
  const { attempt, worker } = draft.step(step);
  // The fact comes before the request that the move may dispatch at once, so that a reader sees them in this order.
  const delayMs = lost ? 0 : retryDelayMs(change?.failures ?? 1);
  draft.facts.push({ ...base(draft), type: 'step.retrying', step, attempt, error, worker, delayMs });
  moveStep(draft, step, lost ? 'REQUEUE' : 'RETRY', { token: null, endedAt: draft.cause.at, ...change });
}

/** The step machine goes through `working` even when the fold learns of it late. */
function begin(draft: Draft, step: string, claim: { worker: string; begunAt: number }): void {
  if (draft.step(step).status !== 'queued') return;
  moveStep(draft, step, 'BEGIN', claim);
  const { attempt } = draft.step(step);
  draft.facts.push({ ...base(draft), at: claim.begunAt, type: 'step.working', step, attempt, worker: claim.worker });
}

function ignore(draft: Draft, message: Message, reason: string): void {
  const step = message.kind === 'reply' ? message.step : message.kind === 'timer' ? message.timer.step : null;
  draft.facts.push({ ...base(draft), type: 'message.ignored', kind: message.kind, reason, step });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
