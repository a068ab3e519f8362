/** What goes on in a namespace, at one moment: who moves runs, who serves personas, what waits for whom, and since when. */
import { hasCode } from '../core/errors.js';
import type { Store, WorkerInfo } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded, type RunStatus } from '../core/statuses.js';
import { allSteps, isAsking, personasOf } from '../definition/steps.js';
import type { Plans } from './plans.js';
import { summaryOf } from './view.js';

export interface PartitionState {
  readonly partition: number;
  /** Null: nobody owns it. */
  readonly owner: string | null;
  /** Why nobody may take it, or null. */
  readonly hold: string | null;
  /** Messages that are not applied yet. */
  readonly messages: number;
}

export interface WorkerState extends WorkerInfo {
  /** Whether it was heard of within the last seconds. */
  readonly live: boolean;
}

export interface PersonaQueue {
  readonly persona: string;
  /** Requests that no worker has begun. */
  readonly requests: number;
  /** When the oldest came, by the store's clock, ms; null without any. */
  readonly oldestAt: number | null;
  /** Live workers that serve it. */
  readonly workers: number;
}

export interface WaitingRun {
  readonly run: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly createdAt: number;
}

export interface Overview {
  /** The store's time of the look, ms. */
  readonly now: number;
  readonly partitions: readonly PartitionState[];
  readonly workers: readonly WorkerState[];
  /** Of all personas that live workers serve or open runs may ask; those with the oldest request first. */
  readonly queues: readonly PersonaQueue[];
  readonly runs: Readonly<Record<RunStatus, number>>;
  /** Runs that wait or have not begun, the oldest first; empty when there are too many to look through. */
  readonly oldest: readonly WaitingRun[];
}

export interface OverviewMeans {
  readonly store: Pick<Store, 'namespace' | 'inspection' | 'runs' | 'keeping'>;
  readonly partitions: number;
  readonly plans: Plans;
}

/** As in client-why.ts. */
const WORKER_SILENT_MS = 5_000;
const OLDEST = 5;
/** Open runs whose definitions are looked at for personas, and runs that are looked through for the oldest. */
const DEFINITIONS_OF = 200;
const LOOKED_THROUGH = 20_000;
const OPEN = RUN_STATUSES.filter((status) => !runHasEnded(status));

/** Throws REDIS_UNREACHABLE. */
export async function overview(means: OverviewMeans): Promise<Overview> {
  const { namespace, inspection } = means.store;
  const all = Array.from({ length: means.partitions }, (_, partition) => partition);
  const [now, infos, owners] = await Promise.all([namespace.time(), namespace.listWorkers(), namespace.owners()]);
  const looks = await Promise.all(all.map(async (partition) => ({ partition, ...(await inspection.look(partition)) })));
  const workers = infos.map((info) => ({ ...info, live: now - info.seenAt <= WORKER_SILENT_MS }));
  const runs = Object.fromEntries(
    RUN_STATUSES.map((status) => [status, looks.reduce((sum, look) => sum + look.runs[status], 0)]),
  ) as Record<RunStatus, number>;
  const personas = new Set(workers.filter(({ live }) => live).flatMap((worker) => worker.personas));
  for (const partition of all) for (const persona of await personasAsked(means, partition)) personas.add(persona);
  const queues = await Promise.all(
    [...personas].toSorted().map(async (persona): Promise<PersonaQueue> => {
      const found = await Promise.all(all.map((partition) => inspection.queue(partition, persona)));
      const ages = found.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]));
      return {
        persona,
        requests: found.reduce((sum, { requests }) => sum + requests, 0),
        oldestAt: ages.length === 0 ? null : Math.min(...ages),
        workers: workers.filter((worker) => worker.live && worker.personas.includes(persona)).length,
      };
    }),
  );
  return {
    now,
    partitions: looks.map(({ partition, hold, messages }) => ({
      partition,
      owner: owners.find((one) => one.partition === partition)?.owner ?? null,
      hold,
      messages,
    })),
    workers,
    queues: queues.toSorted((a, b) => (a.oldestAt ?? Infinity) - (b.oldestAt ?? Infinity)),
    runs,
    oldest: runs.pending + runs.waiting > LOOKED_THROUGH ? [] : await oldestOf(means, all),
  };
}

/** Personas that the newest open runs of a partition may ask, by their definitions. */
async function personasAsked({ store, plans }: OverviewMeans, partition: number): Promise<ReadonlySet<string>> {
  const rows = await store.runs.list({ partition, statuses: OPEN, limit: DEFINITIONS_OF });
  const heads = await store.keeping.heads(
    partition,
    rows.slice(0, DEFINITIONS_OF).map(({ run }) => run),
  );
  const personas = new Set<string>();
  for (const hash of new Set(heads.map(({ definition }) => definition))) {
    try {
      const { definition } = await plans.get(hash);
      for (const step of allSteps(definition.steps))
        if (isAsking(step)) for (const persona of personasOf(step)) personas.add(persona);
    } catch (error) {
      // What cannot be read asks nobody.
      const harmless = ['DEFINITION_MISSING', 'FORMAT_UNKNOWN', 'RUN_UNREADABLE'] as const;
      if (!harmless.some((code) => hasCode(error, code))) throw error;
    }
  }
  return personas;
}

async function oldestOf({ store }: OverviewMeans, all: readonly number[]): Promise<readonly WaitingRun[]> {
  const found: WaitingRun[] = [];
  for (const partition of all) {
    for (const status of ['pending', 'waiting'] as const) {
      const ids = await store.keeping.runIds({ partition, statuses: [status], createdBefore: Infinity });
      for (const { run, record, quarantined } of await store.keeping.heads(partition, ids.slice(0, OLDEST))) {
        const summary = summaryOf({ run, record, quarantined });
        found.push({ run, workflow: summary.workflow, status: summary.status, createdAt: summary.createdAt });
      }
    }
  }
  return found.toSorted((a, b) => a.createdAt - b.createdAt).slice(0, OLDEST);
}
