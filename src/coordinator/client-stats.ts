/** How long things have taken and how they have ended, of ended runs, from their histories: one run after the other. */
import { hasCode } from '../core/errors.js';
import type { Used } from '../core/exchange.js';
import { partitionOf } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded, type RunStatus } from '../core/statuses.js';
import { NOTHING_USED, sumOfUsed } from '../core/used.js';
import type { RunSummary } from '../core/views.js';
import type { Client } from './client.js';
import { Durations } from './durations.js';
import { factsOfRun, RunTimes } from './run-times.js';

/** Of durations, ms; null without any. */
export interface Spread {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
}

export interface StepStats {
  /** Its path without rounds and items: `fix/qa`. */
  readonly step: string;
  readonly took: Spread;
  /** What it took of the time of all steps that hold no others, 0 to 1. */
  readonly share: number;
  readonly retries: number;
  readonly failed: number;
}

export interface WorkflowStats {
  readonly workflow: string;
  readonly runs: Readonly<Record<'completed' | 'failed' | 'canceled', number>>;
  /** Of those that completed or failed, 0 to 1; null without any. */
  readonly successRate: number | null;
  /** Of the runs that completed. */
  readonly took: Spread;
  /** Left out when no attempt has said what it used. */
  readonly used?: Used;
  /** The one that takes most of the time first. */
  readonly steps: readonly StepStats[];
}

export interface PersonaStats {
  readonly persona: string;
  /** Attempts, as they ended. */
  readonly attempts: Readonly<Record<'succeeded' | 'failed' | 'retried', number>>;
  /** Of all attempts, 0 to 1; null without any. */
  readonly successRate: number | null;
  readonly took: Spread;
  /** From the request to the beginning. */
  readonly queued: Spread;
  /** Left out when no attempt has said what it used. */
  readonly used?: Used;
}

export interface DayStats {
  /** `2026-11-20`, UTC. */
  readonly day: string;
  readonly completed: number;
  readonly failed: number;
  readonly canceled: number;
  readonly took: Spread;
}

export interface Stats {
  /** Runs that were looked at. */
  readonly runs: number;
  /** Whether there are older ones that were not. */
  readonly more: boolean;
  readonly workflows: readonly WorkflowStats[];
  readonly personas: readonly PersonaStats[];
  readonly days: readonly DayStats[];
}

export interface StatsWanted {
  /** Only runs that ended at that time or later, ms of the store's clock; null: all. */
  readonly since: number | null;
  /** Only of this workflow; null: all. */
  readonly workflow: string | null;
  /** At most so many runs, the newest. */
  readonly limit: number;
}

export interface StatsMeans {
  readonly store: Pick<Store, 'runs'>;
  readonly partitions: number;
  readonly client: Client;
}

type Ended = 'completed' | 'failed' | 'canceled';

const ENDED: readonly RunStatus[] = RUN_STATUSES.filter(runHasEnded);
const DAY_MS = 86_400_000;

/** Throws REDIS_UNREACHABLE. */
export async function statistics({ store, partitions, client }: StatsMeans, wanted: StatsWanted): Promise<Stats> {
  const { since, workflow, limit } = wanted;
  // One more than asked for says whether there are more.
  const found = await client.list({ statuses: ENDED, limit: limit + 1 });
  const rows = found
    .slice(0, limit)
    .filter(
      (row) =>
        row.quarantined === null &&
        (since === null || (row.endedAt ?? 0) >= since) &&
        (workflow === null || row.workflow === workflow),
    );
  const tally = new Tally();
  for (const row of rows) {
    const times = new RunTimes();
    try {
      for await (const fact of factsOfRun(store.runs, { partition: partitionOf(row.id, partitions), run: row.id }))
        times.add(fact);
    } catch (error) {
      // One damaged history must not hide the others.
      if (!hasCode(error, 'RUN_UNREADABLE') && !(error instanceof SyntaxError)) throw error;
    }
    tally.add(row, times);
  }
  return { runs: rows.length, more: found.length > limit, ...tally.result() };
}

interface StepTally {
  readonly took: Durations;
  retries: number;
  failed: number;
}

class WorkflowTally {
  readonly runs: Record<Ended, number> = { completed: 0, failed: 0, canceled: 0 };
  readonly took = new Durations();
  used: Used | undefined;
  readonly steps = new Map<string, StepTally>();
}

class PersonaTally {
  readonly attempts = { succeeded: 0, failed: 0, retried: 0 };
  readonly took = new Durations();
  readonly queued = new Durations();
  used: Used | undefined;
}

/** Grows with workflows, steps, personas and days, never with runs. */
class Tally {
  readonly #workflows = new Map<string, WorkflowTally>();
  readonly #personas = new Map<string, PersonaTally>();
  readonly #days = new Map<string, { readonly counts: Record<Ended, number>; readonly took: Durations }>();

  add({ workflow, status, startedAt, endedAt, used }: RunSummary, times: RunTimes): void {
    if (status !== 'completed' && status !== 'failed' && status !== 'canceled') return;
    const ofWorkflow = entry(this.#workflows, workflow, () => new WorkflowTally());
    const day = new Date(Math.floor((endedAt ?? 0) / DAY_MS) * DAY_MS).toISOString().slice(0, 10);
    const ofDay = entry(this.#days, day, () => ({
      counts: { completed: 0, failed: 0, canceled: 0 },
      took: new Durations(),
    }));
    ofWorkflow.runs[status]++;
    if (used !== undefined) ofWorkflow.used = sumOfUsed(ofWorkflow.used ?? NOTHING_USED, used);
    for (const [persona, spent] of times.used) {
      const ofPersona = entry(this.#personas, persona, () => new PersonaTally());
      ofPersona.used = sumOfUsed(ofPersona.used ?? NOTHING_USED, spent);
    }
    ofDay.counts[status]++;
    if (status === 'completed' && startedAt !== null && endedAt !== null) {
      ofWorkflow.took.add(endedAt - startedAt);
      ofDay.took.add(endedAt - startedAt);
    }
    for (const { step, startedAt: begun, endedAt: over, ending, isBlock, retries } of times.steps()) {
      if (isBlock || over === null || ending === 'skipped') continue;
      const ofStep = entry(ofWorkflow.steps, nameOf(step), () => ({ took: new Durations(), retries: 0, failed: 0 }));
      ofStep.took.add(over - begun);
      ofStep.retries += retries;
      if (ending === 'failed') ofStep.failed++;
    }
    for (const { persona, queuedAt, begunAt, endedAt: over, ending } of times.attempts()) {
      const ofPersona = entry(this.#personas, persona, () => new PersonaTally());
      ofPersona.attempts[ending]++;
      ofPersona.took.add(over - begunAt);
      ofPersona.queued.add(begunAt - queuedAt);
    }
  }

  result(): Pick<Stats, 'workflows' | 'personas' | 'days'> {
    return {
      workflows: byName(this.#workflows).map(([workflow, { runs, took, steps, used }]) => {
        const all = [...steps.values()].reduce((sum, step) => sum + step.took.sum, 0);
        const stats = byName(steps).map(([step, one]) => ({
          step,
          took: spreadOf(one.took),
          share: all === 0 ? 0 : one.took.sum / all,
          retries: one.retries,
          failed: one.failed,
        }));
        return {
          workflow,
          runs,
          successRate: rate(runs.completed, runs.completed + runs.failed),
          took: spreadOf(took),
          ...(used !== undefined && { used }),
          steps: stats.toSorted((a, b) => b.share - a.share),
        };
      }),
      personas: byName(this.#personas).map(([persona, { attempts, took, queued, used }]) => ({
        persona,
        attempts,
        successRate: rate(attempts.succeeded, attempts.succeeded + attempts.failed + attempts.retried),
        took: spreadOf(took),
        queued: spreadOf(queued),
        ...(used !== undefined && { used }),
      })),
      days: byName(this.#days).map(([day, { counts, took }]) => ({ day, ...counts, took: spreadOf(took) })),
    };
  }
}

/** The rounds of a loop and the items of a for_each are counted together. */
function nameOf(path: string): string {
  return path.replaceAll(/\[[^\]]*\]/g, '');
}

function spreadOf(durations: Durations): Spread {
  return { count: durations.count, p50: durations.quantile(0.5), p90: durations.quantile(0.9) };
}

function rate(part: number, all: number): number | null {
  return all === 0 ? null : part / all;
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

function byName<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
