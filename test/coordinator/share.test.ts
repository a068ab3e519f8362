import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quotaOf, Share } from '../../src/coordinator/share.js';

const NEVER = new AbortController().signal;

describe('the quota', () => {
  test('shares all partitions out, evenly, whoever counts', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 9 }), (partitions, count) => {
        const coordinators = Array.from({ length: count }, (_, index) => `c${String(index)}`);
        const quotas = coordinators.map((name) => quotaOf({ coordinators, name, partitions }));
        expect(quotas.reduce((sum, quota) => sum + quota, 0)).toBe(partitions);
        expect(Math.max(...quotas) - Math.min(...quotas)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('a share', () => {
  test('gives places up to its quota, and more for what everybody leaves lying', async () => {
    const share = new Share();
    expect(share.reserve(0, { evenIfFull: false })).toBe(false);
    await share.set(1);
    expect(share.reserve(0, { evenIfFull: false })).toBe(true);
    expect(share.reserve(1, { evenIfFull: false })).toBe(false);
    expect(share.reserve(1, { evenIfFull: true })).toBe(true);
    share.letGo(1);
    share.letGo(0);
    expect(share.reserve(2, { evenIfFull: false })).toBe(true);
  });

  test('has the surplus given up, and is set when it is', async () => {
    const share = new Share();
    await share.set(3);
    const told: number[] = [];
    for (const partition of [0, 1, 2]) {
      share.reserve(partition, { evenIfFull: false });
      share.hold(partition, () => told.push(partition));
    }
    let done: number | null = null;
    const set = share.set(1).then((count) => (done = count));
    expect(told).toEqual([1, 2]);
    share.letGo(1);
    await Promise.resolve();
    expect(done).toBeNull();
    share.letGo(2);
    await set;
    expect(done).toBe(2);
  });

  test('has a partition given up that became one too many while it was being taken', async () => {
    const share = new Share();
    await share.set(1);
    share.reserve(0, { evenIfFull: false });
    const set = share.set(0);
    const told: number[] = [];
    share.hold(0, () => told.push(0));
    expect(told).toEqual([0]);
    share.letGo(0);
    expect(await set).toBe(1);
  });

  test('wakes those who wait for room when there is some, and those who wait for the roll when it changes', async () => {
    const share = new Share();
    await share.set(1);
    share.reserve(0, { evenIfFull: false });
    const woken: string[] = [];
    const room = share.room(NEVER).then(() => woken.push('room'));
    const roll = share.roll(NEVER).then(() => woken.push('roll'));
    share.letGo(0);
    await room;
    expect(woken).toEqual(['room']);
    await share.set(2);
    await roll;
    expect(woken).toEqual(['room', 'roll']);
    const aborted = AbortSignal.abort();
    await share.room(aborted);
    await share.roll(aborted);
  });
});
