/**
 * Runs that wait for people while everything is killed, the redis-server too: each goes on when it is answered, and nothing
 * that was done before is done again. COORD_TEST_SUSPENDED=1000 for more of them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import type { RunStatus } from '../../src/core/statuses.js';
import { parseAddress } from '../../src/redis/address.js';
import { openRedisStore } from '../../src/redis/store.js';
import { decision, step, workflow } from '../harness/definitions.js';
import { COORD, killTree, type Started, start } from '../harness/process-tree.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

const RUNS = Number(process.env['COORD_TEST_SUSPENDED'] ?? 120);
const DEFINITION = workflow(
  [step('before'), decision('ok', { dependencies: ['before'] }), step('after', { dependencies: ['ok'] })],
  { name: 'suspended' },
);

let folder: string;
let server: TestServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coord-suspended-'));
  mkdirSync(join(folder, 'personas'));
  writeFileSync(join(folder, 'done'), '');
  const front = `name: worker\nkind: function\nmodule: ${folder}/personas/worker.mjs\nexport: work\nconcurrency: 50`;
  writeFileSync(join(folder, 'personas/worker.md'), `---\n${front}\n---\n`);
  writeFileSync(
    join(folder, 'personas/worker.mjs'),
    `import { appendFileSync } from 'node:fs';
     export function work({ run, step }) {
       appendFileSync('${folder}/done', run + ' ' + step + '\\n');
       return { status: 'pass', result: step };
     }`,
  );
  server = await startTestServer();
});
afterEach(async () => {
  await killEverything();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const killEverything = (): Promise<number> => killTree({ mark: `COORD_TEST_TREE=${folder}`, folder });

function startEverything(): void {
  const env = { COORD_TEST_TREE: folder, COORD_REDIS_URL: `unix:${server.server.socket}` };
  const coord = (...args: string[]): Started => start([COORD, '-C', folder, ...args], { cwd: folder, env });
  coord('daemon');
  coord('worker', '--personas', join(folder, 'personas'));
}

/** What a person does in one sitting. */
async function sitting(work: (desk: { client: Client; operator: Operator }) => Promise<void>): Promise<void> {
  const means = { clock: systemClock, ids: randomIds };
  const address = parseAddress(`unix:${server.server.socket}`);
  const store = await openRedisStore({ address, namespace: 'coord', ...means, failpoints: noFailpoints });
  try {
    const { partitions } = await store.namespace.open(null);
    const client = new Client({ store, partitions, ...means });
    await work({ client, operator: new Operator({ store, partitions, ...means }) });
  } finally {
    await store.close();
  }
}

async function untilAll(client: Client, wanted: Readonly<Partial<Record<RunStatus, number>>>): Promise<void> {
  const statuses = Object.keys(wanted) as RunStatus[];
  for (;;) {
    const counts = await Promise.all(
      statuses.map(async (status) => (await client.list({ statuses: [status], limit: RUNS })).length),
    );
    if (statuses.every((status, index) => counts[index] === wanted[status])) return;
    await systemClock.sleep(100);
  }
}

const done = (): readonly string[] => readFileSync(join(folder, 'done'), 'utf8').trim().split('\n').toSorted();

test(`${String(RUNS)} suspended runs, every third one paused, go on after kill -9 of everything`, {
  timeout: 40_000 + 120 * RUNS,
}, async () => {
  const runs: string[] = [];
  const isPaused = (_: string, index: number): boolean => index % 3 === 0;
  const paused = Math.ceil(RUNS / 3);
  startEverything();
  await sitting(async ({ client, operator }) => {
    const begin = { definition: DEFINITION, task: {}, workspace: null };
    for (let index = 0; index < RUNS; index++)
      runs.push((await client.start({ ...begin, idempotencyKey: String(index) })).run);
    await untilAll(client, { waiting: RUNS });
    const pause = { kind: 'pause', reason: 'for a week', by: 'ada' } as const;
    for (const run of runs.filter(isPaused)) await operator.steer(run, pause);
    await untilAll(client, { waiting: RUNS - paused, paused });
  });
  const before = runs.map((run) => `${run} before`).toSorted();
  expect(done()).toEqual(before);

  await killEverything();
  await server.kill();
  await server.start();
  startEverything();
  await sitting(async ({ client, operator }) => {
    await untilAll(client, { waiting: RUNS - paused, paused });
    for (const run of runs) await client.decide(run, { step: 'ok', choice: 'approve', by: 'ada' });
    await untilAll(client, { completed: RUNS - paused, paused });
    for (const run of runs.filter(isPaused)) await operator.steer(run, { kind: 'resume', by: 'ada' });
    await untilAll(client, { completed: RUNS });
    for await (const { problems } of operator.verify(await operator.runs())) expect(problems).toEqual([]);
  });
  expect(done()).toEqual([...before, ...runs.map((run) => `${run} after`)].toSorted());
});
