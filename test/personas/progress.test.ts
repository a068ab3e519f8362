import { expect, test } from 'vitest';
import { ManualClock } from '../../src/core/clock.js';
import { Progress } from '../../src/personas/progress.js';

function telling(): { clock: ManualClock; progress: Progress; told: string[]; answer: () => Promise<void> } {
  const clock = new ManualClock();
  const told: string[] = [];
  let answered: () => void = () => undefined;
  const progress: Progress = new Progress(clock, () => {
    told.push(progress.take());
    return new Promise((resolve) => {
      answered = resolve;
    });
  });
  const answer = async (): Promise<void> => {
    answered();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { clock, progress, told, answer };
}

test('a line is told at once', async () => {
  const { clock, progress, told, answer } = telling();
  progress.say('reading');
  expect(told).toEqual(['reading']);
  await answer();
  clock.advance(1_000);
  progress.say('reading');
  progress.say('writing');
  expect(told).toEqual(['reading', 'writing']);
});

test('of lines that come fast the last one is told, four times a second', async () => {
  const { clock, progress, told, answer } = telling();
  for (let line = 0; line < 1_000; line++) {
    progress.say(`line ${String(line)}`);
    clock.advance(1);
    await answer();
  }
  expect(told).toEqual(['line 0', 'line 249', 'line 499', 'line 749', 'line 999']);
});

test('what still waits for its turn is told when nothing more is going to be said', async () => {
  const { clock, progress, told, answer } = telling();
  progress.say('first');
  await answer();
  progress.say('last');
  progress.end();
  expect(told).toEqual(['first', 'last']);
  progress.end();
  clock.advance(1_000);
  expect(told).toEqual(['first', 'last']);
});

test('a store that answers slowly is not told more and more', async () => {
  const { clock, progress, told, answer } = telling();
  progress.say('first');
  for (const line of ['second', 'third']) {
    clock.advance(1_000);
    progress.say(line);
  }
  expect(told).toEqual(['first']);
  await answer();
  expect(told).toEqual(['first', 'third']);
});

test('what a heartbeat has carried is not told again, and does not hold up the next line', async () => {
  const { clock, progress, told, answer } = telling();
  progress.say('first');
  await answer();
  progress.say('second');
  expect(progress.take()).toBe('second');
  clock.advance(250);
  expect(told).toEqual(['first', 'second']);
  await answer();
  clock.advance(2_000);
  progress.take();
  progress.say('third');
  expect(told).toEqual(['first', 'second', 'third']);
});

test('nobody is told again and again who does not take it', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const progress = new Progress(clock, async () => {
    asked++;
  });
  progress.say('first');
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  clock.advance(10_000);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  expect(asked).toBe(1);
});
