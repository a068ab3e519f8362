/**
 * Moves single steps of a draft through their lifecycle and does what the machine asks: timers, counts, and the word to
 * those who wait. What follows for lists and blocks is decided by whoever empties `draft.settled` and `draft.ready`.
 */
import { CoordError } from '../core/errors.js';
import type { StepFailure } from '../core/facts.js';
import { sha256 } from '../core/json.js';
import { timerId, type TimerKind } from '../core/messages.js';
import { stepIsSettled, type StepStatus } from '../core/statuses.js';
import type { PlannedStep } from '../definition/plan.js';
import { isAsking, type Retries, type StepDefinition } from '../definition/steps.js';
import { release } from './budgets.js';
import { listOf, planned, prefixOf } from './instances.js';
import type { StepRecord } from './records.js';
import { dispatch } from './requests.js';
import type { Draft } from './state.js';
import { account } from './usage.js';
import { type StepAction, type StepEvent, stepLifecycle } from './step.machine.js';

/** Actions that speak of the state that is left, and so look at the record as it was. */
const ON_LEAVING: ReadonlySet<StepAction> = new Set<StepAction>(['disarmAttempt', 'disarmRetry', 'disarmWait']);

/** Sends one event to a step's machine and does what it asks. `change` is written together with the new status. */
export function moveStep(draft: Draft, path: string, event: StepEvent, change: Partial<StepRecord> = {}): void {
  const before = draft.step(path);
  const move = stepLifecycle.move(before.status, event);
  if (move === null) throw new CoordError('RUN_UNREADABLE', `step ${path} is ${before.status} and cannot ${event}`);
  const step = planned(draft, path);
  for (const action of move.actions) if (ON_LEAVING.has(action)) act(draft, { path, step, action });
  draft.setStep(path, { ...change, status: move.state });
  if (event !== 'BEGIN') settleReserved(draft, path, before.status);
  count(draft, path, { definition: step.definition, from: before.status, to: move.state });
  for (const action of move.actions) if (!ON_LEAVING.has(action)) act(draft, { path, step, action });
}

/** An attempt that has ended without a word may have used all that was set aside for it, unless no worker has begun it. */
function settleReserved(draft: Draft, path: string, status: StepStatus): void {
  if (draft.step(path).more.reserved === undefined) return;
  if (status === 'working') account(draft, path, undefined);
  else release(draft, path);
}

/** `by`: who said so, when it was not the workflow. */
export function skipStep(draft: Draft, path: string, reason: string, by?: string): void {
  moveStep(draft, path, 'SKIP', { reason });
  draft.facts.push({ ...base(draft), type: 'step.skipped', step: path, reason, ...(by !== undefined && { by }) });
}

export function cancelStep(draft: Draft, path: string, reason: string): void {
  moveStep(draft, path, 'CANCEL', { reason });
  const { attempt } = draft.step(path);
  draft.facts.push({ ...base(draft), type: 'step.canceled', step: path, attempt, reason });
}

/** Succeeds a step that no worker answered: a block, a wait, an event, an inner run. */
export function passStep(draft: Draft, path: string, change: Partial<StepRecord> = {}): void {
  moveStep(draft, path, 'PASS', { verdict: 'pass', error: null, ...change });
  const { attempt, worker, result, artifacts, commit } = draft.step(path);
  const outcome = { verdict: 'pass', result, artifacts, commit } as const;
  draft.facts.push({ ...base(draft), type: 'step.succeeded', step: path, attempt, worker: worker ?? '', ...outcome });
}

/** What every fact starts with. */
export function base(draft: Draft): { run: string; at: number; cause: string } {
  return { run: draft.record.id, at: draft.cause.at, cause: draft.cause.id };
}

export function armTimer(
  draft: Draft,
  { kind, path, ...due }: { kind: TimerKind; path: string; afterMs: number; at?: number },
): void {
  const attempt = Math.max(1, draft.step(path).attempt);
  draft.arm(timerId({ kind, run: draft.record.id, step: path, attempt }), due);
}

/** How many of a for_each's items have begun: as many as may be under way beside those that are done. */
export function itemsBegun(draft: Draft, path: string, doneNow = itemsDone(draft, path, 0)): number {
  const { block } = draft.step(path).more;
  return block?.begun ?? Math.min(block?.items?.length ?? 0, (block?.width ?? 1) + doneNow);
}

/** Changes the number of items that are done by `by`, and gives it. */
function itemsDone(draft: Draft, path: string, by: number): number {
  return draft.changeCount(`done|${path}`, by, () => {
    const { block } = draft.step(path).more;
    const ids = planned(draft, path).lists.steps?.steps ?? [];
    let done = 0;
    for (const index of (block?.items ?? []).keys()) {
      if (ids.every((id) => stepIsSettled(draft.step(`${path}[${String(index)}]/${id}`).status))) done++;
    }
    return done;
  });
}

/** Milliseconds before the next attempt, after the given number of failures. Drawn from the attempt's name where it has jitter. */
function retryDelayMs({ backoff }: Retries, failures: number, seed: string): number {
  if (!('initial' in backoff)) return Math.round((backoff[Math.min(failures, backoff.length) - 1] ?? 0) * 1_000);
  const { initial, factor, max, jitter } = backoff;
  const full = Math.min(max, initial * factor ** Math.max(0, failures - 1)) * 1_000;
  const drawn = jitter === 0 ? 0 : Number.parseInt(sha256(seed).slice(0, 8), 16) / 0xffffffff;
  return Math.round(full * (1 - jitter * drawn));
}

/** The delay before the step's next attempt; only asking steps and inner runs have one. */
export function delayOf(draft: Draft, path: string, failures: number): number {
  const { definition } = planned(draft, path);
  if (!isAsking(definition) && definition.type !== 'workflow') return 0;
  return retryDelayMs(definition.retries, failures, `${draft.record.id}|${path}|${String(draft.step(path).attempt)}`);
}

interface Act {
  readonly path: string;
  readonly step: PlannedStep;
  readonly action: StepAction;
}

function act(draft: Draft, { path, step, action }: Act): void {
  switch (action) {
    case 'dispatch': {
      const { queueMs } = dispatch(draft, path, step);
      if (queueMs !== null) armTimer(draft, { kind: 'queue', path, afterMs: queueMs });
      return;
    }
    case 'disarmAttempt': {
      const { timeout, queue_timeout: queue } = step.templates;
      if (isAsking(step.definition)) disarm(draft, path, ['heartbeat', 'timeout']);
      else if (timeout !== undefined) disarm(draft, path, ['timeout']);
      if (queue !== undefined) disarm(draft, path, ['queue']);
      return;
    }
    case 'armRetry':
      armRetry(draft, path);
      return;
    case 'disarmRetry':
      disarm(draft, path, ['retry']);
      return;
    case 'disarmWait':
      disarm(draft, path, waitTimers(draft, path));
      return;
    case 'settle':
      settle(draft, path, step);
  }
}

/** A step that is parked is due when its persona has said, any other after its pause. */
function armRetry(draft: Draft, path: string): void {
  const { failures, more } = draft.step(path);
  const until = more.parked?.until;
  if (until === undefined) armTimer(draft, { kind: 'retry', path, afterMs: delayOf(draft, path, failures) });
  else armTimer(draft, { kind: 'retry', path, afterMs: until - draft.cause.at, at: until });
}

function waitTimers(draft: Draft, path: string): readonly TimerKind[] {
  const { waitsFor } = draft.step(path).more;
  if (waitsFor?.kind === 'lock') return ['lock', 'timeout'];
  const tellsAgain = waitsFor?.kind === 'decision' && (waitsFor.question.nudges ?? []).length > 0;
  return tellsAgain ? ['wait', 'timeout', 'nudge'] : ['wait', 'timeout'];
}

/** Takes these timers of the step's attempt away, whether they are armed or not. */
export function disarm(draft: Draft, path: string, kinds: readonly TimerKind[]): void {
  const attempt = Math.max(1, draft.step(path).attempt);
  for (const kind of kinds) draft.disarm(timerId({ kind, run: draft.record.id, step: path, attempt }));
}

/**
 * Counts at once, so that a count that is made up from the records for the first time holds exactly the steps that
 * settled before it.
 */
function settle(draft: Draft, path: string, step: PlannedStep): void {
  const order = draft.record.settled;
  draft.setRecord({ settled: order + 1 });
  draft.setStep(path, { token: null, endedAt: draft.cause.at, order });
  const prefix = prefixOf(path);
  const unsettled = (ids: readonly string[]): number =>
    ids.reduce((open, id) => open + (stepIsSettled(draft.step(`${prefix}${id}`).status) ? 0 : 1), 0);
  for (const id of step.dependents) {
    const left = draft.changeCount(`waits|${prefix}${id}`, -1, () =>
      unsettled(planned(draft, `${prefix}${id}`).dependencies),
    );
    if (left === 0) draft.ready.push(`${prefix}${id}`);
  }
  const { owner, list } = listOf(draft, path);
  const last = draft.changeCount(`open|${owner ?? ''}|${prefix}`, -1, () => unsettled(list.steps)) === 0;
  const ofItem = last && owner !== null && planned(draft, owner).definition.type === 'for_each' && list.key === 'steps';
  draft.settled.push({ path, last, done: ofItem ? itemsDone(draft, owner, 1) : 0 });
}

/** Attempts, inner runs and retries keep a run running; blocks only hold them, and so does a plan once it has its steps. */
function count(
  draft: Draft,
  path: string,
  { definition, from, to }: { definition: StepDefinition; from: StepStatus; to: StepStatus },
): void {
  const holds = draft.step(path).more.block !== undefined;
  const works = (isAsking(definition) || definition.type === 'workflow') && !holds;
  const active = (status: StepStatus): number =>
    status === 'queued' || status === 'retrying' || (works && status === 'working') ? 1 : 0;
  const waiting = (status: StepStatus): number => (status === 'waiting' ? 1 : 0);
  const activeBy = active(to) - active(from);
  const waitingBy = waiting(to) - waiting(from);
  if (activeBy === 0 && waitingBy === 0) return;
  draft.setRecord({ active: draft.record.active + activeBy, waiting: draft.record.waiting + waitingBy });
}

/** A failure as it is told of the step that had it. */
export function failureOf(record: StepRecord, path: string): StepFailure & { step: string | null } {
  const { block } = record.more;
  if (block?.failure !== undefined) return block.failure;
  const error = record.error ?? { class: 'STEP_FAILED', message: 'it failed' };
  return { ...error, step: path };
}
