/** Puts a run's records, its claims and its pinned definition together, as readers are shown it. */

import { messageOf } from '../core/errors.js';
import type { Claim } from '../core/messages.js';
import type { RunRow, StoredRun } from '../core/ports.js';
import type { RunSummary, RunView, StepView } from '../core/views.js';
import { type Plan, type PlannedStep } from '../definition/plan.js';
import { PENDING_STEP, parseRecord, type RunRecord, runRecordSchema, type StepRecord } from '../machines/records.js';
import { stateOf } from './codec.js';

/** One damaged run must not hide the others: it is listed as set aside, with what is wrong. */
export function summaryOf(row: RunRow): RunSummary {
  try {
    return readSummary(row);
  } catch (error) {
    const nothing = { createdAt: 0, startedAt: null, endedAt: null, failure: null, canceled: null };
    return {
      id: row.run,
      workflow: '',
      status: 'pending',
      ...nothing,
      quarantined: row.quarantined ?? messageOf(error),
    };
  }
}

function readSummary(row: RunRow): RunSummary {
  return summarize(parseRecord(runRecordSchema, row.record, `the record of run ${row.run}`), row.quarantined);
}

/** Throws RUN_UNREADABLE when a record is damaged. */
export function viewOf(stored: StoredRun, plan: Plan): RunView {
  const { record, input, steps } = stateOf(stored, plan);
  return {
    ...summarize(record, stored.quarantined),
    version: plan.definition.version,
    definition: plan.hash,
    task: input.task,
    workspace: input.workspace,
    head: record.head,
    steps: plan.definition.steps.map(({ id }) => {
      const planned = plan.steps.get(id);
      return stepView({ id, planned, record: steps.get(id) ?? PENDING_STEP, claim: stored.claims.get(id) ?? null });
    }),
  };
}

function summarize(record: RunRecord, quarantined: string | null): RunSummary {
  const { id, workflow, status, createdAt, startedAt, endedAt, failure, canceled } = record;
  return { id, workflow, status, createdAt, startedAt, endedAt, failure, canceled, quarantined };
}

function stepView({
  id,
  planned,
  record,
  claim,
}: {
  id: string;
  planned: PlannedStep | undefined;
  record: StepRecord;
  claim: Claim | null;
}): StepView {
  // The fold learns of a beginning with the attempt's end; until then the claim knows better.
  const held = record.status === 'queued' ? claim : null;
  const { attempt, queuedAt, endedAt, verdict, result, error, reason, artifacts, commit } = record;
  return {
    id,
    name: planned?.definition.name ?? id,
    persona: planned?.definition.persona ?? '',
    dependencies: planned?.dependencies ?? [],
    status: held === null ? record.status : 'working',
    attempt,
    worker: held?.worker ?? record.worker,
    queuedAt,
    begunAt: held?.begunAt ?? record.begunAt,
    endedAt,
    progress: held === null || held.progress === '' ? null : held.progress,
    verdict,
    result,
    error,
    reason,
    artifacts,
    commit,
  };
}
