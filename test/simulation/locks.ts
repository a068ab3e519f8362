/** Named locks in a simulation: workflows that take one, and that never two runs have the same one in their records. */
import { runHasEnded } from '../../src/core/statuses.js';
import type { StepDefinition } from '../../src/definition/steps.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import type { RunRecord } from '../../src/machines/records.js';
import type { MemoryContents } from '../../src/memory/contents.js';
import { lock, unlock } from '../harness/definitions.js';
import type { Violation } from '../invariants/violation.js';
import { DAMAGED } from './edit.js';
import type { Draw } from './draw.js';

/** One for all, so that nobody waits in a circle. */
const NAME = 'repo';

/** The workflow as it is, or with all that it does under a lock. */
export function underLock(draw: Draw, definition: WorkflowDefinition): WorkflowDefinition {
  if (!draw.chance(0.4)) return definition;
  const steps = definition.steps.map((one) =>
    one.when === 'on_success' && one.dependencies.length === 0 ? { ...one, dependencies: ['held'] } : one,
  );
  const ordinary = steps.filter(({ when }) => when === 'on_success').map(({ id }) => id);
  const back: readonly StepDefinition[] = draw.chance(0.4)
    ? [unlock('given', NAME, { dependencies: [draw.chance(0.5) ? (ordinary.at(-1) ?? 'held') : 'held'] })]
    : [];
  return { ...definition, steps: [lock('held', NAME), ...steps, ...back] };
}

/** I15: of the runs whose records stand in the store, one at most holds a lock. */
export function heldByOne(contents: MemoryContents, partitions: number): Violation | null {
  const holders = new Map<string, string>();
  for (let partition = 0; partition < partitions; partition++) {
    for (const [run, { record, status }] of contents.at(partition).runs) {
      if (runHasEnded(status) || record === DAMAGED || !record.includes('"locks"')) continue;
      for (const { name, grant } of (JSON.parse(record) as RunRecord).locks ?? []) {
        if (grant === null) continue;
        const other = holders.get(name);
        if (other !== undefined) return { invariant: 'I15', what: `${other} and ${run} both hold lock ${name}` };
        holders.set(name, run);
      }
    }
  }
  return null;
}
