/**
 * What a crash costs: kill -9 in the middle of a thousand runs, and how soon work goes on, over many repeats under a
 * steady load. Real processes, with the settings that coord comes with. See README.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CRASHES, crash } from './crashes.mjs';
import { Commits, Load } from './load.mjs';
import { startCast, until } from './processes.mjs';
import { expect, flagsOf, median, publish, spread } from './report.mjs';

const flags = flagsOf({ runs: 1_000, tries: 3, repeats: 20, only: '' }, { tries: 1, repeats: 5 });

/** What is under way at any time while recovery times are measured: 16 attempts of 50 ms, some 300 steps/s. */
const OPEN_RUNS = 16;
const WORK_MS = 50;
/** Before each kill, so that it meets leases, heartbeats and timers at any moment of theirs. */
const RANDOM_MS = 700;

const RECOVERIES = [
  { name: 'a process starts on a free partition: first commit', coordinators: 1, workers: 1, once: coordinatorStarts },
  { name: 'coordinator killed, started again: next commit', coordinators: 1, workers: 1, once: coordinatorKilled },
  { name: 'coordinator killed, another stands by: next commit', coordinators: 2, workers: 1, once: coordinatorKilled },
  {
    name: 'coordinator stopped, another stands by: next commit',
    coordinators: 2,
    workers: 1,
    once: coordinatorStopped,
  },
  { name: 'worker killed, started again: its attempts begin again', coordinators: 1, workers: 1, once: workerKilled },
  {
    name: 'worker killed, another is there: its attempts begin again',
    coordinators: 1,
    workers: 2,
    once: workerKilled,
  },
  { name: 'redis-server killed, started again: next commit', coordinators: 1, workers: 1, once: redisKilled },
  { name: 'redis-server killed, started again: it answers', coordinators: 1, workers: 1, once: redisAnswers },
];

const chosen = (list) => list.filter(({ name }) => name.includes(flags.only));
const results = { crashes: [], recoveries: [] };

for (const scenario of chosen(CRASHES)) {
  const tries = [];
  for (let index = 0; index < flags.tries; index++) tries.push(await crash(scenario, flags.runs));
  results.crashes.push({ name: scenario.name, tries });
  for (const { completed, exactlyOnce, twice, held } of tries) {
    expect(completed && exactlyOnce, `${scenario.name}: not every run completed with each transition once`);
    expect(twice <= (scenario.victim === 'worker' ? held : 0), `${scenario.name}: ${twice} done twice, ${held} held`);
  }
}
if (results.crashes.length > 0) {
  console.log(`kill -9 in the middle of ${flags.runs} five-step runs, medians of ${flags.tries}`);
  console.table(results.crashes.map(({ name, tries }) => crashRow(name, tries)));
}

for (const scenario of chosen(RECOVERIES)) {
  const values = await repeated(scenario);
  results.recoveries.push({ name: scenario.name, ...spread(values), values });
}
if (results.recoveries.length > 0) {
  console.log(`\nrecovery under a steady load, ms, over ${flags.repeats} kills each`);
  console.table(results.recoveries.map(({ name, p50, p99, max }) => ({ what: name, p50, p99, max })));
}
publish('recovery', flags, results);

function crashRow(name, tries) {
  const middle = (key) => median(tries.map((one) => one[key]));
  const seconds = (key) => (middle(key) / 1_000).toFixed(2);
  return {
    killed: name,
    'all completed': tries.every(({ completed }) => completed) ? 'yes' : 'NO',
    'each transition once': tries.every(({ exactlyOnce }) => exactlyOnce) ? 'yes' : 'NO',
    'longest stall, s': seconds('stallMs'),
    'end after kill, s': seconds('endAfterKillMs'),
    'held at the kill': middle('held'),
    'done twice': middle('twice'),
  };
}

async function repeated({ name, coordinators, workers, once }) {
  const cast = await startCast({ personas: { work: { export: 'work', concurrency: 64 } }, workMs: WORK_MS });
  const scene = {
    cast,
    alone: { coordinator: coordinators === 1, worker: workers === 1 },
    coordinators: Array.from({ length: coordinators }, () => cast.startCoordinator()),
    workers: Array.from({ length: workers }, () => cast.startWorker()),
  };
  await cast.untilOwned(scene.coordinators);
  await cast.untilServed(scene.workers);
  await cast.untilStandingBy(scene.coordinators);
  scene.commits = new Commits(cast);
  const load = new Load(cast, { open: OPEN_RUNS });
  const values = [];
  try {
    for (let repeat = 0; repeat < flags.repeats; repeat++) {
      await scene.commits.untilSteady(60);
      await sleep(Math.random() * RANDOM_MS);
      values.push(...(await once(scene)));
    }
  } catch (error) {
    throw new Error(`${name}: ${error.message}`, { cause: error });
  } finally {
    await load.stop();
    await scene.commits.stop();
    await cast.close();
  }
  return values;
}

/** What is in all the figures of processes that are started again: Node, modules, connections. */
async function coordinatorStarts(scene) {
  const { cast, commits } = scene;
  await cast.kill(scene.coordinators[0], 'SIGTERM');
  const at = Date.now();
  scene.coordinators = [cast.startCoordinator()];
  return [(await commits.firstSince(at)) - at];
}

function coordinatorKilled(scene) {
  return coordinatorGone(scene, 'SIGKILL');
}

function coordinatorStopped(scene) {
  return coordinatorGone(scene, 'SIGTERM');
}

/** From the signal to the first commit under the next epoch. */
async function coordinatorGone(scene, signal) {
  const { cast, commits, alone } = scene;
  const owner = await cast.untilOwned(scene.coordinators);
  const epoch = () => cast.redis.hget(cast.keys.lease, 'epoch');
  const before = await epoch();
  const at = Date.now();
  owner.kill(signal);
  const others = scene.coordinators.filter((coordinator) => coordinator !== owner);
  if (alone.coordinator) others.push(cast.startCoordinator());
  let lastUnchanged = at;
  await until(
    'the next epoch',
    async () => {
      const asked = Date.now();
      if ((await epoch()) !== before) return true;
      lastUnchanged = asked;
      return false;
    },
    { everyMs: 1 },
  );
  const recovered = (await commits.firstSince(lastUnchanged)) - at;
  if (!alone.coordinator) {
    const another = cast.startCoordinator();
    await cast.untilStandingBy([another]);
    others.push(another);
  }
  scene.coordinators = others;
  return [recovered];
}

/** From the kill to the next call of the persona for each attempt that was lost. */
async function workerKilled(scene) {
  const { cast, alone } = scene;
  const [victim, ...others] = scene.workers;
  const at = await cast.kill(victim);
  const from = cast.calls();
  const next = alone.worker ? cast.startWorker() : null;
  const lost = await cast.held(victim);
  const again = await until('the lost attempts', () => {
    const calls = cast.readLedger(from);
    const found = lost.map(({ run, step }) => calls.find((call) => call.run === run && call.step === step));
    return found.every((call) => call !== undefined) && found;
  });
  const another = next ?? cast.startWorker();
  await cast.untilServed([another]);
  scene.workers = [...others, another];
  return again.map((call) => call.at - at);
}

async function redisKilled({ cast, commits }) {
  const at = Date.now();
  const gone = await cast.kill(cast.server);
  cast.startRedis();
  return [(await commits.firstSince(gone + 1)) - at];
}

/** The part of it that is the server's own. */
async function redisAnswers({ cast }) {
  const at = Date.now();
  await cast.kill(cast.server);
  cast.startRedis();
  await cast.redis.ping();
  return [Date.now() - at];
}
