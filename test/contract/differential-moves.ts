/**
 * What can be done at the ports, as plain data: what fast-check draws. A move names things that earlier moves brought up
 * (leases, messages, deliveries) by how long ago that was, so that taking moves out leaves the others meaningful.
 */
import fc from 'fast-check';
import { RUN_STATUSES } from '../../src/core/statuses.js';
import {
  ago,
  attempt,
  duration,
  few,
  hash,
  limit,
  list,
  move,
  one,
  owner,
  partition,
  passing,
  persona,
  personas,
  run,
  seldom,
  slotKey,
  step,
  text,
  timer,
  worker,
} from './differential-draws.js';
import { breakerMoves } from './differential-breakers.js';
import { lockMoves } from './differential-locks.js';
import { keepingMoves } from './differential-keeping.js';

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
  kind: one<'cancel' | 'signal' | 'decide' | 'migrate' | 'retry'>(
    'cancel',
    'signal',
    'decide',
    'migrate',
    'retry',
    'retry',
  ),
  key: one<string>('k3', 'k4', 'k5'),
  hash,
  body: text,
  slot: fc.option(fc.record({ key: slotKey, limit: fc.integer({ min: 1, max: 3 }) })),
});
const begin = fc.record({
  delivery: ago,
  worker: seldom(worker),
  attempt: seldom(attempt),
  heartbeatMs: duration,
  timeoutMs: fc.option(duration),
});

const anyMove = fc.oneof(
  move(3, 'pass', fc.record({ ms: passing })),
  move(4, 'acquire', fc.record({ partition, owner, leaseMs: duration })),
  move(1, 'renew', fc.record({ lease, leaseMs: duration })),
  move(1, 'release', fc.record({ lease })),
  move(4, 'read', fc.record({ partition, after: fc.option(ago), limit })),
  move(10, 'commit', fc.record({ lease, commit })),
  move(4, 'discard', fc.record({ lease, entry: ago, reason: text, quarantine: fc.boolean() })),
  move(3, 'fire', fc.record({ lease, limit })),
  move(2, 'suspect', fc.record({ lease, entries: fc.array(ago, { minLength: 1, maxLength: 3 }) })),
  move(1, 'absolve', fc.record({ lease, entries: fc.array(ago, { minLength: 1, maxLength: 3 }) })),
  move(2, 'postpone', fc.record({ lease, entry: ago, afterMs: duration })),
  ...lockMoves,
  ...breakerMoves,
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
  move(1, 'inspect', fc.record({ partition })),
  ...keepingMoves,
);

export type Move = typeof anyMove extends fc.Arbitrary<infer M> ? M : never;
export type CommitMove = Extract<Move, { readonly move: 'commit' }>['commit'];
export type LeaseChoice = Extract<Move, { readonly move: 'commit' }>['lease'];
export type AttemptChoice = Extract<Move, { readonly move: 'reply' }>['key'];

/** A run that is started, asks, is worked for and set aside: a game begins with a part of it, where more can go wrong. */
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
      arm: [{ id: 'wait|a|s2|1', afterMs: 1_000 }],
      disarm: [],
      entry: { messages: '[]', facts: '[{"type":"queued"}]', hash: 'h0', genesis: '{}' },
      definition: null,
      starts: [],
      sends: [],
      release: null,
    },
  },
  { process: 0, move: 'take', partition: 0, worker: 'w1', persona: 'qa', limit: 4, recover: false },
  { process: 0, move: 'begin', delivery: 0, worker: 'w1', attempt: 1, heartbeatMs: 1_000, timeoutMs: 60_000 },
  { process: 0, move: 'tell', partition: 0, run: 'a', kind: 'signal', key: 'k5', hash: 'h1', body: '{}', slot: null },
  { process: 0, move: 'read', partition: 0, after: null, limit: 4 },
  { process: 0, move: 'discard', lease: { ago: 0, forged: 'no' }, entry: 0, reason: 'no reason', quarantine: true },
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
