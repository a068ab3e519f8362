/**
 * Which steering a run takes as it stands, and what comes of that which takes a run up from some step. The client asks before it
 * sends it, the fold when it arrives. Each is a transition of its own: what it makes of the run is found by its records, so
 * that everything derived from them before is forgotten.
 */
import type { SteeringMessage } from '../core/steering.js';
import { refusedWhile, standsAlone } from '../core/steering.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import { didYouMean } from '../core/suggest.js';
import { Again } from './again.js';
import { advance } from './advance.js';
import { findPlanned, listOf, openLists, ownerOfFrame, planned, rootOf } from './instances.js';
import { missLocks } from './locks.js';
import { base, itemsBegun, skipStep } from './moves.js';
import { makeReady } from './readiness.js';
import type { StepRecord } from './records.js';
import { runLifecycle } from './run.machine.js';
import { setDeadline } from './run-time.js';
import { restoreState } from './work-states.js';
import { Draft, type FoldResult, type RunState, runState } from './state.js';

export interface Steered {
  readonly state: RunState;
  readonly result: FoldResult;
}

type MessageOf<K extends SteeringMessage['kind']> = Extract<SteeringMessage, { readonly kind: K }>;
type Stamped = SteeringMessage & { readonly id: string; readonly at: number };

/** Why it would change nothing, or null. */
export function refusalOfSteering(state: RunState, message: SteeringMessage): string | null {
  const why = refusedWhile(state.record.status, message.kind);
  if (why !== null || !standsAlone(message.kind)) return why;
  return refusalOfEnded(state) ?? drafted(state, { ...message, id: '0-0', at: 0 }).why;
}

/** Folds a message that stands alone; `state` is never changed. */
export function foldSteering(state: RunState, message: Stamped): Steered {
  const why = refusedWhile(state.record.status, message.kind) ?? refusalOfEnded(state);
  const tried = why === null ? drafted(state, message) : { why, draft: new Draft(state), again: null };
  if (tried.why === null && tried.again !== null) {
    const { draft, again } = tried;
    goOn(draft, again);
    return { state: draft.state, result: draft.result() };
  }
  const draft = new Draft(state);
  draft.cause = message;
  const step = 'step' in message ? message.step : null;
  draft.facts.push({ ...base(draft), type: 'message.ignored', kind: message.kind, reason: tried.why ?? '', step });
  // A place that was taken with the message is given back with it.
  if (runHasEnded(state.record.status)) draft.release = state.record.slot?.key ?? null;
  return { state, result: draft.result() };
}

/** What is true of every run that has ended and is taken up again. */
function refusalOfEnded({ record, input }: RunState): string | null {
  if (!runHasEnded(record.status)) return null;
  if (input.parent !== null) {
    const { run, step } = input.parent;
    return `it worked for step ${step} of run ${run}, which knows how it ended; take up that run instead`;
  }
  return record.startedAt === null ? 'it has never begun; start another one' : null;
}

interface Drafted {
  readonly why: string | null;
  readonly draft: Draft;
  readonly again: Again;
}

/** Everything but what can begin then. */
function drafted(state: RunState, message: Stamped): Drafted {
  // What is made of a record is remembered by it, and counts are kept beside them: both are made anew.
  const steps = new Map([...state.steps].map(([path, step]) => [path, { ...step }]));
  const draft = new Draft(runState({ ...state, steps }));
  draft.cause = message;
  const again = new Again(draft);
  return { why: take(draft, again, message), draft, again };
}

function take(draft: Draft, again: Again, message: Stamped): string | null {
  switch (message.kind) {
    case 'retry': {
      const { by, reason } = message;
      failed(draft, again);
      if (again.steps.size + again.blocks.size === 0)
        return 'no step of it has failed, so there is nothing to try again; restart it from a step';
      const steps = namesOf(again);
      draft.facts.push({ ...base(draft), type: 'run.retried', reason, by, steps });
      const late = again.apply(`${by} has the run try again`);
      restoreState(draft);
      return late;
    }
    case 'skip':
      return skip(draft, again, message);
    case 'restart':
      return restart(draft, again, message);
    default:
      return `a ${message.kind} message does not stand alone`;
  }
}

/** All that failed, and what was undone for it. */
export function failed(draft: Draft, again: Again): void {
  again.takesUp = true;
  again.failedIn(rootOf(draft));
  again.undone();
}

/** Other steps that have failed are tried again, when it is for this one that the run goes on. */
function skip(draft: Draft, again: Again, { step: path, reason, by }: MessageOf<'skip'>): string | null {
  if (findPlanned(draft, path) === null) return noStep(draft, path);
  const { status, more } = draft.step(path);
  if (status === 'failed' && more.tolerated !== true) failed(draft, again);
  else if (stepIsSettled(status))
    return `step ${path} is over already: it ${status === 'failed' ? 'failed, and the run goes on without it' : `is ${status}`}`;
  for (const { at, open } of around(draft, path))
    if (!open && !again.blocks.has(at))
      return `step ${path} cannot be skipped, since step ${at} around it is ${draft.step(at).status}`;
  if (runHasEnded(draft.record.status) && again.steps.size === 0) return `step ${path} did not make the run fail`;
  again.steps.add(path);
  const late = again.apply(`${by} has it skipped: ${reason}`);
  if (late !== null) return late;
  draft.setMore(path, { passedOver: true });
  skipStep(draft, path, reason, by);
  return null;
}

/** Everything that failed runs again too: the run could not go on otherwise. */
function restart(draft: Draft, again: Again, { step: path, reason, by }: MessageOf<'restart'>): string | null {
  const why = refusalOfFrom(draft, path);
  if (why !== null) return why;
  if (draft.ends) failed(draft, again);
  again.takesUp = true;
  again.from(path);
  draft.facts.push({ ...base(draft), type: 'run.restarted', from: path, reason, by, steps: namesOf(again) });
  const late = again.apply(`${by} restarts the run from step ${path}`);
  draft.setRecord({ head: headBefore(draft) });
  restoreState(draft);
  return late;
}

/** Why a run cannot be taken up from a step, or null. */
export function refusalOfFrom(draft: Draft, path: string): string | null {
  if (findPlanned(draft, path) === null) return noStep(draft, path);
  if (path.includes('[compensate]/')) return `step ${path} undoes another one; restart the run from that`;
  const { status, attempt } = draft.step(path);
  if (status === 'pending' && attempt === 0) return `step ${path} has not begun, so there is nothing to restart from`;
  const missing = around(draft, path).find(({ begun }) => !begun);
  if (missing !== undefined)
    return `step ${path} is not begun as things stand: step ${missing.at} around it is ${draft.step(missing.at).status}`;
  return null;
}

interface Around {
  readonly at: string;
  /** Whether the list that leads to it is under way. */
  readonly open: boolean;
  /** Whether it has been, as things stand now. */
  readonly begun: boolean;
}

/** The steps around one, inner first. */
function around(draft: Draft, path: string): readonly Around[] {
  const found: Around[] = [];
  for (let { owner, prefix, list } = listOf(draft, path); owner !== null; ) {
    const at = owner;
    const inside = { prefix, key: list.key };
    const lists = [...openLists(draft, at, () => itemsBegun(draft, at))];
    const { status, more } = draft.step(at);
    const isOpen = lists.some((one) => one.prefix === inside.prefix && one.list.key === inside.key);
    const isOver = planned(draft, at).definition.type === 'loop' && isBefore(inside.prefix, more.block?.round ?? 0);
    found.push({ at, open: status === 'working' && isOpen, begun: isOpen || isOver });
    ({ owner, prefix, list } = listOf(draft, at));
  }
  return found;
}

/** Whether a frame is of a round up to this one. */
function isBefore(prefix: string, round: number): boolean {
  const { index } = ownerOfFrame(prefix);
  return Number(index) >= 1 && Number(index) <= round;
}

/** What the last of the steps that stay has left behind. */
export function headBefore(draft: Draft): string | null {
  const { workspace } = draft.state.input;
  let last: StepRecord | null = null;
  for (const path of draft.touched()) {
    const step = draft.step(path);
    if (step.commit !== null && step.status === 'succeeded' && (step.order ?? 0) >= (last?.order ?? 0)) last = step;
  }
  return last?.commit ?? workspace?.base ?? null;
}

function noStep(draft: Draft, path: string): string {
  const known = [...new Set([...draft.plan.steps.keys(), ...draft.touched()])];
  return `there is no step "${path}".${didYouMean(path, known)}`;
}

/** The steps that run again, but for those inside others. */
function namesOf({ steps }: Again): readonly string[] {
  return [...steps].toSorted();
}

function goOn(draft: Draft, again: Again): void {
  const reopens = runHasEnded(draft.record.status);
  // A step that is skipped while others fail leaves the run failing.
  if (again.takesUp) draft.setRecord({ failure: null, canceled: null, result: null, endedAt: null });
  const move = reopens ? runLifecycle.move(draft.record.status, 'REOPEN') : null;
  if (move !== null) {
    const { steered } = draft.record;
    draft.setRecord({ status: move.state, steered: { paused: steered?.paused ?? null, timeFrom: draft.cause.at } });
    if (draft.plan.timeout !== null) setDeadline(draft);
    if (draft.record.locks !== undefined) missLocks(draft);
  }
  makeReady(draft, rootOf(draft));
  advance(draft);
}
