/** I2, I3, I4: what the histories of a partition say of its transitions, each by itself and all together. */
import { groupedBy, type Transition, type Violation } from './violation.js';

/** I2: the versions of a run are 1, 2, … up to the stored one, each once. `stored`: the version of each run that exists. */
export function versionsWithoutGap(
  transitions: readonly Transition[],
  stored: ReadonlyMap<string, number>,
): readonly Violation[] {
  const found: Violation[] = [];
  const byRun = groupedBy(transitions, ({ run }) => run);
  for (const [run, version] of stored) {
    const versions = (byRun.get(run) ?? []).map((one) => one.version);
    const wrong = versions.findIndex((one, index) => one !== index + 1);
    if (wrong >= 0)
      found.push({
        invariant: 'I2',
        what: `run ${run}: entry ${String(wrong + 1)} of its history is version ${String(versions[wrong])}`,
      });
    else if (versions.length !== version)
      found.push({
        invariant: 'I2',
        what: `run ${run} is at version ${String(version)}, its history has ${String(versions.length)} entries`,
      });
  }
  for (const run of byRun.keys())
    if (!stored.has(run)) found.push({ invariant: 'I2', what: `run ${run} has a history and does not exist` });
  return found;
}

/** I3: no inbox entry was folded twice. */
export function messagesAppliedOnce(transitions: readonly Transition[]): readonly Violation[] {
  const found: Violation[] = [];
  const applied = new Map<string, string>();
  for (const { partition, run, version, messages } of transitions) {
    for (const { id, kind } of messages) {
      const name = `${String(partition)} ${id}`;
      const here = `version ${String(version)} of run ${run}`;
      const before = applied.get(name);
      if (before !== undefined)
        found.push({ invariant: 'I3', what: `message ${id} (${kind}) was applied by ${before} and by ${here}` });
      applied.set(name, here);
    }
  }
  return found;
}

/** Who took a partition, in order: the store remembers the latest. */
export interface Takeover {
  readonly epoch: number;
  readonly owner: string;
  /** Where the partition stood then. */
  readonly position: number;
}

/** I4: in a partition no position names two transitions, epochs never go back, and each is of one owner. */
export function epochsInOrder(
  transitions: readonly Transition[],
  takeovers: readonly Takeover[],
): readonly Violation[] {
  const found: Violation[] = [];
  const inOrder = transitions.toSorted((a, b) => a.position - b.position);
  for (const [index, { position, epoch, run, version }] of inOrder.entries()) {
    const before = inOrder[index - 1];
    const name = `version ${String(version)} of run ${run}`;
    if (before?.position === position)
      found.push({ invariant: 'I4', what: `${name} and run ${before.run} are both at position ${String(position)}` });
    if (before !== undefined && before.epoch > epoch)
      found.push({
        invariant: 'I4',
        what: `${name} has epoch ${String(epoch)} after one of ${String(before.epoch)}`,
      });
    const owned = takeovers.findLast((one) => one.position < position);
    if (owned !== undefined && owned.epoch !== epoch)
      found.push({
        invariant: 'I4',
        what: `${name} has epoch ${String(epoch)} at position ${String(position)}, which is ${owned.owner}'s of epoch ${String(owned.epoch)}`,
      });
  }
  for (const [epoch, takers] of groupedBy(takeovers, (one) => one.epoch)) {
    const [one, other] = takers;
    if (one !== undefined && other !== undefined)
      found.push({ invariant: 'I4', what: `epoch ${String(epoch)} is ${one.owner}'s and ${other.owner}'s` });
  }
  return found;
}
