/**
 * What watching is worth and what it costs: how long after a persona has said something, or has ended, a watcher's screen
 * shows it; and whether a hundred watchers slow the engine down. Real processes. See README.md.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Load } from './load.mjs';
import { chain, definitionOf, output, startCast, until } from './processes.mjs';
import { expect, flagsOf, median, publish, spread } from './report.mjs';

const flags = flagsOf(
  { talks: 24, runs: 200, watchers: 100, rounds: 4, seconds: 15, only: '' },
  { talks: 6, rounds: 2, seconds: 6 },
);

/** Progress counts as shown at once up to here, ms. */
const LIMIT_MS = 500;
/** 200 attempts of half a second: 400 steps/s, which leaves the machine air to breathe. */
const WORK_MS = 500;
const HANDS = 256;
const LINES = 8;
const PAUSE_MS = 600;
/** Talking runs that are watched at the same time. */
const TALKS_AT_ONCE = 3;
/** Of the watchers, real `coord watch` processes; half of them of one run, half of all. */
const REAL = 8;
const PROCESSES = 4;
const WATCHERS = fileURLToPath(new URL('watchers.mjs', import.meta.url));
const TALKING = fileURLToPath(new URL('talking-persona.mjs', import.meta.url));
const CLOCK_TICKS_MS = 10;

const talk = definitionOf(
  'name: talk\nsteps:\n  - { id: first, persona: talk }\n  - { id: second, persona: talk, dependencies: [first] }\n',
);

const cast = await startCast({
  personas: {
    work: { export: 'work', concurrency: HANDS },
    talk: { command: (ends) => [process.execPath, TALKING, ends, String(LINES), String(PAUSE_MS)], concurrency: 16 },
  },
  workMs: WORK_MS,
});
const results = {};
try {
  const coordinator = cast.startCoordinator();
  await cast.untilOwned([coordinator]);
  await cast.untilServed([cast.startWorker()]);
  if ('light'.includes(flags.only)) results.light = await latencies('nothing else goes on');
  const load = new Load(cast, { open: flags.runs, definition: chain(400) });
  try {
    await until('the load', async () => (await cast.count('running')) >= 0.9 * flags.runs);
    if ('busy'.includes(flags.only)) results.busy = await latencies(`${flags.runs} runs under way`);
    if ('cost'.includes(flags.only)) results.cost = await cost(coordinator);
  } finally {
    await load.stop();
  }
} finally {
  await cast.close();
}
publish('watching', flags, results);

/** From the moment that a persona prints a line, or ends, to the line on a watcher's screen, ms. */
async function latencies(what) {
  const found = { watchSaid: [], watchEnded: [], followSaid: [], followEnded: [] };
  const waiting = Array.from({ length: flags.talks }, (_, index) => index);
  const one = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await watchOne(`${what} ${next}`, found);
  };
  await Promise.all(Array.from({ length: TALKS_AT_ONCE }, one));
  const spreads = Object.fromEntries(Object.entries(found).map(([name, values]) => [name, spread(values)]));
  console.log(`\nfrom the persona to the watcher, ms: ${what}`);
  console.table({
    'a line of progress, on the screen of coord watch': spreads.watchSaid,
    'the end of a step, on the screen of coord watch': spreads.watchEnded,
    'a line of progress, in client.follow': spreads.followSaid,
    'the end of a step, in client.follow': spreads.followEnded,
  });
  for (const [name, { count, p99 }] of Object.entries(spreads)) {
    const all = flags.talks * 2 * (name.endsWith('Said') ? LINES : 1);
    // What was said before a screen was there is not shown on it, and a process takes its time to begin.
    expect(
      name.startsWith('watch') ? count >= 0.4 * all : count === all,
      `${what}, ${name}: ${count} of ${all} were seen`,
    );
    expect(p99 <= LIMIT_MS, `${what}, ${name}: p99 is ${p99} ms`);
  }
  return spreads;
}

async function watchOne(idempotencyKey, found) {
  const { run } = await cast.client.start({ definition: talk, task: {}, workspace: null, idempotencyKey });
  const said = (text, into) => {
    const at = / said (\d+)\b/.exec(text)?.[1];
    if (at !== undefined) into.push(Date.now() - Number(at));
  };
  const ended = new Map();
  let upAt = Number.POSITIVE_INFINITY;
  const screen = cast.startWatch([run], (line) => {
    upAt = Math.min(upAt, Date.now());
    said(line, found.watchSaid);
    const step = / (first|second) succeeded/.exec(line)?.[1];
    if (step !== undefined) ended.set(`watch ${step}`, Date.now());
  });
  const gone = new Promise((resolve) => screen.once('exit', resolve));
  for await (const fact of cast.client.follow(run, new AbortController().signal)) {
    if (fact.type === 'step.progress') said(` ${fact.progress}`, found.followSaid);
    if (fact.type === 'step.succeeded') ended.set(`follow ${fact.step}`, Date.now());
  }
  await gone;
  for (const line of readFileSync(cast.ends, 'utf8')
    .split('\n')
    .filter((text) => text.startsWith(`${run} `))) {
    const [, step, at] = line.split(' ');
    if (ended.has(`watch ${step}`) && Number(at) > upAt) found.watchEnded.push(ended.get(`watch ${step}`) - Number(at));
    if (ended.has(`follow ${step}`)) found.followEnded.push(ended.get(`follow ${step}`) - Number(at));
  }
}

/** The engine with nobody watching and with all of them, by turns. */
async function cost(coordinator) {
  const rounds = [];
  for (let round = 0; round < flags.rounds; round++) {
    const alone = await measure(coordinator);
    const crowd = await startCrowd();
    const watched = await measure(coordinator, crowd);
    for (const child of crowd) await cast.kill(child, 'SIGKILL');
    await sleep(1_000);
    rounds.push({ alone, watched });
  }
  const middle = (of) => Number(median(rounds.map(of)).toPrecision(4));
  const row = (which) => ({
    'steps/s': middle((one) => one[which].stepsPerSecond),
    'coordinator, µs per step': middle((one) => one[which].coordinatorUs),
    'redis-server, µs per step': middle((one) => one[which].redisUs),
    'the watchers, cores': middle((one) => one[which].crowdCores),
  });
  const ratios = {
    stepsPerSecond: middle(({ alone, watched }) => watched.stepsPerSecond / alone.stepsPerSecond),
    cpuPerStep: middle(
      ({ alone, watched }) => (watched.coordinatorUs + watched.redisUs) / (alone.coordinatorUs + alone.redisUs),
    ),
  };
  console.log(`\n${flags.runs} runs under way, medians of ${flags.rounds} rounds by turns`);
  console.table({
    'nobody watches': row('alone'),
    [`${flags.watchers} watchers`]: row('watched'),
    ratio: { 'steps/s': ratios.stepsPerSecond, 'coordinator, µs per step': `both: ${ratios.cpuPerStep}` },
  });
  return { rounds, ratios };
}

async function startCrowd() {
  const inProcesses = flags.watchers - REAL;
  const crowd = Array.from({ length: PROCESSES }, (_, index) => {
    const share = Math.floor((inProcesses + index) / PROCESSES);
    return cast.startNode([WATCHERS, cast.socket, String(share)]);
  });
  const running = await cast.client.list({ statuses: ['running'], limit: REAL });
  for (let index = 0; index < REAL; index++)
    crowd.push(cast.startWatch(index % 2 === 0 ? [] : [running[index].id], () => undefined));
  for (const child of crowd.slice(0, PROCESSES)) await until('the watchers', () => output(child).includes('all watch'));
  await sleep(1_000);
  return crowd;
}

async function measure(coordinator, crowd = []) {
  const ofCrowd = () => crowd.reduce((sum, child) => sum + cpuMs(child), 0);
  const before = {
    crowd: ofCrowd(),
    at: performance.now(),
    calls: cast.calls(),
    coordinator: cpuMs(coordinator),
    redis: cpuMs(cast.server),
  };
  await sleep(flags.seconds * 1_000);
  const steps = cast.calls() - before.calls;
  const ms = performance.now() - before.at;
  return {
    stepsPerSecond: (steps * 1_000) / ms,
    crowdCores: (ofCrowd() - before.crowd) / ms,
    coordinatorUs: ((cpuMs(coordinator) - before.coordinator) * 1_000) / steps,
    redisUs: ((cpuMs(cast.server) - before.redis) * 1_000) / steps,
  };
}

/** What a process has used so far, user and system. */
function cpuMs({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICKS_MS;
}
