/**
 * Ten thousand timers that are due within one second: how late they are, by the store's clock. And ten thousand runs
 * that wait for a signal: what they cost in Redis and in the coordinator, and how soon it is ready again after kill -9.
 * See README.md.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { definitionOf, factsOf, startCast, timeOf, until } from './processes.mjs';
import { expect, flagsOf, publish, spread } from './report.mjs';

const flags = flagsOf({ runs: 10_000, repeats: 10 }, { runs: 1_000, repeats: 3 });

const AT_ONCE = 200;
const SAMPLE = 200;
const FEW = 10;
const WARM_UP = 500;
const timed = definitionOf('name: timed\nsteps:\n  - { id: wait, type: wait, until: "{{ task.until }}" }\n');
const signaled = definitionOf('name: signaled\nsteps:\n  - { id: wait, type: wait, signal: go }\n');

const timers = await timerStorm();
console.log(`${flags.runs} timers due within one second, ms`);
console.table({
  'fired after it was due': shown(timers.fired),
  'its transition committed after it was due': shown(timers.committed),
  'of that: armed for later than the workflow says': shown(timers.armedLate),
  'of that: fired after the time it was armed for': shown(timers.firedAfterArmed),
});
expect(timers.earliest >= 0, 'a timer fired before it was due');
console.log(`earliest: ${timers.earliest} ms; the last one ${timers.drainedMs} ms after the end of that second`);

const few = await waiting(FEW);
const many = await waiting(flags.runs);
console.log('\nruns that wait for a signal');
console.table([few, many].map(waitingRow));
publish('timers', flags, { timers, waiting: [few, many] });

async function timerStorm() {
  const cast = await startCast({ personas: {} });
  try {
    await cast.untilOwned([cast.startCoordinator()]);
    const second = Date.now() + (await leadMs(cast));
    const dueOf = (index) => second + Math.floor((index * 1_000) / flags.runs);
    const ids = await startAll(cast, { count: flags.runs, requestOf: (index) => timedRun(dueOf(index)) });
    const giveUpMs = second - Date.now() + 300_000;
    await until('all runs to wait', async () => (await cast.count('waiting')) === flags.runs, {
      everyMs: 50,
      giveUpMs,
    });
    if (Date.now() > second - 1_000) throw new Error('this machine became too slow meanwhile: not all waited in time');
    const armed = await cast.redis.zrange(cast.keys.timers, 0, -1, 'WITHSCORES');
    const armedFor = new Map();
    for (let index = 0; index < armed.length; index += 2)
      armedFor.set(armed[index].split('|')[1], Number(armed[index + 1]));
    await until('the end', async () => (await cast.count('waiting')) === 0, { everyMs: 50, giveUpMs });
    const passed = await passings(cast, ids);
    const fired = passed.map(({ firedAt }, index) => firedAt - dueOf(index));
    const afterArmed = passed.map(({ firedAt }, index) => firedAt - armedFor.get(ids[index]));
    return {
      fired: spread(fired),
      committed: spread(passed.map(({ committedAt }, index) => committedAt - dueOf(index))),
      armedLate: spread(ids.map((run, index) => armedFor.get(run) - dueOf(index))),
      firedAfterArmed: spread(afterArmed),
      earliest: Math.min(...fired, ...afterArmed),
      drainedMs: Math.max(...passed.map(({ committedAt }) => committedAt)) - (second + 1_000),
    };
  } finally {
    await cast.close();
  }
}

/** Time enough for all runs to be waiting, judged from some whose time is over already, ms. */
async function leadMs(cast) {
  const from = Date.now();
  await startAll(cast, { count: WARM_UP, requestOf: () => timedRun(from - 1_000), name: 'warm-up' });
  await until('the warm-up', async () => (await cast.count('completed')) === WARM_UP);
  return 5_000 + (2 * (Date.now() - from) * flags.runs) / WARM_UP;
}

function timedRun(due) {
  return { definition: timed, task: { until: new Date(due).toISOString() } };
}

/** When the timer of each run fired and when its transition was committed, by the store's clock. */
async function passings(cast, ids) {
  const found = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const pipeline = cast.redis.pipeline();
    for (const run of ids.slice(from, from + AT_ONCE)) pipeline.xrange(cast.keys.history(run), '-', '+');
    for (const [, entries] of await pipeline.exec()) {
      const [entry, fact] = entries
        .map(([id, fields]) => [id, factsOf(fields).find(({ type }) => type === 'step.succeeded')])
        .find(([, succeeded]) => succeeded !== undefined);
      found.push({ firedAt: fact.at, committedAt: timeOf(entry) });
    }
  }
  return found;
}

async function waiting(runs) {
  const cast = await startCast({ personas: {} });
  try {
    let coordinator = cast.startCoordinator();
    await cast.untilOwned([coordinator]);
    await sleep(500);
    const before = { rss: residentMiB(coordinator), redis: await usedMemory(cast) };
    const ids = await startAll(cast, { count: runs, requestOf: () => ({ definition: signaled, task: {} }) });
    await until('all runs to wait', async () => (await cast.count('waiting')) === runs, {
      everyMs: 50,
      giveUpMs: 300_000,
    });
    await sleep(500);
    const after = { rss: residentMiB(coordinator), redis: await usedMemory(cast) };
    const bytes = await bytesOf(cast, ids);

    const readyMs = [];
    for (let repeat = 0; repeat < Math.min(flags.repeats, runs - 1); repeat++) {
      const run = ids[repeat];
      const killedAt = await cast.kill(coordinator);
      coordinator = cast.startCoordinator();
      await cast.client.signal(run, { name: 'go', by: 'bench' });
      await until('the signal', async () => (await cast.redis.hget(cast.keys.run(run), 'status')) === 'completed', {
        everyMs: 1,
      });
      const [[id]] = await cast.redis.xrevrange(cast.keys.history(run), '+', '-', 'COUNT', 1);
      readyMs.push(timeOf(id) - killedAt);
    }
    return {
      runs,
      readyMs: spread(readyMs),
      bytesEach: bytes,
      redisGrowthEach: Math.round((after.redis - before.redis) / runs),
      coordinatorMiB: { idle: before.rss, waiting: after.rss, startedAgain: residentMiB(coordinator) },
    };
  } finally {
    await cast.close();
  }
}

/** Ids of the runs, in order. */
async function startAll(cast, { count, requestOf, name = 'run' }) {
  const ids = [];
  while (ids.length < count) {
    const size = Math.min(AT_ONCE, count - ids.length);
    const starts = Array.from({ length: size }, (_, index) => {
      const idempotencyKey = `${name}-${ids.length + index}`;
      return cast.client.start({ ...requestOf(ids.length + index), workspace: null, idempotencyKey });
    });
    ids.push(...(await Promise.all(starts)).map(({ run }) => run));
  }
  return ids;
}

/** Per run: its own keys, from a sample, and its share of what all have in common. The feed has a fixed size and is left out. */
async function bytesOf({ redis, keys }, ids) {
  const usage = async (key) => (await redis.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
  const step = Math.max(1, Math.floor(ids.length / SAMPLE));
  const sample = ids.filter((_, index) => index % step === 0);
  const mean = async (keyOf) => (await sum(sample.map((run) => usage(keyOf(run))))) / sample.length;
  const shared = [keys.admitted, keys.admissionTimes, keys.runs('waiting'), keys.timers];
  const parts = {
    record: await mean((run) => keys.run(run)),
    history: await mean((run) => keys.history(run)),
    shared: (await sum(shared.map(usage))) / ids.length,
  };
  const rounded = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, Math.round(bytes)]));
  return { ...rounded, all: rounded.record + rounded.history + rounded.shared };
}

async function sum(promises) {
  return (await Promise.all(promises)).reduce((all, one) => all + one, 0);
}

async function usedMemory({ redis }) {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))[1]);
}

function residentMiB({ pid }) {
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024);
}

function shown({ p50, p99, max }) {
  return { p50, p99, max };
}

function waitingRow({ runs, readyMs, bytesEach, coordinatorMiB }) {
  const { idle, waiting: held, startedAgain } = coordinatorMiB;
  return {
    runs,
    'kill to first commit, p50 / max, ms': `${readyMs.p50} / ${readyMs.max}`,
    'bytes each in Redis': bytesEach.all,
    'of that record / history': `${bytesEach.record} / ${bytesEach.history}`,
    'coordinator MiB: idle / waiting / started again': `${idle} / ${held} / ${startedAgain}`,
  };
}
