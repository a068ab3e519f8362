/**
 * A commit as `commit.lua` takes it: the transition as JSON, and the keys that not every transition needs. The JSON names
 * such a key by its place, since a script may touch declared keys only; what is not asked for is left out and costs nothing.
 */
import type { Commit } from '../core/ports.js';
import type { PartitionKeys } from './keys.js';

export interface Transition {
  readonly json: string;
  /** The keys that follow the fixed ones. */
  readonly keys: readonly string[];
}

export function transitionOf(commit: Commit, keys: PartitionKeys): Transition {
  const places = new Map<string, number>();
  const placeOf = (key: string): number => {
    const place = places.get(key) ?? places.size + 1;
    places.set(key, place);
    return place;
  };
  const { starts, sends, release } = commit;
  const transition = {
    run: commit.run,
    status: commit.status.to,
    steps: commit.steps.map(({ step, record, token }) => (token === null ? [step, record] : [step, record, token])),
    consumed: commit.consumed,
    requests: commit.requests.map(({ persona, body }) => [placeOf(keys.requests(persona)), body]),
    arm: commit.arm.map(({ id, afterMs, at }) => (at === undefined ? [id, afterMs] : [id, afterMs, at])),
    disarm: commit.disarm,
    ...(starts.length > 0 && {
      pending: placeOf(keys.runs('pending')),
      starts: starts.map(({ run, definition, input, record }) => [
        placeOf(keys.run(run)),
        run,
        definition,
        input,
        record,
      ]),
    }),
    ...(sends.length > 0 && { sends: sends.map(({ run, kind, body }) => [placeOf(keys.run(run)), run, kind, body]) }),
    ...(release !== null && { slot: [placeOf(keys.slot(release)), placeOf(keys.slotLine(release))] }),
  };
  return { json: JSON.stringify(transition), keys: [...places.keys()] };
}
