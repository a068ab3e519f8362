import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { replyFrom } from '../../src/coordinator/codec.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { MAX_SUSPICIONS } from '../../src/coordinator/owner.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { randomIds } from '../../src/core/ids.js';
import { personaRequestSchema, REPLY_LIMIT_BYTES } from '../../src/core/exchange.js';
import type { Lease, PartitionPort, Store } from '../../src/core/ports.js';
import type { Delivery } from '../../src/core/request-port.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { step, workflow } from '../harness/definitions.js';

let store: Store;
let client: Client;
const stops: (() => Promise<void>)[] = [];

beforeEach(() => {
  store = createMemoryStore({ clock: systemClock, ids: randomIds });
  client = new Client({ store, partitions: 1, clock: systemClock, ids: randomIds });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

class Observed {
  readonly events: CoordinatorEvent[] = [];
  readonly #waiting: { type: string; resolve: (event: CoordinatorEvent) => void }[] = [];
  readonly coordinator: Coordinator;

  constructor(change: { leaseMs?: number } = {}) {
    const report = (event: CoordinatorEvent): void => {
      this.events.push(event);
      for (const waiter of this.#waiting.splice(0)) {
        if (waiter.type === event.type) waiter.resolve(event);
        else this.#waiting.push(waiter);
      }
    };
    this.coordinator = new Coordinator({
      store,
      partitions: 1,
      clock: systemClock,
      ids: randomIds,
      name: 'test',
      report,
      ...change,
    });
    this.coordinator.start();
    stops.push(() => this.coordinator.stop());
  }

  /** The first event of the type, past or to come. */
  async seen(type: CoordinatorEvent['type']): Promise<CoordinatorEvent> {
    return (
      this.events.find((event) => event.type === type) ??
      new Promise((resolve) => this.#waiting.push({ type, resolve }))
    );
  }
}

async function lease(owner = 'other'): Promise<Lease> {
  const acquired = await store.partitions.acquire({ partition: 0, owner, leaseMs: 60_000 });
  if (acquired.outcome !== 'acquired') throw new Error('held');
  return acquired.lease;
}

async function take(): Promise<Delivery> {
  const [delivery] = await store.requests.take({
    partition: 0,
    worker: 'w',
    personas: ['worker'],
    limit: 1,
    total: 1,
    recover: false,
    waitMs: 10_000,
    signal: new AbortController().signal,
  });
  if (delivery === undefined) throw new Error('no request came');
  return delivery;
}

async function answer(body: string): Promise<void> {
  const { entry, persona, body: text } = await take();
  const { run, step: id, attempt, token } = personaRequestSchema.parse(JSON.parse(text));
  const key = { partition: 0, run, step: id, attempt, token, worker: 'w' };
  expect(await store.requests.begin(key, { persona, entry, heartbeatMs: 60_000, timeoutMs: null })).toBe('go');
  expect(await store.requests.reply(key, { body })).toBe('ok');
}

async function untilEnded(run: string): Promise<void> {
  for await (const _ of client.follow(run, new AbortController().signal));
}

const one = workflow([step('a')]);
const startOne = (key?: string): ReturnType<Client['start']> =>
  client.start({ definition: one, task: {}, workspace: null, ...(key === undefined ? {} : { idempotencyKey: key }) });

describe('the owner of a partition', () => {
  test('a second coordinator waits, and takes over at once when the first stops', async () => {
    const first = new Observed();
    await first.seen('partition.acquired');
    const second = new Observed({ leaseMs: 400 });
    await second.seen('partition.held');
    await first.coordinator.stop();
    expect(first.events.at(-1)).toEqual({ type: 'partition.released', partition: 0, epoch: 1 });
    expect(await second.seen('partition.acquired')).toMatchObject({ epoch: 2 });
    const { run } = await startOne();
    await answer('{"status":"pass"}');
    await untilEnded(run);
    expect((await client.get(run)).status).toBe('completed');
  });

  test('an owner that was replaced is fenced, says so, and its unfinished work is done by the next', async () => {
    const first = new Observed({ leaseMs: 400 });
    const { epoch } = (await first.seen('partition.acquired')) as { epoch: number };
    const [held] = await store.namespace.owners();
    await store.partitions.release({ partition: 0, owner: held?.owner ?? '', epoch });
    const thief = await lease('thief');
    const { run } = await startOne();
    expect(await first.seen('partition.fenced')).toMatchObject({ epoch });
    expect((await client.get(run)).status).toBe('pending');
    await store.partitions.release(thief);
    await answer('{"status":"pass"}');
    await untilEnded(run);
    expect((await client.get(run)).status).toBe('completed');
  });

  test('a message that nobody can read goes to the dead letters, and the run goes on', async () => {
    const observed = new Observed();
    const { run } = await startOne();
    const delivery = await take();
    await store.admission.admit({
      kind: 'cancel',
      partition: 0,
      run,
      idempotencyKey: 'x',
      requestHash: 'x',
      body: 'not json',
    });
    expect(await observed.seen('message.discarded')).toMatchObject({ run, quarantined: false });
    expect((await store.runs.deadLetters(0, 10))[0]).toMatchObject({ run, kind: 'cancel', body: 'not json' });
    const { step: id, attempt, token } = personaRequestSchema.parse(JSON.parse(delivery.body));
    const key = { partition: 0, run, step: id, attempt, token, worker: 'w' };
    await store.requests.begin(key, { persona: 'worker', entry: delivery.entry, heartbeatMs: 60_000, timeoutMs: null });
    await store.requests.reply(key, { body: '{"status":"pass"}' });
    await untilEnded(run);
    expect((await client.get(run)).status).toBe('completed');
  });

  test('a run whose record is damaged is set aside with the reason, and other runs go on', async () => {
    const { run } = await startOne('bad');
    const other = await lease();
    const commit = {
      run,
      expectedVersion: 0,
      status: { from: 'pending', to: 'pending' },
      steps: [],
      consumed: [],
      requests: [],
      arm: [],
      disarm: [],
      entry: { messages: '[]', facts: '[]', hash: 'h', genesis: null },
      definition: null,
      starts: [],
      sends: [],
      release: null,
    } as const;
    await store.partitions.commit(other, { ...commit, record: '{"format":1,"status":"nowhere"}' });
    await store.partitions.release(other);
    const observed = new Observed();
    expect(await observed.seen('message.discarded')).toMatchObject({ run, quarantined: true });
    expect((await store.partitions.load(0, run))?.quarantined).toMatch(/^RUN_UNREADABLE: the run record is damaged/);
    const fine = await startOne('fine');
    await answer('{"status":"pass"}');
    await untilEnded(fine.run);
    expect((await client.get(fine.run)).status).toBe('completed');
    expect((await client.list()).map(({ id, quarantined }) => [id, quarantined === null])).toEqual([
      [fine.run, true],
      [run, false],
    ]);
  });

  test('a message that has killed its coordinator three times is set aside before it is evaluated again', async () => {
    const { run } = await startOne('poison');
    const [entry] = await store.partitions.read({
      partition: 0,
      after: '0',
      limit: 1,
      waitMs: 1,
      signal: new AbortController().signal,
    });
    for (let death = 0; death < MAX_SUSPICIONS; death++) {
      const victim = await lease(`victim-${String(death)}`);
      await store.partitions.suspect(victim, [entry?.id ?? '']);
      await store.partitions.release(victim);
    }
    const observed = new Observed();
    await observed.seen('message.discarded');
    expect((await store.partitions.load(0, run))?.quarantined).toBe(
      'a coordinator died 3 times while it evaluated this message',
    );
    const fine = await startOne('fine');
    await answer('{"status":"pass"}');
    await untilEnded(fine.run);
  });

  test('coordinators that die while they commit are not held against the message', async () => {
    const { run } = await startOne('unlucky');
    // Each is cut off when the evaluation is over and the commit is on its way.
    for (let death = 0; death <= MAX_SUSPICIONS; death++) {
      await new Promise<void>((committing) => {
        const commit = (): Promise<never> =>
          new Promise((_, reject) => {
            const victimStops = victim.stop();
            stops.push(async () => {
              reject(new CoordError('OUTCOME_UNKNOWN', 'cut off'));
              await victimStops;
            });
            committing();
          });
        const partitions: PartitionPort = new Proxy(store.partitions, {
          get: (real, method: keyof PartitionPort) => (method === 'commit' ? commit : real[method].bind(real)),
        });
        const name = `victim-${String(death)}`;
        const means = { clock: systemClock, ids: randomIds, report: () => undefined };
        const victim = new Coordinator({
          store: { ...store, partitions },
          partitions: 1,
          name,
          leaseMs: 400,
          ...means,
        });
        victim.start();
      });
      for (const held of await store.namespace.owners()) await store.partitions.release(held);
    }
    await new Observed().seen('partition.acquired');
    await answer('{"status":"pass"}');
    await untilEnded(run);
    expect((await client.get(run)).status).toBe('completed');
  });

  test('an evaluation that the store interrupts is not held against the message, also when it cannot be taken back yet', async () => {
    await startOne('interrupted');
    const calls: string[] = [];
    const fails = new Set(['load', 'absolve']);
    const partitions: PartitionPort = new Proxy(store.partitions, {
      get: (real, method: keyof PartitionPort) => {
        if (!['suspect', 'load', 'absolve', 'commit'].includes(method)) return real[method].bind(real);
        return (...given: never[]): unknown => {
          calls.push(method);
          if (fails.delete(method)) return Promise.reject(new CoordError('REDIS_UNREACHABLE', 'away'));
          return (real[method].bind(real) as (...all: never[]) => unknown)(...given);
        };
      },
    });
    const coordinator = new Coordinator({
      store: { ...store, partitions },
      partitions: 1,
      name: 'lives',
      clock: systemClock,
      ids: randomIds,
      report: () => undefined,
    });
    coordinator.start();
    stops.push(() => coordinator.stop());
    await take();
    expect(calls).toEqual(['suspect', 'load', 'absolve', 'absolve', 'load', 'commit']);
  });

  test('messages to a run that does not exist are dead letters', async () => {
    const observed = new Observed();
    const { run } = await startOne();
    const { entry, body } = await take();
    const { step: id, attempt, token } = personaRequestSchema.parse(JSON.parse(body));
    const key = { partition: 0, run, step: id, attempt, token, worker: 'w' };
    await store.requests.begin(key, { persona: 'worker', entry, heartbeatMs: 1, timeoutMs: null });
    expect(await observed.seen('turn')).toBeDefined();
    await client.cancel(run, { reason: 'r', by: 'b' });
    await untilEnded(run);
    expect((await client.get(run)).status).toBe('canceled');
    expect(await store.requests.beat(key, { heartbeatMs: 1, progress: '' })).toBe('stop');
  });

  test('a missed heartbeat is a visible attempt, and the next one is asked for at once', async () => {
    await new Observed().seen('partition.acquired');
    const { run } = await startOne();
    const { entry, body } = await take();
    const { step: id, attempt, token } = personaRequestSchema.parse(JSON.parse(body));
    const dead = { partition: 0, run, step: id, attempt, token, worker: 'dead' };
    await store.requests.begin(dead, { persona: 'worker', entry, heartbeatMs: 1, timeoutMs: null });
    await answer('{"status":"pass"}');
    await untilEnded(run);
    const history = await client.history(run);
    expect(history.map((fact) => fact.type)).toEqual([
      'run.started',
      'step.queued',
      'step.working',
      'step.retrying',
      'step.queued',
      'step.working',
      'step.succeeded',
      'run.completed',
    ]);
    expect(history[3]).toMatchObject({ attempt: 1, worker: 'dead', delayMs: 0, error: { class: 'WORKER_LOST' } });
  });
});

describe('malformed replies', () => {
  const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  test.each([
    ['nothing', '', 'INVALID_REPLY the reply is not JSON: Unexpected end of JSON input; it begins ""'],
    [
      'a text',
      'done!',
      'INVALID_REPLY the reply is not JSON: Unexpected token \'d\', "done!" is not valid JSON; it begins "done!"',
    ],
    ['two documents', '{"status":"pass"}{"status":"pass"}', 'INVALID_REPLY the reply is not JSON'],
    ['a list', '[]', 'INVALID_REPLY the reply is not valid: the reply: Invalid input: expected object, received array'],
    [
      'no status',
      '{"result":1}',
      'INVALID_REPLY the reply is not valid: status: Invalid option: expected one of "pass"|"fail"|"error"',
    ],
    [
      'an unknown status',
      '{"status":"done"}',
      'INVALID_REPLY the reply is not valid: status: Invalid option: expected one of "pass"|"fail"|"error"',
    ],
    [
      'a status of another type',
      '{"status":true}',
      'INVALID_REPLY the reply is not valid: status: Invalid option: expected one of "pass"|"fail"|"error"',
    ],
    [
      'another spelling',
      '{"status":"PASS"}',
      'INVALID_REPLY the reply is not valid: status: Invalid option: expected one of "pass"|"fail"|"error"',
    ],
    [
      'an unknown key',
      '{"status":"pass","approved":true}',
      'INVALID_REPLY the reply is not valid: the reply: Unrecognized key: "approved"',
    ],
    [
      'a pass with an error',
      '{"status":"pass","error":{"class":"TIMEOUT","message":"x"}}',
      'INVALID_REPLY the reply is not valid: error: must be null when status is "pass"',
    ],
    [
      'a fail without one',
      '{"status":"fail"}',
      'INVALID_REPLY the reply is not valid: error: is required when status is "fail"',
    ],
    [
      'an error class of its own',
      '{"status":"error","error":{"class":"OOPS","message":"x"}}',
      'INVALID_REPLY the reply is not valid: error.class: Invalid option',
    ],
    [
      'an artifact without a hash',
      '{"status":"pass","artifacts":[{"name":"a","sha256":"abc","size":1,"type":"t"}]}',
      'INVALID_REPLY the reply is not valid: artifacts.0.sha256: must be 64 lower-case hexadecimal digits',
    ],
    [
      'a forged prototype',
      '{"status":"pass","__proto__":{"x":1}}',
      'INVALID_REPLY the reply is not valid: the reply: Unrecognized key: "__proto__"',
    ],
    ['NaN', '{"status":"pass","result":NaN}', 'INVALID_REPLY the reply is not JSON'],
    [
      'too large',
      JSON.stringify({ status: 'pass', result: 'x'.repeat(REPLY_LIMIT_BYTES) }),
      `INVALID_REPLY the reply has ${String(REPLY_LIMIT_BYTES + 29)} bytes, ${String(REPLY_LIMIT_BYTES)} are allowed`,
    ],
    [
      'a tower',
      `{"status":"pass","result":${DEEP}}`,
      'INVALID_REPLY the reply is nested deeper than 100 lists and objects',
    ],
  ])('%s is an error with a reason, never a pass', (_, body, message) => {
    const reply = replyFrom(body);
    expect(reply.status).toBe('error');
    expect(`${reply.error?.class ?? ''} ${reply.error?.message ?? ''}`).toContain(message);
  });

  test('fails its attempt like any other error', async () => {
    await new Observed().seen('partition.acquired');
    const { run } = await startOne();
    await answer('LGTM');
    await untilEnded(run);
    expect(await client.get(run)).toMatchObject({ status: 'failed', failure: { step: 'a', class: 'INVALID_REPLY' } });
  });
});
