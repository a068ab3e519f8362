/** Keeping house, as moves and played: dead letters, runs that are set aside, and what goes when its time is over. */
import fc from 'fast-check';
import type { DeadLetter, RunHead } from '../../src/core/keep-ports.js';
import type { Store } from '../../src/core/ports.js';
import { RUN_STATUSES } from '../../src/core/statuses.js';
import { type Ids, inOrder, jsonOr, newest, sortedBy, statusOf } from './differential-answers.js';
import {
  ago,
  hash,
  limit,
  list,
  move,
  one,
  owner,
  partition,
  RUN_NAMES,
  run,
  slotKey,
  timer,
} from './differential-draws.js';

const offset = one<number>(0, 0, 0, 1);
const few = { maxLength: 2 };
const written = fc.uniqueArray(
  fc.oneof(
    fc.tuple(one<string>('s:s1', 's:s2'), fc.constant('{"status":"queued","attempt":1}')),
    fc.tuple(one<string>('t:s1', 'd:s1', 'l:s1'), fc.constant('s1.1')),
  ),
  { maxLength: 2, selector: ([name]) => name },
);
const change = {
  partition,
  run,
  off: offset,
  set: written,
  drop: fc.array(one('s:s2', 't:s2', 'c:s1', 'd:s2'), few),
  by: owner,
};
const send = fc.record({ run, kind: one<string>('cancel', 'inner-run'), body: one<string>('{}', '') });

export const keepingMoves = [
  move(1, 'letters', fc.record({ partition, after: fc.option(ago), limit })),
  move(3, 'replay', fc.record({ partition, letter: ago, by: owner })),
  move(1, 'drop', fc.record({ partition, letter: ago, by: owner })),
  move(1, 'audit', fc.record({ partition, limit })),
  move(1, 'fields', fc.record({ partition, run })),
  move(1, 'timers-of', fc.record({ partition, run })),
  move(3, 'reinstate', fc.record({ ...change, letters: fc.array(ago, few) })),
  move(
    3,
    'end',
    fc.record({
      ...change,
      hash,
      facts: list,
      disarm: fc.array(timer, few),
      sends: fc.array(send, few),
      slot: fc.option(slotKey),
    }),
  ),
  move(
    1,
    'run-ids',
    fc.record({
      partition,
      statuses: fc.subarray([...RUN_STATUSES]),
      createdBefore: one<number | null>(0, 1, 10, null),
    }),
  ),
  move(1, 'heads', fc.record({ partition })),
  move(1, 'remove', fc.record({ partition, run, off: offset })),
  move(1, 'forget-keys', fc.record({ partition, limit })),
] as const;

type KeepingMove = (typeof keepingMoves)[number]['arbitrary'] extends fc.Arbitrary<infer M> ? M : never;

export class Keeper {
  readonly #ids: Ids;
  readonly #letters: DeadLetter[] = [];

  constructor(ids: Ids) {
    this.#ids = ids;
  }

  async play(made: KeepingMove, { keeping, namespace }: Store): Promise<unknown> {
    const { partition: at } = made;
    switch (made.move) {
      case 'letters': {
        const after = this.#ids.after('dead', made, made.after);
        const letters = await keeping.letters({ partition: at, after, limit: made.limit });
        this.#know(letters);
        return letters.map(({ at: _at, head, ...letter }) => ({
          ...letter,
          ...this.#ids.named('dead', made, letter),
          head: jsonOr(head),
        }));
      }
      case 'replay': {
        const letter = await this.#letter(keeping, at, made.letter);
        return letter === undefined ? null : keeping.replay(letter, made.by);
      }
      case 'drop': {
        const letter = await this.#letter(keeping, at, made.letter);
        return letter === undefined ? null : keeping.drop(letter, made.by);
      }
      case 'audit': {
        const entries = await keeping.audit(at, made.limit);
        const isLetter = (what: string): boolean => this.#letters.some(({ id }) => id === what);
        return entries.map(({ at: _at, what, ...entry }) => ({
          ...entry,
          what: isLetter(what) ? this.#ids.name('dead', made, what) : what,
        }));
      }
      case 'fields': {
        const fields = await keeping.fields(at, made.run);
        return fields === null ? null : inOrder(fields).map(([name, value]) => [name, jsonOr(value)]);
      }
      case 'timers-of':
        return sortedBy(await keeping.timersOf(at, made.run), (id) => id);
      case 'reinstate': {
        const { run: id, off, set, letters, ...rest } = made;
        const head = await this.#head(keeping, at, id);
        const version = String((head?.version ?? 0) + off);
        const status = statusOf(head?.record ?? '');
        const sent = await Promise.all(letters.map((letter) => this.#letter(keeping, at, letter)));
        return keeping.reinstate({
          ...rest,
          run: id,
          version,
          status,
          set: new Map(set),
          letters: [...new Set(sent.flatMap((letter) => letter?.id ?? []))],
          action: 'released',
        });
      }
      case 'end': {
        const { run: id, off, set, sends, ...rest } = made;
        const version = ((await this.#head(keeping, at, id))?.version ?? 0) + off;
        const record = JSON.stringify({ status: 'failed', version });
        const others = sends.filter((message) => message.run !== id);
        return keeping.end({ ...rest, run: id, version, record, set: new Map(set), sends: others });
      }
      case 'run-ids': {
        // Counted from now, since a created time is an absolute one.
        const { createdBefore: ms } = made;
        const createdBefore = ms === null ? Number.POSITIVE_INFINITY : (await namespace.time()) - ms;
        return keeping.runIds({ partition: at, statuses: made.statuses, createdBefore });
      }
      case 'heads':
        return keeping.heads(at, RUN_NAMES);
      case 'remove': {
        const [head] = await keeping.heads(at, [made.run]);
        if (head === undefined) return null;
        const { status, version } = head;
        return keeping.remove({ partition: at, run: made.run, version: version + made.off, status });
      }
      case 'forget-keys':
        return keeping.forgetKeys(at, made.limit);
    }
  }

  /** One that is there, or was. */
  async #letter(keeping: Store['keeping'], at: number, letter: number): Promise<DeadLetter | undefined> {
    this.#know(await keeping.letters({ partition: at, after: '0', limit: 1_000 }));
    const known = this.#letters.filter((each) => each.partition === at);
    return newest(known, letter);
  }

  #know(letters: readonly DeadLetter[]): void {
    for (const letter of letters) if (!this.#letters.some(({ id }) => id === letter.id)) this.#letters.push(letter);
  }

  async #head(keeping: Store['keeping'], at: number, id: string): Promise<RunHead | undefined> {
    const [head] = await keeping.heads(at, [id]);
    return head;
  }
}
