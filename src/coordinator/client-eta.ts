/**
 * How far a run is and when it may be over, by what earlier completed runs of its workflow took. Each earlier run is one
 * guess: its own durations on the steps that are left, along the dependencies. What most guesses say is the answer, and
 * where there are too few of them there is none.
 */
import { partitionOf } from '../core/ids.js';
import type { Store } from '../core/ports.js';
import { runHasEnded, type RunStatus, stepIsSettled } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import type { Client } from './client.js';
import { Durations } from './durations.js';
import { factsOfRun, RunTimes, type StepTime } from './run-times.js';

/** A step that is under way. */
export interface Phase {
  readonly step: string;
  readonly name: string;
  readonly status: StepView['status'];
  /** Since when, by the store's clock, ms; null when that is not known. */
  readonly since: number | null;
}

/** Times are the store's, ms. */
export interface Estimate {
  /** Most likely end. */
  readonly at: number;
  /** Of ten runs like this one, eight are over between these two, as far as earlier ones tell. */
  readonly from: number;
  readonly to: number;
  /** Whether a step takes longer already than it did in any earlier run: then the end may be far. */
  readonly overdue: boolean;
}

export interface Eta {
  readonly run: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly now: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** State of what it works on; left out when the workflow has no states. */
  readonly state?: string;
  /** 0 to 100: time gone of all the time that it takes; null without an estimate. */
  readonly percent: number | null;
  /** Steps of the workflow's own list. */
  readonly steps: { readonly settled: number; readonly total: number };
  readonly phases: readonly Phase[];
  /** Null: it has ended, or too few earlier runs tell anything. */
  readonly estimate: Estimate | null;
  /** Earlier runs that were looked at, and how many are needed. */
  readonly samples: number;
  readonly needed: number;
}

export interface EtaMeans {
  readonly store: Pick<Store, 'runs' | 'namespace'>;
  readonly partitions: number;
  readonly client: Client;
}

const NEEDED = 3;
const SAMPLES = 50;
/** Completed runs that are looked through for those of the workflow. */
const LOOKED_THROUGH = 1_000;

/** Durations of the steps of one earlier run, by path, ms; what was skipped took none. */
type Sample = ReadonlyMap<string, number>;

/** Throws RUN_NOT_FOUND, RUN_UNREADABLE, DEFINITION_MISSING, REDIS_UNREACHABLE. */
export async function etaOf(means: EtaMeans, run: string): Promise<Eta> {
  const view = await means.client.get(run);
  const now = await means.store.namespace.time();
  const own = view.steps.filter(({ parent }) => parent === null);
  const settled = own.filter(({ status }) => stepIsSettled(status)).length;
  const ended = runHasEnded(view.status);
  const samples = ended ? [] : await samplesOf(means, view);
  const estimate =
    samples.length < NEEDED ? null : estimateOf(own, { samples, gone: await goneIn(means, view.id, now) });
  const spent = view.startedAt === null ? 0 : now - view.startedAt;
  const all = estimate === null ? 0 : spent + (estimate.at - now);
  const percent = ended ? 100 : estimate === null ? null : all <= 0 ? 0 : Math.floor((100 * spent) / all);
  return {
    run: view.id,
    workflow: view.workflow,
    status: view.status,
    ...(view.state !== undefined && { state: view.state }),
    now,
    startedAt: view.startedAt,
    endedAt: view.endedAt,
    // Nothing is over before it is over.
    percent: percent === null || ended ? percent : Math.min(99, percent),
    steps: { settled, total: own.length },
    phases: own.filter(isUnderWay).map(({ id, name, status, begunAt, queuedAt }) => ({
      step: id,
      name,
      status,
      since: begunAt ?? queuedAt,
    })),
    estimate,
    samples: samples.length,
    needed: NEEDED,
  };
}

/** The newest completed runs of the same workflow. */
async function samplesOf(means: EtaMeans, view: RunView): Promise<readonly Sample[]> {
  const rows = await means.client.list({ statuses: ['completed'], limit: LOOKED_THROUGH });
  const samples: Sample[] = [];
  for (const { id } of rows.filter(({ workflow }) => workflow === view.workflow).slice(0, SAMPLES)) {
    const steps = await timesOf(means, id);
    samples.push(
      new Map(steps.flatMap(({ step, startedAt, endedAt }) => (endedAt === null ? [] : [[step, endedAt - startedAt]]))),
    );
  }
  return samples;
}

/** How long each step is under way already, all its attempts counted, ms. */
async function goneIn(means: EtaMeans, run: string, now: number): Promise<Gone> {
  const steps = await timesOf(means, run);
  const open = steps.filter(({ endedAt }) => endedAt === null);
  return { now, byStep: new Map(open.map(({ step, startedAt }) => [step, Math.max(0, now - startedAt)])) };
}

async function timesOf({ store, partitions }: EtaMeans, run: string): Promise<readonly StepTime[]> {
  const times = new RunTimes();
  for await (const fact of factsOfRun(store.runs, { partition: partitionOf(run, partitions), run })) times.add(fact);
  return times.steps();
}

interface Gone {
  readonly now: number;
  readonly byStep: ReadonlyMap<string, number>;
}

interface Known {
  readonly samples: readonly Sample[];
  readonly gone: Gone;
}

function estimateOf(steps: readonly StepView[], known: Known): Estimate {
  const { samples, gone } = known;
  const rest = new Durations();
  const overdue = steps.some(
    (step) => isUnderWay(step) && samples.every((sample) => (sample.get(step.id) ?? 0) <= goneOf(step, gone)),
  );
  for (const sample of samples) rest.add(restOf(steps, sample, known));
  const at = (share: number): number => gone.now + (rest.quantile(share) ?? 0);
  return { at: at(0.5), from: at(0.1), to: at(0.9), overdue };
}

/** Time until the last step ends when what is left takes as long as in the sample, ms. */
function restOf(steps: readonly StepView[], sample: Sample, known: Known): number {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ends = new Map<string, number>();
  // Dependencies before dependents, without recursion.
  const todo = [...byId.keys()];
  const entered = new Set<string>();
  for (let id = todo.at(-1); id !== undefined; id = todo.at(-1)) {
    const step = byId.get(id);
    const before = step?.dependencies ?? [];
    const missing = entered.has(id) ? [] : before.filter((one) => !ends.has(one) && byId.has(one) && !entered.has(one));
    entered.add(id);
    if (step !== undefined && !ends.has(id) && missing.length > 0) {
      todo.push(...missing);
      continue;
    }
    todo.pop();
    if (step === undefined || ends.has(id)) continue;
    const from = Math.max(0, ...before.map((one) => ends.get(one) ?? 0));
    ends.set(id, from + leftOf(step, sample, known));
  }
  return Math.max(0, ...ends.values());
}

function leftOf(step: StepView, sample: Sample, { samples, gone }: Known): number {
  if (stepIsSettled(step.status)) return 0;
  const took = sample.get(step.id) ?? 0;
  if (!isUnderWay(step)) return took;
  const passed = goneOf(step, gone);
  if (took > passed) return took - passed;
  // It is known to take longer than it did there: as long as in the next longer one.
  const longer = samples.map((one) => one.get(step.id) ?? 0).filter((one) => one > passed);
  return longer.length === 0 ? 0 : Math.min(...longer) - passed;
}

function goneOf({ id }: StepView, { byStep }: Gone): number {
  return byStep.get(id) ?? 0;
}

function isUnderWay({ status }: StepView): boolean {
  return !stepIsSettled(status) && status !== 'pending';
}
