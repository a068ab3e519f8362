/** The values that moves are drawn from: few, so that moves meet. See differential-moves.ts. */
import fc from 'fast-check';

export const one = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
export const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
export const few = { maxLength: 3 };

/** How long ago a thing was brought up: 0 is the newest; it goes round when there are fewer. */
export const ago: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat({ max: 20 }) },
);
/** Which of two processes does it, each with a store object of its own: only they know what was confirmed to them. */
const process = one<number>(0, 0, 0, 1);
export const partition = one<number>(0, 0, 0, 0, 1);
export const RUN_NAMES = ['a', 'b', 'c', 'd', 'e', 'limit'] as const;
export const run = one<string>('a', 'a', 'a', 'a', ...RUN_NAMES);
export const step = one<string>('s1', 's2');
export const attempt = one<number>(1, 1, 2);
export const persona = one<string>('qa', 'dev');
export const personas: fc.Arbitrary<string[]> = fc.subarray(['qa', 'dev'], { minLength: 1 });
export const worker = one<string>('w1', 'w1', 'w2', 'w3');
export const owner = one<string>('o1', 'o1', 'o2');
export const text = one<string>('{}', '{"n":1}', 'no JSON \u0000 é"', '');
export const list = one<string>('[]', '[{"n":1}]', '["é",2]');
export const hash = one<string>('h1', 'h1', 'h2');
export const limit = fc.integer({ min: 1, max: 4 });
/** Shorter than, as long as, and longer than the steps of time. */
export const duration = one<number>(-5, 0, 9, 10, 11, 1_000, 60_000);
export const passing = one<number>(0, 1, 9, 10, 11, 1_000, 60_000, 24 * 60 * 60 * 1_000);
export const slotKey = one<string>('x', 'y');
export const timer: fc.Arbitrary<string> = fc
  .tuple(one('heartbeat', 'timeout', 'wait'), run, step, attempt)
  .map((parts) => parts.map(String).join('|'));

export function move<K extends string, T extends object>(
  weight: number,
  name: K,
  given: fc.Arbitrary<T>,
): { weight: number; arbitrary: fc.Arbitrary<{ readonly move: K; readonly process: number } & T> } {
  return { weight, arbitrary: fc.tuple(process, given).map(([by, rest]) => ({ move: name, process: by, ...rest })) };
}
