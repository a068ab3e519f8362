/** How everything must lie when the faults are over: runs at their end, nothing left behind. */
import type { Fact } from '../../../src/core/facts.js';
import { runHasEnded, type RunStatus, stepIsSettled, type StepStatus } from '../../../src/core/statuses.js';
import type { Dump, DumpedPartition, DumpedRun } from '../dump.js';
import { runsOf } from './journals.js';
import { Found, type Violation } from './violation.js';

interface StoredStep {
  readonly status: StepStatus;
  readonly token: string | null;
  readonly more: { readonly waitsFor?: { readonly kind: string } };
}

const TAKEN_UP: ReadonlySet<Fact['type']> = new Set(['run.retried', 'run.restarted'] as const);

function stepsOf({ fields }: DumpedRun): readonly (readonly [string, StoredStep])[] {
  return Object.entries(fields).flatMap(([name, text]) =>
    name.startsWith('s:') ? [[name.slice(2), JSON.parse(text) as StoredStep] as const] : [],
  );
}

/** I5: every run has ended, but for those that wait for somebody who never comes. */
export function everythingHasEnded(dump: Dump, parked: ReadonlySet<string>): readonly Violation[] {
  const found = new Found('I5');
  for (const stored of runsOf(dump)) {
    const { run, fields, listed } = stored;
    const status = fields['status'] as RunStatus;
    if (fields['quarantined'] !== undefined) found.stuck(`${run} was set aside: ${fields['quarantined']}`);
    else if (!runHasEnded(status) && !(parked.has(run) && status === 'waiting'))
      found.stuck(`${run} is ${status}: ${whyNot(stored)}`);
    if (listed.length !== 1 || listed[0] !== status)
      found.stuck(`${run} is ${status} and is listed as ${listed.join(' and ')}`);
    // What was put back when it was taken up again, and was not come to, stays so.
    const takenUp = stored.entries.some(({ facts }) => facts.some(({ type }) => TAKEN_UP.has(type)));
    for (const [step, record] of stepsOf(stored))
      if (runHasEnded(status) && !stepIsSettled(record.status) && !(takenUp && record.status === 'pending'))
        found.stuck(`${run} is ${status}, but its step ${step} is ${record.status}`);
  }
  return found.violations;
}

function whyNot(stored: DumpedRun): string {
  const open = stepsOf(stored).filter(([, { status }]) => !stepIsSettled(status));
  return open.map(([step, { status, more }]) => `${step} ${status} ${more.waitsFor?.kind ?? ''}`.trim()).join(', ');
}

/** I11: nothing is left in inboxes, request streams, timers and slots, and ended runs keep two keys each. */
export function nothingIsLeft(dump: Dump, parked: ReadonlySet<string>): readonly Violation[] {
  const found = new Found('I11');
  for (const partition of dump.partitions) leftIn(partition, { parked, found });
  for (const worker of dump.workers) found.stuck(`worker ${worker} is gone, and is still said to be there`);
  for (const name of dump.coordinators) found.stuck(`coordinator ${name} is gone, and is still said to be there`);
  return found.violations;
}

function leftIn(
  { partition, inbox, timers, requests, slots, suspects, runs, keys, artifacts }: DumpedPartition,
  { parked, found }: { parked: ReadonlySet<string>; found: Found },
): void {
  const where = `partition ${String(partition)}`;
  if (inbox.length > 0) found.stuck(`${where}: ${String(inbox.length)} messages lie in the inbox`);
  if (suspects > 0) found.stuck(`${where}: ${String(suspects)} messages are still suspected`);
  for (const { id } of timers)
    if (!parked.has(id.split('|')[1] ?? '')) found.stuck(`${where}: the timer ${id} is still armed`);
  for (const [persona, { length, pending, readers }] of Object.entries(requests)) {
    if (length > 0) found.stuck(`${where}: ${String(length)} requests of ${persona} lie there`);
    if (pending > 0) found.stuck(`${where}: ${String(pending)} requests of ${persona} are pending`);
    if (readers.length > 0) found.stuck(`${where}: ${persona} still has the readers ${readers.join(', ')}`);
  }
  if (slots.length > 0) found.stuck(`${where}: slots are still there: ${slots.join(', ')}`);
  for (const { run, fields } of runs) {
    if (!runHasEnded(fields['status'] as RunStatus)) continue;
    const held = Object.keys(fields).filter((name) => /^[tc]:/.test(name));
    if (held.length > 0) found.stuck(`${run} has ended and still holds ${held.join(', ')}`);
  }
  // Lists, feed, dead letters, admissions and the like: some thirty, whatever the number of runs.
  const bound = 2 * runs.length + artifacts + 40;
  if (keys > bound) found.stuck(`${where}: ${String(keys)} keys for ${String(runs.length)} runs`);
}

/** I6 and I10: whatever was put into an inbox or asked of a persona is accounted for, once. */
export function nothingVanishes(dump: Dump): readonly Violation[] {
  const found = new Found('I10');
  for (const { partition, inbox, dead, requests, runs } of dump.partitions) {
    const where = `partition ${String(partition)}`;
    const entries = runs.flatMap((run) => run.entries);
    const taken = entries.reduce((sum, { messages }) => sum + messages.length, 0);
    const set = dead.filter(({ fields }) => !['request', 'late-reply'].includes(fields['kind'] ?? '')).length;
    balance(found, { what: `${where}: the inbox`, added: inbox.added, known: taken + set + inbox.length });
    const asked = new Map<string, number>();
    for (const fact of entries.flatMap(({ facts }) => facts))
      if (fact.type === 'step.queued') asked.set(fact.persona, (asked.get(fact.persona) ?? 0) + 1);
    for (const [persona, { added }] of Object.entries(requests))
      balance(found, { what: `${where}: requests of ${persona}`, added, known: asked.get(persona) ?? 0 });
    for (const [persona, count] of asked)
      if (requests[persona] === undefined)
        found.lost(`${where}: ${persona} was asked ${String(count)} times, and has no stream`);
  }
  return found.violations;
}

function balance(found: Found, { what, added, known }: { what: string; added: number; known: number }): void {
  const text = `${what}: ${String(added)} were added, ${String(known)} are accounted for`;
  if (known < added) found.lost(text);
  if (known > added) found.duplicated(text);
}
