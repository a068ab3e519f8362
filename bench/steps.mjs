/** Durable steps per second: the engine beside the hand-written floor, in one run. See README.md. */
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect } from 'coord/client';
import { Coordinator } from '../dist/coordinator/coordinator.js';
import { systemClock } from '../dist/core/clock.js';
import { noFailpoints } from '../dist/core/failpoints.js';
import { randomIds } from '../dist/core/ids.js';
import { openRedisStore } from '../dist/redis/store.js';

const RUNS = Number(process.argv[2] ?? 400);
const STEPS = 5;
const folder = mkdtempSync(join(tmpdir(), 'coord-bench-'));
const socket = join(folder, 'redis.sock');
const server = spawn('redis-server', [
  '--port',
  '0',
  '--unixsocket',
  socket,
  '--dir',
  folder,
  '--appendonly',
  'yes',
  '--appendfsync',
  'everysec',
  '--save',
  '',
]);
const redis = new Redis(socket, { retryStrategy: () => 20 });
redis.on('error', () => undefined);
await redis.ping();

try {
  const rows = [];
  for (let round = 1; round <= 3; round++) {
    const floor = await measureFloor();
    const engine = await measureEngine(round);
    const latency = await measureLatency(round);
    rows.push({
      round,
      'floor steps/s': Math.round(floor),
      'engine steps/s': Math.round(engine),
      'engine / floor': (engine / floor).toFixed(3),
      'one run at a time, ms/step': latency.toFixed(2),
    });
  }
  console.table(rows);
} finally {
  redis.disconnect();
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function measureFloor() {
  await redis.del('floor:requests', 'floor:replies');
  await redis.xgroup('CREATE', 'floor:requests', 'g', '0', 'MKSTREAM');
  await redis.xgroup('CREATE', 'floor:replies', 'g', '0', 'MKSTREAM');
  const worker = fork(new URL('floor-worker.mjs', import.meta.url), [socket]);
  const state = 'x'.repeat(1024);
  const request = (pipeline, run, step) =>
    pipeline.xadd('floor:requests', '*', 'run', run, 'step', step, 'body', '{"task":{}}');
  const from = performance.now();
  const first = redis.pipeline();
  for (let run = 0; run < RUNS; run++) request(first, run, 1);
  await first.exec();
  for (let done = 0; done < RUNS; ) {
    const reply = await redis.xreadgroup(
      'GROUP',
      'g',
      'c',
      'COUNT',
      256,
      'BLOCK',
      1000,
      'STREAMS',
      'floor:replies',
      '>',
    );
    if (reply === null) continue;
    const [, entries] = reply[0];
    const pipeline = redis.pipeline();
    for (const [id, [, run, , step]] of entries) {
      pipeline.hset(`floor:run:${run}`, 'state', state, 'step', step);
      pipeline.xack('floor:replies', 'g', id);
      if (Number(step) === STEPS) done++;
      else request(pipeline, run, Number(step) + 1);
    }
    await pipeline.exec();
  }
  const seconds = (performance.now() - from) / 1000;
  worker.disconnect();
  return (RUNS * STEPS) / seconds;
}

async function withEngine(measure) {
  const means = { clock: systemClock, ids: randomIds };
  const store = await openRedisStore({ address: { socket }, namespace: 'coord', ...means, failpoints: noFailpoints });
  await store.namespace.open(null);
  let ended = 0;
  const report = (event) => {
    if (event.type === 'run.ended') ended++;
  };
  const coordinator = new Coordinator({ store, partitions: 1, ...means, name: 'bench', report });
  const worker = fork(new URL('engine-worker.mjs', import.meta.url), [socket, folder]);
  while ((await store.namespace.listWorkers()).length === 0) await sleep(20);
  const connected = await connect({ redis: `unix:${socket}` });
  coordinator.start();
  try {
    return await measure({ client: connected.client, ended: () => ended });
  } finally {
    await coordinator.stop();
    worker.kill('SIGKILL');
    for (const { worker: name } of await store.namespace.listWorkers()) await store.namespace.forgetWorker(name);
    await connected.close();
    await store.close();
  }
}

function definition() {
  const steps = Array.from({ length: STEPS }, (_, index) => ({
    id: `s${index}`,
    name: `s${index}`,
    type: 'persona-request',
    persona: 'worker',
    dependencies: index === 0 ? [] : [`s${index - 1}`],
    condition: null,
    timeout: null,
    retries: 0,
    params: {},
  }));
  return { format: 1, name: 'bench', version: '1', description: '', variables: {}, steps };
}

function measureEngine(round) {
  return withEngine(async ({ client, ended }) => {
    const from = performance.now();
    await Promise.all(
      Array.from({ length: RUNS }, (_, run) =>
        client.start({ definition: definition(), task: {}, workspace: null, idempotencyKey: `w1-${round}-${run}` }),
      ),
    );
    while (ended() < RUNS) await sleep(5);
    return (RUNS * STEPS) / ((performance.now() - from) / 1000);
  });
}

function measureLatency(round) {
  return withEngine(async ({ client, ended }) => {
    const from = performance.now();
    for (let run = 0; run < 50; run++) {
      await client.start({ definition: definition(), task: {}, workspace: null, idempotencyKey: `w2-${round}-${run}` });
      while (ended() <= run) await sleep(0);
    }
    return (performance.now() - from) / (50 * STEPS);
  });
}
