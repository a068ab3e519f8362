/** What was used, in a few words: `12,345 tokens, $0.42, 7 turns`. */
import type { Used } from '../../core/exchange.js';
import { counted } from './step-tree.js';

export function usedWords({ tokens, costUsd, turns, unknown }: Used): string {
  const words = [
    ...(tokens > 0 ? [`${counted(tokens)} tokens`] : []),
    ...(costUsd > 0 ? [dollars(costUsd)] : []),
    ...(turns > 0 ? [turns === 1 ? '1 turn' : `${counted(turns)} turns`] : []),
  ];
  const known = words.length === 0 ? 'nothing' : words.join(', ');
  return unknown === true ? `${known}, and what was not reported` : known;
}

export function dollars(amount: number): string {
  return `$${amount.toFixed(amount > 0 && amount < 0.1 ? 4 : 2)}`;
}
