/**
 * What whoever runs coord does with a whole namespace: looks whether it is sound, moves runs to another definition, copies
 * it away and back, and says that a loss is known. Commands call it; it decides nothing about runs that a coordinator must.
 */
import type { Clock } from '../core/clock.js';
import { type Ids, partitionOf, RUN_ID } from '../core/ids.js';
import { parseTimer } from '../core/messages.js';
import type { Store } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded } from '../core/statuses.js';
import type { Incident } from '../core/watch-ports.js';
import {
  migrate,
  type MigrationMeans,
  type MigrationOutcome,
  migrationOutcome,
  type MigrationPlan,
  type NewDefinition,
  planMigration,
} from './client-migrate.js';
import { fork, type ForkRequest } from './client-fork.js';
import { type Sent, type SteeringOutcome, type SteeringRequest, steer, steeringOutcome } from './client-steer.js';
import { type RunVerdict, verifyRun } from './client-verify.js';
import { Plans } from './plans.js';

export interface OperatorParams {
  readonly store: Store;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface RunPlace {
  readonly partition: number;
  readonly run: string;
}

export interface NotedIncident extends Incident {
  /** Letters of replies that came too late since, as `coord dead` shows them. */
  readonly lateReplies: readonly { readonly id: string; readonly run: string }[];
}

const LETTERS = 1_000;
/** Runs that are looked at at the same time: while one is read, another is folded. */
const AT_ONCE = 16;

export class Operator {
  readonly #params: OperatorParams;
  readonly #plans: Plans;

  constructor(params: OperatorParams) {
    this.#params = params;
    this.#plans = new Plans(params.store.namespace);
  }

  /** Every run that anything is stored of. */
  async runs(): Promise<readonly RunPlace[]> {
    const found = await Promise.all(
      this.#all().map(async (partition) => {
        const names = await this.#params.store.inspection.names(partition);
        return names.map((run) => ({ partition, run }));
      }),
    );
    return found.flat();
  }

  /** Whether anything is stored of a run, readable or not. */
  async isKnown(run: string): Promise<boolean> {
    if (!RUN_ID.test(run)) return false;
    const place = this.placeOf(run);
    const { run: stored, listed } = await this.#params.store.inspection.inspect(place.partition, run);
    return stored !== null || listed.length > 0;
  }

  placeOf(run: string): RunPlace {
    return { partition: partitionOf(run, this.#params.partitions), run };
  }

  /** Looks at runs, in the order that they are given. Throws REDIS_UNREACHABLE and the like; a run at fault is a verdict. */
  async *verify(runs: readonly RunPlace[]): AsyncGenerator<RunVerdict> {
    const { inspection, runs: histories } = this.#params.store;
    const means = { inspection, runs: histories, plans: this.#plans };
    const open: Promise<RunVerdict>[] = [];
    let next = 0;
    try {
      while (next < runs.length || open.length > 0) {
        for (let place = runs[next]; place !== undefined && open.length < AT_ONCE; place = runs[++next])
          open.push(verifyRun(means, place));
        const first = open.shift();
        if (first !== undefined) yield await first;
      }
    } finally {
      // Whoever stops listening must not leave rejections behind.
      await Promise.allSettled(open);
    }
  }

  /** Timers and messages of runs that have ended or are not there: nothing comes of them, but nobody needs them either. */
  async leftovers(): Promise<readonly string[]> {
    const { inspection } = this.#params.store;
    const found: string[] = [];
    for (const partition of this.#all()) {
      const known = new Map<string, Promise<string>>();
      const stateOf = (run: string): Promise<string> => {
        const state =
          known.get(run) ?? inspection.inspect(partition, run).then((one) => one.run?.status ?? 'not there');
        known.set(run, state);
        return state;
      };
      const idle: string[] = [];
      for (const { id } of await inspection.timers(partition)) {
        const run = parseTimer(id)?.run;
        if (run === undefined || isOver(await stateOf(run))) idle.push(id);
      }
      // Those that went with the end of their run, between the two looks, are no leftovers.
      const still = new Set(idle.length === 0 ? [] : (await inspection.timers(partition)).map(({ id }) => id));
      for (const id of idle.filter((one) => still.has(one))) {
        const run = parseTimer(id)?.run;
        found.push(
          run === undefined
            ? `the timer "${id}" is none that coord knows`
            : `the timer "${id}" is of run ${run}, which is ${await stateOf(run)}`,
        );
      }
      for (const [run, count] of await inspection.waiting(partition))
        if ((await stateOf(run)) === 'not there')
          found.push(
            `${String(count)} ${count === 1 ? 'message waits' : 'messages wait'} for run "${run}", which is not there`,
          );
    }
    return found;
  }

  /** What would become of a run; see `planMigration`. */
  planMigration(run: string, to: NewDefinition): Promise<MigrationPlan> {
    return planMigration(this.#means, { run, to });
  }

  /** See `migrate`. */
  migrate(run: string, asked: { readonly to: NewDefinition; readonly by: string }): Promise<MigrationPlan> {
    return migrate(this.#means, { run, ...asked });
  }

  migrationOutcome(plan: MigrationPlan, within: { waitMs: number; signal: AbortSignal }): Promise<MigrationOutcome> {
    return migrationOutcome(this.#means, { plan, ...within });
  }

  /** See `fork`. */
  fork(run: string, request: ForkRequest): ReturnType<typeof fork> {
    return fork(this.#means, run, request);
  }

  /** See `steer`. */
  steer(run: string, request: SteeringRequest): Promise<Sent> {
    return steer(this.#means, run, request);
  }

  steeringOutcome(sent: Sent, within: { waitMs: number; signal: AbortSignal }): Promise<SteeringOutcome> {
    return steeringOutcome(this.#means, { sent, ...within });
  }

  /** Losses that nobody has acknowledged, oldest first, each with the replies that came too late since. */
  async incidents(): Promise<readonly NotedIncident[]> {
    const { watermarks, keeping } = this.#params.store;
    const found: NotedIncident[] = [];
    for (const partition of this.#all()) {
      const incidents = await watermarks.incidents(partition);
      const first = incidents[0];
      if (first === undefined) continue;
      // Letters are named by their time, as incidents are.
      const letters = await keeping.letters({ partition, after: `${String(first.at)}-0`, limit: LETTERS });
      const late = letters.filter(({ kind }) => kind === 'late-reply');
      for (const incident of incidents) {
        const since = late.filter(({ at }) => at >= incident.at);
        found.push({ ...incident, lateReplies: since.map(({ id, run }) => ({ id, run })) });
      }
    }
    return found.toSorted((a, b) => a.at - b.at);
  }

  /** Returns how many incidents were open. */
  async acknowledge(): Promise<number> {
    let count = 0;
    for (const partition of this.#all()) count += await this.#params.store.watermarks.acknowledge(partition);
    return count;
  }

  get #means(): MigrationMeans {
    return { ...this.#params, plans: this.#plans };
  }

  #all(): readonly number[] {
    return Array.from({ length: this.#params.partitions }, (_, partition) => partition);
  }
}

function isOver(state: string): boolean {
  const status = RUN_STATUSES.find((known) => known === state);
  return status === undefined || runHasEnded(status);
}
