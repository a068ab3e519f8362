/** docs/protocol.md is enough to write a worker by: this one uses nothing of coord but the scripts it names. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { systemClock } from '../../src/core/clock.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { randomIds } from '../../src/core/ids.js';
import { openRedisStore } from '../../src/redis/store.js';
import { step, workflow } from '../harness/definitions.js';
import { TOP } from '../harness/process-tree.js';
import { startTestServer, type TestServer } from '../harness/redis-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const SCRIPTS = join(TOP, 'src/redis/scripts');
const script = (name: string): string =>
  readFileSync(join(SCRIPTS, `${name}.lua`), 'utf8').replace(/^--- @include "(.+)"$/gm, (_, file: string) =>
    readFileSync(join(SCRIPTS, `include/${file}.lua`), 'utf8'),
  );

/** Serves one request of persona `worker` in partition 0, as the document says. */
async function serveOne(redis: Redis): Promise<void> {
  const p = '{coord:0}';
  const stream = `${p}:requests:worker`;
  await redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM').catch(() => undefined);
  const taken = (await redis.call(
    'XREADGROUP',
    'GROUP',
    'workers',
    'foreign',
    'COUNT',
    '1',
    'BLOCK',
    '10000',
    'STREAMS',
    stream,
    '>',
  )) as [string, [string, string[]][]][];
  const [entry, fields] = taken[0]?.[1][0] ?? ['', []];
  const request = JSON.parse(fields[1] ?? '') as {
    run: string;
    step: string;
    attempt: number;
    token: string;
    task: { name: string };
  };
  const { run, step: id, attempt, token } = request;
  const timer = (kind: string): string => `${kind}|${run}|${id}|${String(attempt)}`;
  const who = [run, id, String(attempt), token, 'foreign'];
  const begun = await redis.call(
    'EVAL',
    script('begin'),
    '5',
    `${p}:run:${run}`,
    stream,
    `${p}:timers`,
    `${p}:feed`,
    `${p}:lease`,
    ...who,
    entry,
    timer('heartbeat'),
    '15000',
    timer('timeout'),
    '',
    '10000',
  );
  expect(begun).toContain('GO');
  const beaten = await redis.call(
    'EVAL',
    script('beat'),
    '4',
    `${p}:run:${run}`,
    `${p}:timers`,
    `${p}:feed`,
    `${p}:lease`,
    ...who,
    timer('heartbeat'),
    '15000',
    'half way',
    '10000',
  );
  expect(beaten).toEqual(['OK']);
  const reply = JSON.stringify({
    status: 'pass',
    result: { greeting: `hello ${request.task.name}` },
    artifacts: [],
    error: null,
    commit: null,
  });
  expect(
    await redis.call(
      'EVAL',
      script('reply'),
      '5',
      `${p}:run:${run}`,
      `${p}:inbox`,
      `${p}:timers`,
      `${p}:lease`,
      `${p}:dead`,
      ...who,
      timer('heartbeat'),
      timer('timeout'),
      reply,
    ),
  ).toContain('OK');
}

test('a worker written by the document serves a run', async () => {
  const means = { clock: systemClock, ids: randomIds };
  const store = await openRedisStore({
    address: { socket: server.server.socket },
    namespace: 'coord',
    ...means,
    failpoints: noFailpoints,
  });
  const { partitions } = await store.namespace.open(null);
  const coordinator = new Coordinator({ store, partitions, ...means, name: 'test', report: () => undefined });
  coordinator.start();
  const redis = new Redis(server.server.socket, { protocol: 2 });
  const client = new Client({ store, partitions, ...means });
  const { run } = await client.start({
    definition: workflow([step('greet')]),
    task: { name: 'world' },
    workspace: null,
  });
  await serveOne(redis);
  for await (const fact of client.follow(run, new AbortController().signal)) expect(fact.run).toBe(run);
  const view = await client.get(run);
  expect(view).toMatchObject({
    status: 'completed',
    steps: [{ worker: 'foreign', result: { greeting: 'hello world' } }],
  });
  redis.disconnect();
  await coordinator.stop();
  await store.close();
});
