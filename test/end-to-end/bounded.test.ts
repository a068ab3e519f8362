/** Nothing grows without bound: round after round of runs on a real server, collected in between, leaves the same behind. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { type Collected, Keeper } from '../../src/coordinator/client-keep.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { definitionHash } from '../../src/definition/workflow.js';
import { functionPersona } from '../../src/personas/catalog.js';
import { WorkerHost } from '../../src/personas/host.js';
import { openRedisStore } from '../../src/redis/store.js';
import { inner, step, wait, workflow } from '../harness/definitions.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const ROUNDS = 4;
const RUNS = 60;
const MEANS = { clock: systemClock, ids: randomIds };
const ALL = { partition: 0, statuses: ['completed', 'failed', 'canceled'], createdBefore: Infinity } as const;

let server: TestServer;
let folder: string;
let store: Store;
let keeper: Keeper;
let client: Client;

beforeEach(async () => {
  server = await startTestServer();
  folder = mkdtempSync(join(tmpdir(), 'coord-bounded-'));
  store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: 'b',
    ...MEANS,
    failpoints: noFailpoints,
  });
  const { partitions } = await store.namespace.open(null);
  client = new Client({ store, partitions, ...MEANS });
  keeper = new Keeper({ store, partitions, clock: systemClock });
});
afterEach(async () => {
  await store.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const SMALL = workflow([step('inside')], { name: 'small' });
const LOOP = workflow(
  [
    step('build', { timeout: 600 }),
    step('qa', { dependencies: ['build'], retries: 1 }),
    inner('sub', 'small', { definition: definitionHash(SMALL), dependencies: ['build'] }),
    wait('go', { signal: 'go', dependencies: ['qa'] }),
  ],
  { name: 'loop', concurrency: { key: 'loop {{ task.n % 4 }}', limit: 5 }, timeout: 3_600 },
);

/** Runs that are completed, canceled and failed, moved by a coordinator and a worker that come and go with the round. */
async function round(number: number): Promise<void> {
  const coordinator = new Coordinator({ store, partitions: 1, ...MEANS, name: 'b', report: () => undefined });
  const run = ({ run: id, step: name, attempt }: { run: string; step: string; attempt: number }): unknown => {
    if (name === 'qa' && attempt === 1) return { status: 'error', error: 'again' };
    return { status: 'pass', artifacts: [{ name: 'a.md', content: `${id} ${name} ${'x'.repeat(500)}` }] };
  };
  const worker = new WorkerHost({
    store,
    partitions: 1,
    personas: new Map([['worker', functionPersona({ name: 'worker', run, concurrency: 8 })]]),
    worker: `b:${String(number)}`,
    stateDir: folder,
    clock: systemClock,
  });
  coordinator.start();
  worker.start();
  const started = Array.from({ length: RUNS }, async (_, n) => {
    const { run: id } = await client.start({ definition: LOOP, inner: [SMALL], task: { n }, workspace: null });
    if (n % 10 === 0) await client.cancel(id, { reason: 'enough', by: 'ada' });
    else await client.signal(id, { name: 'go', by: 'ada' });
  });
  await Promise.all(started);
  while ((await store.keeping.runIds(ALL)).filter((id) => !id.includes('.')).length < RUNS) await systemClock.sleep(20);
  // What was canceled with its outer run comes to its end too.
  const open = { partition: 0, statuses: ['pending', 'running', 'waiting', 'compensating'] } as const;
  while ((await store.keeping.runIds({ ...open, createdBefore: Infinity })).length > 0) await systemClock.sleep(20);
  await worker.stop();
  await coordinator.stop();
}

async function collected(): Promise<Collected> {
  // A day has gone by for the idempotency keys.
  const back =
    "for _, key in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZINCRBY', KEYS[1], -90000000, key) end";
  server.cli('EVAL', back, '1', '{b:0}:admission-times');
  const wish = {
    retentionMs: 0,
    archive: null,
    dryRun: false,
    dead: true,
    partitions: null,
    contents: true,
    untouchedMs: 0,
  };
  return keeper.collect(wish, new AbortController().signal);
}

/** All keys, with how much is in each and how many bytes it takes. */
function everything(): ReadonlyMap<string, { readonly length: number; readonly bytes: number }> {
  const lengthOf = (key: string, type: string): string => {
    const commands: Readonly<Record<string, string>> = {
      hash: 'HLEN',
      stream: 'XLEN',
      zset: 'ZCARD',
      string: 'STRLEN',
    };
    return server.cli(commands[type] ?? 'EXISTS', key);
  };
  const keys = server.cli('--scan').split('\n').toSorted();
  return new Map(
    keys.map((key) => {
      const length = Number(lengthOf(key, server.cli('TYPE', key)));
      return [key, { length, bytes: Number(server.cli('MEMORY', 'USAGE', key, 'SAMPLES', '0')) }];
    }),
  );
}

/** Streams that are cut at a length, about: they fill up first. */
function fill(): void {
  const add = (key: string, count: number, field: string, value: string): void => {
    const script = `for index = 1, ${String(count)} do redis.call('XADD', KEYS[1], '*', '${field}', ARGV[1]) end`;
    server.cli('EVAL', script, '1', key, value);
  };
  add('{b:0}:feed', 10_100, 'facts', `[{"type":"${'x'.repeat(150)}"}]`);
  add('{b}:roll', 100, 'by', 'x'.repeat(30));
  for (let index = 0; index < 100; index++)
    server.cli('XADD', '{b:0}:takeovers', '*', 'term', `0 ${'x'.repeat(30)}`, 'position', '0');
}

type Everything = ReturnType<typeof everything>;

/** Numbers that count have more digits by and by. */
function isTheSame(now: Everything, before: Everything): void {
  const lengths = (all: Everything): readonly unknown[] =>
    [...all].map(([key, { length }]) => [key, key.endsWith(':feed') ? 'full' : length]);
  expect(lengths(now)).toEqual(lengths(before));
  // A feed is cut by whole nodes, so its size goes up and down.
  const grown = [...now].filter(
    ([key, { bytes }]) => bytes > (before.get(key)?.bytes ?? 0) * (key.endsWith(':feed') ? 1.5 : 1.05) + 200,
  );
  expect(grown).toEqual([]);
}

test('runs that are over leave nothing behind when they were collected', { timeout: 180_000 }, async () => {
  fill();
  let before: ReturnType<typeof everything> | null = null;
  for (let number = 1; number <= ROUNDS; number++) {
    await round(number);
    const gone = await collected();
    expect(gone.runs.length).toBeGreaterThanOrEqual(RUNS);
    expect(gone).toMatchObject({ unreadable: [], definitions: { count: 2 } });
    expect(gone.artifacts.count).toBeGreaterThan(RUNS);
    expect(gone.keys).toBeGreaterThan(RUNS);
    const now = everything();
    const empty = ['inbox', 'suspects', 'timers', 'admitted', 'admission-times', 'dead'];
    expect(empty.filter((left) => (now.get(`{b:0}:${left}`)?.length ?? 0) > 0)).toEqual([]);
    expect(server.cli('XINFO', 'CONSUMERS', '{b:0}:requests:worker', 'workers')).toBe('');
    expect(now.get('{b:0}:requests:worker')?.length).toBe(0);
    expect(now.get('{b:0}:feed')?.length).toBeLessThan(10_300);
    if (before !== null) isTheSame(now, before);
    before ??= now;
  }
  expect(
    [...(before?.keys() ?? [])].filter((key) => /:(run|history|artifact|definition|slot|slot-line):/.test(key)),
  ).toEqual([]);
});
