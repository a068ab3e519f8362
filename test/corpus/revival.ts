/** Today's engine on recorded runs: a client, a coordinator, a worker, and people who answer as the recording says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../src/coordinator/client.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import type { Fact } from '../../src/core/facts.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { PersonaReply } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import type { WorkerEvent } from '../../src/personas/worker-events.js';
import { openRedisStore } from '../../src/redis/store.js';
import { hashOf, type Recorded } from './load.js';

const PERSONAS = ['worker', 'qa', 'other', 'git'];
const PASS: PersonaReply = { status: 'pass', result: null, artifacts: [], error: null, commit: null };
const MEANS = { clock: systemClock, ids: randomIds };

export async function openStore(socket: string, namespace: string): Promise<Store> {
  return openRedisStore({ address: { socket }, namespace, ...MEANS, failpoints: noFailpoints });
}

export class Revival {
  readonly client: Client;
  readonly operator: Operator;
  readonly store: Store;
  readonly events: CoordinatorEvent[] = [];
  readonly workerEvents: WorkerEvent[] = [];
  readonly #recorded: Recorded;
  readonly #folder = mkdtempSync(join(tmpdir(), 'coord-corpus-'));
  readonly #replies: Map<string, PersonaReply[]>;
  readonly #next = new Set<() => void>();
  #coordinator: Coordinator | null = null;
  #host: WorkerHost | null = null;

  static async open(socket: string, recorded: Recorded): Promise<Revival> {
    const store = await openStore(socket, recorded.namespace);
    await store.namespace.open(null);
    return new Revival(store, recorded);
  }

  constructor(store: Store, recorded: Recorded) {
    this.store = store;
    this.#recorded = recorded;
    const { partitions } = recorded;
    this.client = new Client({ store, partitions, ...MEANS });
    this.operator = new Operator({ store, partitions, ...MEANS });
    this.#replies = new Map(Object.entries(recorded.goOn.replies ?? {}).map(([step, all]) => [step, [...all]]));
  }

  /** A coordinator takes the partitions over, and a worker serves all personas. */
  start(): void {
    const { store } = this;
    const { partitions } = this.#recorded;
    const report = (event: CoordinatorEvent): void => this.#told(this.events, event);
    this.#coordinator = new Coordinator({ store, partitions, ...MEANS, name: 'today', report });
    this.#coordinator.start();
    const run = ({ step }: { readonly step: string }): unknown => {
      const { commit: _, ...reply } = this.#replyTo(step);
      return reply;
    };
    const personas = new Map(PERSONAS.map((name) => [name, functionPersona({ name, run, concurrency: 5 })]));
    this.#host = new WorkerHost({
      store,
      partitions,
      personas,
      worker: 'today',
      stateDir: this.#folder,
      clock: systemClock,
      isDead: (worker) => worker !== 'today',
      report: (event) => this.#told(this.workerEvents, event),
    });
    this.#host.start();
  }

  /** As when the process ends: whoever comes next takes over anew. */
  async rest(): Promise<void> {
    await this.#host?.stop();
    await this.#coordinator?.stop();
  }

  /** The workers of then answer what they hold. Returns how each answer was taken. */
  async answerHeld(): Promise<readonly string[]> {
    const taken: string[] = [];
    for (const { run } of Object.values(this.#recorded.runs)) {
      const partition = partitionOf(run, this.#recorded.partitions);
      const fields = hashOf(this.#recorded, `{${this.#recorded.namespace}:${String(partition)}}:run:${run}`);
      for (const step of Object.keys(fields).flatMap((field) => (field.startsWith('c:') ? [field.slice(2)] : []))) {
        const { worker } = JSON.parse(fields[`c:${step}`] ?? '') as { worker: string };
        const { attempt } = JSON.parse(fields[`s:${step}`] ?? '') as { attempt: number };
        const key = { partition, run, step, attempt, token: fields[`t:${step}`] ?? '', worker };
        taken.push(await this.store.requests.reply(key, { body: JSON.stringify(this.#replyTo(step)) }));
      }
    }
    return taken;
  }

  /** Waits until the run has ended, and answers whatever it asks meanwhile. */
  async end(run: string): Promise<readonly Fact[]> {
    const facts: Fact[] = [];
    for await (const fact of this.client.follow(run, new AbortController().signal)) {
      facts.push(fact);
      if (fact.type === 'step.waiting') await this.#attend(run, fact.step);
    }
    return facts;
  }

  /** Resolves when `holds` does; looked at after every event. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds())
      await new Promise<void>((resolve) => {
        this.#next.add(resolve);
      });
  }

  async stop(): Promise<void> {
    await this.rest();
    await this.store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #told<T>(events: T[], event: T): void {
    events.push(event);
    const waiting = [...this.#next];
    this.#next.clear();
    for (const wake of waiting) wake();
  }

  #replyTo(step: string): PersonaReply {
    const left = this.#replies.get(step) ?? [];
    return (left.length > 1 ? left.shift() : left[0]) ?? PASS;
  }

  async #attend(run: string, path: string): Promise<void> {
    const { goOn } = this.#recorded;
    const step = (await this.client.get(run)).steps.find(({ id }) => id === path);
    if (step?.waitsFor?.kind === 'decision') {
      const answer = goOn.answers?.[path];
      if (answer === undefined) throw new Error(`nothing says what to answer to ${path}`);
      const { token } = step.waitsFor.question;
      await ifStillAsked(
        async () => void (await this.client.decide(run, { step: path, token, by: 'corpus', ...answer })),
      );
    }
    if (step?.waitsFor?.kind === 'signal') {
      const { name } = step.waitsFor;
      // One that was kept is taken at once, and its step has never to be helped.
      const data = goOn.signals?.[name];
      if (data === undefined) throw new Error(`nothing says what the signal ${name} carries`);
      await ifStillAsked(() => this.client.signal(run, { name, data, by: 'corpus' }));
    }
  }
}

async function ifStillAsked(tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    if (!(error instanceof CoordError) || !['DECISION_REFUSED', 'RUN_ENDED'].includes(error.code)) throw error;
  }
}
