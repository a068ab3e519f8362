/**
 * A run that shares the past of another one: the records of all steps that neither are the one it begins with nor depend on it,
 * as they were. They are part of what it is started with, so its history gives it to the byte like any other.
 */
import type { JsonObject } from '../core/json.js';
import type { RunPast } from '../core/messages.js';
import { stepIsSettled } from '../core/statuses.js';
import { Again, armBlock, tellSettled } from './again.js';
import { rootOf } from './instances.js';
import { base } from './moves.js';
import { makeReady } from './readiness.js';
import { parseRecord, type StepRecord, stepRecordSchema } from './records.js';
import { Draft, type RunState, runState } from './state.js';
import { failed, headBefore, refusalOfFrom } from './steering.js';
import { restoreState } from './work-states.js';

export type Past = {
  readonly steps: RunPast['steps'];
  /** Commit that the last of them left behind; null without a workspace. */
  readonly head: string | null;
};

/** What of a run stands before the step at `path`, or why it cannot be said. `state` is never changed. */
export function pastBefore(state: RunState, path: string): Past | { readonly refused: string } {
  const steps = new Map([...state.steps].map(([at, step]) => [at, { ...step }]));
  const draft = new Draft(runState({ ...state, steps }));
  const why = refusalOfFrom(draft, path);
  if (why !== null) return { refused: why };
  const again = new Again(draft);
  if (draft.ends) failed(draft, again);
  again.from(path);
  // What is under way there begins anew here.
  for (const at of draft.touched()) {
    const { status, more } = draft.step(at);
    // A block goes on with what is in it; one that undoes something has nothing to undo here.
    const goesOn = status === 'working' && more.block !== undefined && !at.includes('[compensate]/');
    if (!stepIsSettled(status) && !goesOn) again.steps.add(at);
  }
  const late = again.apply('it begins anew in another run');
  if (late !== null) return { refused: late };
  const kept: [string, JsonObject][] = [];
  for (const at of draft.touched()) {
    const step = draft.step(at);
    if (step.status === 'pending') continue;
    const record: StepRecord = { ...step, more: { ...step.more, past: true } };
    kept.push([at, JSON.parse(JSON.stringify(record)) as JsonObject]);
  }
  return { steps: Object.fromEntries(kept.toSorted(([a], [b]) => (a < b ? -1 : 1))), head: headBefore(draft) };
}

/** Takes the past over, and makes ready what follows it. */
export function adopt(draft: Draft, past: RunPast): void {
  const blocks: string[] = [];
  let settled = 0;
  for (const [path, value] of Object.entries(past.steps)) {
    const record = parseRecord(stepRecordSchema, JSON.stringify(value), `the record of step ${path} of its past`);
    settled = Math.max(settled, (record.order ?? -1) + 1);
    draft.setStep(path, record);
    if (record.status === 'working') blocks.push(path);
  }
  draft.setRecord({ settled, opened: Object.keys(past.steps).length });
  const { run: from, step, by } = past;
  draft.facts.push({ ...base(draft), type: 'run.forked', from, step, by, steps: Object.keys(past.steps) });
  restoreState(draft);
  for (const path of blocks) armBlock(draft, path);
  tellSettled(draft, blocks);
  makeReady(draft, rootOf(draft));
}
