/**
 * One run of a workflow on the real engine, in memory and in virtual time: the same turn, client and store as in
 * production, with a clock that jumps to the next thing that can happen. A day of waiting takes milliseconds, and the
 * same scenario with the same choices always goes the same way.
 */
import { Client } from '../coordinator/client.js';
import { Plans } from '../coordinator/plans.js';
import { RunLocks } from '../coordinator/run-locks.js';
import { Turn } from '../coordinator/turn.js';
import { ManualClock } from '../core/clock.js';
import { CoordError, messageOf } from '../core/errors.js';
import { countedIds } from '../core/ids.js';
import type { Lease, Store } from '../core/ports.js';
import { runHasEnded, stepIsSettled } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import { createMemoryStore } from '../memory/store.js';
import { type Choices, oldestFirst } from './choices.js';
import { Desk } from './desk.js';
import { Inputs } from './inputs.js';
import type { Outcome } from './outcome.js';
import type { Scenario, TestedWorkflow } from './scenario.js';
import { Script } from './script.js';
import { WatchedPartitions } from './watched-partitions.js';

export interface SimulationParams {
  readonly workflow: TestedWorkflow;
  readonly scenario: Scenario;
  /** The oldest thing first, by default. */
  readonly choices?: Choices;
  /** Told of the run after every transition; true ends the simulation. */
  readonly watch?: (view: RunView) => boolean;
}

/** Noon of a Monday in winter, UTC: far from every change of days, months and clocks. */
const START = Date.UTC(2026, 0, 5, 12);
const PARTITION = 0;
const LEASE_MS = 1_000 * 365 * 86_400_000;
const BATCH = 256;
/** Nothing waits longer than a run may take; what lies behind are the heartbeats of hanging personas. */
const HORIZON_MS = 10 * 365 * 86_400_000;
const MOVES_AT_MOST = 100_000;
/** Replies that are tried as the next one: more of them differ in nothing but their number. */
const CHOICES_AT_MOST = 50;
const ARTIFACT_SHOWN_BYTES = 1024 * 1024;
const AT_ONCE = AbortSignal.abort();

/** A simulation is run once. Throws only when the engine itself is broken; what the run does wrong is in the outcome. */
export class Simulation {
  readonly #params: SimulationParams;
  readonly #choices: Choices;
  readonly #clock = new ManualClock(START);
  readonly #store: Store;
  readonly #partitions: WatchedPartitions;
  readonly #turn: Turn;
  readonly #client: Client;
  readonly #script: Script;
  readonly #desk: Desk;
  readonly #discarded: string[] = [];

  constructor(params: SimulationParams) {
    this.#params = params;
    this.#choices = params.choices ?? oldestFirst;
    const means = { clock: this.#clock, ids: countedIds('t') };
    this.#store = createMemoryStore(means);
    this.#partitions = new WatchedPartitions(this.#store.partitions);
    this.#turn = new Turn({
      partitions: this.#partitions,
      plans: new Plans(this.#store.namespace),
      locks: new RunLocks({ locks: this.#store.locks, partitions: 1 }),
      report: (event) => {
        if (event.type === 'message.discarded') this.#discarded.push(`a message to ${event.run}: ${event.reason}`);
      },
      runsCached: 1_000,
    });
    this.#client = new Client({ store: this.#store, partitions: 1, ...means });
    this.#script = new Script(params.scenario, this.#choices);
    this.#desk = new Desk({ store: this.#store, clock: this.#clock, script: this.#script });
  }

  async run(): Promise<Outcome> {
    const { scenario, watch } = this.#params;
    await this.#store.namespace.open(1);
    const acquired = await this.#partitions.acquire({ partition: PARTITION, owner: 'test', leaseMs: LEASE_MS });
    if (acquired.outcome !== 'acquired') throw new CoordError('RUN_UNREADABLE', 'a fresh store has an owner already');
    const started = await this.#start();
    if ('refused' in started) return this.#refused(started.refused);
    const { run } = started;
    const [client, script] = [this.#client, this.#script];
    const inputs = new Inputs({ client, script, scenario, run, startedAt: START });
    for (let moves = 0; moves < MOVES_AT_MOST; moves++) {
      await this.#drain(acquired.lease);
      await this.#desk.collect(this.#partitions.personas);
      if (watch?.(await this.#client.get(run)) === true) return this.#outcome(run, null);
      const status = this.#partitions.statuses.get(run);
      if (status !== undefined && runHasEnded(status)) return this.#outcome(run, null);
      if (!(await this.#move(acquired.lease, run, inputs))) return this.#outcome(run, await this.#waits(run));
    }
    return this.#outcome(run, [`it has not ended after ${String(MOVES_AT_MOST)} moves`]);
  }

  async #start(): Promise<{ readonly run: string } | { readonly refused: CoordError }> {
    const { workflow, scenario } = this.#params;
    try {
      const { definition, inner } = workflow;
      return await this.#client.start({
        definition,
        inner,
        task: scenario.task,
        workspace: null,
        idempotencyKey: 'test',
      });
    } catch (error) {
      if (error instanceof CoordError) return { refused: error };
      throw error;
    }
  }

  /** Everything in the inbox, and what it leads to by itself. */
  async #drain(lease: Lease): Promise<void> {
    const want = { partition: PARTITION, after: '0', limit: BATCH, waitMs: 0, signal: AT_ONCE };
    for (let turns = 0; turns < MOVES_AT_MOST; turns++) {
      const entries = await this.#partitions.read(want);
      if (entries.length === 0) return;
      const { outcome } = await this.#turn.run(lease, entries);
      if (outcome === 'fenced') throw new CoordError('RUN_UNREADABLE', 'the simulation lost its own lease');
      if (outcome === 'again') this.#turn.forget();
    }
    throw new CoordError('RUN_UNREADABLE', `the inbox is not empty after ${String(MOVES_AT_MOST)} turns`);
  }

  /** Makes one thing happen; false when nothing can. */
  async #move(lease: Lease, run: string, inputs: Inputs): Promise<boolean> {
    const now = this.#clock.now();
    const options = [
      ...this.#desk.due(this.#choices.exploring ? CHOICES_AT_MOST : 1).map((held) => ({
        words: `${held.key.step} answers ${held.reply.kind}`,
        happen: (): Promise<unknown> => this.#desk.answer(held),
      })),
      ...inputs.due(now).map((input) => ({
        words: input.words,
        happen: (): Promise<unknown> => inputs.take(input, this.#discarded),
      })),
    ];
    if (options.length > 0) {
      // A reply can take any time: whoever wants to see every order also sees the timers that run out before it.
      if (this.#choices.exploring && (await this.#nextTimer(lease)) !== null)
        options.push({ words: 'time passes', happen: () => this.#pass(lease, inputs) });
      await options[this.#choices.pick(options.map(({ words }) => words))]?.happen();
      return true;
    }
    for (const id of [run, ...this.#partitions.started]) {
      const status = this.#partitions.statuses.get(id);
      if (status === undefined || runHasEnded(status)) continue;
      if (inputs.whenIdle(await this.#client.get(id), now)) return true;
    }
    return this.#pass(lease, inputs);
  }

  /** Goes to the next point in time at which something happens; false when there is none. */
  async #pass(lease: Lease, inputs: Inputs): Promise<boolean> {
    const now = this.#clock.now();
    const times = [await this.#nextTimer(lease), this.#desk.nextDue(), inputs.nextDue()].filter(
      (time) => time !== null && time > now,
    );
    // Timers that are due already were put into the inbox by asking for the next one.
    if ((await this.#partitions.read(this.#anything)).length > 0) return true;
    const next = times.reduce<number>((first, time) => Math.min(first, time ?? first), Infinity);
    if (next === Infinity) return false;
    this.#clock.advance(next - now);
    await this.#partitions.fire(lease, BATCH);
    return true;
  }

  readonly #anything = { partition: PARTITION, after: '0', limit: 1, waitMs: 0, signal: AT_ONCE };

  /** When the next timer runs out, ms of the clock. Those that are due are put into the inbox. */
  async #nextTimer(lease: Lease): Promise<number | null> {
    const fired = await this.#partitions.fire(lease, BATCH);
    if (fired.outcome === 'fenced' || fired.nextInMs === null || fired.nextInMs > HORIZON_MS) return null;
    return this.#clock.now() + fired.nextInMs;
  }

  /** What a run that cannot go on waits for, line by line. */
  async #waits(run: string): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const id of [run, ...this.#partitions.started]) {
      const view = await this.#client.get(id);
      if (view.quarantined !== null) lines.push(`run ${id} is set aside: ${view.quarantined}`);
      if (runHasEnded(view.status)) continue;
      if (view.status === 'pending') lines.push(`run ${id} has not started: it waits for its slot`);
      for (const step of view.steps) {
        if (step.status === 'pending' || stepIsSettled(step.status)) continue;
        lines.push(`${id === run ? '' : `${id} `}${step.id} is ${step.status}${whyNot(step)}`);
      }
    }
    return lines.length === 0 ? ['no step is under way, and no timer is armed'] : lines;
  }

  async #outcome(run: string, stuck: readonly string[] | null): Promise<Outcome> {
    const view = await this.#client.get(run);
    const artifacts = new Map<string, string>();
    for (const { name, sha256, size } of view.steps.flatMap((step) => step.artifacts)) {
      const content = size > ARTIFACT_SHOWN_BYTES ? null : await this.#store.artifacts.get(PARTITION, sha256);
      artifacts.set(name, content === null ? '' : Buffer.from(content).toString('utf8'));
    }
    return {
      ...this.#common(),
      run,
      view,
      refused: null,
      stuck,
      facts: await this.#client.history(run),
      elapsedMs: (view.endedAt ?? this.#clock.now()) - START,
      artifacts,
    };
  }

  #refused({ code, message }: CoordError): Outcome {
    const nothing = { run: '', view: null, stuck: null, facts: [], elapsedMs: 0, artifacts: new Map() };
    return { ...this.#common(), ...nothing, refused: { code, message: messageOf(message) } };
  }

  #common(): Pick<Outcome, 'definition' | 'requests' | 'unscripted' | 'discarded' | 'startedAt'> {
    const { definition } = this.#params.workflow;
    const [requests, { unscripted }] = [this.#desk.asked, this.#script];
    return { definition, requests, unscripted, discarded: this.#discarded, startedAt: START };
  }
}

function whyNot({ status, waitsFor }: StepView): string {
  if (status === 'queued') return ': no worker serves its persona';
  if (status === 'working') return ': what it asked for never comes, and it has no timeout';
  if (waitsFor?.kind === 'signal') return ` for the signal "${waitsFor.name}"; write it under "signals"`;
  if (waitsFor?.kind === 'lock') return ` for the lock "${waitsFor.name}"`;
  if (waitsFor?.kind !== 'decision') return '';
  const choices = waitsFor.question.choices.map(({ id }) => id).join(', ');
  return ` for a decision (${choices}); write it under "decisions"`;
}
