/** I10, I11: what lies in a store after everything has come to rest. */
import { parseTimer } from '../../src/core/messages.js';
import type { Violation } from './violation.js';

/** One partition, as whoever has access to its keys can list it. */
export interface Leftovers {
  readonly partition: number;
  /** Inbox entries, as `id kind run`. */
  readonly inbox: readonly string[];
  /** Requests on streams with the runs they are for. */
  readonly requests: readonly { readonly persona: string; readonly run: string }[];
  readonly timers: readonly string[];
  /** Counts of evaluations, by inbox id. */
  readonly suspects: readonly string[];
  /** Claims of workers, by run. */
  readonly claims: readonly { readonly run: string; readonly step: string; readonly worker: string }[];
  readonly endedRuns: ReadonlySet<string>;
  /** Runs that hold a slot or stand in a line. */
  readonly inSlots: readonly string[];
}

export function nothingLeft(left: Leftovers): readonly Violation[] {
  const found: Violation[] = [];
  const add = (what: string): void =>
    void found.push({ invariant: 'I11', what: `partition ${String(left.partition)}: ${what}` });
  for (const entry of left.inbox) add(`message ${entry} lies in the inbox`);
  for (const { persona, run } of left.requests)
    if (left.endedRuns.has(run)) add(`a request for ${persona} of run ${run}, which has ended, is on its stream`);
  for (const timer of left.timers) {
    const { run = '' } = parseTimer(timer) ?? {};
    if (left.endedRuns.has(run)) add(`timer ${timer} is armed for a run that has ended`);
  }
  for (const entry of left.suspects) add(`evaluations of ${entry} are still counted`);
  for (const { run, step, worker } of left.claims)
    if (left.endedRuns.has(run)) add(`${worker} holds step ${step} of run ${run}, which has ended`);
  for (const run of left.inSlots) if (left.endedRuns.has(run)) add(`run ${run} has ended and stands at a slot`);
  return found;
}
