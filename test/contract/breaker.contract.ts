/** What every store must do for circuit breakers: they open for all at once, let exactly one call through, and close by it alone. */
import { expect } from 'vitest';
import type { BreakerPolicy, BreakerPort } from '../../src/core/breaker-port.js';
import type { ContractCase } from './scene.js';

const NAME = { persona: 'qa', endpoint: 'https://x/y z' };
const POLICY: BreakerPolicy = { failures: 3, windowMs: 60_000, coolDownMs: 40, longestMs: 100, probeMs: 60_000 };
type Told = Parameters<BreakerPort['told']>[0];

function tell(
  breakers: BreakerPort,
  outcome: Told['outcome'],
  change: Partial<Told> & { limits?: Partial<BreakerPolicy> } = {},
): ReturnType<BreakerPort['told']> {
  const { limits, ...rest } = change;
  const policy = { ...POLICY, ...limits };
  return breakers.told({ ...NAME, worker: 'w1', probe: false, outcome, message: 'down', waitMs: 0, policy, ...rest });
}

const enter = (breakers: BreakerPort, worker = 'w1', probeMs = POLICY.probeMs): ReturnType<BreakerPort['enter']> =>
  breakers.enter({ ...NAME, worker, probeMs });

async function opened(breakers: BreakerPort, limits: Partial<BreakerPolicy> = {}): Promise<void> {
  for (let count = 1; count < POLICY.failures; count++) await tell(breakers, 'failed', { limits });
  expect(await tell(breakers, 'failed', { limits })).not.toBe('go');
}

const waits = { wait: expect.any(Number) as number };

export const breakerContract: readonly ContractCase[] = [
  {
    name: 'breaker: opens for all after so many failures in a row, and says what has failed since when',
    run: async ({ store: { breakers } }) => {
      expect(await enter(breakers)).toBe('go');
      expect(await breakers.all()).toEqual([]);
      expect(await tell(breakers, 'failed')).toBe('go');
      expect(await tell(breakers, 'failed', { worker: 'w2', message: 'é "refused"' })).toBe('go');
      expect(await enter(breakers)).toBe('go');
      const [closed] = await breakers.all();
      expect(closed).toMatchObject({
        ...NAME,
        state: 'closed',
        failures: 2,
        message: 'é "refused"',
        retryAt: null,
        probe: null,
      });
      const limits = { coolDownMs: 5_000, longestMs: 100_000 };
      expect(await tell(breakers, 'failed', { limits })).toEqual({ wait: 5_000 });
      for (const worker of ['w1', 'w2', 'w3']) {
        const answer = await enter(breakers, worker);
        expect(answer).toEqual(waits);
        expect((answer as { wait: number }).wait).toBeGreaterThan(3_000);
      }
      const [open] = await breakers.all();
      expect(open).toMatchObject({ state: 'open', failures: 3, since: closed?.since, message: 'down', probe: null });
      expect((open?.retryAt ?? 0) - (open?.lastAt ?? 0)).toBe(5_000);
      // Another endpoint of the persona has a breaker of its own.
      expect(await breakers.enter({ ...NAME, endpoint: 'https://z', worker: 'w1', probeMs: 1 })).toBe('go');
    },
  },
  {
    name: 'breaker: an answer in between begins a new row, and so does a long time; what is not known counts as nothing',
    run: async ({ store: { breakers }, pass }) => {
      await tell(breakers, 'failed');
      await tell(breakers, 'failed');
      expect(await tell(breakers, 'ok')).toBe('go');
      expect(await breakers.all()).toEqual([]);
      await tell(breakers, 'failed');
      await tell(breakers, 'failed');
      expect(await tell(breakers, 'unknown')).toBe('go');
      expect((await breakers.all())[0]).toMatchObject({ state: 'closed', failures: 2 });
      await pass(20);
      expect(await tell(breakers, 'failed', { limits: { windowMs: 10 } })).toBe('go');
      expect((await breakers.all())[0]).toMatchObject({ state: 'closed', failures: 1 });
    },
  },
  {
    name: 'breaker: after the cool-down one of all that ask gets the one call, and may ask again',
    run: async ({ store: { breakers }, pass }) => {
      await opened(breakers);
      await pass(41);
      const answers = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((worker) => enter(breakers, worker)));
      expect(answers.filter((answer) => answer === 'probe')).toHaveLength(1);
      const winner = `w${String(answers.indexOf('probe') + 1)}`;
      expect((await breakers.all())[0]).toMatchObject({ state: 'half-open', retryAt: null, probe: { worker: winner } });
      expect(await enter(breakers, winner)).toBe('probe');
      expect(await enter(breakers, 'w9')).toEqual(waits);
    },
  },
  {
    name: 'breaker: only the call of the probe closes it, and whoever called before changes nothing',
    run: async ({ store: { breakers }, pass }) => {
      await opened(breakers);
      expect(await tell(breakers, 'ok')).toEqual(waits);
      expect((await breakers.all())[0]).toMatchObject({ state: 'open', failures: 3 });
      await pass(41);
      expect(await enter(breakers)).toBe('probe');
      const before = await breakers.all();
      for (const outcome of ['ok', 'failed', 'unknown'] as const) {
        // An earlier call of the same worker, and somebody who was the probe once.
        expect(await tell(breakers, outcome)).toEqual(waits);
        expect(await tell(breakers, outcome, { worker: 'w2', probe: true })).toEqual(waits);
      }
      expect(await breakers.all()).toEqual(before);
      expect(await tell(breakers, 'ok', { probe: true })).toBe('go');
      expect(await breakers.all()).toEqual([]);
      expect(await enter(breakers, 'w2')).toBe('go');
      await tell(breakers, 'failed', { probe: true });
      expect((await breakers.all())[0]).toMatchObject({ state: 'closed', failures: 1 });
    },
  },
  {
    name: 'breaker: opens for longer each time the probe fails, up to a limit, and as long as the endpoint asks for',
    run: async ({ store: { breakers }, pass }) => {
      await opened(breakers, { coolDownMs: 30 });
      await pass(31);
      expect(await enter(breakers)).toBe('probe');
      const limits = { coolDownMs: 30 };
      expect(await tell(breakers, 'failed', { probe: true, limits })).toEqual({ wait: 60 });
      expect((await breakers.all())[0]).toMatchObject({ state: 'open', failures: 4 });
      await pass(61);
      expect(await enter(breakers)).toBe('probe');
      expect(await tell(breakers, 'failed', { probe: true, limits })).toEqual({ wait: 100 });
      await pass(101);
      expect(await enter(breakers)).toBe('probe');
      expect(await tell(breakers, 'ok', { probe: true })).toBe('go');
      for (const waitMs of [0, 0]) await tell(breakers, 'failed', { waitMs, limits });
      expect(await tell(breakers, 'failed', { waitMs: 70, limits })).toEqual({ wait: 70 });
    },
  },
  {
    name: 'breaker: a right to the one call that is given back, or not renewed, is free for another',
    run: async ({ store: { breakers }, pass }) => {
      await opened(breakers);
      await pass(41);
      expect(await enter(breakers)).toBe('probe');
      expect(await tell(breakers, 'unknown', { probe: true })).toEqual({ wait: 0 });
      expect((await breakers.all())[0]).toMatchObject({ state: 'open', failures: 3, probe: null });
      expect(await enter(breakers, 'w2', 300)).toBe('probe');
      expect(await enter(breakers)).toEqual(waits);
      await pass(301);
      expect(await enter(breakers)).toBe('probe');
      expect(await tell(breakers, 'ok', { worker: 'w2', probe: true })).toEqual(waits);
    },
  },
];
