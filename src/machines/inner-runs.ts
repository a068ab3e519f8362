/** `workflow` steps: a run inside the run, started and told of in the same commit as the step's own transition. */
import { childRunId } from '../core/ids.js';
import { canonicalJson, type JsonObject } from '../core/json.js';
import type { InnerRunOutcome, RunInput } from '../core/messages.js';
import { runHasEnded } from '../core/statuses.js';
import type { PlannedStep } from '../definition/plan.js';
import { planned } from './instances.js';
import { renderDuration, renderObject } from '../definition/render.js';
import type { WorkflowStep } from '../definition/steps.js';
import { armTimer, base, moveStep } from './moves.js';
import { newRunRecord } from './records.js';
import { scopeOf } from './scope.js';
import type { Draft } from './state.js';

/** Starts the run inside. Throws EXPRESSION_FAILED. */
export function openInnerRun(draft: Draft, path: string, step: PlannedStep & { definition: WorkflowStep }): void {
  const { definition } = step;
  const scope = scopeOf(draft, path, step);
  const task = definition.task === null ? draft.task : renderObject(step, 'task', scope);
  const timeoutMs = renderDuration(step, 'timeout', scope);
  const attempt = draft.step(path).attempt + 1;
  const run = childRunId(draft.record.id, path, attempt);
  const token = `${path}.${String(attempt)}.${run}`;
  const { workspace } = draft.state.input;
  const input: RunInput = {
    task,
    // Its own branch, from where this run stands; what it leaves behind is taken over when it has completed.
    workspace:
      workspace === null ? null : { ...workspace, base: draft.record.head ?? workspace.base, branch: `coord/${run}` },
    parent: { run: draft.record.id, step: path, token },
  };
  const record = newRunRecord({
    id: run,
    workflow: definition.workflow,
    createdAt: draft.cause.at,
    head: input.workspace?.base ?? null,
    slot: null,
    parent: { run: draft.record.id, step: path },
  });
  const inputText = canonicalJson(input as unknown as JsonObject);
  draft.asked += inputText.length;
  draft.starts.push({
    run,
    definition: definition.definition ?? '',
    input: inputText,
    record: JSON.stringify(record),
  });
  const more = { ...draft.step(path).more, run };
  moveStep(draft, path, 'OPEN', { attempt, token, queuedAt: draft.cause.at, begunAt: draft.cause.at, more });
  draft.facts.push({ ...base(draft), type: 'step.opened', step: path, detail: { run } });
  if (timeoutMs !== null) armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs });
}

/** Cancels the run inside, when there is one under way. */
export function cancelInnerRun(draft: Draft, path: string, reason: string): void {
  const { run } = draft.step(path).more;
  if (run === undefined) return;
  const body = JSON.stringify({ reason: reason.slice(0, 2_000), by: `run ${draft.record.id}` });
  draft.sends.push({ run, kind: 'cancel', body });
}

/** What the run inside says of itself while it is under way: an outer run waits with it when nothing else moves it. */
export function innerRunWaits(draft: Draft, path: string, { run, waits }: { run: string; waits: boolean }): void {
  const { status, more } = draft.step(path);
  if (waits === (status === 'waiting')) return;
  const waitsFor = { kind: 'run', run } as const;
  if (waits) {
    moveStep(draft, path, 'WAIT', { more: { ...more, waitsFor } });
    draft.facts.push({ ...base(draft), type: 'step.waiting', step: path, waitsFor });
  } else {
    moveStep(draft, path, 'RESUME');
  }
  const step = planned(draft, path);
  const timeoutMs = renderDuration(step, 'timeout', scopeOf(draft, path, step));
  if (timeoutMs === null) return;
  // The time goes on while it waits.
  const spent = draft.cause.at - (draft.step(path).begunAt ?? draft.cause.at);
  armTimer(draft, { kind: 'timeout', path, afterMs: timeoutMs - spent });
}

/** Tells the run around, when there is one, that this one has ended, waits, or goes on. */
export function tellParent(draft: Draft): void {
  const { parent } = draft.state.input;
  const { status, failure, result, head, id, used } = draft.record;
  if (parent === null || status === 'pending' || status === 'paused' || status === 'compensating') return;
  const outcome: InnerRunOutcome = {
    step: parent.step,
    token: parent.token,
    run: id,
    status,
    result,
    error: failure === null ? null : { class: failure.class, message: failure.message },
    head,
    ...(used !== undefined && runHasEnded(status) && { used }),
  };
  draft.sends.push({ run: parent.run, kind: 'inner-run', body: JSON.stringify(outcome) });
}
