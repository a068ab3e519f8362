/** What a schedule is added with, and whether its runs could be started at all: found before anything is stored. */
import { CoordError } from '../core/errors.js';
import type { ScheduleDraft } from '../definition/schedule.js';
import { allSteps } from '../definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../definition/workflow.js';
import { checkTask } from './client-requests.js';
import type { ScheduleRecord, ScheduleSpec } from './schedule-record.js';
import { taskOf } from './schedule-starts.js';

/** A schedule with everything that its runs need: what the file names is loaded. */
export interface ScheduleRequest {
  readonly draft: Omit<ScheduleDraft, 'workflow' | 'environment' | 'repo'>;
  readonly definition: WorkflowDefinition;
  readonly inner: readonly WorkflowDefinition[];
  /** Absolute path of a repository's top folder, or null. */
  readonly repo: string | null;
  /** Absolute path that files are watched below when there is no repository. */
  readonly folder: string;
  readonly by: string;
}

export function specOf({ draft, definition, inner, repo, folder }: ScheduleRequest): ScheduleSpec {
  const { task, trigger, overlap, catchUp, catchUpLimit, jitterMs, startsAt, endsAt } = draft;
  return {
    workflow: definition.name,
    definition: definitionHash(definition),
    inner: inner.map(definitionHash).toSorted(),
    task,
    repo,
    trigger: trigger.kind === 'files' ? { ...trigger, folder: repo ?? folder } : trigger,
    overlap,
    catchUp,
    catchUpLimit,
    jitterMs,
    startsAt,
    endsAt,
  };
}

/** What changes with each revision. */
export function fresh(
  { draft: { name }, by }: ScheduleRequest,
  spec: ScheduleSpec,
  now: number,
): Pick<ScheduleRecord, 'format' | 'name' | 'spec' | 'changedAt' | 'changedBy'> {
  return { format: 1, name, spec, changedAt: now, changedBy: by };
}

/** Where the instants of an interval begin. */
export function anchorOf({ startsAt, trigger }: ScheduleSpec, now: number): number {
  return startsAt ?? (trigger.kind === 'every' ? now + trigger.everyMs : now);
}

/** A task that could never be taken, and what would never end, is found before it is due. */
export function checkSample(record: Pick<ScheduleRecord, 'name' | 'spec'>, definition: WorkflowDefinition): void {
  const { trigger, repo } = record.spec;
  if (trigger.kind === 'branch' && repo === null)
    throw new CoordError(
      'SCHEDULE_INVALID',
      `schedule ${record.name} watches a branch and has no repository; say which: "repo" in its file, or --repo <dir>`,
    );
  const emits = [...allSteps(definition.steps)].find(
    (step) => step.type === 'emit' && step.event === startedOn(trigger),
  );
  if (emits !== undefined)
    throw new CoordError(
      'SCHEDULE_INVALID',
      `step "${emits.id}" of ${definition.name} emits the event that schedule ${record.name} starts it with, so it would start itself for ever`,
    );
  for (const key of ['schedule', 'event', 'change'])
    if (Object.hasOwn(record.spec.task, key))
      throw new CoordError(
        'TASK_INVALID',
        `the task of schedule ${record.name} has the key "${key}", under which its runs find what started them; choose another name`,
      );
  const event = trigger.kind === 'event' ? { name: trigger.event, run: '', step: '', data: {} } : null;
  const changes = trigger.kind === 'branch' || trigger.kind === 'files';
  const change = changes ? { branch: '', from: '', to: '', files: [] } : null;
  try {
    checkTask(definition, taskOf(record, { id: '', revision: 1, at: 0, due: 0, reason: 'time', event, change }));
  } catch (error) {
    // What an event brings is known only when it comes.
    if (!(error instanceof CoordError) || event === null || error.code !== 'EXPRESSION_FAILED') throw error;
  }
}

function startedOn(trigger: ScheduleSpec['trigger']): string | null {
  return trigger.kind === 'event' ? trigger.event : null;
}
