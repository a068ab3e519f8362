/** Starting one run of a schedule, under a key that makes repeating it harmless; and which of its runs have not ended. */
import { CoordError, hasCode } from '../core/errors.js';
import { partitionOf, runIdFor } from '../core/ids.js';
import type { JsonObject } from '../core/json.js';
import type { Store } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { WorkflowDefinition } from '../definition/workflow.js';
import { parseRecord, runRecordSchema } from '../machines/records.js';
import type { Client } from './client.js';
import { slotOf } from './client-requests.js';
import type { Plans } from './plans.js';
import { type Queued, type ScheduleRecord, startKey } from './schedule-record.js';

export interface ScheduleStartsParams {
  readonly store: Pick<Store, 'runs'>;
  readonly client: Pick<Client, 'start' | 'cancel'>;
  readonly partitions: number;
  readonly plans: Pick<Plans, 'get'>;
  readonly headOf: (repo: string) => Promise<string>;
}

export class ScheduleStarts {
  readonly #params: ScheduleStartsParams;

  constructor(params: ScheduleStartsParams) {
    this.#params = params;
  }

  /** The run's id, started now or before. Throws what `Client.start` does, and WORKSPACE_INVALID. */
  async start(record: ScheduleRecord, queued: Queued, open: readonly string[]): Promise<string> {
    const { client, headOf, partitions } = this.#params;
    const { spec, name } = record;
    const [definition, ...inner] = await this.#definitions(record);
    if (definition === undefined) throw new CoordError('DEFINITION_MISSING', `schedule ${name} names no definition`);
    const idempotencyKey = startKey(name, queued);
    const task = taskOf(record, queued);
    const run = firedRun({ definition, task, key: idempotencyKey, partitions });
    if (spec.overlap === 'cancel-previous')
      await this.#cancel(
        record,
        queued,
        open.filter((one) => one !== run),
      );
    // What a branch stood at when it was seen is what its run is about.
    const base = spec.repo === null ? null : (queued.change?.to ?? (await headOf(spec.repo)));
    const workspace = spec.repo === null || base === null ? null : { repo: spec.repo, base };
    try {
      return (await client.start({ definition, inner, task, workspace, idempotencyKey })).run;
    } catch (error) {
      // It was started before, when the repository stood at another commit or the schedule was another one.
      if (hasCode(error, 'IDEMPOTENCY_CONFLICT')) return run;
      throw error;
    }
  }

  /** Its runs that have not ended, of those that are remembered. One that cannot be read has not. */
  async stillOpen({ open }: ScheduleRecord): Promise<readonly string[]> {
    const { store, partitions } = this.#params;
    const looked = await Promise.all(
      open.map(async (run) => {
        const stored = await store.runs.load(partitionOf(run, partitions), run);
        return stored !== null && !hasEnded(run, stored.record);
      }),
    );
    return open.filter((_, index) => looked[index]);
  }

  async #definitions({ spec }: ScheduleRecord): Promise<readonly WorkflowDefinition[]> {
    const plans = await Promise.all([spec.definition, ...spec.inner].map((hash) => this.#params.plans.get(hash)));
    return plans.map(({ definition }) => definition);
  }

  async #cancel({ name }: ScheduleRecord, queued: Queued, runs: readonly string[]): Promise<void> {
    const reason = `schedule ${name} starts the next run`;
    for (const run of runs) {
      try {
        await this.#params.client.cancel(run, {
          reason,
          by: `schedule ${name}`,
          idempotencyKey: startKey(name, queued),
        });
      } catch (error) {
        if (!hasCode(error, 'RUN_ENDED') && !hasCode(error, 'RUN_NOT_FOUND')) throw error;
      }
    }
  }
}

/** The task of the schedule, and what started the run: `schedule`, and `event` or `change` where there is one. */
export function taskOf({ name, spec }: Pick<ScheduleRecord, 'name' | 'spec'>, queued: Queued): JsonObject {
  const { revision, at, reason, event, change } = queued;
  const schedule = { name, revision, at: new Date(at).toISOString(), reason };
  return {
    ...spec.task,
    schedule,
    ...(event === null ? {} : { event: { ...event } }),
    ...(change === null ? {} : { change: { ...change } }),
  };
}

/** The id that the run has. Throws EXPRESSION_FAILED for a task that leaves the key of its slot empty. */
export function firedRun({
  definition,
  task,
  key,
  partitions,
}: {
  readonly definition: WorkflowDefinition;
  readonly task: JsonObject;
  readonly key: string;
  readonly partitions: number;
}): string {
  const slot = slotOf(definition, task);
  return runIdFor(definition.name, key, slot === null ? undefined : { text: slot.key, partitions });
}

function hasEnded(run: string, record: string): boolean {
  try {
    return runHasEnded(parseRecord(runRecordSchema, record, `run ${run}`).status);
  } catch {
    return false;
  }
}
