/** A coordinator with its client over one memory store, in virtual time that moves only while something is waited for. */
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { ManualClock } from '../../src/core/clock.js';
import type { Fact } from '../../src/core/facts.js';
import { randomIds } from '../../src/core/ids.js';
import { personaRequestSchema, type PersonaRequest } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import type { AttemptKey } from '../../src/core/request-port.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';

export interface Seat {
  readonly coordinator: Coordinator;
  readonly events: readonly CoordinatorEvent[];
  /** As kill -9 does: none of its calls is answered any more. */
  kill(): void;
}

export interface Taken {
  readonly key: AttemptKey;
  readonly request: PersonaRequest;
  readonly begin: (heartbeatMs?: number) => ReturnType<Store['requests']['begin']>;
}

const NEVER = new AbortController().signal;
const STEP_MS = 50;

export class Hall {
  readonly clock = new ManualClock();
  readonly contents = new MemoryContents(this.clock, 'hall');
  readonly store: Store;
  readonly client: Client;
  readonly #coordinators: Coordinator[] = [];

  constructor() {
    const means = { clock: this.clock, ids: randomIds };
    this.store = createMemoryStore({ ...means, contents: this.contents });
    this.client = new Client({ store: this.store, partitions: 1, ...means });
  }

  coordinator(name = 'test', leaseMs = 2_000): Seat {
    const events: CoordinatorEvent[] = [];
    let dead = false;
    const mute = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (real, method: keyof T & string) => {
          const call = Reflect.get(real, method) as (...args: unknown[]) => Promise<unknown>;
          return (...args: unknown[]) => (dead ? new Promise(() => undefined) : call.apply(real, args));
        },
      });
    const { partitions, roll, namespace, requests, watermarks, locks } = this.store;
    const coordinator = new Coordinator({
      store: {
        partitions: mute(partitions),
        roll: mute(roll),
        namespace: mute(namespace),
        requests: mute(requests),
        watermarks: mute(watermarks),
        locks: mute(locks),
      },
      partitions: 1,
      clock: this.clock,
      ids: randomIds,
      name,
      leaseMs,
      report: (event) => events.push(event),
    });
    coordinator.start();
    this.#coordinators.push(coordinator);
    const kill = (): void => {
      dead = true;
      this.#coordinators.splice(this.#coordinators.indexOf(coordinator), 1);
    };
    return { coordinator, events, kill };
  }

  /** Lets everything go on that can, and time pass in small steps, until it holds; fails after `withinMs` of virtual time. */
  async until(what: string, holds: () => Promise<boolean> | boolean, withinMs = 120_000): Promise<void> {
    for (let passed = 0; ; passed += STEP_MS) {
      await settled();
      if (await holds()) return;
      if (passed >= withinMs) throw new Error(`it did not come true: ${what}`);
      this.clock.advance(STEP_MS);
    }
  }

  async untilEnded(run: string): Promise<void> {
    await this.until(`${run} has ended`, async () => runHasEnded((await this.client.get(run)).status));
  }

  /** Whatever the call needs of time passes. */
  async during<T>(call: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    call.then(end, end);
    await this.until('the call has ended', () => over);
    return call;
  }

  /** The next request of the persona `worker`, sent to this worker. */
  async take(worker: string): Promise<Taken> {
    const want = { partition: 0, worker, personas: ['worker'], limit: 1, total: 1, recover: false, waitMs: 60_000 };
    const [delivery] = await this.during(this.store.requests.take({ ...want, signal: NEVER }));
    if (delivery === undefined) throw new Error('no request came');
    const request = personaRequestSchema.parse(JSON.parse(delivery.body));
    const { run, step, attempt, token, timeoutMs } = request;
    const key = { partition: 0, run, step, attempt, token, worker };
    const { persona, entry } = delivery;
    const begin = (heartbeatMs = 15_000): ReturnType<Store['requests']['begin']> =>
      this.store.requests.begin(key, { persona, entry, heartbeatMs, timeoutMs });
    return { key, request, begin };
  }

  async facts<T extends Fact['type']>(run: string, type: T): Promise<readonly Extract<Fact, { type: T }>[]> {
    const all = await this.client.history(run);
    return all.filter((fact): fact is Extract<Fact, { type: T }> => fact.type === type);
  }

  async close(): Promise<void> {
    await this.during(Promise.all(this.#coordinators.splice(0).map((coordinator) => coordinator.stop())));
  }
}

async function settled(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}
