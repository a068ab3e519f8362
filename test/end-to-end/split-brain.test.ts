/**
 * A master that stands still until its sentinels have put another one in its place, and then goes on as if nothing had
 * happened: for a while there are two. Whoever asks the sentinels keeps to the new one; what only the old one has taken
 * is gone when it becomes a replica.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from '../harness/definitions.js';
import { EngineUnderLoad } from '../harness/engine-under-load.js';
import { type RedisInstance, until } from '../harness/redis-instance.js';
import { type SentinelSet, startSentinel } from '../harness/sentinel-set.js';

const NAMESPACE = 'two';
const PARTITIONS = 2;
const SOME = 15;
let set: SentinelSet;
beforeEach(async () => {
  set = await startSentinel();
}, 60_000);
afterEach(() => set.stop());

/** One that knows of no sentinels, and starts a run at this server alone. */
async function startAt({ port }: RedisInstance): Promise<string> {
  const means = { clock: systemClock, ids: randomIds };
  const address = parseAddress(`redis://127.0.0.1:${String(port)}`);
  const store = await openRedisStore({ address, namespace: NAMESPACE, ...means, failpoints: noFailpoints });
  try {
    const client = new Client({ store, partitions: PARTITIONS, ...means });
    const definition = workflow([step('a')], { name: 'stray' });
    return (await client.start({ definition, task: {}, workspace: null })).run;
  } finally {
    await store.close();
  }
}

test('the old master is left by all who ask the sentinels, and what it took alone is not there', {
  timeout: 120_000,
}, async () => {
  const engine = await EngineUnderLoad.open(set.address(), { partitions: PARTITIONS, namespace: NAMESPACE });
  const more = async (): Promise<void> => {
    const before = engine.acknowledged;
    await until('more starts', () => engine.acknowledged >= before + SOME, 40_000);
  };
  try {
    engine.load();
    await more();
    const old = await set.master();
    const others = set.servers.filter((server) => server !== old);
    old.freeze();
    await until(
      'another is the master',
      async () => {
        const roles = await Promise.all(others.map((server) => server.info('role')));
        return roles.includes('master');
      },
      40_000,
    );
    await more();
    old.thaw();
    // It has not been told yet.
    expect(await old.info('role')).toBe('master');
    const stray = await startAt(old);
    await more();
    await until('the old one replicates', async () => (await old.info('role')) === 'slave', 40_000);
    await more();
    await engine.rest();
    const { acknowledged, completed, lost, incidents } = await engine.drain();
    expect(completed).toBe(acknowledged - lost.length);
    expect(incidents.length > 0 || lost.length === 0).toBe(true);
    const master = await set.master();
    expect(await master.cli('KEYS', `*${stray}*`)).toBe('');
    await set.settled();
    expect(await old.cli('KEYS', `*${stray}*`)).toBe('');
  } finally {
    await engine.close();
  }
});
