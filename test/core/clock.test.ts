import { describe, expect, it, vi } from 'vitest';
import { ManualClock, systemClock } from '../../src/core/clock.js';

describe('ManualClock', () => {
  it('stands still until it is advanced', () => {
    const clock = new ManualClock(1_000);
    expect(clock.now()).toBe(1_000);
    clock.advance(250);
    expect(clock.now()).toBe(1_250);
  });

  it('runs callbacks in due order, each at its own time, and those due exactly at the end', () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    for (const ms of [30, 10, 20, 31]) clock.after(ms, () => seen.push(`${String(ms)} at ${String(clock.now())}`));
    clock.advance(30);
    expect(seen).toEqual(['10 at 10', '20 at 20', '30 at 30']);
    clock.advance(1);
    expect(seen).toHaveLength(4);
  });

  it('runs a callback that a callback arms within the same advance', () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    clock.after(10, () => clock.after(10, () => seen.push(clock.now())));
    clock.advance(25);
    expect(seen).toEqual([20]);
    expect(clock.now()).toBe(25);
  });

  it('forgets a callback that was taken back', () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    const cancel = clock.after(10, () => seen.push('never'));
    cancel();
    clock.advance(100);
    expect(seen).toEqual([]);
  });
});

describe.each([
  ['ManualClock', () => new ManualClock(0)],
  ['systemClock', () => systemClock],
])('sleep of %s', (_name, clockOf) => {
  it('ends early when it is aborted, and at once when it already was', async () => {
    const clock = clockOf();
    const abort = new AbortController();
    const sleeping = clock.sleep(3_600_000, abort.signal);
    abort.abort();
    await expect(sleeping).resolves.toBeUndefined();
    await expect(clock.sleep(3_600_000, abort.signal)).resolves.toBeUndefined();
  });
});

it('sleep of ManualClock ends when its time has come, not before', async () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  const sleeping = clock.sleep(10).then(() => seen.push('awake'));
  clock.advance(9);
  await Promise.resolve();
  expect(seen).toEqual([]);
  clock.advance(1);
  await sleeping;
  expect(seen).toEqual(['awake']);
});

describe('systemClock', () => {
  it('tells the time in ms since the epoch', () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  it('calls back once, unless it is taken back', async () => {
    const seen: string[] = [];
    systemClock.after(1, () => seen.push('taken back'))();
    await new Promise<void>((resolve) => {
      systemClock.after(2, () => {
        seen.push('called');
        resolve();
      });
    });
    expect(seen).toEqual(['called']);
  });
});

it('a wait longer than the timers of Node can count is not over at once', () => {
  vi.useFakeTimers();
  try {
    let called = 0;
    systemClock.after(30 * 86_400_000, () => called++);
    const cancel = systemClock.after(60 * 86_400_000, () => called++);
    vi.advanceTimersByTime(29 * 86_400_000);
    expect(called).toBe(0);
    vi.advanceTimersByTime(2 * 86_400_000);
    expect(called).toBe(1);
    cancel();
    vi.advanceTimersByTime(90 * 86_400_000);
    expect(called).toBe(1);
  } finally {
    vi.useRealTimers();
  }
});
