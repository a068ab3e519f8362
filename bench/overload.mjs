/**
 * Three times as much work as the worker can do, for a minute: whether it goes on doing what it can, without trying
 * anything twice, and whether others notice. The limit of an attempt is far below the time that a request waits for a
 * worker, so a clock that starts when a request is sent, and not when its attempt begins, would end in a storm.
 * See README.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { chain, definitionOf, startCast, timeOf, until } from './processes.mjs';
import { expect, flagsOf, publish, spread } from './report.mjs';

const flags = flagsOf({ seconds: 60, factor: 3 }, { seconds: 10 });

/** The worker's limit is its hands, not the machine: 20 attempts of 100 ms, at most 200 steps/s. */
const HANDS = 20;
const WORK_MS = 100;
const STEPS = 5;
/** What an attempt is tried again for. */
const RETRIED = ['TIMEOUT', 'QUEUE_TIMEOUT', 'WORKER_LOST', 'PERSONA_ERROR', 'INVALID_REPLY'];
const CAPACITY_SECONDS = Math.min(15, flags.seconds);
const PACE_MS = 20;
const GIVE_UP_MS = 20 * 60_000;
const CANARY_EVERY_MS = 200;
const QUIET_SECONDS = Math.min(10, flags.seconds);

const work = chain(STEPS, ', timeout: 2s, retries: { count: 3, backoff: [1s] }');
const canary = definitionOf('name: canary\nsteps:\n  - { id: sing, persona: canary }\n');

const cast = await startCast({
  personas: { work: { export: 'work', concurrency: HANDS }, canary: { export: 'sing', concurrency: 4 } },
  workMs: WORK_MS,
});
try {
  await cast.untilOwned([cast.startCoordinator()]);
  await cast.untilServed([cast.startWorker()]);
  const results = await measure();
  print(results);
  expect(results.completed === results.runs, 'not every run completed');
  expect(results.retriesPerRun <= 0.1, `${results.retries} retries without any fault`);
  publish('overload', flags, results);
} finally {
  await cast.close();
}

async function measure() {
  const quiet = await alongside(() => sleep(QUIET_SECONDS * 1_000));
  const capacity = await measureCapacity();

  const offered = (flags.factor * capacity) / STEPS;
  const from = Date.now();
  const before = cast.calls();
  let ids = [];
  const busy = await alongside(async () => {
    ids = await offer(offered, flags.seconds);
  });
  const to = Date.now();
  await until('the end', drained, { everyMs: 20, giveUpMs: GIVE_UP_MS });
  const { at, timesOf } = await cast.commits(ids);
  const succeeded = timesOf('step.succeeded');
  const retries = RETRIED.flatMap((error) => timesOf(`step.retrying ${error}`)).length;
  const done = during(succeeded, { from, to });
  return {
    capacityStepsPerSecond: round(capacity),
    offeredStepsPerSecond: round((ids.length * STEPS * 1_000) / (to - from)),
    goodputStepsPerSecond: round(done),
    goodputShare: round(done / capacity, 3),
    runs: ids.length,
    completed: timesOf('run.completed').length,
    retries,
    retriesPerRun: round(retries / ids.length, 4),
    callsPerStep: round((cast.calls() - before) / (ids.length * STEPS), 4),
    drainSeconds: round((at.at(-1) - to) / 1_000),
    drainStepsPerSecond: round(during(succeeded, { from: to, to: at.at(-1) })),
    canaryQuietMs: quiet,
    canaryBusyMs: busy,
  };
}

/** Per second, of these times. */
function during(times, { from, to }) {
  return (times.filter((at) => at > from && at <= to).length * 1_000) / (to - from);
}

/** Steps per second with a backlog at all times and nothing else going on. */
async function measureCapacity() {
  const runs = Math.ceil((CAPACITY_SECONDS * HANDS * 1_000) / WORK_MS / STEPS);
  const ids = await Promise.all(Array.from({ length: runs }, (_, index) => start(work, `capacity-${index}`)));
  const from = Date.now();
  await until('the end', drained, { everyMs: 20, giveUpMs: GIVE_UP_MS });
  const { timesOf } = await cast.commits(ids);
  const times = timesOf('step.succeeded').toSorted((a, b) => a - b);
  // The last ones have not enough beside them.
  return during(times, { from, to: times[Math.floor(0.9 * times.length)] });
}

/** Starts runs at a steady rate, however the engine is doing; returns their ids when all are accepted. */
async function offer(perSecond, seconds) {
  const from = Date.now();
  const starts = [];
  for (let elapsed = 0; elapsed < seconds; elapsed = (Date.now() - from) / 1_000) {
    const wanted = Math.floor(perSecond * elapsed);
    while (starts.length < wanted) starts.push(start(work, `${from}-${starts.length}`));
    await sleep(PACE_MS);
  }
  return await Promise.all(starts);
}

async function start(definition, idempotencyKey) {
  const { run } = await cast.client.start({ definition, task: {}, workspace: null, idempotencyKey });
  return run;
}

async function drained() {
  const open = await Promise.all(['pending', 'running', 'waiting'].map((status) => cast.count(status)));
  return open.every((count) => count === 0);
}

/** Runs of another persona beside it, one after the other: from `start` to the commit that ends it, ms. */
async function alongside(body) {
  const over = new AbortController();
  const latencies = [];
  const canaries = (async () => {
    for (let index = 0; !over.signal.aborted; index++) {
      const at = Date.now();
      const run = await start(canary, `${at}-${index}`);
      const status = () => cast.redis.hget(cast.keys.run(run), 'status');
      await until('the canary', async () => (await status()) === 'completed', { everyMs: 1 });
      const [[id]] = await cast.redis.xrevrange(cast.keys.history(run), '+', '-', 'COUNT', 1);
      latencies.push(timeOf(id) - at);
      await sleep(Math.max(0, at + CANARY_EVERY_MS - Date.now()));
    }
  })();
  await body();
  over.abort();
  await canaries;
  return spread(latencies);
}

function print(found) {
  console.table({
    'capacity, steps/s': found.capacityStepsPerSecond,
    'offered, steps/s': found.offeredStepsPerSecond,
    'done meanwhile, steps/s': found.goodputStepsPerSecond,
    'done / capacity': found.goodputShare,
    'runs, all completed': found.completed === found.runs ? found.runs : `NO: ${found.completed} of ${found.runs}`,
    'retries per run': found.retriesPerRun,
    'calls of the persona per step': found.callsPerStep,
    'time to drain, s': found.drainSeconds,
    'canary alone, p50 / p99 / max, ms': latency(found.canaryQuietMs),
    'canary in the overload, p50 / p99 / max, ms': latency(found.canaryBusyMs),
  });
}

function latency({ p50, p99, max }) {
  return `${p50} / ${p99} / ${max}`;
}

function round(value, digits = 1) {
  return Number(value.toFixed(digits));
}
