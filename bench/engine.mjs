/** A private redis-server, and the engine on it: a coordinator in this process and a worker in another. */
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect } from 'coord/client';
import { Coordinator } from '../dist/coordinator/coordinator.js';
import { systemClock } from '../dist/core/clock.js';
import { noFailpoints } from '../dist/core/failpoints.js';
import { randomIds } from '../dist/core/ids.js';
import { openRedisStore } from '../dist/redis/store.js';

const AOF = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];

export async function startBench() {
  const folder = mkdtempSync(join(tmpdir(), 'coord-bench-'));
  const socket = join(folder, 'redis.sock');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--dir', folder, ...AOF]);
  const redis = new Redis(socket, { retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  await redis.ping();
  return {
    folder,
    socket,
    redis,
    stop: () => {
      redis.disconnect();
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Calls `measure` with a client and the number of runs that have ended so far. */
export async function withEngine({ socket, folder }, measure) {
  const means = { clock: systemClock, ids: randomIds };
  const store = await openRedisStore({ address: { socket }, namespace: 'coord', ...means, failpoints: noFailpoints });
  await store.namespace.open(null);
  let ended = 0;
  const report = (event) => {
    if (event.type === 'run.ended') ended++;
  };
  const coordinator = new Coordinator({ store, partitions: 1, ...means, name: 'bench', report });
  const worker = fork(new URL('engine-worker.mjs', import.meta.url), [socket, folder]);
  while ((await store.namespace.listWorkers()).length === 0) await sleep(20);
  const connected = await connect({ redis: `unix:${socket}` });
  coordinator.start();
  try {
    return await measure({ client: connected.client, ended: () => ended });
  } finally {
    await coordinator.stop();
    worker.kill('SIGKILL');
    for (const { worker: name } of await store.namespace.listWorkers()) await store.namespace.forgetWorker(name);
    await connected.close();
    await store.close();
  }
}

/** A step in normal form, asked of the persona `worker`. */
export function request(id, change = {}) {
  return {
    ...base(id),
    type: 'persona-request',
    persona: 'worker',
    fallback: [],
    params: {},
    queue_timeout: null,
    retries: { count: 0, backoff: [1], retry_on: null },
    output: null,
    ...change,
  };
}

/** A for_each in normal form. */
export function forEach(id, { items, steps, concurrency }) {
  return { ...base(id), type: 'for_each', items, steps, concurrency };
}

export function workflow(name, steps) {
  const schemas = { input: null, output: null, result: null, variables: {} };
  const limits = { timeout: null, max_concurrent_steps: null, concurrency: null };
  return { format: 2, name, version: '1', description: '', ...schemas, ...limits, steps };
}

function base(id) {
  const plain = { dependencies: [], condition: null, when: 'on_success', timeout: null };
  return { id, name: id, description: '', ...plain, on_error: 'fail', compensate: [] };
}
