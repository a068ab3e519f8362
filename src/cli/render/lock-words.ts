/** Who holds a named lock, in words. */
import type { LockParty } from '../../core/lock-port.js';
import { oneLine } from './printable.js';

/** `run deploy-7k2m9x4h0q (step ship)`, `ann on laptop`. */
export function partyWords(party: LockParty): string {
  return oneLine(party.kind === 'run' ? `run ${party.id} (step ${party.step})` : `${party.by} on ${party.host}`);
}

/** `lock "ticket/7", held by ann on laptop`. */
export function lockWords(name: string, holder: LockParty | null | undefined): string {
  const who = holder === undefined || holder === null ? '' : `, held by ${partyWords(holder)}`;
  return `lock ${JSON.stringify(oneLine(name))}${who}`;
}
