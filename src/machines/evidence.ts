/**
 * Whether what a run ends with is what was seen to work: the files of the last verification that passed are those of the
 * commit where the run's branch stands. A commit with the same files is as good; any other change is not.
 */
import { isJsonObject } from '../core/json.js';
import { planned } from './instances.js';
import type { ListFailure, StepRecord } from './records.js';
import type { Draft } from './state.js';

/** Why the run cannot complete, or null. */
export function missingEvidence(draft: Draft): ListFailure | null {
  if (draft.plan.definition.evidence !== 'required') return null;
  const { head } = draft.record;
  const failure = (message: string): ListFailure => ({ class: 'EVIDENCE', message, step: null });
  const verified = lastVerified(draft);
  if (verified === null) return failure('nothing was verified: no step of type verify has passed');
  if (head !== null && verified.commit === head) return null;
  const tree = head === null ? null : treeOf(draft, head);
  if (tree !== null && tree === verified.tree) return null;
  const what = `what was verified (commit ${short(verified.commit)}) is not what the run ends with (commit ${short(head)})`;
  return failure(`${what}: verify after the last change`);
}

interface Verified {
  readonly commit: string | null;
  readonly tree: string | null;
  readonly order: number;
}

function lastVerified(draft: Draft): Verified | null {
  let last: Verified | null = null;
  for (const path of draft.touched()) {
    const { status, order, result } = draft.step(path);
    if (status !== 'succeeded' || !isProof(draft, path)) continue;
    if (last !== null && last.order > (order ?? 0)) continue;
    const { commit, tree } = isJsonObject(result) ? result : {};
    last = { commit: textOf(commit), tree: textOf(tree), order: order ?? 0 };
  }
  return last;
}

/** A step of the workflow itself: what a persona has planned proves what that persona likes. */
function isProof(draft: Draft, path: string): boolean {
  const { definition } = planned(draft, path);
  return definition.type === 'verify' && draft.plan.steps.get(definition.id)?.definition === definition;
}

/** The files of a commit that a step has left behind. */
function treeOf(draft: Draft, commit: string): string | null {
  for (const path of draft.touched()) {
    const record: StepRecord = draft.step(path);
    if (record.commit === commit && record.more.tree !== undefined) return record.more.tree;
  }
  return null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function short(commit: string | null): string {
  return commit === null ? 'none' : commit.slice(0, 12);
}
