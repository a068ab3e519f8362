/** `coord/worker`: serve personas from a program, as functions or from persona files. */
import { hostname } from 'node:os';
import { systemClock } from '../core/clock.js';
import { noFailpoints } from '../core/failpoints.js';
import { randomIds } from '../core/ids.js';
import { WorkerHost } from '../personas/host.js';
import { secretsIn } from '../personas/secrets.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { parseAddress } from '../redis/address.js';
import { openRedisStore } from '../redis/store.js';
import type { ConnectOptions } from './client.js';
import { resultCheck } from './result-check.js';

export interface WorkerRequest extends ConnectOptions {
  readonly personas: readonly PersonaDefinition[];
  /** Folder of this machine for records of running attempts; all workers of a project share it. Default `.coord`. */
  readonly stateDirectory?: string;
}

/** Starts to serve; `stop` lets running attempts finish for a minute, and ends them at once when called again. */
export async function startWorker(request: WorkerRequest): Promise<{ stop(): Promise<void> }> {
  const { redis, namespace = 'coord', personas, stateDirectory = '.coord' } = request;
  const means = { clock: systemClock, ids: randomIds };
  const address = parseAddress(redis);
  const store = await openRedisStore({ address, namespace, ...means, failpoints: noFailpoints });
  const { partitions } = await store.namespace.open(null);
  const worker = `${hostname()}:${String(process.pid)}:${randomIds.nonce().slice(0, 6)}`;
  const named = new Map(personas.map((persona) => [persona.name, persona]));
  const host = new WorkerHost({
    store,
    partitions,
    personas: named,
    worker,
    stateDir: stateDirectory,
    clock: systemClock,
    secrets: secretsIn(process.env),
    checkResult: resultCheck,
  });
  host.start();
  return {
    stop: async () => {
      await host.stop();
      await store.close();
    },
  };
}

export { functionPersona, loadPersonas } from '../personas/catalog.js';
export type { PersonaFunction } from '../personas/runner.js';
