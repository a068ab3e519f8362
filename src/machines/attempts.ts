/** What an attempt's end leads to: the step passes, is tried again, goes to another persona, or fails. */
import type { StepFailure } from '../core/facts.js';
import { isJsonObject } from '../core/json.js';
import type { PersonaReply } from '../core/exchange.js';
import { type ErrorClass, RETRYABLE_CLASSES, type Verdict } from '../core/statuses.js';
import { type PlannedSteps, parseSteps } from '../definition/planned-steps.js';
import { type AskingStep, isAsking, personasOf, type PlanStep } from '../definition/steps.js';
import { openPlanned } from './blocks.js';
import { standingOf } from './budgets.js';
import { failStep } from './failures.js';
import { keepSession, triedBefore } from './handover.js';
import { askForInput, INPUTS_LIMIT, inputsAsked } from './inputs.js';
import { mayGoOn, planned } from './instances.js';
import { base, cancelStep, delayOf, disarm, moveStep } from './moves.js';
import { asksNextAtOnce, forgetParked, keepWork, type Parked, parkedAfter, resumesAfter } from './parking.js';
import type { StepRecord } from './records.js';
import { askedPersona } from './requests.js';
import { retriesOf } from './retries.js';
import type { Draft } from './state.js';
import { account, accountUnknown, withUsage } from './usage.js';

/** A worker may vanish this often under one step before the step is taken for the cause. */
export const MAX_LOSSES = 5;

/** Takes a persona's answer to the attempt that is awaited. */
export function takeReply(draft: Draft, path: string, reply: PersonaReply): void {
  account(draft, path, reply.usage);
  draft.usage = reply.usage;
  judgeReply(draft, path, reply);
  draft.usage = undefined;
}

function judgeReply(draft: Draft, path: string, reply: PersonaReply): void {
  if (reply.status !== 'pass' && reply.session !== undefined)
    keepSession(draft, path, { persona: askedPersona(draft, path), session: reply.session });
  if (reply.status === 'needs_input' && mayGoOn(draft, path) && inputsAsked(draft, path) < INPUTS_LIMIT) {
    askForInput(draft, path, { persona: askedPersona(draft, path), reply });
    return;
  }
  const { verdict, error } = judge(draft, path, reply);
  const { result, artifacts, commit } = reply;
  if (error !== null) {
    // What the persona found out is kept, whatever becomes of the step.
    const { resumeInMs } = reply;
    attemptFailed(draft, path, { error, change: { verdict, result, artifacts }, resumeInMs, work: commit });
    return;
  }
  if (commit !== null) draft.setRecord({ head: commit });
  if (reply.tree !== undefined) draft.setMore(path, { tree: reply.tree });
  const step = planned(draft, path);
  if (step.definition.type === 'plan') {
    const parsed = plannedBy(draft, step.definition, reply);
    if (!parsed.ok) {
      const message = `the steps it planned cannot be run: ${parsed.problems.slice(0, 5).join('; ')}`;
      const change = { verdict: 'error', result, artifacts } as const;
      attemptFailed(draft, path, { error: { class: 'INVALID_REPLY', message }, change });
      return;
    }
    draft.setStep(path, { result, artifacts, commit, error: null });
    if (!mayGoOn(draft, path)) {
      cancelStep(draft, path, 'what it planned is not begun, since something has failed meanwhile');
      return;
    }
    openPlanned(draft, path, parsed.steps);
    return;
  }
  moveStep(draft, path, 'PASS', { verdict: 'pass', result, artifacts, commit, error: null });
  const { attempt, worker } = draft.step(path);
  const outcome = { verdict: 'pass', result, artifacts, commit } as const;
  draft.facts.push({
    ...base(draft),
    type: 'step.succeeded',
    step: path,
    attempt,
    worker: worker ?? '',
    ...outcome,
    ...withUsage(draft),
  });
}

/** The one place that decides what an attempt that did not pass leads to. */
export function attemptFailed(
  draft: Draft,
  path: string,
  {
    error,
    change = {},
    resumeInMs,
    work = null,
  }: {
    readonly error: StepFailure;
    readonly change?: Partial<StepRecord>;
    /** When its persona can go on, as it says. */
    readonly resumeInMs?: number | undefined;
    /** Commit that the attempt has left behind. */
    readonly work?: string | null;
  },
): void {
  const { definition } = planned(draft, path);
  const record = draft.step(path);
  if (draft.usage === undefined && change.verdict === undefined) accountUnknown(draft, path);
  const lost = error.class === 'WORKER_LOST';
  const counts = { failures: record.failures + (lost ? 0 : 1), losses: record.losses + (lost ? 1 : 0) };
  // In a list that fails nothing is begun again.
  const goesOn = mayGoOn(draft, path);
  const retryable = isRetryable(definition, error.class);
  const next = (record.more.asked ?? 0) + 1;
  const persona = isAsking(definition) ? personasOf(definition)[next] : undefined;
  const atOnce = goesOn && persona !== undefined && asksNextAtOnce(draft, path, error);
  const parked = goesOn && !atOnce ? parkedAfter(draft, path, { error, resumeInMs }) : null;
  if (parked !== null) {
    keepWork(draft, path, work);
    park(draft, path, { error, parked, change });
    return;
  }
  const again = lost ? counts.losses <= MAX_LOSSES : retryable && counts.failures <= retriesOf(draft, path);
  if (goesOn && again && !atOnce) {
    keepWork(draft, path, resumesAfter(definition, error, 'retry') ? work : null);
    retry(draft, path, { error, lost, change: { ...change, ...counts, error } });
    return;
  }
  if (goesOn && persona !== undefined && RETRYABLE_CLASSES.includes(error.class)) {
    keepWork(draft, path, resumesAfter(definition, error, 'fallback') ? work : null);
    fallBack(draft, path, { error, next, definition: definition as AskingStep, change });
    return;
  }
  failStep(draft, path, { error, change: { ...counts, ...change } });
}

/** Begins a failed step once more, since people said so, when there is room for it. Its retries count from the beginning. */
export function tryAgain(draft: Draft, path: string): void {
  // The place it once had in the line is no place in it now.
  const { place, ...more } = draft.step(path).more;
  void place;
  moveStep(draft, path, 'AGAIN', { failures: 0, losses: 0, more });
  draft.ready.push(path);
}

/** The verdict as it counts: a result that does not fit the step's schema is no valid reply. */
function judge(draft: Draft, path: string, reply: PersonaReply): { verdict: Verdict; error: StepFailure | null } {
  if (reply.status === 'needs_input') {
    const often = inputsAsked(draft, path) >= INPUTS_LIMIT;
    const why = often ? `it has asked people ${String(INPUTS_LIMIT)} times` : 'something has failed meanwhile';
    return { verdict: 'error', error: { class: 'PERSONA_ERROR', message: `it asks people, but ${why}` } };
  }
  if (reply.status !== 'pass') {
    const unexplained = { class: 'PERSONA_ERROR', message: `the persona replied ${reply.status} without saying why` };
    return { verdict: reply.status, error: reply.error ?? (unexplained as StepFailure) };
  }
  const issues = planned(draft, path).checkOutput?.(reply.result) ?? [];
  if (issues.length === 0) return { verdict: 'pass', error: null };
  const listed = issues.map((issue) => `${issue.path === '' ? 'result' : issue.path}: ${issue.message}`).join('; ');
  return {
    verdict: 'error',
    error: { class: 'INVALID_REPLY', message: `the result does not fit the step's output schema: ${listed}` },
  };
}

/** The steps of a plan, checked like those of a file. They stand by themselves: what they need is in their params. */
function plannedBy(draft: Draft, { allow, max_steps }: PlanStep, { result }: PersonaReply): PlannedSteps {
  if (!isJsonObject(result)) return { ok: false, problems: ['the result must be a map with the list "steps"'] };
  return parseSteps(result['steps'] ?? null, {
    // Nobody has pinned what a run inside would run: it could not begin, and its step would wait for ever.
    types: allow.types.filter((type) => type !== 'workflow'),
    personas: allow.personas === null ? null : new Set(allow.personas),
    max_steps,
    taken: new Set(),
    readable: [],
    variables: Object.keys(draft.variables),
  });
}

function isRetryable(definition: ReturnType<typeof planned>['definition'], errorClass: ErrorClass): boolean {
  if (!RETRYABLE_CLASSES.includes(errorClass)) return false;
  if (!isAsking(definition) && definition.type !== 'workflow') return false;
  return definition.retries.retry_on?.includes(errorClass) ?? true;
}

/** Waits until the persona can go on; nothing counts against the retries. */
function park(
  draft: Draft,
  path: string,
  { error, parked, change }: { error: StepFailure; parked: Parked; change: Partial<StepRecord> },
): void {
  const { attempt, worker, more } = draft.step(path);
  const delayMs = parked.until - draft.cause.at;
  const fact = { type: 'step.retrying', step: path, attempt, error, worker, delayMs, parked: true } as const;
  draft.facts.push({ ...base(draft), ...fact, ...withUsage(draft) });
  moveStep(draft, path, 'RETRY', { ...change, token: null, endedAt: draft.cause.at, error, more: { ...more, parked } });
}

function retry(
  draft: Draft,
  path: string,
  { error, lost, change }: { error: StepFailure; lost: boolean; change: Partial<StepRecord> },
): void {
  forgetParked(draft, path);
  const { attempt, worker } = draft.step(path);
  // The fact comes before the request that the move may dispatch at once, so that a reader sees them in this order.
  const delayMs = lost ? 0 : delayOf(draft, path, change.failures ?? 1);
  draft.facts.push({
    ...base(draft),
    type: 'step.retrying',
    step: path,
    attempt,
    error,
    worker,
    delayMs,
    ...withUsage(draft),
  });
  askAgain(draft, path, { atOnce: lost, change: { token: null, endedAt: draft.cause.at, ...change } });
}

/** While the run is paused, what would be asked at once waits like what is asked later, and is due when it goes on. */
function askAgain(
  draft: Draft,
  path: string,
  { atOnce, change }: { atOnce: boolean; change: Partial<StepRecord> },
): void {
  const may = !draft.paused && standingOf(draft, path).is === 'free';
  moveStep(draft, path, atOnce && may ? 'REQUEUE' : 'RETRY', change);
  if (!atOnce || !draft.paused) return;
  disarm(draft, path, ['retry']);
  draft.setMore(path, { due: true });
}

/** Asks the next persona, with its own retries. */
function fallBack(
  draft: Draft,
  path: string,
  {
    error,
    next,
    definition,
    change: { result = null, artifacts = [] },
  }: { error: StepFailure; next: number; definition: AskingStep; change: Partial<StepRecord> },
): void {
  forgetParked(draft, path);
  const { attempt, more } = draft.step(path);
  const personas = personasOf(definition);
  const from = personas[next - 1] ?? '';
  const to = personas[next] ?? '';
  draft.facts.push({
    ...base(draft),
    type: 'step.fallback',
    step: path,
    attempt,
    from,
    to,
    error,
    ...withUsage(draft),
  });
  const tried = triedBefore(draft, path, { persona: from, attempt, error, result, artifacts });
  const change = { failures: 0, losses: 0, token: null, error, more: { ...more, ...tried, asked: next } };
  askAgain(draft, path, { atOnce: true, change });
}
