/** Schedules with the real programs: coordinators that are killed while they start a run, and others that take over. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { nextInstants, Schedules } from '../../src/coordinator/client-schedules.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import { openRedisStore } from '../../src/redis/store.js';
import { COORD, killTree, type Started, start } from '../harness/process-tree.js';
import { until } from '../harness/redis-instance.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

/**
 * Before or after the nth such round trip of a coordinator: what is due is decided (`schedule`), a run is started (`admit`),
 * it is struck off (`schedule` again).
 */
const MOMENTS = ['before:schedule:1', 'after:schedule:1', 'after:admit:1', 'after:admit:2'];

let folder: string;
let server: TestServer;
const stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-schedules-'));
  mkdirSync(join(folder, 'workflows'));
  mkdirSync(join(folder, 'schedules'));
  writeFileSync(
    join(folder, 'workflows', 'say.yml'),
    'name: say\nsteps:\n  - id: say\n    type: emit\n    event: said\n',
  );
  server = await startTestServer();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
  await killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

function coord(args: readonly string[], env: Record<string, string> = {}): Started {
  const redis = `unix:${server.server.socket}`;
  return start([COORD, ...args], { cwd: folder, env: { COORD_TEST_TREE: folder, COORD_REDIS_URL: redis, ...env } });
}

/** Resolves when the program has said so on its log. */
async function says(program: Started, text: string): Promise<void> {
  let heard = '';
  await new Promise<void>((resolve, reject) => {
    program.child.stdout?.on('data', (chunk: string) => {
      heard += chunk;
      if (heard.includes(text)) resolve();
    });
    void program.ended.then(({ stderr }) => reject(new Error(`ended before it said "${text}": ${heard}${stderr}`)));
  });
}

async function look(): Promise<{ schedules: Schedules; starts: () => Promise<readonly string[]> }> {
  const address = { socket: server.server.socket };
  const means = { clock: systemClock, ids: randomIds };
  const store = await openRedisStore({ address, namespace: 'coord', ...means, failpoints: noFailpoints });
  stops.push(() => store.close());
  const { partitions } = await store.namespace.open(null);
  const client = new Client({ store, partitions, ...means });
  const starts = async (): Promise<readonly string[]> => {
    const runs = await client.list({ limit: 1_000 });
    const views = await Promise.all(runs.map(({ id }) => client.get(id)));
    return views.map(({ task, status }) => `${(task['schedule'] as { at: string }).at} ${status}`).toSorted();
  };
  return { schedules: new Schedules({ store, partitions, clock: systemClock }), starts };
}

describe('kill -9 of coordinators while they start what is due', () => {
  test.each(MOMENTS)('%s: every instant has one run', { timeout: 60_000 }, async (moment) => {
    const mortal = { COORD_FAILPOINTS: `${moment}:kill` };
    const first = coord(['daemon', '--partitions', '2'], mortal);
    await says(first, 'partition 0 is ours');
    const second = coord(['daemon'], mortal);
    await says(second, '2 coordinators');
    const { schedules, starts } = await look();
    const text = 'workflow: say\nevery: 1s\noverlap: allow\ncatch_up: all\nrepo: false\n';
    const add = async (more: string): Promise<void> => {
      writeFileSync(join(folder, 'schedules', 'tick.yml'), `${text}${more}`);
      expect(await coord(['schedule', 'add']).ended).toMatchObject({ code: 0, stderr: '' });
    };
    await add('');
    // Both die of it, one after the other.
    await Promise.all([first.ended, second.ended]);
    expect([first.child.signalCode, second.child.signalCode]).toEqual(['SIGKILL', 'SIGKILL']);
    // The background host goes on, with another revision: that changes nothing of what is decided, and the rest is still due.
    await add(`ends: ${new Date((await schedules.time()) + 3_000).toISOString()}\n`);
    const record = await schedules.get('tick');
    const wanted = nextInstants(record, record.anchor - 1, 100).map((at) => `${new Date(at).toISOString()} completed`);
    expect(wanted.length).toBeGreaterThan(3);
    const over = async (): Promise<number> => (await starts()).filter((one) => one.endsWith('completed')).length;
    await until('all are over', async () => (await over()) >= wanted.length, 30_000);
    await until('nothing waits', async () => (await schedules.get('tick')).queue.length === 0);
    expect(await starts()).toEqual(wanted);
  });
});

describe('the background host of a project', () => {
  test('stays as long as there is a schedule, and leaves when there is none', { timeout: 60_000 }, async () => {
    writeFileSync(join(folder, 'schedules', 'tick.yml'), 'workflow: say\nevery: 7s\nrepo: false\n');
    expect(await coord(['schedule', 'add']).ended).toMatchObject({ code: 0, stderr: '' });
    const { schedules, starts } = await look();
    // Without a schedule it would have left after 5 s.
    await until('a run is over', async () => (await starts()).length > 0, 30_000);
    await schedules.remove('tick');
    await until('nobody owns the partition', async () => server.cli('HGET', '{coord:0}:lease', 'owner') === '', 30_000);
    expect(await starts()).toHaveLength(1);
  });
});
