/**
 * What the invariants are told and what they say. Each is a pure function over plain data, so that the simulation and the
 * tests that kill real processes judge by the same rules: whoever has a store reads it into these shapes first.
 *
 * I1 nothing that was acknowledged is lost · I2 versions without gap or repeat · I3 no message applied twice · I4 epochs in
 * order, one owner each · I5 every run ends or waits for something with a name · I6 whatever a transition asks for is
 * asked once · I7 a step moves by the reply that is awaited alone · I8 one reply per attempt is taken · I9 timers fire
 * once and never early · I10 what is added is consumed, waits or is set aside · I11 nothing is left behind · I12 folding
 * the history again gives the stored run · I14 a repeated call has one effect · I15 one run at a time holds a
 * lock · I16 the test has met what it is there for.
 */
import type { Fact } from '../../src/core/facts.js';
import { journalMessages } from '../../src/core/journal.js';
import type { Message } from '../../src/core/messages.js';
import type { HistoryEntry } from '../../src/core/ports.js';

export type InvariantId =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I14'
  | 'I15'
  | 'I16';

export interface Violation {
  readonly invariant: InvariantId;
  readonly what: string;
}

/** One transition of one run, as its history tells it. */
export interface Transition {
  readonly partition: number;
  readonly run: string;
  readonly version: number;
  /** State changes of the partition, counted. */
  readonly position: number;
  readonly epoch: number;
  readonly messages: readonly Message[];
  readonly facts: readonly Fact[];
  readonly entry: HistoryEntry;
}

/** The entries of one run's history, oldest first. Those of a format without versions are left out. */
export function transitionsOf(
  { partition, run }: { readonly partition: number; readonly run: string },
  entries: readonly HistoryEntry[],
): readonly Transition[] {
  return entries.flatMap((entry) => {
    const { version, position, epoch } = entry;
    if (version === null) return [];
    const messages = journalMessages(entry.messages);
    return [{ partition, run, version, position, epoch, messages, facts: JSON.parse(entry.facts) as Fact[], entry }];
  });
}

/** Groups what a function says the key of. */
export function groupedBy<T, K>(list: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of list) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
