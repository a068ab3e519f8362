/**
 * kill -9 in the middle of a thousand runs: whether all of them complete, how long nothing moves, and what is done
 * twice. Commits are taken from the histories afterwards, whose ids are the store's times, so that looking costs nothing.
 */
import { chain, startCast, until } from './processes.mjs';

const STEPS = 5;
/** As many attempts at the same time as in the bench of steps per second, and each is held for a moment. */
const CONCURRENCY = 512;
const WORK_MS = 20;
const GIVE_UP_MS = 120_000;
const definition = chain(STEPS);

export const CRASHES = [
  { name: 'nothing', victim: null, another: false },
  { name: 'coordinator, started again', victim: 'coordinator', another: false },
  { name: 'coordinator, another stands by', victim: 'coordinator', another: true },
  { name: 'worker, started again', victim: 'worker', another: false },
  { name: 'worker, another is there', victim: 'worker', another: true },
  { name: 'redis-server, started again', victim: 'redis', another: false },
];

/** One try. `another`: a second process of the kind is there, and the killed one does not come back. */
export async function crash({ victim, another }, runs) {
  const cast = await startCast({
    personas: { work: { export: 'work', concurrency: CONCURRENCY } },
    workMs: WORK_MS,
  });
  try {
    const coordinators = Array.from({ length: another && victim === 'coordinator' ? 2 : 1 }, () =>
      cast.startCoordinator(),
    );
    const workers = Array.from({ length: another && victim === 'worker' ? 2 : 1 }, () => cast.startWorker());
    const owner = await cast.untilOwned(coordinators);
    await cast.untilServed(workers);
    await cast.untilStandingBy(coordinators.filter((coordinator) => coordinator !== owner));

    const startedAt = Date.now();
    const starts = Promise.all(Array.from({ length: runs }, (_, run) => start(cast, run)));
    await until('the middle', () => cast.calls() >= 0.4 * runs * STEPS, { everyMs: 1 });
    const { killedAt, held } = await strike(cast, { victim, another, owner, worker: workers[0] });
    const ids = (await starts).map(({ run }) => run);
    const completed = await allCompleted(cast, runs);

    const { at, timesOf } = await cast.commits(ids);
    const calls = cast.readLedger();
    const done = new Set(calls.map(({ run, step }) => `${run} ${step}`));
    const { stall, stallAt } = longestStall(at);
    return {
      completed,
      exactlyOnce: timesOf('run.completed').length === runs && timesOf('step.succeeded').length === runs * STEPS,
      stallMs: stall,
      stallAfterKillMs: stallAt - killedAt,
      endAfterKillMs: at.at(-1) - killedAt,
      totalMs: at.at(-1) - startedAt,
      held,
      twice: calls.length - done.size,
      lost: timesOf('step.retrying WORKER_LOST').length,
    };
  } finally {
    await cast.close();
  }
}

function start(cast, run) {
  return cast.client.start({ definition, task: {}, workspace: null, idempotencyKey: `crash-${run}` });
}

async function strike(cast, { victim, another, owner, worker }) {
  const target = { coordinator: owner, worker, redis: cast.server }[victim];
  if (target === undefined) return { killedAt: Date.now(), held: (await cast.held()).length };
  const killedAt = await cast.kill(target);
  if (!another)
    ({ coordinator: () => cast.startCoordinator(), worker: () => cast.startWorker(), redis: () => cast.startRedis() })[
      victim
    ]();
  return { killedAt, held: (await cast.held(victim === 'worker' ? worker : null)).length };
}

async function allCompleted(cast, runs) {
  try {
    await until('all runs', async () => (await cast.count('completed')) === runs, {
      everyMs: 10,
      giveUpMs: GIVE_UP_MS,
    });
    return true;
  } catch {
    return false;
  }
}

/** The longest time between one commit and the next. */
function longestStall(at) {
  let longest = { stall: 0, stallAt: at[0] };
  for (let index = 1; index < at.length; index++) {
    const stall = at[index] - at[index - 1];
    if (stall > longest.stall) longest = { stall, stallAt: at[index - 1] };
  }
  return longest;
}
