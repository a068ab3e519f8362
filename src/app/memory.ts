/** `coord/memory`: the whole engine in this process, without Redis. Nothing survives the process: for tests and trials. */
import { Client } from '../coordinator/client.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { systemClock } from '../core/clock.js';
import { randomIds } from '../core/ids.js';
import { createMemoryStore } from '../memory/store.js';
import { WorkerHost } from '../personas/host.js';
import { secretsIn } from '../personas/secrets.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { resultCheck } from './result-check.js';

export interface MemoryEngine {
  readonly client: Client;
  stop(): Promise<void>;
}

export async function startMemoryEngine({
  personas,
  stateDirectory = '.coord',
}: {
  personas: readonly PersonaDefinition[];
  stateDirectory?: string;
}): Promise<MemoryEngine> {
  const means = { clock: systemClock, ids: randomIds };
  const store = createMemoryStore(means);
  const { partitions } = await store.namespace.open(null);
  const coordinator = new Coordinator({ store, partitions, ...means, name: 'memory', report: () => undefined });
  const named = new Map(personas.map((persona) => [persona.name, persona]));
  const worker = new WorkerHost({
    store,
    partitions,
    personas: named,
    worker: 'memory',
    stateDir: stateDirectory,
    clock: systemClock,
    secrets: secretsIn(process.env),
    checkResult: resultCheck,
  });
  coordinator.start();
  worker.start();
  return {
    client: new Client({ store, partitions, ...means }),
    stop: async () => {
      await worker.stop();
      await coordinator.stop();
    },
  };
}
