/**
 * A coordinator, a worker and clients, each with a store of its own, on a Redis that is about to be hurt. Clients start runs
 * as long as they are told to, each until it is acknowledged; afterwards every run that was acknowledged is looked for.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError, hasCode } from '../../src/core/errors.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import type { Incident } from '../../src/core/watch-ports.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from './definitions.js';
import { until } from './redis-instance.js';

const means = { clock: systemClock, ids: randomIds };
const STARTERS = 4;
const PAUSE_MS = 40;

const definition = workflow([
  step('plan'),
  step('build', { dependencies: ['plan'] }),
  step('check', { dependencies: ['build'] }),
]);

interface Place {
  readonly partitions: number;
  readonly namespace: string;
}

/** What became of the runs that were acknowledged. */
export interface Outcome {
  readonly acknowledged: number;
  readonly completed: number;
  readonly lost: readonly string[];
  readonly incidents: readonly Incident[];
}

export class EngineUnderLoad {
  readonly partitions: number;
  readonly namespace: string;
  readonly #address: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'coord-load-'));
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #acknowledged: string[] = [];
  readonly #events: { readonly at: number; readonly event: CoordinatorEvent }[] = [];
  readonly #troubles: string[] = [];
  readonly #effects = new Map<string, number>();
  #clients: Client[] = [];
  #watching: Store | null = null;
  #starting = new AbortController();
  #started: Promise<unknown> = Promise.resolve();

  private constructor(address: string, { partitions, namespace }: Place) {
    this.#address = address;
    this.partitions = partitions;
    this.namespace = namespace;
  }

  static async open(address: string, place: Place): Promise<EngineUnderLoad> {
    const engine = new EngineUnderLoad(address, place);
    try {
      await engine.#begin();
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  /** Lets clients start runs, from now on. */
  load(): void {
    this.#starting = new AbortController();
    this.#started = Promise.all(this.#clients.map((client, index) => this.#startRuns(client, index)));
  }

  /** No new runs; those that are being started are until they are acknowledged. */
  async rest(): Promise<void> {
    this.#starting.abort();
    await this.#started;
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** How often the work of a step was done more than once. */
  get repeated(): number {
    return [...this.#effects.values()].filter((times) => times > 1).length;
  }

  /** Milliseconds from a blow until a partition that it interrupted commits again; null for not yet. */
  firstCommitAfter(moment: number, partitions: readonly number[]): number | null {
    const after = this.#events.filter(
      ({ at, event }) => at > moment && 'partition' in event && partitions.includes(event.partition),
    );
    const interrupted = after.find(({ event }) => event.type === 'partition.interrupted');
    const found = after.find(({ at, event }) => at > (interrupted?.at ?? moment) && event.type === 'turn');
    return found === undefined ? null : Math.round(found.at - moment);
  }

  /** What coordinator and worker complained of, for the message of a test that fails. */
  get troubles(): readonly string[] {
    return this.#troubles.slice(-20);
  }

  /** Waits until every run that was acknowledged has ended or is not there any more, and counts. */
  async drain(): Promise<Outcome> {
    const [client] = this.#clients;
    if (client === undefined) throw new Error('no client');
    const open = new Set(this.#acknowledged);
    const lost: string[] = [];
    let completed = 0;
    const look = async (run: string): Promise<void> => {
      try {
        const { status } = await client.get(run);
        if (status !== 'completed') return;
        completed++;
      } catch (error) {
        if (error instanceof CoordError && error.retryable) return;
        if (!hasCode(error, 'RUN_NOT_FOUND')) throw error;
        lost.push(run);
      }
      open.delete(run);
    };
    await until(
      'every acknowledged run has ended',
      async () => {
        for (const run of [...open].slice(0, 100)) await look(run);
        return open.size === 0;
      },
      30_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; open: ${[...open].slice(0, 5).join(', ')}; ${this.troubles.join(' | ')}`);
    });
    return { acknowledged: this.#acknowledged.length, completed, lost, incidents: await this.incidents() };
  }

  async incidents(): Promise<readonly Incident[]> {
    const store = this.#watching;
    if (store === null) throw new Error('not open');
    const all = Array.from({ length: this.partitions }, (_, partition) => store.watermarks.incidents(partition));
    return (await Promise.all(all)).flat();
  }

  partitionOf(run: string): number {
    return partitionOf(run, this.partitions);
  }

  async close(): Promise<void> {
    await this.rest();
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #begin(): Promise<void> {
    const { partitions } = this;
    const persona = functionPersona({
      name: 'worker',
      concurrency: 16,
      run: async (request) => {
        const effect = `${request.run} ${request.step}`;
        this.#effects.set(effect, (this.#effects.get(effect) ?? 0) + 1);
        await systemClock.sleep(5);
        return { status: 'pass' };
      },
    });
    const coordinator = new Coordinator({
      store: await this.#store(),
      partitions,
      ...means,
      name: 'c',
      leaseMs: 1_000,
      report: (event) => {
        this.#events.push({ at: performance.now(), event });
        if (event.type === 'partition.interrupted') this.#troubles.push(`coordinator: ${String(event.error)}`);
      },
    });
    const worker = new WorkerHost({
      store: await this.#store(),
      partitions,
      personas: new Map([['worker', persona]]),
      worker: 'w',
      stateDir: this.#folder,
      // A reply that a failover undid is missed when the heartbeat is.
      heartbeatMs: 3_000,
      beatMs: 500,
      clock: systemClock,
      report: (event) => {
        if (event.type === 'trouble') this.#troubles.push(`worker, ${event.doing}: ${event.message}`);
      },
    });
    coordinator.start();
    worker.start();
    this.#stops.push(
      () => coordinator.stop(),
      async () => {
        await worker.stop();
      },
    );
    this.#watching = await this.#store();
    for (let index = 0; index < STARTERS; index++)
      this.#clients.push(new Client({ store: await this.#store(), partitions, ...means }));
    // The first run takes with it what is made once: definition, groups, connections.
    for (const client of this.#clients.slice(0, 1)) await client.start({ definition, task: {}, workspace: null });
  }

  async #store(): Promise<Store> {
    const store = await openRedisStore({
      address: parseAddress(this.#address),
      namespace: this.namespace,
      ...means,
      failpoints: noFailpoints,
      deadlineMs: 2_000,
    });
    this.#stops.push(() => store.close());
    await store.namespace.open(this.partitions);
    return store;
  }

  async #startRuns(client: Client, index: number): Promise<void> {
    const { signal } = this.#starting;
    while (!signal.aborted) {
      const idempotencyKey = `${String(index)}-${randomIds.nonce()}`;
      for (;;) {
        try {
          const { run } = await client.start({ definition, task: { index }, workspace: null, idempotencyKey });
          this.#acknowledged.push(run);
          break;
        } catch (error) {
          if (!(error instanceof CoordError) || !error.retryable) throw error;
          this.#troubles.push(`client: ${error.message}`);
          await systemClock.sleep(PAUSE_MS);
        }
      }
      await systemClock.sleep(PAUSE_MS, signal);
    }
  }
}
