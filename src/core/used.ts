/** Adding up what attempts have used. */
import type { Usage, Used } from './exchange.js';

export const NOTHING_USED: Used = { tokens: 0, costUsd: 0, turns: 0 };

/** Of one attempt. What its persona does not say is nothing, and marked as unknown. */
export function usedOf({ inputTokens, outputTokens, costUsd, turns }: Usage): Used {
  const tokens = inputTokens === undefined ? outputTokens : inputTokens + (outputTokens ?? 0);
  return {
    tokens: tokens ?? 0,
    costUsd: costUsd ?? 0,
    turns: turns ?? 0,
    ...((tokens === undefined || costUsd === undefined) && { unknown: true }),
  };
}

export function sumOfUsed(a: Used, b: Used): Used {
  const unknown = a.unknown === true || b.unknown === true;
  return {
    tokens: a.tokens + b.tokens,
    costUsd: exact(a.costUsd + b.costUsd),
    turns: a.turns + b.turns,
    ...(unknown && { unknown: true }),
  };
}

/** Parts of a cent must not turn into 0.30000000000000004. */
export function exact(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}
