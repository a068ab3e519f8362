/** What every store must do for schedules: keep them, and let nobody write over what somebody else has written meanwhile. */
import { expect } from 'vitest';
import type { ContractCase } from './scene.js';

export const scheduleContract: readonly ContractCase[] = [
  {
    name: 'schedule: each change has a version of its own, and says which one it changes',
    run: async ({ store: { schedules } }) => {
      expect(await schedules.get('a')).toBeNull();
      expect(await schedules.all()).toEqual({ mark: 0, schedules: [] });
      const first = await schedules.write({ name: 'a', expected: 0, text: '{"n":1}' });
      expect(first).toEqual({ outcome: 'ok', version: 1 });
      // Nobody writes over what is there without having looked at it.
      expect(await schedules.write({ name: 'a', expected: 0, text: '{"n":9}' })).toEqual({ outcome: 'stale' });
      expect(await schedules.get('a')).toEqual({ name: 'a', version: 1, text: '{"n":1}' });
      expect(await schedules.write({ name: 'b', expected: 0, text: '{}' })).toEqual({ outcome: 'ok', version: 2 });
      expect(await schedules.write({ name: 'a', expected: 1, text: '{"n":2}' })).toEqual({ outcome: 'ok', version: 3 });
      expect(await schedules.write({ name: 'a', expected: 1, text: '{"n":9}' })).toEqual({ outcome: 'stale' });
      expect(await schedules.mark()).toBe(3);
      expect(await schedules.all()).toEqual({
        mark: 3,
        schedules: [
          { name: 'a', version: 3, text: '{"n":2}' },
          { name: 'b', version: 2, text: '{}' },
        ],
      });
    },
  },
  {
    name: 'schedule: one that is taken out is gone, and its versions never come again',
    run: async ({ store: { schedules } }) => {
      await schedules.write({ name: 'a', expected: 0, text: '{"n":1}' });
      expect(await schedules.write({ name: 'a', expected: 7, text: null })).toEqual({ outcome: 'stale' });
      expect(await schedules.write({ name: 'a', expected: 1, text: null })).toEqual({ outcome: 'ok', version: 2 });
      expect(await schedules.get('a')).toBeNull();
      expect(await schedules.all()).toEqual({ mark: 2, schedules: [] });
      expect(await schedules.write({ name: 'a', expected: 1, text: '{"n":2}' })).toEqual({ outcome: 'stale' });
      expect(await schedules.write({ name: 'a', expected: 0, text: '{"n":2}' })).toEqual({ outcome: 'ok', version: 3 });
      expect(await schedules.get('a')).toEqual({ name: 'a', version: 3, text: '{"n":2}' });
    },
  },
];
