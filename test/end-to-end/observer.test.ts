/** What is asked of a namespace, over a real Redis with a real coordinator and a real worker. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Observer } from '../../src/coordinator/client-observer.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { runHasEnded, type RunStatus } from '../../src/core/statuses.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { decision, step, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const clock = systemClock;
const NEVER = new AbortController().signal;

let server: TestServer;
let store: Store;
let client: Client;
let observer: Observer;
const coordinators: Coordinator[] = [];

beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

beforeEach(async () => {
  server.cli('FLUSHALL');
  const address = parseAddress(`unix:${server.server.socket}`);
  store = await openRedisStore({ address, namespace: 't', clock, ids: randomIds, failpoints: noFailpoints });
  await store.namespace.open(1);
  client = new Client({ store, partitions: 1, clock, ids: randomIds });
  observer = new Observer({ store, partitions: 1, clock, client });
});
afterEach(async () => {
  await Promise.all(coordinators.splice(0).map((one) => one.stop()));
  await store.close();
});

function coordinate(): Coordinator {
  const coordinator = new Coordinator({
    store,
    partitions: 1,
    clock,
    ids: randomIds,
    name: 'test',
    report: () => undefined,
  });
  coordinators.push(coordinator);
  coordinator.start();
  return coordinator;
}

async function start(definition: WorkflowDefinition): Promise<string> {
  return (await client.start({ definition, task: {}, workspace: null })).run;
}

/** Follows the run until it, or a step of it, is in a status. */
async function until(run: string, status: RunStatus): Promise<void> {
  const stop = new AbortController();
  for await (const _ of client.follow(run, stop.signal)) {
    const now = (await client.get(run)).status;
    if (now === status || runHasEnded(now)) stop.abort();
  }
}

async function queued(run: string, id: string): Promise<void> {
  const stop = new AbortController();
  for await (const fact of client.follow(run, stop.signal))
    if (fact.type === 'step.queued' && fact.step === id) stop.abort();
}

/** A worker takes the next request of the persona `worker` and begins it. */
async function begun(worker: string): Promise<Parameters<Store['requests']['beat']>[0]> {
  const want = { partition: 0, worker, personas: ['worker'], limit: 1, total: 1, recover: false, waitMs: 20_000 };
  await store.requests.join({ partition: 0, worker, personas: ['worker'] });
  const [delivery] = await store.requests.take({ ...want, signal: NEVER });
  if (delivery === undefined) throw new Error('no request came');
  const {
    run,
    step: id,
    attempt,
    token,
  } = JSON.parse(delivery.body) as {
    run: string;
    step: string;
    attempt: number;
    token: string;
  };
  const key = { partition: 0, run, step: id, attempt, token, worker };
  const { persona, entry } = delivery;
  expect(await store.requests.begin(key, { persona, entry, heartbeatMs: 15_000, timeoutMs: null })).toBe('go');
  return key;
}

async function codes(run: string): Promise<readonly string[]> {
  return ((await observer.why(run)).waits[0] ?? []).map(({ code }) => code);
}

test('why: no coordinator, then no worker with who was seen last, then busy ones, then the one at work', async () => {
  const run = await start(workflow([step('a')]));
  expect(await codes(run)).toEqual(['start-not-applied', 'no-coordinator']);
  coordinate();
  await queued(run, 'a');
  expect(await codes(run)).toEqual(['no-worker']);
  const key = await begun('host-3:7:w');
  expect(await codes(run)).toEqual(['working']);
  const other = await start(workflow([step('a')]));
  await queued(other, 'a');
  const [[root] = []] = (await observer.why(other)).waits;
  expect(root).toMatchObject({ code: 'no-worker', lastSeen: { worker: 'host-3:7:w' } });
  const info = { worker: 'host-3:7:w', host: 'host-3', pid: 7, personas: ['worker'], busy: 1 };
  await store.namespace.announceWorker(info);
  const [[busy] = []] = (await observer.why(other)).waits;
  expect(busy).toMatchObject({ code: 'workers-busy', doing: [{ run, step: 'a' }] });
  await store.namespace.announceWorker({ ...info, busy: 0 });
  expect(await codes(other)).toEqual(['queued']);
  server.cli('DEL', '{t:0}:requests:worker');
  expect(await codes(other)).toEqual(['request-missing']);
  await store.requests.reply(key, { body: '{"status":"pass"}' });
  await until(run, 'completed');
  expect(await codes(run)).toEqual(['ended']);
});

test('why: a slot that another run holds, and what that one waits for; an answer that nobody applies', async () => {
  const coordinator = coordinate();
  const slotted = workflow([decision('ask')], { concurrency: { key: 'deploy', limit: 1 } });
  const first = await start(slotted);
  await until(first, 'waiting');
  const second = await start(slotted);
  expect((await observer.why(second)).waits).toMatchObject([
    [
      { code: 'slot', holders: [first], ahead: 0, limit: 1 },
      { code: 'decision', run: first },
    ],
  ]);
  await coordinator.stop();
  await client.signal(first, { name: 'x', by: 'ada' });
  expect(await codes(first)).toEqual(['no-coordinator']);
});

test("logs and watch: a worker's beat reaches whoever follows with the read that was waiting for it", async () => {
  coordinate();
  const run = await start(workflow([step('a')]));
  await queued(run, 'a');
  const key = await begun('host-3:7:w');
  let reads = 0;
  const runs = new Proxy(store.runs, {
    get: (real, name: keyof Store['runs']) => {
      if (name === 'feed') reads++;
      return real[name].bind(real);
    },
  });
  const watching = new Observer({ store: { ...store, runs }, partitions: 1, clock, client });
  const stop = new AbortController();
  const logs = watching.logs(run, { live: true, until: stop.signal });
  const all = watching.watch(stop.signal);
  expect((await logs.next()).value).toMatchObject({ fact: { type: 'step.working' } });
  const [fromLogs, fromAll] = [logs.next(), all.next()];
  for (let report = 1; report <= 3; report++) {
    // Until the namespace is watched, what is reported is not for it.
    await store.requests.beat(key, { heartbeatMs: 15_000, progress: `${String(report)} of 3 tests` });
  }
  expect((await fromLogs).value).toMatchObject({ fact: { type: 'step.progress', progress: '1 of 3 tests' } });
  expect((await logs.next()).value).toMatchObject({ fact: { progress: '2 of 3 tests' } });
  expect((await logs.next()).value).toMatchObject({ fact: { progress: '3 of 3 tests' } });
  const before = reads;
  const next = logs.next();
  const beginning = clock.monotonic();
  await store.requests.beat(key, { heartbeatMs: 15_000, progress: 'all' });
  expect((await next).value).toMatchObject({ fact: { type: 'step.progress', progress: 'all' } });
  // One read began before the beat and one may have begun after it for the other follower: nobody asked again and again.
  expect(reads - before).toBeLessThanOrEqual(3);
  expect(clock.monotonic() - beginning).toBeLessThan(5_000);
  expect((await fromAll).value).toMatchObject({ type: 'step.progress' });
  stop.abort();
  await logs.return(undefined);
  await all.return(undefined);
});
