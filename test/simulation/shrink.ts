/** Which faults of a failing seed matter: halves, quarters, … of the list are left out as long as it still fails. */
import { simulate } from './simulation.js';

/** Ids of faults without any of which the seed does not fail any more. */
export async function shrink(seed: number): Promise<readonly number[]> {
  const fails = async (ids: readonly number[]): Promise<boolean> =>
    (await simulate(seed, { only: new Set(ids) })).violations.length > 0;
  const first = await simulate(seed);
  let kept: readonly number[] = first.faults.map(({ id }) => id).filter((id) => first.fired.has(id));
  if (!(await fails(kept))) kept = first.faults.map(({ id }) => id);
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length; ) {
      const without = kept.filter((_id, index) => index < at || index >= at + size);
      if (await fails(without)) kept = without;
      else at += size;
    }
  }
  return kept;
}
