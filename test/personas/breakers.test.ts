/** The breaker of an endpoint, with a fleet of workers: over a real Redis, and step by step over the memory store. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { incidentFindings } from '../../src/app/doctor-incidents.js';
import { systemClock } from '../../src/core/clock.js';
import type { BreakerPort, BreakerState } from '../../src/core/breaker-port.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { PersonaReply } from '../../src/core/exchange.js';
import type { Store } from '../../src/core/ports.js';
import type { RequestPort } from '../../src/core/request-port.js';
import { Breakers } from '../../src/personas/breakers.js';
import { functionPersona } from '../../src/personas/catalog.js';
import type { HttpPersona } from '../../src/personas/persona.js';
import { Redaction } from '../../src/personas/secrets.js';
import { Slots } from '../../src/personas/slots.js';
import type { WorkerEvent } from '../../src/personas/worker-events.js';
import { openRedisStore } from '../../src/redis/store.js';
import { answers, type Handler, HttpService } from '../harness/http-service.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { type Crew, Scene } from './worker-scene.js';

let service: HttpService;
beforeEach(async () => {
  service = await new HttpService().open();
});
afterEach(() => service.close());

function far(change: Partial<HttpPersona> = {}): HttpPersona {
  const plain = { description: '', prompt: '', file: null, tools: [], model: null, concurrency: 1 };
  return { ...plain, kind: 'http', name: 'far', endpoint: { url: service.url }, secretVariable: null, ...change };
}

/** Calls that are answered when the test says so. */
class Held {
  readonly #open: Parameters<Handler>[] = [];
  #arrived: (() => void)[] = [];

  readonly handler: Handler = (...call) => {
    this.#open.push(call);
    for (const resolve of this.#arrived.splice(0)) resolve();
  };

  async arrival(): Promise<void> {
    if (this.#open.length === 0) await new Promise<void>((resolve) => this.#arrived.push(resolve));
  }

  answer(handler: Handler): void {
    for (const call of this.#open.splice(0)) handler(...call);
  }
}

const DOWN = answers(503, 'down');
const PASS = answers(200, { status: 'pass' });

describe('four workers over Redis', () => {
  let server: TestServer;
  const stores: Store[] = [];
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await server.stop();
  });

  async function open(): Promise<Store> {
    const address = { socket: server.server.socket };
    const store = await openRedisStore({
      address,
      namespace: 't',
      clock: systemClock,
      ids: randomIds,
      failpoints: noFailpoints,
    });
    await store.namespace.open(1);
    stores.push(store);
    return store;
  }

  it('stop together when the endpoint fails, try it with exactly one call each time, and go on together', {
    timeout: 60_000,
  }, async () => {
    const scene = new Scene(1, await open());
    const states: BreakerState['state'][] = [];
    const waits = new Map<string, number>();
    const asked: (() => void)[] = [];
    /** Resolves when each of the other three has asked again meanwhile and was told to wait. */
    const othersWait = (): Promise<void> =>
      new Promise((resolve) => {
        waits.clear();
        asked.push(() => {
          if (waits.size >= 3) resolve();
        });
      });
    const crews: Crew[] = [];
    let left = 20;
    let done = (): void => undefined;
    const allReplied = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let number = 1; number <= 4; number++) {
      const store = await open();
      const worker = `w${String(number)}`;
      const reply = store.requests.reply.bind(store.requests);
      Object.assign(store.requests, {
        reply: async (...said: Parameters<RequestPort['reply']>) => {
          const answer = await reply(...said);
          if (--left === 0) done();
          return answer;
        },
      });
      const breakers: BreakerPort = {
        ...store.breakers,
        enter: async (want) => {
          const answer = await store.breakers.enter(want);
          if (typeof answer === 'object') waits.set(worker, (waits.get(worker) ?? 0) + 1);
          for (const look of asked) look();
          return answer;
        },
      };
      const policy = { failures: 5, windowMs: 60_000, coolDownMs: 1_500, longestMs: 60_000, probeMs: 15_000 };
      crews.push(scene.worker([far()], { worker, clock: systemClock, store: { ...store, breakers }, breaker: policy }));
    }
    const events = (): readonly WorkerEvent[] => crews.flatMap((crew) => crew.events.all);
    const breaker = async (): Promise<BreakerState | undefined> => (await scene.store.breakers.all())[0];
    const note = async (): Promise<void> => void states.push((await breaker())?.state ?? 'closed');

    const probe = new Held();
    const probes = (): number =>
      events().filter((event) => event.type === 'breaker' && event.state === 'half-open').length;
    let healthy = false;
    service.handlers = [
      (...call) => {
        const handler = healthy ? PASS : probes() === 0 ? DOWN : probe.handler;
        handler(...call);
      },
    ];
    await note();
    for (let number = 1; number <= 20; number++) await scene.ask({ persona: 'far', step: `s${String(number)}` });
    const first = await Promise.race(crews.map(async (crew) => crew.events.next('breaker')));
    await note();
    expect(first).toMatchObject({ state: 'open' });
    const means = { clock: systemClock, ids: randomIds, failpoints: noFailpoints, env: {} };
    const options = { redis: null, namespace: 't', directory: '.' };
    expect(await incidentFindings({ socket: server.server.socket }, { options, means })).toEqual([
      {
        level: 'warning',
        subject: 'endpoint',
        message: expect.stringMatching(
          /^persona far: http:.* has failed \d times in a row \(.*503.*\); tried again/,
        ) as string,
        cure: 'coord persona check far',
      },
    ]);

    // The first probe: one call, while the three others ask and are told to wait.
    await probe.arrival();
    const before = service.calls.length - 1;
    // Those that are in flight when the fifth fails may fail as well: at most one of each other worker.
    expect(before).toBeGreaterThanOrEqual(5);
    expect(before).toBeLessThanOrEqual(8);
    await othersWait();
    await note();
    expect(service.calls).toHaveLength(before + 1);
    const tried = (await breaker())?.failures ?? 0;
    probe.answer(DOWN);
    // The second, after twice the time.
    await probe.arrival();
    expect(await breaker()).toMatchObject({ state: 'half-open', failures: tried + 1 });
    await othersWait();
    await note();
    expect(service.calls).toHaveLength(before + 2);
    healthy = true;
    probe.answer(PASS);
    await allReplied;
    await note();
    expect(states).toEqual(['closed', 'open', 'half-open', 'half-open', 'closed']);
    const want = { partition: 0, after: '0', limit: 1_000, waitMs: 0, signal: new AbortController().signal };
    const entries = await scene.store.partitions.read(want);
    const replies = entries.filter(({ kind }) => kind === 'reply').map(({ body }) => JSON.parse(body) as PersonaReply);
    expect(replies).toHaveLength(20);
    expect(replies.filter(({ status }) => status === 'error')).toHaveLength(before + 1);
    expect(replies.every((reply) => !('endpoint' in reply))).toBe(true);
    // Whoever was held back was never begun: one begin for each call, and no call twice.
    expect(events().filter(({ type }) => type === 'begun')).toHaveLength(20);
    expect(service.calls).toHaveLength(20);
    expect(probes()).toBe(2);
    await scene.end();
  });
});

describe('a worker whose endpoint is in trouble', () => {
  const POLICY = { failures: 1, windowMs: 60_000, coolDownMs: 30_000, longestMs: 60_000, probeMs: 15_000 };
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(() => scene.end());

  const other = functionPersona({ name: 'near', run: () => ({ status: 'pass' }) });
  const state = async (): Promise<BreakerState | undefined> => (await scene.store.breakers.all())[0];

  /** Lets time pass in small steps, and everything that can go on in between, until it is so. */
  async function passes(until: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await until())) {
      scene.clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async function broken(): Promise<Crew> {
    service.handlers = [DOWN];
    const crew = scene.worker([far(), other], { breaker: POLICY });
    await scene.ask({ persona: 'far', step: 'a' });
    await crew.events.next('replied', 'a');
    expect(await state()).toMatchObject({ state: 'open', failures: 1 });
    return crew;
  }

  it('goes on with its other personas, and leaves the requests of that one where they are', async () => {
    const { events } = await broken();
    await scene.ask({ persona: 'far', step: 'b' });
    await scene.ask({ persona: 'near', step: 'c' });
    await events.next('replied', 'c');
    expect(service.calls).toHaveLength(1);
    expect(await scene.store.inspection.queue(0, 'far')).toMatchObject({ requests: 1 });
    service.handlers = [PASS];
    await passes(() => service.calls.length === 2);
    expect(await events.next('replied', 'b')).toMatchObject({ status: 'pass' });
    expect(await state()).toBeUndefined();
  });

  it('gives the one call back when it is ended before it says anything, and tries again', async () => {
    const crew = await broken();
    const request = await scene.ask({ persona: 'far', step: 'b' });
    const held = new Held();
    service.handlers = [held.handler];
    await passes(() => service.calls.length === 2);
    expect(await state()).toMatchObject({ state: 'half-open' });
    await scene.supersede(request);
    await crew.host.ask(request.run);
    await crew.events.next('ended', 'b');
    expect(await state()).toMatchObject({ state: 'open', failures: 1 });
    await scene.ask({ persona: 'far', step: 'c' });
    service.handlers = [PASS];
    await passes(() => service.calls.length === 3);
    await crew.events.next('replied', 'c');
    expect(await state()).toBeUndefined();
  });

  it('gives the one call back when its request is not asked any more', async () => {
    const crew = await broken();
    const request = await scene.ask({ persona: 'far', step: 'b' });
    await scene.supersede(request);
    await passes(() => crew.events.all.some((event) => event.type === 'dropped' && event.reason === 'superseded'));
    await crew.events.next('ended', 'b');
    expect(await state()).toMatchObject({ state: 'open', failures: 1 });
    const before = scene.clock.now();
    await scene.ask({ persona: 'far', step: 'c' });
    service.handlers = [PASS];
    await passes(() => service.calls.length === 2);
    expect(scene.clock.now() - before).toBeLessThan(POLICY.probeMs);
    await crew.events.next('replied', 'c');
  });

  it('lets one attempt through as the one call, whatever asks in it at the same time', async () => {
    const { breakers: port } = scene.store;
    const slots = new Slots({ perPersona: new Map([['far', 4]]), total: 4 });
    const means = {
      port,
      clock: scene.clock,
      worker: 'w',
      slots,
      policy: POLICY,
      report: () => undefined,
      redaction: new Redaction(['a-secret']),
    };
    const endpoints = new Map([['far', 'https://x']]);
    const { signal } = new AbortController();
    const breakers = new Breakers({ ...means, endpoints, signal });
    const failed = { endpoint: 'failed', error: { class: 'PERSONA_ERROR', message: 'no a-secret' } } as const;
    await (await breakers.enter('far'))?.over(failed);
    expect(await state()).toMatchObject({ message: 'no [redacted]' });
    expect(await breakers.enter('far')).toBeNull();
    expect(slots.reserve()).toBeNull();
    scene.clock.advance(POLICY.coolDownMs);
    const passages = await Promise.all([breakers.enter('far'), breakers.enter('far'), breakers.enter('far')]);
    expect(passages.filter((passage) => passage !== null)).toHaveLength(1);
    for (const passage of passages) await passage?.over({ endpoint: 'ok', error: null });
    expect(slots.reserve()).toMatchObject({ total: 4 });
  });

  it('keeps the right to the one call for as long as the call takes', async () => {
    const crew = await broken();
    await scene.ask({ persona: 'far', step: 'b' });
    const held = new Held();
    service.handlers = [held.handler];
    await passes(() => service.calls.length === 2);
    await scene.ask({ persona: 'far', step: 'c' });
    const until = scene.clock.now() + 10 * POLICY.probeMs;
    await passes(() => scene.clock.now() > until);
    const asks = { persona: 'far', endpoint: service.url, worker: 'another', probeMs: 1 };
    expect(await scene.store.breakers.enter(asks)).toEqual({ wait: expect.any(Number) as number });
    expect(service.calls).toHaveLength(2);
    service.handlers = [PASS];
    held.answer(PASS);
    await crew.events.next('replied', 'b');
    await passes(() => service.calls.length === 3);
    await crew.events.next('replied', 'c');
  });

  it('calls all the same while the store says nothing of breakers', async () => {
    service.handlers = [PASS];
    const fails = (): Promise<never> => Promise.reject(new Error('no store'));
    const breakers = { ...scene.store.breakers, enter: fails, told: fails };
    const { events } = scene.worker([far()], { store: { ...scene.store, breakers } });
    await scene.ask({ persona: 'far', step: 'a' });
    expect(await events.next('replied')).toMatchObject({ status: 'pass' });
    expect(await events.next('trouble')).toMatchObject({ doing: 'breaker', message: 'no store' });
  });
});
