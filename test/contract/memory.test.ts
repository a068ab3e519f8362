import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { countedIds } from '../../src/core/ids.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { contract } from './store.contract.js';

describe('the memory store', () => {
  test.each(contract)('$name', async ({ run }) => {
    expect.hasAssertions();
    const clock = new ManualClock();
    // Reads that find nothing wait for 1 ms: time must go by while a case awaits one.
    let running = true;
    const tick = (): void => {
      clock.advance(1);
      if (running) setImmediate(tick);
    };
    tick();
    const store = createMemoryStore({ clock, ids: countedIds() });
    await store.namespace.open(null);
    try {
      await run({ store, pass: async (ms) => clock.advance(ms) });
    } finally {
      running = false;
    }
  });
});
