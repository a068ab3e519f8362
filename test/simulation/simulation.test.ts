import { describe, expect, test } from 'vitest';
import { simulate } from './simulation.js';
import { sweep } from './sweep.js';

/** More of them: `npm run simulate -- --seeds 1000`. */
const SEEDS = 60;

describe('the whole engine in virtual time, with everything going wrong', () => {
  test(`${String(SEEDS)} seeds`, { timeout: 240_000 }, async () => {
    const { failed, seeds, words } = await sweep({
      from: 1,
      count: SEEDS,
      keepGoing: false,
      tell: () => undefined,
      twiceEvery: 20,
    });
    const named = failed.map(({ seed, violations }) => ({
      command: `npm run simulate -- --seed ${String(seed)}`,
      violations,
    }));
    expect(named).toEqual([]);
    expect(seeds).toBe(SEEDS);
    expect(words).toContain('simulated hours');
  });

  test('the same seed goes the same way, another one another way', { timeout: 120_000 }, async () => {
    const [one, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
    expect(again.hash).toBe(one.hash);
    expect(other.hash).not.toBe(one.hash);
    expect(one.transitions).toBeGreaterThan(5);
  });

  test('a fault that is left out does not happen, and the others stay what they are', {
    timeout: 120_000,
  }, async () => {
    const all = await simulate(7);
    const [first] = all.fired.keys();
    expect(first).toBeDefined();
    const without = all.faults.map(({ id }) => id).filter((id) => id !== first);
    const fewer = await simulate(7, { only: new Set(without) });
    expect(fewer.faults).toEqual(all.faults);
    expect(fewer.fired.has(first ?? -1)).toBe(false);
    expect(fewer.hash).not.toBe(all.hash);
  });
});
