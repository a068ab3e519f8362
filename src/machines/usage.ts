/**
 * What a run and its steps have used, as far as personas say. Nothing is written before the first one has said something,
 * so that a run of shell commands has no such figures; from then on an attempt that ends without a word is told of.
 */
import type { Usage, Used } from '../core/exchange.js';
import { planned } from './instances.js';
import type { StepRecord } from './records.js';
import type { Draft } from './state.js';

export const NOTHING_USED: Used = { tokens: 0, costUsd: 0, turns: 0 };

/** Adds what the attempt under way has used. */
export function account(draft: Draft, path: string, usage: Usage | undefined): void {
  if (usage === undefined) return;
  const { inputTokens, outputTokens, costUsd, turns } = usage;
  const silent = (inputTokens ?? outputTokens) === undefined || costUsd === undefined;
  const spent: Used = {
    tokens: (inputTokens ?? 0) + (outputTokens ?? 0),
    costUsd: costUsd ?? 0,
    turns: turns ?? 0,
    ...(silent && { unknown: true }),
  };
  addUsed(draft, path, spent);
}

/** An attempt has ended, and nobody says what it used. */
export function accountUnknown(draft: Draft, path: string): void {
  if (draft.record.used === undefined || !mayUse(draft, path) || draft.step(path).begunAt === null) return;
  addUsed(draft, path, { ...NOTHING_USED, unknown: true });
}

export function addUsed(draft: Draft, path: string, spent: Used): void {
  const before = draft.record.used ?? { ...NOTHING_USED, ...(lostBefore(draft) && { unknown: true as const }) };
  draft.setRecord({ used: sum(before, spent) });
  draft.setMore(path, { used: sum(draft.step(path).more.used ?? NOTHING_USED, spent) });
}

export function sum(a: Used, b: Used): Used {
  const unknown = a.unknown === true || b.unknown === true;
  return {
    tokens: a.tokens + b.tokens,
    // Parts of a cent must not turn into 0.30000000000000004.
    costUsd: Math.round((a.costUsd + b.costUsd) * 1e9) / 1e9,
    turns: a.turns + b.turns,
    ...(unknown && { unknown: true }),
  };
}

/** What a fact says of the attempt that has ended. */
export function withUsage({ usage }: Draft): { readonly usage?: Usage } {
  return usage === undefined ? {} : { usage };
}

/** Whether an attempt of the step may have used anything that is counted. */
function mayUse(draft: Draft, path: string): boolean {
  const { type } = planned(draft, path).definition;
  return type === 'persona-request' || type === 'plan';
}

/** Whether attempts ended without a word before the first one has said what it used. */
function lostBefore(draft: Draft): boolean {
  const lost = ({ losses, error }: StepRecord): boolean => losses > 0 || error?.class === 'TIMEOUT';
  return [...draft.touched()].some((path) => lost(draft.step(path)) && mayUse(draft, path));
}
