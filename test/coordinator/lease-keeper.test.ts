import { describe, expect, test } from 'vitest';
import { LeaseKeeper } from '../../src/coordinator/lease-keeper.js';
import { ManualClock } from '../../src/core/clock.js';
import { CoordError } from '../../src/core/errors.js';

const LEASE = { partition: 0, owner: 'o', epoch: 1 };

/** A keeper whose store gives the answers in turn, the last one for ever. */
function setUp(answers: readonly ('ok' | 'fenced' | 'away')[]): {
  keeper: LeaseKeeper;
  clock: ManualClock;
  asked: () => number;
} {
  const clock = new ManualClock();
  let asked = 0;
  const renew = async (): Promise<'ok' | 'fenced'> => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer === 'away') throw new CoordError('REDIS_UNREACHABLE', 'away');
    return answer ?? 'ok';
  };
  const keeper = new LeaseKeeper({ lease: LEASE, leaseMs: 400, partitions: { renew }, clock });
  keeper.start();
  return { keeper, clock, asked: () => asked };
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 100) {
    clock.advance(100);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

describe('a lease that is kept', () => {
  test('is renewed four times as often as it would run out', async () => {
    const { keeper, clock, asked } = setUp(['ok']);
    await pass(clock, 1_000);
    expect(asked()).toBe(10);
    expect(keeper.over.aborted).toBe(false);
    await keeper.stop();
    await pass(clock, 1_000);
    expect(asked()).toBe(10);
  });

  test('is over when the store says that it is somebody else’s', async () => {
    const { keeper, clock } = setUp(['ok', 'fenced']);
    await pass(clock, 100);
    expect(keeper.over.aborted).toBe(false);
    await pass(clock, 100);
    expect(keeper.over.aborted).toBe(true);
    await keeper.stop();
  });

  test('is over for an owner that could not renew it in time, before anybody says so', async () => {
    const { keeper, clock } = setUp(['ok', 'away']);
    await pass(clock, 400);
    expect(keeper.over.aborted).toBe(false);
    await pass(clock, 100);
    expect(keeper.over.aborted).toBe(true);
    await keeper.stop();
  });

  test('is over for an owner that was stalled for longer', async () => {
    const { keeper, clock } = setUp(['away']);
    clock.advance(4_000);
    await pass(clock, 100);
    expect(keeper.over.aborted).toBe(true);
    await keeper.stop();
  });
});
