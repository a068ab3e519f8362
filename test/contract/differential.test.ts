/**
 * The memory store against a real redis-server: the same moves at all ports, the same answers, one by one. The Redis scripts
 * are the shipped ones but for the clock, which is handed in as it is to the memory store: leases, timers and claims come to
 * their end to the ms. `COORD_FUZZ_RUNS=20000` plays more games, `COORD_FUZZ_SEED` the same ones again.
 */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clock, ManualClock, systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { countedIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { loadScripts, type Script, type ScriptName } from '../../src/redis/scripts.js';
import { openRedisStore } from '../../src/redis/store.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';
import { ending } from './differential-ending.js';
import { type Move, moves, smaller } from './differential-moves.js';
import { Player, type Side } from './differential-player.js';

const RUNS = Number(process.env['COORD_FUZZ_RUNS'] ?? 256);
const SEED = Number(process.env['COORD_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** Games at the same time: most of a game's time is waiting for answers. */
const TABLES = 16;
const REAL_CLOCK = /local time = redis\.call\('TIME'\)\n\s*return .*\n/;
const CLOCK_OF_THE_GAME = `return tonumber(redis.call('GET', string.match(KEYS[1], '^{[^:}]+') .. '}:clock'))\n`;

let server: TestServer;
let redis: Redis;
let games = 0;
let played = 0;
beforeAll(async () => {
  server = await startTestServer();
  redis = new Redis(server.server.socket);
  // A read that finds nothing waits for the server's next tick, though it asks for 1 ms only.
  await redis.config('SET', 'hz', 500);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const scripts = new Map<ScriptName, Script>(
  [...loadScripts()].map(([name, script]) => {
    const source = script.source.replace(REAL_CLOCK, CLOCK_OF_THE_GAME);
    if (source.includes("'TIME'")) throw new Error(`${name}.lua reads the clock in another way`);
    return [name, { ...script, source, sha1: createHash('sha1').update(source).digest('hex') }];
  }),
);

/** Nobody waits: what is not there at once is not there. */
function impatient(clock: ManualClock): Clock {
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep: async () => undefined,
    after: (ms, callback) => clock.after(ms, callback),
  };
}

async function openMemory(clock: ManualClock): Promise<Side> {
  const contents = new MemoryContents(impatient(clock), 'incarnation');
  const open = async (): Promise<Store> => {
    const store = createMemoryStore({ clock: impatient(clock), ids: countedIds(), contents });
    await store.namespace.open(2);
    return store;
  };
  const stores = [await open(), await open()] as const;
  let kept = contents.copy();
  return {
    stores,
    pass: async (ms) => clock.advance(ms),
    keep: async () => {
      kept = contents.copy();
    },
    goBack: async () => contents.restore(kept),
  };
}

async function openRedis(clock: ManualClock): Promise<Side> {
  const namespace = `d${String(++games)}`;
  const setClock = async (now: number): Promise<void> => void (await redis.set(`{${namespace}}:clock`, now));
  await setClock(clock.now());
  const open = async (): Promise<Store> => {
    const means = { clock: systemClock, ids: countedIds(), failpoints: noFailpoints };
    const store = await openRedisStore({ address: { socket: server.server.socket }, namespace, ...means, scripts });
    await store.namespace.open(2);
    return Object.assign(store, { namespace: Object.assign(store.namespace, { time: async () => clock.now() }) });
  };
  const stores = [await open(), await open()] as const;
  const keys = async (): Promise<readonly string[]> => {
    const groups = await Promise.all([`{${namespace}}:*`, `{${namespace}:*`].map((pattern) => redis.keys(pattern)));
    return groups.flat().filter((key) => !key.endsWith(':clock'));
  };
  let kept: readonly (readonly [string, Buffer])[] = [];
  const keep = async (): Promise<void> => {
    kept = await Promise.all((await keys()).map(async (key) => [key, await redis.dumpBuffer(key)] as const));
  };
  await keep();
  return {
    stores,
    keep,
    pass: async (ms) => setClock(clock.now() + ms),
    goBack: async () => {
      await Promise.all((await keys()).map((key) => redis.del(key)));
      await Promise.all(kept.map(([key, value]) => redis.restore(key, 0, value)));
    },
  };
}

async function compare(game: readonly Move[]): Promise<void> {
  const clock = new ManualClock();
  const theirSide = await openRedis(clock);
  try {
    const onRedis = new Player(theirSide);
    const inMemory = new Player(await openMemory(clock));
    for (const [index, move] of [...game, ...ending()].entries()) {
      const theirs = await onRedis.play(move);
      const ours = await inMemory.play(move);
      expect({ index, move, answer: ours }).toEqual({ index, move, answer: theirs });
      played++;
    }
  } finally {
    await Promise.all(theirSide.stores.map((store) => store.close()));
  }
}

/** Looks for the smallest game that still goes wrong, and fails with it. */
async function report(game: readonly Move[]): Promise<void> {
  let smallest = game;
  for (let candidates = [...smaller(game)]; candidates.length > 0; ) {
    const some = candidates.splice(0, TABLES);
    const ends = await Promise.allSettled(some.map(compare));
    const found = some.find((_, index) => ends[index]?.status === 'rejected');
    if (found === undefined) continue;
    smallest = found;
    candidates = [...smaller(found)];
  }
  console.log(smallest.map((move) => JSON.stringify(move)).join('\n'));
  await compare(smallest);
  throw new Error('the stores differed once, and agree about the same game now: it depends on how fast it is played');
}

test(
  'both stores answer every move alike',
  async () => {
    const from = performance.now();
    for (let begun = 0; begun < RUNS; begun += TABLES) {
      const batch = fc.sample(moves, { seed: SEED + begun, numRuns: Math.min(TABLES, RUNS - begun) });
      const ends = await Promise.allSettled(batch.map(compare));
      const bad = batch.find((_, index) => ends[index]?.status === 'rejected');
      if (bad !== undefined) await report(bad);
      await redis.flushall();
    }
    const rate = (played / (performance.now() - from)) * 1_000;
    console.log(`seed ${String(SEED)}: ${String(RUNS)} games, ${String(played)} moves, ${rate.toFixed(0)} a second`);
  },
  120_000 * Math.ceil(RUNS / 256),
);
