/** A memory store with runs that ask personas, a clock that stands still, and workers whose events can be waited for. */
import { ManualClock } from '../../src/core/clock.js';
import { countedIds, partitionOf } from '../../src/core/ids.js';
import type { PersonaReply, PersonaRequest } from '../../src/core/exchange.js';
import type { InboxEntry, Lease, Store } from '../../src/core/ports.js';
import type { RequestPort } from '../../src/core/request-port.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { WorkerHost, type WorkerOptions } from '../../src/personas/host.js';
import type { PersonaDefinition } from '../../src/personas/persona.js';
import type { WorkerEvent } from '../../src/personas/worker-events.js';
import { aFolder, aRequest } from './requests.js';

type EventOf<T extends WorkerEvent['type']> = Extract<WorkerEvent, { type: T }>;

/** Events in order; `next` gives each event of a type once, waiting when it has not happened yet. */
export class Events {
  readonly all: WorkerEvent[] = [];
  readonly #given = new Set<WorkerEvent>();
  readonly #waiting: { wants: (event: WorkerEvent) => boolean; resolve: (event: WorkerEvent) => void }[] = [];

  readonly report = (event: WorkerEvent): void => {
    this.all.push(event);
    const index = this.#waiting.findIndex(({ wants }) => wants(event));
    if (index === -1) return;
    this.#given.add(event);
    this.#waiting.splice(index, 1)[0]?.resolve(event);
  };

  next<T extends WorkerEvent['type']>(type: T, step?: string): Promise<EventOf<T>> {
    const wants = (event: WorkerEvent): event is EventOf<T> =>
      event.type === type && (step === undefined || ('key' in event && event.key.step === step));
    const past = this.all.find((event) => wants(event) && !this.#given.has(event));
    if (past !== undefined && wants(past)) {
      this.#given.add(past);
      return Promise.resolve(past);
    }
    return new Promise((resolve) => {
      this.#waiting.push({ wants, resolve: (event) => resolve(event as EventOf<T>) });
    });
  }

  types(): readonly string[] {
    return this.all.map(({ type }) => type).filter((type) => type !== 'waiting');
  }
}

export interface Crew {
  readonly host: WorkerHost;
  readonly events: Events;
}

export class Scene {
  readonly clock = new ManualClock();
  readonly store: Store;
  readonly stateDir = aFolder();
  readonly partitions: number;
  readonly #hosts: WorkerHost[] = [];
  readonly #leases = new Map<number, Lease>();
  readonly #versions = new Map<string, number>();

  /** `store`: another one than in memory. */
  constructor(partitions = 1, store?: Store) {
    this.partitions = partitions;
    this.store = store ?? createMemoryStore({ clock: this.clock, ids: countedIds() });
  }

  /** A started worker. `requests` replaces methods of the store's request port. */
  worker(
    personas: readonly PersonaDefinition[],
    change: Partial<WorkerOptions> & { requests?: Partial<RequestPort> } = {},
  ): Crew {
    const events = new Events();
    const { requests, ...options } = change;
    const port = new Proxy(this.store.requests, {
      get: (real, name: keyof RequestPort) => requests?.[name] ?? real[name].bind(real),
    });
    const host = new WorkerHost({
      store: { ...this.store, requests: port },
      partitions: this.partitions,
      personas: new Map(personas.map((persona) => [persona.name, persona])),
      worker: `worker-${String(this.#hosts.length + 1)}`,
      stateDir: this.stateDir,
      clock: this.clock,
      report: events.report,
      ...options,
    });
    this.#hosts.push(host);
    host.start();
    return { host, events };
  }

  /** A run asks a persona: one commit, as the engine would make it. */
  async ask(change: Partial<PersonaRequest> = {}, body?: string): Promise<PersonaRequest> {
    const request = aRequest({
      ...change,
      token: change.token ?? `token-${change.step ?? 'build'}-${String(change.attempt ?? 1)}`,
    });
    const partition = partitionOf(request.run, this.partitions);
    await this.#admit(request.run, partition);
    await this.#commit(request, { partition, body: body ?? JSON.stringify(request), token: request.token });
    return request;
  }

  /** The run moves on to another attempt without asking anybody. */
  async supersede(request: PersonaRequest): Promise<void> {
    await this.#commit(request, { partition: partitionOf(request.run, this.partitions), body: null, token: 'newer' });
  }

  async replies(): Promise<readonly PersonaReply[]> {
    const entries: InboxEntry[] = [];
    for (let partition = 0; partition < this.partitions; partition++) {
      const want = { partition, after: '0', limit: 1000, waitMs: 0, signal: AbortSignal.abort() };
      entries.push(...(await this.store.partitions.read(want)));
    }
    return entries.filter(({ kind }) => kind === 'reply').map(({ body }) => JSON.parse(body) as PersonaReply);
  }

  async end(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => Promise.all([host.stop(), host.stop()])));
  }

  async #admit(run: string, partition: number): Promise<void> {
    const start = { kind: 'start', definition: 'd', input: '{}', record: '{}', slot: null } as const;
    await this.store.admission.admit({ partition, run, idempotencyKey: run, requestHash: run, ...start });
  }

  async #commit(
    request: PersonaRequest,
    what: { partition: number; body: string | null; token: string },
  ): Promise<void> {
    const { run, step, persona } = request;
    const version = this.#versions.get(run) ?? 0;
    const outcome = await this.store.partitions.commit(await this.#lease(what.partition), {
      run,
      expectedVersion: version,
      record: '{}',
      status: { from: 'running', to: 'running' },
      steps: [{ step, record: '{"status":"queued"}', token: what.token }],
      consumed: [],
      requests: what.body === null ? [] : [{ persona, body: what.body }],
      arm: [],
      disarm: [],
      entry: { messages: '[]', facts: '[]', hash: 'h', genesis: null },
      definition: null,
      starts: [],
      sends: [],
      release: null,
    });
    if (outcome !== 'ok') throw new Error(`commit: ${outcome}`);
    this.#versions.set(run, version + 1);
  }

  async #lease(partition: number): Promise<Lease> {
    const known = this.#leases.get(partition);
    if (known !== undefined) return known;
    const acquired = await this.store.partitions.acquire({ partition, owner: 'engine', leaseMs: 1e9 });
    if (acquired.outcome !== 'acquired') throw new Error('the lease is held');
    this.#leases.set(partition, acquired.lease);
    return acquired.lease;
  }
}

/** A function persona whose calls wait until the test lets each one go. */
export function gate(): {
  readonly run: (request: PersonaRequest, context: { signal: AbortSignal }) => Promise<unknown>;
  /** Steps in the order they were called. */
  readonly called: string[];
  readonly signals: AbortSignal[];
  release(value?: unknown): void;
} {
  const open: ((value: unknown) => void)[] = [];
  const called: string[] = [];
  const signals: AbortSignal[] = [];
  return {
    called,
    signals,
    run: (request, { signal }) => {
      called.push(request.step);
      signals.push(signal);
      return new Promise((resolve) => open.push(resolve));
    },
    release: (value = { status: 'pass' }) => open.shift()?.(value),
  };
}
