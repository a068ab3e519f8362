/** What every run's history must be by itself: versions, causes, epochs, the chain of hashes, and the fold. */
import { chainHash, genesisHash } from '../../../src/core/journal.js';
import type { Dump, DumpedRun } from '../dump.js';
import { Found, type Violation } from './violation.js';

export function runsOf(dump: Dump): readonly DumpedRun[] {
  return dump.partitions.flatMap(({ runs }) => runs);
}

/** I2: versions are 1 to n, the snapshot is at n, and the chain of hashes holds. */
export function versionsAreComplete(dump: Dump): readonly Violation[] {
  const found = new Found('I2');
  for (const { run, fields, entries } of runsOf(dump)) {
    let expected = 1;
    for (const { version } of entries) {
      if (version < expected) found.duplicated(`${run}: version ${String(version)} is there again`);
      else if (version > expected) found.lost(`${run}: after version ${String(expected - 1)} comes ${String(version)}`);
      expected = version + 1;
    }
    const stored = Number(fields['version']);
    const last = entries.at(-1)?.version ?? 0;
    if (stored !== last)
      found.lost(`${run}: its snapshot is at version ${String(stored)}, its history at ${String(last)}`);
    chainHolds({ run, fields, entries, found });
  }
  return found.violations;
}

function chainHolds({
  run,
  fields,
  entries,
  found,
}: Pick<DumpedRun, 'run' | 'fields' | 'entries'> & { found: Found }): void {
  const [first] = entries;
  if (first === undefined) return;
  if (first.genesis === null) {
    found.lost(`${run}: its first entry does not say what it began with`);
    return;
  }
  const begun = { definition: fields['definition'] ?? '', input: fields['input'] ?? '', record: first.genesis };
  let before = genesisHash(begun);
  for (const { version, texts, hash } of entries) {
    if (chainHash(before, { version, ...texts }) !== hash)
      found.lost(`${run}: the hash of version ${String(version)} is wrong`);
    before = hash;
  }
  if (fields['chain'] !== before) found.lost(`${run}: its snapshot continues another history`);
}

/** I3: each entry of an inbox is a message of one transition at most, and never also a dead letter. */
export function messagesAreTakenOnce(dump: Dump): readonly Violation[] {
  const found = new Found('I3');
  for (const { partition, runs, dead } of dump.partitions) {
    const takers = new Map<string, string>();
    const take = (id: string, taker: string): void => {
      const other = takers.get(id);
      if (other === undefined) takers.set(id, taker);
      else found.duplicated(`partition ${String(partition)}: message ${id} was taken by ${other} and by ${taker}`);
    };
    for (const { run, entries } of runs)
      for (const { version, messages } of entries)
        for (const { id } of messages) take(id, `version ${String(version)} of ${run}`);
    for (const { id, fields } of dead)
      if (fields['entry']?.includes('-'))
        take(`${isRequest(fields) ? 'request ' : ''}${fields['entry']}`, `dead letter ${id}`);
  }
  return found.violations;
}

function isRequest(fields: Readonly<Record<string, string>>): boolean {
  return fields['kind'] === 'request';
}

/** I4: along a partition's positions epochs never go back, and no position is there twice. */
export function epochsGoForward(dump: Dump): readonly Violation[] {
  const found = new Found('I4');
  for (const { partition, runs, lease } of dump.partitions) {
    const all = runs.flatMap(({ run, entries }) => entries.map((entry) => ({ run, ...entry })));
    const ordered = all.toSorted((a, b) => a.position - b.position);
    for (const [index, entry] of ordered.entries()) {
      const before = ordered[index - 1];
      if (before === undefined) continue;
      const where = `partition ${String(partition)}, position ${String(entry.position)}`;
      if (entry.position === before.position) found.duplicated(`${where}: both ${before.run} and ${entry.run}`);
      if (entry.epoch < before.epoch)
        found.duplicated(`${where}: epoch ${String(entry.epoch)} after ${String(before.epoch)}`);
    }
    const newest = ordered.at(-1);
    if (newest !== undefined && newest.position > Number(lease['position']))
      found.lost(`partition ${String(partition)} is at ${lease['position'] ?? ''}, behind ${newest.run}`);
  }
  return found.violations;
}
