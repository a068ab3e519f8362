/**
 * Drives one run through a whole store, one random event at a time, as coordinators, workers, people and the clock would:
 * messages in batches of any size, takeovers in between, answers of every kind, timers, cancels.
 */
import { Client } from '../../src/coordinator/client.js';
import { Plans } from '../../src/coordinator/plans.js';
import { RunLocks } from '../../src/coordinator/run-locks.js';
import { Turn } from '../../src/coordinator/turn.js';
import type { Clock } from '../../src/core/clock.js';
import { countedIds } from '../../src/core/ids.js';
import { type PersonaReply, type PersonaRequest } from '../../src/core/exchange.js';
import type { Lease, Store } from '../../src/core/ports.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { allSteps, type StepDefinition } from '../../src/definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { step, workflow } from './definitions.js';
import { BROKEN, FAIL, passing } from './fold-bench.js';

const INNER = { ...workflow([step('in')]), name: 'other' };
const PERSONAS = ['worker', 'other', 'git'];

export interface StoredGame {
  readonly steps: readonly StepDefinition[];
  readonly choices: readonly number[];
  readonly limit: number;
}

export class StoredRuns {
  readonly store: Store;
  readonly client: Client;
  readonly #pass: (ms: number) => Promise<void>;
  readonly #signal: AbortSignal;
  readonly #plans: Plans;
  #turn: Turn;
  #lease: Lease | null = null;
  #owners = 0;
  readonly #ids = countedIds('k');

  /** `pass` lets the store's clock go on. One that stands still waits for nothing: whoever reads does not wait. */
  constructor({ store, clock, pass }: { store: Store; clock: Clock; pass: (ms: number) => Promise<void> }) {
    this.store = store;
    this.#pass = pass;
    this.#signal = store.durable ? new AbortController().signal : AbortSignal.abort();
    this.client = new Client({ store, partitions: 1, clock, ids: this.#ids });
    this.#plans = new Plans(store.namespace);
    this.#turn = this.#newTurn();
  }

  static definitionOf(steps: readonly StepDefinition[], change: Partial<WorkflowDefinition> = {}): WorkflowDefinition {
    const definition = workflow(steps, change);
    // Loaded, as the loader does it.
    const text = JSON.stringify(definition, (_key, value: unknown) =>
      isInner(value) ? { ...value, workflow: 'other', definition: definitionHash(INNER) } : value,
    );
    return JSON.parse(text) as WorkflowDefinition;
  }

  async start(definition: WorkflowDefinition): Promise<string> {
    const inner = [...allSteps(definition.steps)].some(({ type }) => type === 'workflow') ? [INNER] : [];
    const { run } = await this.client.start({ definition, inner, task: {}, workspace: null });
    await this.store.requests.join({ partition: 0, worker: 'w', personas: PERSONAS });
    return run;
  }

  /** Starts a run and plays it to its end. */
  async play({ steps, choices, limit }: StoredGame): Promise<string> {
    const definition = StoredRuns.definitionOf(steps, { max_concurrent_steps: limit === 0 ? null : limit });
    const run = await this.start(definition);
    for (const choice of choices) await this.event(run, choice);
    await this.finish(run);
    return run;
  }

  /** Brings a run to its end, and takes in what comes after it. */
  async finish(run: string): Promise<void> {
    for (let turn = 0; turn < 2_000; turn++) {
      await this.event(run, null);
      if (!(await this.#isOver(run))) continue;
      await this.event(run, null);
      return;
    }
    throw new Error('not over');
  }

  /** One thing that happens. Null: whatever brings the run to its end. */
  async event(run: string, choice: number | null): Promise<void> {
    const kind = choice === null ? null : choice % 12;
    if (kind === 1) await this.client.signal(run, { name: 'go', by: 'ada' }).catch(() => undefined);
    if (kind === 2 && choice !== null && choice % 9 === 0)
      await this.client.cancel(run, { reason: 'enough', by: 'ada' }).catch(() => undefined);
    if (kind === 3) this.takeOver();
    if (kind === null || kind > 8) await this.people(run, choice ?? 0);
    if (kind === null || kind === 4) await this.#pass(kind === null ? 61_000 : 20_000);
    if (kind === null || kind > 5) await this.answer(choice ?? 0);
    await this.turn(kind === null ? 100 : 1 + ((choice ?? 0) % 5));
  }

  takeOver(): void {
    this.#turn = this.#newTurn();
    this.#lease = null;
  }

  /** Due timers, then up to so many messages. */
  async turn(limit: number): Promise<void> {
    const { partitions } = this.store;
    if (this.#lease === null) {
      const owner = `o${String(++this.#owners % 2)}`;
      for (let tries = 0; this.#lease === null; tries++) {
        const taken = await partitions.acquire({ partition: 0, owner, leaseMs: 1_000_000_000 });
        if (taken.outcome === 'acquired') this.#lease = taken.lease;
        else if (taken.outcome === 'held' && tries < 3) {
          const [held] = await this.store.namespace.owners();
          if (held !== undefined) await partitions.release(held);
        } else throw new Error(taken.outcome);
      }
    }
    await partitions.fire(this.#lease, 50);
    const entries = await partitions.read({ partition: 0, after: '0', limit, waitMs: 1, signal: this.#signal });
    if (entries.length > 0) await this.#turn.run(this.#lease, entries);
  }

  /** A worker takes what there is and answers, or loses it. */
  async answer(choice: number): Promise<void> {
    const { requests } = this.store;
    const want = { partition: 0, worker: 'w', personas: PERSONAS, limit: 2, total: 2, recover: false, waitMs: 1 };
    for (const { entry, persona, body } of await requests.take({ ...want, signal: this.#signal })) {
      const { run, step: path, attempt, token } = JSON.parse(body) as PersonaRequest;
      const key = { partition: 0, run, step: path, attempt, token, worker: 'w' };
      if ((await requests.begin(key, { persona, entry, heartbeatMs: 5_000, timeoutMs: 50_000 })) !== 'go') continue;
      if (choice % 10 === 7) continue;
      await requests.reply(key, { body: answerTo(path, choice) });
    }
  }

  /** Somebody answers what is asked, and sends what is waited for. */
  async people(run: string, choice: number): Promise<void> {
    const view = await this.client.get(run);
    for (const { id, waitsFor } of view.steps) {
      if (waitsFor?.kind === 'signal')
        await this.client.signal(run, { name: waitsFor.name, by: 'ada' }).catch(() => undefined);
      if (waitsFor?.kind !== 'decision') continue;
      const { choices, about } = waitsFor.question;
      const chosen = choice === 0 ? (about === 'step' ? choices[0] : choices.at(-1)) : choices[choice % choices.length];
      await this.client.decide(run, { step: id, choice: chosen?.id ?? '', by: 'ada' }).catch(() => undefined);
    }
  }

  async #isOver(run: string): Promise<boolean> {
    return runHasEnded((await this.client.get(run)).status);
  }

  #newTurn(): Turn {
    return new Turn({
      partitions: this.store.partitions,
      plans: this.#plans,
      locks: new RunLocks({ locks: this.store.locks, partitions: 1 }),
      report: () => undefined,
      runsCached: 100,
    });
  }
}

function isInner(value: unknown): value is { type: 'workflow' } {
  return typeof value === 'object' && value !== null && 'type' in value && value.type === 'workflow';
}

function answerTo(path: string, choice: number): string {
  const steps = [
    { id: 'x', persona: 'worker' },
    { id: 'y', type: 'for_each', items: [1, 2], steps: [{ id: 'q', persona: 'worker' }] },
  ];
  const good: PersonaReply = passing({ of: path, steps });
  const reply = choice % 7 === 1 ? FAIL : choice % 7 === 2 ? BROKEN : good;
  return choice % 11 === 3 ? 'garbage' : JSON.stringify(reply);
}
