/**
 * The whole engine on a Redis that loses its master under load. Beyond the gate, `node bench/failover.mjs` runs this file
 * with more rounds (COORD_FAILOVERS) and prints what was counted.
 */
import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Keys } from '../../src/redis/keys.js';
import { type ClusterSet, startCluster } from '../harness/cluster-set.js';
import { EngineUnderLoad, type Outcome } from '../harness/engine-under-load.js';
import { until } from '../harness/redis-instance.js';
import { type SentinelSet, startSentinel } from '../harness/sentinel-set.js';

const ROUNDS = Number(process.env['COORD_FAILOVERS'] ?? 1);
const FIGURES = process.env['COORD_FAILOVER_FIGURES'];
const TIME_LIMIT_MS = 60_000 + ROUNDS * 60_000;
const MOST_PAUSE_MS = 15_000;
/** Acknowledged starts before and after each blow. */
const SOME = 20;

interface Blow {
  readonly shape: string;
  readonly what: string;
  /** When, by this process's clock. */
  readonly at: number;
  /** Whose transitions it holds up. */
  readonly partitions: readonly number[];
}

/** Waits for the first transition after the blow, lets the load go on for a while, and counts what became of all of it. */
async function survive(engine: EngineUnderLoad, { shape, what, at, partitions }: Blow): Promise<Outcome> {
  await until('a transition is committed', () => engine.firstCommitAfter(at, partitions) !== null, MOST_PAUSE_MS).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; ${engine.troubles.join(' | ')}`);
    },
  );
  await more(engine, SOME);
  await engine.rest();
  const outcome = await engine.drain();
  const figure = {
    shape,
    what,
    acknowledged: outcome.acknowledged,
    lost: outcome.lost.length,
    incidents: outcome.incidents.length,
    firstCommitMs: engine.firstCommitAfter(at, partitions),
    workDoneTwice: engine.repeated,
  };
  if (FIGURES !== undefined) appendFileSync(FIGURES, `${JSON.stringify(figure)}\n`);
  return outcome;
}

/** Waits until so many starts more are acknowledged. */
async function more(engine: EngineUnderLoad, count: number): Promise<void> {
  const before = engine.acknowledged;
  await until(`${String(count)} more starts`, () => engine.acknowledged >= before + count, 30_000).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; ${engine.troubles.join(' | ')}`);
    },
  );
}

let engines = 0;

/** Each time in a namespace of its own, so that one does not count what happened to another. */
async function underLoad<T>(
  address: string,
  partitions: number,
  body: (engine: EngineUnderLoad) => Promise<T>,
): Promise<T> {
  const engine = await EngineUnderLoad.open(address, { partitions, namespace: `f${String(++engines)}` });
  try {
    engine.load();
    await more(engine, SOME);
    return await body(engine);
  } finally {
    await engine.close();
  }
}

describe('Sentinel', () => {
  let set: SentinelSet;
  beforeAll(async () => {
    // One more than a failover needs, so that the second one need not wait for the first victim to be back.
    set = await startSentinel({ secure: true, namespace: 'f*', replicas: 3 });
  }, 60_000);
  afterAll(() => set.stop());

  async function failover(mode: 'asynchronous' | 'confirmed', replication: 'live' | 'frozen'): Promise<Outcome> {
    const address = set.address(mode === 'confirmed' ? { confirm: '1', confirm_timeout: '300' } : {});
    if (ROUNDS > 1) for (const dead of set.servers.filter(({ runs }) => !runs)) await set.rejoin(dead);
    await set.settled();
    const master = await set.master();
    return underLoad(address, 2, async (engine) => {
      if (replication === 'frozen') {
        await set.freezeReplication();
        // Nothing is acknowledged any more in confirmed mode, so the time is what is waited for.
        const from = performance.now();
        await until('it has been frozen for a while', () => performance.now() > from + 1_500);
      }
      const at = performance.now();
      await master.kill();
      const what = `master killed, ${mode}, replication ${replication}`;
      return survive(engine, { shape: 'sentinel', what, at, partitions: [0, 1] });
    });
  }

  test(
    'what a failover undoes is found out and recorded, and the rest is completed',
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const frozen = round === 0;
        const { acknowledged, completed, lost, incidents } = await failover('asynchronous', frozen ? 'frozen' : 'live');
        // Without a loss the first round would have shown nothing.
        expect(lost.length).toBeGreaterThanOrEqual(frozen ? 1 : 0);
        expect(completed).toBe(acknowledged - lost.length);
        expect(incidents.length > 0 || lost.length === 0).toBe(true);
        for (const { from, to } of incidents) expect(to).toBeGreaterThanOrEqual(from);
      }
    },
    TIME_LIMIT_MS,
  );

  test(
    'in confirmed mode every acknowledged start survives the same',
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { acknowledged, completed, lost } = await failover('confirmed', round === 0 ? 'frozen' : 'live');
        expect(lost).toEqual([]);
        expect(completed).toBe(acknowledged);
      }
    },
    TIME_LIMIT_MS,
  );
});

describe('Cluster', () => {
  const PARTITIONS = [0, 1, 2, 3, 4, 5];
  let set: ClusterSet;
  beforeAll(async () => {
    set = await startCluster({ secure: true, namespace: 'f*' });
  }, 60_000);
  afterAll(() => set.stop());

  const keyOf = ({ namespace }: EngineUnderLoad, partition: number): string =>
    new Keys(namespace).partition(partition).lease;

  test(
    'a master dies: its partitions pause until its replica serves them, the others do not',
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await underLoad(set.address(), PARTITIONS.length, async (engine) => {
          const masters = await Promise.all(PARTITIONS.map((partition) => set.masterOf(keyOf(engine, partition))));
          const [victim] = masters;
          const hit = PARTITIONS.filter((partition) => masters[partition] === victim);
          const others = PARTITIONS.filter((partition) => masters[partition] !== victim);
          expect(others.length).toBeGreaterThan(0);
          const at = performance.now();
          await victim?.kill();
          const { acknowledged, completed, lost, incidents } = await survive(engine, {
            shape: 'cluster',
            what: 'master killed, asynchronous',
            at,
            partitions: hit,
          });
          expect(completed).toBe(acknowledged - lost.length);
          expect(incidents.length > 0 || lost.length === 0).toBe(true);
          const pause = engine.firstCommitAfter(at, hit) ?? 0;
          expect(engine.firstCommitAfter(at, others) ?? MOST_PAUSE_MS).toBeLessThan(pause);
          await victim?.start();
        });
        await set.settled();
      }
    },
    TIME_LIMIT_MS,
  );

  test(
    'a slot moves to another master under load',
    async () => {
      await underLoad(set.address(), PARTITIONS.length, async (engine) => {
        const from = await set.masterOf(keyOf(engine, 0));
        const to = (await set.masters()).find((master) => master !== from);
        if (to === undefined) throw new Error('there is no other master');
        const at = performance.now();
        await set.move(keyOf(engine, 0), to);
        expect(await set.masterOf(keyOf(engine, 0))).toBe(to);
        const blow = { shape: 'cluster', what: 'slot moved', at, partitions: [0] };
        const { acknowledged, completed, lost, incidents } = await survive(engine, blow);
        expect({ completed, lost, incidents }).toEqual({ completed: acknowledged, lost: [], incidents: [] });
        expect(engine.repeated).toBe(0);
      });
    },
    TIME_LIMIT_MS,
  );
});
