/** Steps that a persona answers: `persona-request`, and `plan`, whose answer is a list of steps. */
import { quoted } from '../../expression/problem.js';
import { type Asking, ON_QUOTAS, RESUMES_FROM } from '../ask-policy.js';
import {
  type AskPolicy,
  DEFAULTS,
  NO_RETRIES,
  PLANNED_TYPES,
  STEP_TYPES,
  type StepBase,
  type StepType,
} from '../steps.js';
import { WORKFLOW_LIMITS } from '../workflow.js';
import { readBudget } from './budgets.js';
import type { ReadContext, StepBody } from './draft.js';
import { checkPersona, readFallback, readPersona } from './names.js';
import { readRetries } from './retries.js';
import { Sheet } from './sheet.js';

/** How attempts are asked for, with the workflow's defaults for what the step does not say. */
export function readPolicy(sheet: Sheet, { defaults }: ReadContext): AskPolicy {
  return {
    queue_timeout: sheet.duration('queue_timeout'),
    retries: readRetries(sheet) ?? defaults.retries ?? NO_RETRIES,
  };
}

function readAsking(sheet: Sheet, context: ReadContext): Asking {
  const persona = readPersona(sheet, context);
  const fallback = readFallback(sheet, context) ?? context.defaults.fallback;
  const onQuota = sheet.word('on_quota', ON_QUOTAS);
  const resumesFrom = sheet.word('resume_from', RESUMES_FROM);
  const budget = readBudget(sheet);
  return {
    persona,
    fallback: fallback.filter((name) => name !== persona),
    params: sheet.values('params') ?? {},
    ...readPolicy(sheet, context),
    ...(onQuota === 'fallback' && { on_quota: onQuota }),
    ...(resumesFrom !== null && { resume_from: resumesFrom }),
    ...(budget !== null && { budget }),
  };
}

export function readRequest(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  const asking = readAsking(sheet, context);
  return { definition: { ...base, type: 'persona-request', ...asking, output: sheet.schema('output') } };
}

export function readPlan(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  const asking = readAsking(sheet, context);
  const max_steps = sheet.number('max_steps', { from: 1, to: WORKFLOW_LIMITS.planned }) ?? DEFAULTS.max_steps;
  return { definition: { ...base, type: 'plan', ...asking, allow: readAllowed(sheet, context), max_steps } };
}

function readAllowed(
  outer: Sheet,
  context: ReadContext,
): { readonly types: readonly StepType[]; readonly personas: readonly string[] | null } {
  const node = outer.fields.map('allow', 'a map with "types" and "personas"');
  if (node === null) return { types: PLANNED_TYPES, personas: null };
  const sheet = new Sheet(node, `"allow" of ${outer.owner}`, outer.problems);
  sheet.fields.only({ known: ['types', 'personas'], meant: { persona: 'personas', type: 'types' } });
  const types = sheet.texts('types', 'step types').flatMap((word) => {
    const type = STEP_TYPES.find((name) => name === word.value);
    if (type !== undefined) return [type];
    const hint = sheet.problems.suggest(word.value, STEP_TYPES) || `Types are ${STEP_TYPES.join(', ')}.`;
    sheet.problems.add('unknown-type', word, `unknown step type ${quoted(word.value)}`, hint);
    return [];
  });
  const personas = sheet.texts('personas', 'personas');
  for (const name of personas) checkPersona(name, sheet, context);
  return {
    types: sheet.fields.has('types') ? [...new Set(types)] : PLANNED_TYPES,
    personas: sheet.fields.has('personas') ? [...new Set(personas.map(({ value }) => value))] : null,
  };
}
