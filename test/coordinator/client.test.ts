/** What a client does when the store comes back without what it had confirmed. */
import { expect, test } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';
import { countedIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { step, workflow } from '../harness/definitions.js';

test('a start that has to be repeated stores its definitions again', async () => {
  const ids = countedIds();
  const store = createMemoryStore({ clock: systemClock, ids });
  await store.namespace.open(1);
  const calls: string[] = [];
  const namespace: Store['namespace'] = new Proxy(store.namespace, {
    get: (real, method: keyof Store['namespace']) =>
      method === 'putDefinition'
        ? async (hash: string, json: string) => {
            calls.push(`put ${(JSON.parse(json) as { name: string }).name}`);
            await real.putDefinition(hash, json);
          }
        : Reflect.get(real, method, real),
  });
  const admission: Store['admission'] = {
    admit: async (request) => {
      calls.push('admit');
      if (calls.filter((call) => call === 'admit').length === 1) throw new CoordError('OUTCOME_UNKNOWN', 'power cut');
      return store.admission.admit(request);
    },
  };
  const own = { ...store, namespace, admission };
  const client = new Client({ store: own, partitions: 1, clock: systemClock, ids });
  const definition = workflow([step('a')], { name: 'outer' });
  await client.start({ definition, task: {}, workspace: null });
  expect(calls).toEqual(['put outer', 'admit', 'put outer', 'admit']);
});
