/** Durable steps per second: the engine beside the hand-written floor, in one run. See README.md. */
import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { request, startBench, withEngine, workflow } from './engine.mjs';

const RUNS = Number(process.argv[2] ?? 400);
const STEPS = 5;
const bench = await startBench();
const { redis, socket } = bench;

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
  bench.stop();
}

async function measureFloor() {
  await redis.del('floor:requests', 'floor:replies');
  await redis.xgroup('CREATE', 'floor:requests', 'g', '0', 'MKSTREAM');
  await redis.xgroup('CREATE', 'floor:replies', 'g', '0', 'MKSTREAM');
  const worker = fork(new URL('floor-worker.mjs', import.meta.url), [socket]);
  const state = 'x'.repeat(1024);
  const ask = (pipeline, run, step) =>
    pipeline.xadd('floor:requests', '*', 'run', run, 'step', step, 'body', '{"task":{}}');
  const from = performance.now();
  const first = redis.pipeline();
  for (let run = 0; run < RUNS; run++) ask(first, run, 1);
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
      else ask(pipeline, run, Number(step) + 1);
    }
    await pipeline.exec();
  }
  const seconds = (performance.now() - from) / 1000;
  worker.disconnect();
  return (RUNS * STEPS) / seconds;
}

function definition() {
  const steps = Array.from({ length: STEPS }, (_, index) =>
    request(`s${index}`, { dependencies: index === 0 ? [] : [`s${index - 1}`] }),
  );
  return workflow('bench', steps);
}

function measureEngine(round) {
  return withEngine(bench, async ({ client, ended }) => {
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
  return withEngine(bench, async ({ client, ended }) => {
    const from = performance.now();
    for (let run = 0; run < 50; run++) {
      await client.start({ definition: definition(), task: {}, workspace: null, idempotencyKey: `w2-${round}-${run}` });
      while (ended() <= run) await sleep(0);
    }
    return (performance.now() - from) / (50 * STEPS);
  });
}
