/**
 * Promises of single calls that nothing stored tells of afterwards: that a partition is not taken from an owner whose
 * lease runs, that whoever has lost it changes nothing in it, that an attempt is not given to a second worker while the first one holds it, and that only who holds it is
 * heard. Looked at before and after each call, whatever it answers.
 */
import { timerId } from '../../src/core/messages.js';
import type { Lease } from '../../src/core/ports.js';
import type { AttemptKey } from '../../src/core/request-port.js';
import type { MemoryContents } from '../../src/memory/contents.js';
import type { Violation } from '../invariants/violation.js';

type After = (answer: unknown) => Violation | null;

/** Looks at the store before a call; the returned function judges its answer. Null: nothing to judge. */
export function watch(contents: MemoryContents, now: number, { name, args }: Watched): After | null {
  switch (name) {
    case 'partitions.acquire':
      return watchAcquire(contents, now, args[0] as { partition: number; owner: string });
    case 'requests.begin':
      return watchBegin(contents, args[0] as AttemptKey);
    case 'requests.beat':
      return watchBeat(contents, now, args as readonly [AttemptKey, { readonly heartbeatMs?: number }]);
    case 'requests.reply':
      return watchReply(contents, args[0] as AttemptKey);
    default:
      return FENCED.has(name) ? watchFence(contents, name, args[0] as Lease) : null;
  }
}

/** Calls that only the owner may make. */
const FENCED: ReadonlySet<string> = new Set(
  ['renew', 'release', 'commit', 'discard', 'fire', 'postpone', 'suspect', 'absolve'].map(
    (method) => `partitions.${method}`,
  ),
);

function watchFence(contents: MemoryContents, name: string, { partition, owner, epoch }: Lease): After | null {
  const { lease } = contents.at(partition);
  if (lease.owner === owner && lease.epoch === epoch) return null;
  const whose = `${lease.owner ?? 'nobody'}'s of epoch ${String(lease.epoch)}`;
  return (answer) =>
    answer === 'fenced' || outcomeIn(answer) === 'fenced'
      ? null
      : {
          invariant: 'I4',
          what: `${name} of ${owner}, epoch ${String(epoch)}, was done in a partition that is ${whose}`,
        };
}

interface Watched {
  readonly name: string;
  readonly args: readonly unknown[];
}

function watchAcquire(
  contents: MemoryContents,
  now: number,
  { partition, owner }: { partition: number; owner: string },
): After | null {
  const { owner: held, until } = contents.at(partition).lease;
  if (held === null || held === owner || until <= now) return null;
  return (answer) =>
    outcomeIn(answer) === 'acquired'
      ? { invariant: 'I4', what: `${owner} took a partition that was ${held}'s for ${String(until - now)} ms more` }
      : null;
}

function watchBegin(contents: MemoryContents, key: AttemptKey): After | null {
  const { token, claim } = stepOf(contents, key);
  const held = token === key.token && claim !== null && claim.worker !== key.worker ? claim.worker : null;
  if (held === null && token === key.token) return null;
  const why = held === null ? 'which is not awaited' : `which ${held} holds`;
  return (answer) =>
    answer === 'go' ? { invariant: 'I8', what: `${key.worker} was given ${key.run} ${key.token}, ${why}` } : null;
}

function watchBeat(
  contents: MemoryContents,
  now: number,
  [{ partition, run, step, attempt }, { heartbeatMs = 0 }]: readonly [AttemptKey, { readonly heartbeatMs?: number }],
): After {
  const timer = timerId({ kind: 'heartbeat', run, step, attempt });
  return (answer) => {
    const due = contents.at(partition).timers.get(timer);
    if (answer !== 'ok' || due === undefined || due >= now + heartbeatMs) return null;
    return { invariant: 'I9', what: `a heartbeat left ${timer} at ${String(due - now)} ms from it` };
  };
}

function watchReply(contents: MemoryContents, key: AttemptKey): After | null {
  const { token, claim } = stepOf(contents, key);
  if (token === key.token && claim?.worker === key.worker) return null;
  return (answer) =>
    answer === 'ok'
      ? { invariant: 'I7', what: `a reply of ${key.worker} to ${key.run} ${key.token} was taken, which is not its own` }
      : null;
}

function stepOf(
  contents: MemoryContents,
  { partition, run, step }: AttemptKey,
): { readonly token: string | null; readonly claim: { readonly worker: string } | null } {
  return contents.at(partition).runs.get(run)?.steps.get(step) ?? { token: null, claim: null };
}

function outcomeIn(answer: unknown): unknown {
  return typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'outcome') : null;
}
