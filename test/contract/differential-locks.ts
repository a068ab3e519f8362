/** Named locks, as moves and played. */
import fc from 'fast-check';
import type { LockParty } from '../../src/core/lock-port.js';
import type { Store } from '../../src/core/ports.js';
import { ago, duration, move, one, partition, run, step, timer } from './differential-draws.js';

const name = one<string>('x', 'x', 'x', 'é "y" {}');
const id = one<string>('a', 'a', 'b', 'c', 'ann');
const lasting = one<number>(9, 10, 11, 1_000, 60_000);

export const lockMoves = [
  move(6, 'lock', fc.record({ name, id, leaseMs: fc.option(lasting), placeMs: one<number>(0, 10, 11, 1_000, 60_000) })),
  move(2, 'relock', fc.record({ name, id, grant: ago, leaseMs: lasting })),
  move(4, 'unlock', fc.record({ name, id, grant: fc.option(ago), away: fc.boolean() })),
  move(1, 'hasten', fc.record({ partition, timer })),
  move(1, 'said', fc.record({ partition, id: run, step })),
  move(1, 'locks', fc.record({ name, after: duration })),
] as const;

type LockMove = (typeof lockMoves)[number]['arbitrary'] extends fc.Arbitrary<infer M> ? M : never;

export class Locksmith {
  /** Grants that were given, oldest first. */
  readonly #grants: number[] = [];

  async play(made: LockMove, { locks }: Store): Promise<unknown> {
    switch (made.move) {
      case 'lock': {
        const answer = await locks.acquire({ ...made, party: partyOf(made.id) });
        if (answer.outcome === 'granted') this.#grants.push(answer.grant);
        return answer;
      }
      case 'relock':
        return locks.renew({ ...made, grant: this.#grant(made.grant) });
      case 'unlock':
        return locks.release({
          ...made,
          grant: made.grant === null ? null : this.#grant(made.grant),
          ...(made.away && { broken: { by: 'bob', reason: 'é "x"' } }),
        });
      case 'hasten':
        return locks.hasten(made.partition, made.timer);
      case 'said':
        return locks.said(made.partition, made);
      case 'locks':
        return { one: await locks.get(made.name), all: await locks.all(), broken: await locks.broken() };
    }
  }

  #grant(back: number): number {
    return this.#grants.at(-1 - (back % Math.max(1, this.#grants.length))) ?? 1;
  }
}

function partyOf(party: string): LockParty {
  return party === 'ann'
    ? { kind: 'command', id: 'ann', by: 'ann é', host: 'h', pid: 7, command: 'vim "a b"' }
    : { kind: 'run', id: party, step: 'take', attempt: 1 };
}
