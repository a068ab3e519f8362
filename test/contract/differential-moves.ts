/**
 * What can be done at the ports, as plain data: what fast-check draws. A move names things that earlier moves brought up
 * (leases, messages, deliveries) by how long ago that was, so that taking moves out leaves the others meaningful.
 */
import fc from 'fast-check';
import { RUN_STATUSES } from '../../src/core/statuses.js';

const one = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const seldom = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value });
const few = { maxLength: 3 };

/** How long ago a thing was brought up: 0 is the newest; it goes round when there are fewer. */
const ago: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.nat({ max: 20 }) },
);
/** Which of two processes does it, each with a store object of its own: only they know what was confirmed to them. */
const process = one<number>(0, 0, 0, 1);
const partition = one<number>(0, 0, 0, 0, 1);
export const RUN_NAMES = ['a', 'b', 'c', 'd', 'e', 'limit'] as const;
const run = one<string>('a', 'a', 'a', 'a', ...RUN_NAMES);
const step = one<string>('s1', 's2');
const attempt = one<number>(1, 1, 2);
const persona = one<string>('qa', 'dev');
const personas: fc.Arbitrary<string[]> = fc.subarray(['qa', 'dev'], { minLength: 1 });
const worker = one<string>('w1', 'w1', 'w2', 'w3');
const owner = one<string>('o1', 'o1', 'o2');
const text = one<string>('{}', '{"n":1}', 'no JSON \u0000 é"', '');
const list = one<string>('[]', '[{"n":1}]', '["é",2]');
const hash = one<string>('h1', 'h1', 'h2');
const limit = fc.integer({ min: 1, max: 4 });
/** Shorter than, as long as, and longer than the steps of time. */
const duration = one<number>(-5, 0, 9, 10, 11, 1_000, 60_000);
const passing = one<number>(0, 1, 9, 10, 11, 1_000, 60_000, 24 * 60 * 60 * 1_000);
const slotKey = one<string>('x', 'y');
const timer: fc.Arbitrary<string> = fc
  .tuple(one('heartbeat', 'timeout', 'wait'), run, step, attempt)
  .map((parts) => parts.map(String).join('|'));

/** A lease that was held once; `forged` is one that nobody ever held. */
const lease = fc.record({ ago, forged: one<'no' | 'owner' | 'epoch'>('no', 'no', 'no', 'no', 'no', 'owner', 'epoch') });
/** An attempt that somebody wanted to begin, or one that differs from it in something. */
const attemptKey = fc.record({
  begun: ago,
  partition: seldom(partition),
  run: seldom(run),
  step: seldom(step),
  attempt: seldom(attempt),
  worker: seldom(worker),
});

const commit = fc.record({
  run,
  /** Of the expected version, from the one that is stored. */
  off: one<number>(0, 0, 0, 0, 0, 0, 1, -1),
  to: one(...RUN_STATUSES),
  steps: fc.uniqueArray(
    fc.record({
      step,
      attempt,
      status: one<string | null>('queued', 'queued', 'succeeded', 'canceled', null),
      awaited: fc.boolean(),
    }),
    { maxLength: 2, selector: (written) => written.step },
  ),
  consumed: fc.array(ago, few),
  requests: fc.array(fc.record({ persona, step, attempt }), few),
  arm: fc.array(fc.record({ id: timer, afterMs: duration }), few),
  disarm: fc.array(timer, few),
  entry: fc.record({ messages: list, facts: list, hash, genesis: one<string | null>(null, '{"begun":"with"}') }),
  definition: one<string | null>(null, null, 'd3'),
  starts: fc.array(fc.record({ run, definition: text, input: text, record: text }), { maxLength: 2 }),
  sends: fc.array(fc.record({ run, kind: one<string>('cancel', 'inner-run'), body: text }), { maxLength: 2 }),
  release: fc.option(slotKey, { freq: 2 }),
});

const start = fc.record({
  partition,
  run,
  key: one<string>('k1', 'k2', 'k3', 'k4', 'k6', 'k7', 'k8', 'k9'),
  hash,
  definition: one<string>('d1', 'd1', 'd2'),
  input: one<string>('{}', '{}', '{"task":1}'),
  slot: fc.option(fc.record({ key: slotKey, limit: fc.integer({ min: 1, max: 3 }) })),
});
const tell = fc.record({
  partition,
  run,
  kind: one<'cancel' | 'signal' | 'decide' | 'migrate'>('cancel', 'signal', 'decide', 'migrate'),
  key: one<string>('k3', 'k4', 'k5'),
  hash,
  body: text,
});
const begin = fc.record({
  delivery: ago,
  worker: seldom(worker),
  attempt: seldom(attempt),
  heartbeatMs: duration,
  timeoutMs: fc.option(duration),
});

function move<K extends string, T extends object>(
  weight: number,
  name: K,
  given: fc.Arbitrary<T>,
): { weight: number; arbitrary: fc.Arbitrary<{ readonly move: K; readonly process: number } & T> } {
  return { weight, arbitrary: fc.tuple(process, given).map(([by, rest]) => ({ move: name, process: by, ...rest })) };
}

const anyMove = fc.oneof(
  move(3, 'pass', fc.record({ ms: passing })),
  move(4, 'acquire', fc.record({ partition, owner, leaseMs: duration })),
  move(1, 'renew', fc.record({ lease, leaseMs: duration })),
  move(1, 'release', fc.record({ lease })),
  move(2, 'read', fc.record({ partition, after: fc.option(ago), limit })),
  move(10, 'commit', fc.record({ lease, commit })),
  move(2, 'discard', fc.record({ lease, entry: ago, reason: text, quarantine: fc.boolean() })),
  move(3, 'fire', fc.record({ lease, limit })),
  move(2, 'suspect', fc.record({ lease, entries: fc.array(ago, { minLength: 1, maxLength: 3 }) })),
  move(5, 'start', start),
  move(3, 'tell', tell),
  move(2, 'join', fc.record({ partition, worker, personas })),
  move(4, 'take', fc.record({ partition, worker, persona, limit, recover: one(false, false, true) })),
  move(1, 'take-all', fc.record({ partition, worker, limit })),
  move(1, 'claim-abandoned', fc.record({ partition, worker, persona, old: fc.boolean(), limit })),
  move(1, 'inherit', fc.record({ partition, worker, dead: fc.subarray(['w1', 'w2', 'w3']) })),
  move(5, 'begin', begin),
  move(3, 'beat', fc.record({ key: attemptKey, heartbeatMs: duration, progress: text })),
  move(4, 'reply', fc.record({ key: attemptKey, body: text })),
  move(2, 'bury', fc.record({ partition, worker })),
  move(1, 'refuse', fc.record({ delivery: ago, reason: text })),
  move(1, 'leave', fc.record({ partition, worker, personas })),
  move(1, 'load', fc.record({ partition, run })),
  move(2, 'list', fc.record({ partition, statuses: fc.subarray([...RUN_STATUSES]), limit })),
  move(1, 'history', fc.record({ partition, run, after: fc.option(ago), limit })),
  move(1, 'feed', fc.record({ partition, after: fc.option(ago), limit })),
  move(1, 'dead-letters', fc.record({ partition, limit })),
  move(1, 'owners', fc.record({})),
  move(1, 'announce-worker', fc.record({ worker, host: text, pid: fc.nat({ max: 9 }), personas, busy: limit })),
  move(1, 'forget-worker', fc.record({ worker })),
  move(2, 'announce', fc.record({ coordinator: owner, aliveMs: duration, tell: fc.boolean() })),
  move(1, 'forget', fc.record({ coordinator: owner })),
  move(1, 'keep', fc.record({})),
  move(2, 'go-back', fc.record({})),
  move(4, 'check', fc.record({ partition, by: owner })),
  move(1, 'incidents', fc.record({ partition })),
  move(1, 'acknowledge', fc.record({ partition })),
);

export type Move = typeof anyMove extends fc.Arbitrary<infer M> ? M : never;
export type CommitMove = Extract<Move, { readonly move: 'commit' }>['commit'];
export type LeaseChoice = Extract<Move, { readonly move: 'commit' }>['lease'];
export type AttemptChoice = Extract<Move, { readonly move: 'reply' }>['key'];

/** A partition taken, a run started, a step asked of a persona and delivered: where most of what can go wrong begins. */
const BEGINNING: readonly Move[] = [
  { process: 0, move: 'join', partition: 0, worker: 'w1', personas: ['qa', 'dev'] },
  { process: 0, move: 'acquire', partition: 0, owner: 'o1', leaseMs: 60_000 },
  {
    process: 0,
    move: 'start',
    partition: 0,
    run: 'a',
    key: 'k1',
    hash: 'h1',
    definition: 'd1',
    input: '{}',
    slot: null,
  },
  { process: 0, move: 'read', partition: 0, after: null, limit: 4 },
  {
    process: 0,
    move: 'commit',
    lease: { ago: 0, forged: 'no' },
    commit: {
      run: 'a',
      off: 0,
      to: 'running',
      steps: [{ step: 's1', attempt: 1, status: 'queued', awaited: true }],
      consumed: [0],
      requests: [{ persona: 'qa', step: 's1', attempt: 1 }],
      arm: [],
      disarm: [],
      entry: { messages: '[]', facts: '[{"type":"queued"}]', hash: 'h0', genesis: '{}' },
      definition: null,
      starts: [],
      sends: [],
      release: null,
    },
  },
  { process: 0, move: 'take', partition: 0, worker: 'w1', persona: 'qa', limit: 4, recover: false },
];

export const moves: fc.Arbitrary<readonly Move[]> = fc
  .tuple(fc.nat({ max: BEGINNING.length }), fc.array(anyMove, { maxLength: 60, size: 'max' }))
  .map(([begun, then]) => [...BEGINNING.slice(0, begun), ...then]);

/** Games with less in them, the smallest first: without a part of the moves, or with one move that asks for less. */
export function* smaller(game: readonly Move[]): Generator<readonly Move[]> {
  for (let size = Math.ceil(game.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < game.length; at += size) yield [...game.slice(0, at), ...game.slice(at + size)];
  for (const [at, made] of game.entries()) {
    if (made.move !== 'commit') continue;
    for (const [part, value] of Object.entries(made.commit)) {
      if (!Array.isArray(value) || value.length === 0) continue;
      yield game.with(at, { ...made, commit: { ...made.commit, [part]: value.slice(1) } });
    }
    if (made.commit.release !== null) yield game.with(at, { ...made, commit: { ...made.commit, release: null } });
  }
}
