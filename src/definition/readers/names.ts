/** Names in a file: ids of steps, personas, dependencies. */
import { BLOCKED_NAMES } from '../../expression/limits.js';
import { quoted } from '../../expression/problem.js';
import { describe, type Located } from '../fields.js';
import { STEP_ID } from '../workflow.js';
import type { ReadContext } from './draft.js';
import type { Sheet } from './sheet.js';

/** The step's id; null when nothing can refer to it, which is reported. `made` stands in for one that is left out. */
export function readId({ fields, problems }: Sheet, made: string | null): Located<string> | null {
  if (!fields.has('id')) {
    if (made !== null) return { value: made, ...fields.range };
    return fields.missing('id', 'Every step needs an id, for example "id: implementation".');
  }
  const id = fields.text('id');
  if (id === null) return null;
  if (!STEP_ID.test(id.value)) {
    const hint = 'An id starts with a letter and has up to 64 letters, digits, "-" and "_".';
    problems.add('wrong-type', id, `${quoted(id.value)} cannot be the id of a step`, hint);
    return null;
  }
  if (BLOCKED_NAMES.has(id.value)) {
    const hint = 'Expressions may not read that name. Choose another one.';
    problems.add('wrong-type', id, `${quoted(id.value)} cannot be the id of a step`, hint);
    return null;
  }
  return id;
}

/** The persona that a step asks first. */
export function readPersona(sheet: Sheet, context: ReadContext): string {
  const { fields } = sheet;
  if (!fields.has('persona')) fields.missing('persona', 'Say who does the step, for example "persona: lead-engineer".');
  const persona = fields.text('persona');
  if (persona !== null) checkPersona(persona, sheet, context);
  return persona?.value ?? '';
}

/** Personas that are asked in turn when the first has used up its attempts; null when the step does not say. */
export function readFallback(sheet: Sheet, context: ReadContext): readonly string[] | null {
  if (!sheet.fields.has('fallback')) return null;
  const names = sheet.texts('fallback', 'personas');
  for (const name of names) checkPersona(name, sheet, context);
  return [...new Set(names.map(({ value }) => value))];
}

export function checkPersona(
  name: Located<string>,
  { owner, problems }: Sheet,
  { personas, allowed }: ReadContext,
): void {
  if (!STEP_ID.test(name.value)) {
    const hint = 'A name starts with a letter and has up to 64 letters, digits, "-" and "_".';
    problems.add('wrong-type', name, `${quoted(name.value)} cannot be the name of a persona`, hint);
    return;
  }
  if (personas === null || personas.has(name.value)) return;
  const guess = problems.suggest(name.value, personas);
  const known = [...personas].toSorted().slice(0, 12).join(', ');
  const others = guess || (known === '' ? 'No persona is known.' : `Known are ${known}.`);
  // Who plans steps cannot write files for them.
  const hint = allowed === null ? `${others} Or add personas/${name.value}.md.` : others;
  problems.add('unknown-persona', name, `unknown persona ${quoted(name.value)} in ${owner}`, hint);
}

export function readDependencies({ fields, problems, owner }: Sheet): readonly Located<string>[] {
  const found = new Map<string, Located<string>>();
  for (const item of fields.list('dependencies', 'a list of step ids', 'For example dependencies: [planning].')
    ?.items ?? []) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      problems.add('wrong-type', item, `a dependency of ${owner} must be the id of a step, not ${describe(item)}`);
    } else if (found.has(item.value)) {
      const message = `${owner} names the dependency ${quoted(item.value)} twice`;
      problems.add('duplicate-dependency', item, message, 'Keep one of them.');
    } else {
      found.set(item.value, { value: item.value, start: item.start, end: item.end });
    }
  }
  return [...found.values()];
}
