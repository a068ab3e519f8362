/** Blocks that cannot do what they say: without steps, waiting for more than there are, or looping over what never changes. */
import type { Problems, Range } from '../problem.js';
import type { Use } from '../uses.js';
import type { Outline, Placed } from './outline.js';
import { stepRead } from './reading.js';

/** `found` is how many problems there were before the checks: steps that could not be read are missing in their lists. */
export function checkBlock(
  step: Placed,
  outline: Outline,
  { problems, found }: { problems: Problems; found: number },
): void {
  const { definition, fields, node } = step.draft;
  if (definition.type === 'conditional') {
    if (definition.then_steps.length + definition.else_steps.length > 0) return;
    reportEmpty(step, fields.get('then_steps') ?? fields.get('else_steps'), { problems, found });
    return;
  }
  if (definition.type !== 'parallel' && definition.type !== 'loop' && definition.type !== 'for_each') return;
  const count = definition.steps.length;
  if (count === 0) {
    reportEmpty(step, fields.get('steps'), { problems, found });
    return;
  }
  // Steps that deal with failures are not what is waited for.
  const ordinary = definition.steps.filter(({ when }) => when === 'on_success').length;
  const wanted = definition.type !== 'parallel' || definition.wait_for === 'all' ? 0 : definition.wait_for;
  if (definition.type === 'parallel' && (wanted === 'any' ? 1 : wanted) > ordinary) {
    const what = ordinary === count ? 'step' : 'ordinary step';
    const steps = ordinary === 1 ? `it has 1 ${what}` : `it has ${String(ordinary)} ${what}s`;
    const message = `step "${step.id}" waits for ${String(definition.wait_for)} steps, and ${steps}`;
    problems.add(
      'unmet-wait',
      fields.get('wait_for') ?? node,
      message,
      'Write wait_for: all, any, or a smaller number.',
    );
  }
  for (const use of step.draft.inside) checkRounds(step, use, { outline, problems });
}

function reportEmpty(
  { id, draft }: Placed,
  list: Range | undefined,
  { problems, found }: { problems: Problems; found: number },
): void {
  if (list === undefined) return;
  // `[]` is empty for sure; a longer text may hold steps that could not be read, which is reported already.
  if (list.end - list.start > 2 && found > 0) return;
  const what = draft.definition.type === 'conditional' ? 'steps in neither branch' : 'no steps';
  problems.add('wrong-type', list, `step "${id}" has ${what}`, 'Add at least one step.');
}

/** A loop whose steps write nothing of what it looks at goes on until its limit, or not at all. */
function checkRounds(
  step: Placed,
  use: Use,
  { outline, problems }: { readonly outline: Outline; readonly problems: Problems },
): void {
  if (use.references.length === 0 || use.references.some((reference) => canChange(step, reference, outline))) return;
  problems.warn(
    'unbounded-loop',
    use.part(0, use.expression.source.length),
    `"${use.field}" of step "${step.id}" reads nothing that its steps write: the body cannot change it`,
    'Read the state of a step inside the loop, or loop.round.',
  );
}

function canChange(step: Placed, reference: Use['references'][number], outline: Outline): boolean {
  if (reference.root === 'loop' || reference.root === 'artifacts') return true;
  const target = stepRead(reference, outline);
  // That it reads itself is reported as such.
  for (let at = target; at !== null; at = at.list.owner) if (at === step || at.list.owner === step) return true;
  return false;
}
