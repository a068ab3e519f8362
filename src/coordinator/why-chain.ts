/** Chains of causes while they are made: each cause points to the one behind it, so that many share one root. */
import type { Cause, Chain, Reason } from '../core/causes.js';

export interface Link {
  readonly cause: Cause;
  /** The cause of the cause; null: it is the root. */
  readonly behind: Link | null;
  /** How much the root needs somebody: the highest of several is the one that is told. */
  readonly urgency: number;
  /** Links up to the root, itself counted. */
  readonly length: number;
}

/** Defects first, then what only people can change, then what goes on by itself. */
const URGENCY: Readonly<Record<Reason['code'], number>> = {
  deadlock: 100,
  stuck: 96,
  'slot-leaked': 95,
  'request-missing': 94,
  quarantined: 92,
  'definition-missing': 91,
  unreadable: 91,
  'newer-format': 90,
  'partition-on-hold': 85,
  'no-coordinator': 84,
  paused: 80,
  'no-worker': 76,
  decision: 70,
  signal: 68,
  'worker-silent': 60,
  breaker: 55,
  retrying: 50,
  'workers-busy': 45,
  parked: 42,
  time: 40,
  'start-not-applied': 34,
  'message-not-applied': 33,
  queued: 30,
  working: 20,
  slot: 10,
  lock: 10,
  'inner-run': 10,
  'step-limit': 10,
  budget: 10,
  dependencies: 5,
  compensating: 5,
  block: 5,
  ended: 0,
};

const LONGEST = 60;

export function link(cause: Cause, behind: Link | null = null): Link {
  const urgency = behind?.urgency ?? URGENCY[cause.code];
  return { cause, behind, urgency, length: (behind?.length ?? 0) + 1 };
}

/** The one whose root needs somebody most; of equals the first. */
export function mostUrgent(links: Iterable<Link>): Link | null {
  let found: Link | null = null;
  for (const one of links) if (found === null || one.urgency > found.urgency) found = one;
  return found;
}

/** From the first cause to the root; of a very long chain the middle is left out. */
export function chainOf(first: Link): Chain {
  const causes: Cause[] = [];
  for (let at: Link | null = first; at !== null; at = at.behind)
    if (causes.length < LONGEST - 1 || at.behind === null) causes.push(at.cause);
  return causes;
}
