/** What clients were told, against what the store holds. */
import type { Message } from '../../../src/core/messages.js';
import type { Dump } from '../dump.js';
import type { LedgerEntry } from '../ledger.js';
import { Found, type Violation } from './violation.js';

/** A power cut and what the store has noticed of it. */
export interface Cut {
  readonly at: number;
}

export interface Told {
  readonly entries: readonly LedgerEntry[];
  /** Calls that never ended, by what they were. */
  readonly open: ReadonlyMap<string, number>;
  readonly unexpected: readonly string[];
}

interface Known {
  /** How often a message of a client is in the histories, the inboxes and among the dead letters, by its mark. */
  readonly marks: ReadonlyMap<string, number>;
  readonly runs: ReadonlySet<string>;
}

const DRIVER = 'driver';
/** Kinds of messages that a client sends. */
const TOLD: ReadonlySet<string> = new Set(['cancel', 'signal', 'decide', 'pause', 'resume', 'retry', 'restart']);

function markOf(message: Message): string | null {
  switch (message.kind) {
    case 'cancel':
      return message.reason;
    case 'pause':
    case 'retry':
    case 'restart':
      // A run tells those inside it too.
      return message.by === DRIVER ? message.reason : null;
    case 'signal':
    case 'decide':
      return message.by;
    case 'resume':
      return message.by.startsWith('run ') ? null : message.by;
    default:
      return null;
  }
}

function known(dump: Dump): Known {
  const marks = new Map<string, number>();
  const count = (mark: string): void => void marks.set(mark, (marks.get(mark) ?? 0) + 1);
  for (const { runs, dead, inbox } of dump.partitions) {
    for (const { entries } of runs)
      for (const { messages } of entries)
        for (const message of messages) {
          const mark = markOf(message);
          if (mark !== null) count(mark);
        }
    for (const { fields } of [...dead, ...inbox.entries]) {
      if (!TOLD.has(fields['kind'] ?? '')) continue;
      const body = JSON.parse(fields['body'] ?? '{}') as { reason?: string; by?: string };
      count(body.reason ?? body.by ?? '');
    }
  }
  return { marks, runs: new Set(dump.partitions.flatMap(({ runs }) => runs.map(({ run }) => run))) };
}

/** Operations that were confirmed and are not there. */
export function lostOperations(dump: Dump, entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
  const { marks, runs } = known(dump);
  return entries.filter(({ op, run, mark, outcome }) => {
    if (outcome !== 'done') return false;
    return op === 'start' ? !runs.has(run) : !marks.has(mark);
  });
}

/** I1: nothing that was confirmed is lost, none of it is there twice, and nobody says that anything is lost. */
export function confirmedIsThere(dump: Dump, told: Told): readonly Violation[] {
  const found = new Found('I1');
  for (const { op, run, mark } of lostOperations(dump, told.entries))
    found.lost(`${op} ${mark} of ${run} was confirmed and is not there`);
  nothingTwice(dump, told, found);
  for (const { partition, incidents } of dump.partitions)
    for (const { id, fields } of incidents)
      found.lost(
        `partition ${String(partition)}: incident ${id} says that something is lost: ${JSON.stringify(fields)}`,
      );
  return found.violations;
}

/** What a client sent with one key, however often it had to, is one message. */
function nothingTwice(dump: Dump, told: Told, found: Found): void {
  const { marks } = known(dump);
  for (const mark of new Set(told.entries.map((entry) => entry.mark))) {
    const count = marks.get(mark) ?? 0;
    if (count > 1) found.duplicated(`${mark} is there ${String(count)} times`);
  }
}

/**
 * I1 where a power cut may take the last second with it: what is lost must have been noticed, by an incident of its partition
 * between the cut and the next one.
 */
export function lossesAreNoticed(
  dump: Dump,
  told: Told,
  loss: { cuts: readonly Cut[]; partitionOf: (run: string) => number },
): readonly Violation[] {
  const found = new Found('I1');
  nothingTwice(dump, told, found);
  const cuts = loss.cuts.map(({ at }) => at).toSorted((a, b) => a - b);
  for (const { op, run, mark, at } of lostOperations(dump, told.entries)) {
    // What was answered just before the cut is written down just after it.
    const cut = cuts.find((time) => time >= at - 100);
    const next = cuts.find((time) => cut !== undefined && time > cut) ?? Number.POSITIVE_INFINITY;
    const incidents = dump.partitions[loss.partitionOf(run)]?.incidents ?? [];
    const noticed = incidents.some(({ id }) => {
      const time = Number(id.split('-')[0]);
      return cut !== undefined && time >= cut - 100 && time < next + 100;
    });
    if (!noticed) found.lost(`${op} ${mark} of ${run} was confirmed, is not there, and nothing was noticed`);
  }
  return found.violations;
}

/** I14: every call has ended, with an answer that a client can expect. */
export function callsHaveEnded(told: Told): readonly Violation[] {
  const found = new Found('I14');
  for (const [what, count] of told.open) found.stuck(`${String(count)} calls of ${what} never ended`);
  for (const answer of told.unexpected) found.lost(`unexpected: ${answer}`);
  return found.violations;
}
