/** Circuit breakers, as moves and played. */
import fc from 'fast-check';
import type { Store } from '../../src/core/ports.js';
import { duration, move, one } from './differential-draws.js';

const name = fc.record({
  persona: one<string>('qa', 'qa', 'dev'),
  endpoint: one<string>('https://x/y z', 'https://x/y z', 'é'),
});
const worker = one<string>('w1', 'w1', 'w2', 'w3');
const policy = fc.record({
  failures: one<number>(1, 2, 3),
  windowMs: one<number>(10, 11, 60_000),
  coolDownMs: one<number>(9, 10, 11),
  longestMs: one<number>(15, 1_000),
  probeMs: one<number>(10),
});

export const breakerMoves = [
  move(4, 'enter', fc.record({ name, worker, probeMs: one<number>(1, 9, 10, 1_000) })),
  move(
    6,
    'told',
    fc.record({
      name,
      worker,
      probe: fc.boolean(),
      outcome: one<'ok' | 'failed' | 'unknown'>('ok', 'failed', 'failed', 'failed', 'unknown'),
      message: one<string>('down', 'é "x" {}', 'x'.repeat(600)),
      waitMs: one<number>(0, 0, 12, 5_000),
      policy,
    }),
  ),
  move(1, 'breakers', fc.record({ after: duration })),
] as const;

type BreakerMove = (typeof breakerMoves)[number]['arbitrary'] extends fc.Arbitrary<infer M> ? M : never;

export async function playBreaker(made: BreakerMove, { breakers }: Store): Promise<unknown> {
  switch (made.move) {
    case 'enter':
      return breakers.enter({ ...made, ...made.name });
    case 'told':
      return breakers.told({ ...made, ...made.name });
    case 'breakers':
      return breakers.all();
  }
}
