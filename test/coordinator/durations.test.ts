/** Percentiles: exact while there are few, within 2.5 % however many there are. */
import { expect, test } from 'vitest';
import { Durations } from '../../src/coordinator/durations.js';

test('few are counted exactly', () => {
  const durations = new Durations();
  expect(durations.quantile(0.5)).toBeNull();
  for (const ms of [40, 10, 30, 20, -5]) durations.add(ms);
  expect([0.2, 0.5, 0.9, 1].map((share) => durations.quantile(share))).toEqual([0, 20, 40, 40]);
  expect(durations).toMatchObject({ count: 5, sum: 100 });
});

test('of many a percentile is at most 2.5 % wrong', () => {
  const durations = new Durations();
  for (let ms = 100_000; ms >= 0; ms--) durations.add(ms);
  for (const share of [0.01, 0.1, 0.5, 0.9, 0.99]) {
    const wrong = Math.abs((durations.quantile(share) ?? 0) / (share * 100_000) - 1);
    expect(wrong).toBeLessThan(0.026);
  }
  expect(durations.quantile(0)).toBe(0);
});
