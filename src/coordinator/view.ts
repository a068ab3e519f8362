/** Puts a run's records, its claims and its pinned definition together, as readers are shown it. */

import { messageOf } from '../core/errors.js';
import type { Claim } from '../core/messages.js';
import type { RunRow, StoredRun } from '../core/ports.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import type { RunSummary, RunView, StepView } from '../core/views.js';
import { schemaOfAsked } from '../definition/asked-schema.js';
import type { Plan, PlannedStep } from '../definition/plan.js';
import { isAsking, personasOf, type StepDefinition } from '../definition/steps.js';
import { frameOf, type ListInstance, openLists, planned, rootOf, type Run } from '../machines/instances.js';
import { PENDING_STEP, parseRecord, type RunRecord, runRecordSchema, type StepRecord } from '../machines/records.js';
import type { RunState } from '../machines/state.js';
import { valueOf } from '../machines/values.js';
import { workState } from '../machines/work-states.js';
import { stateOf } from './codec.js';

/** One damaged run must not hide the others: it is listed as set aside, with what is wrong. */
export function summaryOf(row: RunRow): RunSummary {
  try {
    return readSummary(row);
  } catch (error) {
    const nothing = { createdAt: 0, startedAt: null, endedAt: null, failure: null, canceled: null, paused: null };
    return {
      id: row.run,
      workflow: '',
      status: 'pending',
      ...nothing,
      slot: null,
      parent: null,
      quarantined: row.quarantined ?? messageOf(error),
    };
  }
}

function readSummary(row: RunRow): RunSummary {
  return summarize(parseRecord(runRecordSchema, row.record, `the record of run ${row.run}`), row.quarantined);
}

/** The stored run as the machines look at one. Throws RUN_UNREADABLE when a record is damaged. */
export function readerOf(stored: StoredRun, plan: Plan): Run {
  const { steps } = stateOf(stored, plan);
  return { plan, step: (path) => steps.get(path) ?? PENDING_STEP };
}

/** Throws RUN_UNREADABLE when a record is damaged. */
export function viewOf(stored: StoredRun, plan: Plan): RunView {
  return viewOfState(stored, stateOf(stored, plan));
}

/** The same of records that are read already. */
export function viewOfState({ claims, quarantined }: StoredRun, { plan, record, input, steps }: RunState): RunView {
  const run: Run = { plan, step: (path) => steps.get(path) ?? PENDING_STEP };
  const ended = runHasEnded(record.status);
  const state = workState({ plan, record });
  return {
    ...summarize(record, quarantined),
    version: plan.definition.version,
    definition: plan.hash,
    task: input.task,
    workspace: input.workspace,
    head: record.head,
    result: record.result,
    ...(state !== null && { state }),
    signals: record.signals,
    steps: [...viewsOf(run, rootOf(run), { claims, over: ended, ended })],
  };
}

function summarize(record: RunRecord, quarantined: string | null): RunSummary {
  const { id, workflow, status, createdAt, startedAt, endedAt, failure, canceled, slot, parent, used } = record;
  return {
    id,
    workflow,
    status,
    createdAt,
    startedAt,
    endedAt,
    failure,
    canceled,
    paused: record.steered?.paused ?? null,
    quarantined,
    slot: status === 'pending' ? slot : null,
    parent,
    ...(used !== undefined && { used }),
  };
}

interface Showing {
  readonly claims: ReadonlyMap<string, Claim>;
  /** Whether whatever is still pending here will never be reached. */
  readonly over: boolean;
  /** Whether the run has ended. */
  readonly ended: boolean;
}

/** The steps of a list in the order they are written, each with those inside it that have begun, or that will when it does. */
function* viewsOf(run: Run, { list, prefix, owner }: ListInstance, showing: Showing): Generator<StepView> {
  for (const id of list.steps) {
    const path = `${prefix}${id}`;
    const record = run.step(path);
    const step = planned(run, path);
    yield stepView({ path, owner, step, run, showing });
    for (const inner of listsToShow(run, path, step)) {
      // What undoes a step begins when the step is over.
      const over = inner.list.key === 'compensate' ? record.more.undo !== 'running' : stepIsSettled(record.status);
      yield* viewsOf(run, inner, {
        ...showing,
        over: showing.ended || over || (showing.over && inner.list.key !== 'compensate'),
      });
    }
  }
}

/** Every round and item that has begun; the lists as they are written before that. */
function* listsToShow(run: Run, path: string, step: PlannedStep): Generator<ListInstance> {
  const { block, undo } = run.step(path).more;
  const prefix = path.slice(0, path.lastIndexOf('/') + 1);
  const { definition, lists } = step;
  if (definition.type === 'conditional' || definition.type === 'parallel') {
    for (const list of [lists.then_steps, lists.else_steps, lists.steps])
      if (list !== undefined) yield { owner: path, list, prefix };
  } else if (definition.type === 'loop' && lists.steps !== undefined) {
    for (let round = 1; round <= (block?.round ?? 0); round++)
      yield { owner: path, list: lists.steps, prefix: frameOf(path, round) };
  } else if (block !== undefined) {
    const begun = (): number => itemsTouched(run, path, { items: block.items?.length ?? 0, step });
    yield* openLists(run, path, begun);
  }
  if (undo !== undefined && lists.compensate !== undefined)
    yield { owner: path, list: lists.compensate, prefix: frameOf(path, 'compensate') };
}

/** Items up to the last one that anything has happened to. */
export function itemsTouched(run: Run, path: string, { items, step }: { items: number; step: PlannedStep }): number {
  const ids = step.lists.steps?.steps ?? [];
  let touched = items;
  while (touched > 0 && ids.every((id) => run.step(`${frameOf(path, touched - 1)}${id}`) === PENDING_STEP)) touched--;
  return touched;
}

function stepView({
  path,
  owner,
  step: { definition, dependencies },
  run,
  showing,
}: {
  path: string;
  owner: string | null;
  step: PlannedStep;
  run: Run;
  showing: Showing;
}): StepView {
  const record = run.step(path);
  // The fold learns of a beginning with the attempt's end; until then the claim knows better.
  const held = record.status === 'queued' ? (showing.claims.get(path) ?? null) : null;
  const { attempt, queuedAt, endedAt, verdict, error, artifacts, commit, more } = record;
  const unreached = record.status === 'pending' && showing.over;
  const asked = isAsking(definition) ? (personasOf(definition)[more.asked ?? 0] ?? '') : '';
  return {
    id: path,
    name: definition.name,
    type: definition.type,
    parent: owner,
    persona: asked,
    dependencies: definition.dependencies.length === 0 ? [] : dependencies,
    status: held === null ? (unreached ? 'skipped' : record.status) : 'working',
    attempt,
    worker: held?.worker ?? record.worker,
    queuedAt,
    begunAt: held?.begunAt ?? record.begunAt,
    endedAt,
    progress: held === null || held.progress === '' ? null : held.progress,
    verdict,
    result: resultOf(run, path, record),
    error,
    reason: record.reason ?? (unreached ? 'never reached' : null),
    tolerated: more.tolerated === true,
    waitsFor: record.status === 'waiting' ? (more.waitsFor ?? null) : null,
    form: formOf(record, definition),
    run: more.run ?? null,
    artifacts,
    commit,
    ...(more.used !== undefined && { used: more.used }),
    ...(more.parked !== undefined && record.status === 'retrying' && { parkedUntil: more.parked.until }),
  };
}

function formOf({ status, more: { waitsFor } }: StepRecord, definition: StepDefinition): StepView['form'] {
  if (status !== 'waiting' || waitsFor?.kind !== 'decision') return null;
  const { about, asked, choices } = waitsFor.question;
  if (about === 'input')
    return { schema: schemaOfAsked(asked ?? []), notFor: choices.map(({ id }) => id).filter((id) => id !== 'answer') };
  if (about === 'budget') return { schema: schemaOfAsked(asked ?? []), notFor: ['stop'] };
  if (about !== 'step') return null;
  if (definition.type !== 'decision') return null;
  const schema = asked === undefined ? definition.form : schemaOfAsked(asked);
  return schema === null ? null : { schema, notFor: definition.reject };
}

function resultOf(run: Run, path: string, record: StepRecord): StepView['result'] {
  return record.status === 'succeeded' ? valueOf(run, path) : record.result;
}
