/**
 * What a run and its steps have used, as far as personas say. Nothing is written before the first one has said something,
 * so that a run of shell commands has no such figures; from then on an attempt that ends without a word is told of.
 */
import type { Usage, Used } from '../core/exchange.js';
import { NOTHING_USED, sumOfUsed, usedOf } from '../core/used.js';
import { DEFAULT_SOFT } from '../definition/ask-policy.js';
import { hasPersona } from '../definition/steps.js';
import { limitsOfRun, nearlySpent, release } from './budgets.js';
import { planned } from './instances.js';
import type { StepRecord } from './records.js';
import type { Draft } from './state.js';

/** Adds what the attempt under way has used. What its persona does not say is as much as was set aside for it. */
export function account(draft: Draft, path: string, usage: Usage | undefined): void {
  const reserved = release(draft, path);
  if (usage === undefined && reserved === undefined) return;
  const { tokens, costUsd, turns, unknown } = usedOf(usage ?? {});
  const said = usage?.inputTokens ?? usage?.outputTokens;
  addUsed(draft, path, {
    tokens: said === undefined ? (reserved?.tokens ?? 0) : tokens,
    costUsd: usage?.costUsd === undefined ? (reserved?.costUsd ?? 0) : costUsd,
    turns: usage?.turns === undefined ? (reserved?.turns ?? 0) : turns,
    ...(unknown === true && { unknown }),
  });
}

/** An attempt has ended, and nobody says what it used. */
export function accountUnknown(draft: Draft, path: string): void {
  const { status, more } = draft.step(path);
  if (more.reserved !== undefined && status === 'working') {
    account(draft, path, undefined);
    return;
  }
  if (draft.record.used === undefined || !mayUse(draft, path) || draft.step(path).begunAt === null) return;
  addUsed(draft, path, { ...NOTHING_USED, unknown: true });
}

export function addUsed(draft: Draft, path: string, spent: Used): void {
  const before = draft.record.used ?? { ...NOTHING_USED, ...(lostBefore(draft) && { unknown: true as const }) };
  const used = sumOfUsed(before, spent);
  draft.setRecord({ used });
  warn(draft, used);
  draft.setMore(path, { used: sumOfUsed(draft.step(path).more.used ?? NOTHING_USED, spent) });
}

/** People are told once that the budget will soon be used up. */
function warn(draft: Draft, used: Used): void {
  const { budget } = draft.plan.definition;
  if (budget === undefined || draft.record.budget?.warned === true) return;
  if (nearlySpent(draft, used, budget.soft ?? DEFAULT_SOFT).length === 0) return;
  draft.setRecord({ budget: { ...draft.record.budget, warned: true } });
  const at = { run: draft.record.id, at: draft.cause.at, cause: draft.cause.id };
  draft.facts.push({ ...at, type: 'budget.warned', used, limits: limitsOfRun(draft) });
}

/** What a fact says of the attempt that has ended. */
export function withUsage({ usage }: Draft): { readonly usage?: Usage } {
  return usage === undefined ? {} : { usage };
}

/** Whether an attempt of the step may have used anything that is counted. */
function mayUse(draft: Draft, path: string): boolean {
  return hasPersona(planned(draft, path).definition);
}

/** Whether attempts ended without a word before the first one has said what it used. */
function lostBefore(draft: Draft): boolean {
  const lost = ({ losses, error }: StepRecord): boolean => losses > 0 || error?.class === 'TIMEOUT';
  return [...draft.touched()].some((path) => lost(draft.step(path)) && mayUse(draft, path));
}
