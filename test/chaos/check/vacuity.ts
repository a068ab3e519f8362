/** I16: a run in which nothing happened proves nothing. */
import type { Kind } from '../faults.js';
import type { Figures } from '../figures.js';
import type { Options } from '../options.js';

/** Why the run is worth nothing; empty when it is worth something. */
export function vacuities(
  figures: Omit<Figures, 'vacuous'>,
  { weights, focus }: Pick<Options, 'weights' | 'focus'>,
): readonly string[] {
  const { faults, transitions, runs, client, inner, attacks, fsync, power, events, kills, stalls, cuts } = figures;
  const missing: string[] = [];
  for (const kind of Object.keys(weights) as Kind[])
    if (weights[kind] > 0 && faults[kind] === 0) missing.push(`no fault of the kind "${kind}"`);
  const atLeast = (what: string, have: number, want: number): void => {
    if (have < want) missing.push(`${String(have)} ${what}, at least ${String(Math.ceil(want))} are needed`);
  };
  // Measured by the faults and not by the time: on a slow machine both come slowly.
  const all = kills + stalls + cuts;
  atLeast('kills, stalls and cuts', all, 10);
  atLeast('transitions', transitions, Math.max(200, 2 * all));
  atLeast('runs', runs, Math.max(40, all / 4));
  atLeast('confirmed operations', client.confirmed, Math.max(60, all / 2));
  if (all >= 30) {
    atLeast('kills or stalls between two round trips', inner.kills + inner.stalls, 2);
    atLeast('forged calls', attacks, 3);
    atLeast('takeovers', events['partition.acquired'] ?? 0, 4);
  }
  if (all >= 80 && focus === 'everything') {
    atLeast('owners that were fenced', events['partition.fenced'] ?? 0, 1);
    atLeast('replies that came too late', events['stale'] ?? 0, 1);
  }
  if (all >= 200 && focus === 'everything') atLeast('answers that stayed away', client.unknown, 1);
  if (fsync !== 'always' && weights['power cut'] > 0) {
    atLeast('bytes that a power cut took', power.bytes, 1);
    atLeast('incidents that were recorded', power.incidents, 1);
  }
  return missing;
}
