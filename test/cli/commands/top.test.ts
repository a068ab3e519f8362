/** `coord top`: once into a pipe, again and again on a terminal until Ctrl-C. */
import { beforeEach, expect, test } from 'vitest';
import { decision, step, workflow } from '../../harness/definitions.js';
import { World } from '../world.js';

const ASKS = workflow([decision('ask')], { name: 'asks' });
const QA = workflow([step('qa', { persona: 'qa-engineer' })], { name: 'qa' });

let world: World;
beforeEach(async () => {
  world = new World();
  world.workflows.set('asks', ASKS);
  let left = false;
  void world.begin(['run', 'asks', '--until-waiting']).ended.then(() => {
    left = true;
  });
  await world.until(() => left);
});

/** A run whose step nobody serves. */
async function unserved(): Promise<void> {
  await world.client.start({ definition: QA, task: {}, workspace: null });
  const queued = async (): Promise<boolean> => (await world.store.inspection.queue(0, 'qa-engineer')).requests === 1;
  let found = false;
  await world.until(() => {
    void queued().then((is) => {
      found = is;
    });
    return found;
  });
}

test('shows coordinators, workers, queues, runs by status and what has waited longest', async () => {
  await unserved();
  const { store, clock } = world;
  const info = { worker: 'host-3:7:w', host: 'host-3', pid: 7, personas: ['worker', 'git'], busy: 2 };
  await store.namespace.announceWorker(info);
  clock.advance(1_000);
  const { out, code } = await world.coord('top');
  expect(out.split('\n')[0]).toBe('runs: 1 running, 1 waiting');
  expect(out).toMatch(/COORDINATOR +PARTITIONS +NOT APPLIED +HOLD\ntest +0 +0\n/);
  expect(out).toMatch(/host-3:7:w +2 +now +worker, git\n/);
  expect(out).toMatch(/PERSONA +QUEUED +OLDEST +WORKERS\nqa-engineer +1 +\S+ s +0\n/);
  expect(out).toMatch(/OLDEST WAITING +WORKFLOW +STATUS +AGE\nasks-\w+ +asks +waiting/);
  expect(code).toBe(0);
});

test('--json gives all of it, also a partition that nobody owns', async () => {
  await unserved();
  world.contents.at(0).lease.owner = null;
  const { out } = await world.coord('top', '--json');
  expect(JSON.parse(out)).toMatchObject({
    partitions: [{ partition: 0, owner: null, hold: null, messages: 0 }],
    queues: [{ persona: 'qa-engineer', requests: 1, workers: 0 }],
    runs: { running: 1, waiting: 1 },
    oldest: [{ workflow: 'asks', status: 'waiting' }],
  });
});

test('on a terminal is drawn again until Ctrl-C', async () => {
  const { io, ended } = world.begin(['top'], { isTTY: true });
  await world.until(() => io.out.includes('runs: 1 waiting'));
  await world.client.start({ definition: QA, task: {}, workspace: null });
  await world.until(() => io.out.includes('runs: 1 running, 1 waiting'));
  io.interrupt();
  expect((await ended).code).toBe(0);
});
