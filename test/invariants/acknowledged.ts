/** I1: what somebody was told has been done is there, unless the store went back, and then it says so. */
import type { Violation } from './violation.js';

export interface AcknowledgedOperation {
  readonly kind: string;
  readonly run: string;
}

/**
 * `applied` and `waiting` name messages by kind and run: those that histories or dead letters hold, and those that lie in
 * the inbox. `excused`: runs of partitions that have recorded an incident.
 */
export function nothingLost(
  operations: readonly AcknowledgedOperation[],
  there: {
    readonly runs: ReadonlySet<string>;
    readonly messages: ReadonlySet<string>;
    readonly excused: (run: string) => boolean;
  },
): readonly Violation[] {
  return operations.flatMap(({ kind, run }) => {
    const found = kind === 'start' ? there.runs.has(run) : there.messages.has(`${kind} ${run}`);
    if (found || there.excused(run)) return [];
    return [{ invariant: 'I1' as const, what: `an acknowledged ${kind} of run ${run} is lost` }];
  });
}
