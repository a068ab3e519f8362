/** What a chaos run comes to: the counts, and the one line that says it. */
import type { Violation } from './check/violation.js';
import type { Kind } from './faults.js';

export interface Figures {
  readonly seed: number;
  readonly fsync: string;
  readonly seconds: { readonly faults: number; readonly drain: number };
  readonly kills: number;
  readonly stalls: number;
  readonly cuts: number;
  readonly runs: number;
  readonly transitions: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly stuck: number;
  readonly faults: Readonly<Record<Kind, number>>;
  /** Ends by failpoints and by personas that kill their worker; stalls by failpoints. */
  readonly inner: { readonly kills: number; readonly stalls: number };
  readonly failpoints: Readonly<Record<string, number>>;
  readonly statuses: Readonly<Record<string, number>>;
  readonly client: {
    readonly calls: number;
    readonly confirmed: number;
    readonly refused: number;
    /** Answers that stayed away, so that the call was made again. */
    readonly unknown: number;
  };
  readonly power: {
    readonly cuts: number;
    readonly bytes: number;
    readonly lostOperations: number;
    readonly incidents: number;
  };
  readonly attempts: { readonly executions: number; readonly doubled: number; readonly rate: number };
  readonly attacks: number;
  /** How long a run of two steps took meanwhile, ms. */
  readonly canaryMs: Percentiles;
  readonly timersLateMs: Percentiles;
  /** What the processes reported, by type. */
  readonly events: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly vacuous: readonly string[];
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Exactly this, and last. */
export function lastLine(figures: Figures): string {
  const { kills, stalls, cuts, runs, transitions, lost, duplicated, stuck } = figures;
  const done = `${String(kills)} kills, ${String(stalls)} stalls, ${String(cuts)} cuts`;
  const under = `${String(runs)} runs, ${String(transitions)} transitions`;
  return `${done}, ${under}: ${String(lost)} lost, ${String(duplicated)} duplicated, ${String(stuck)} stuck`;
}

/** Several lines that say what happened, for people. */
export function summary(figures: Figures): string {
  const { client, power, attempts, canaryMs, timersLateMs, attacks, seconds, statuses } = figures;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${String(count)} ${name}`)
      .join(', ');
  const spread = ({ p50, p99, max, count }: Percentiles): string =>
    `p50 ${String(p50)} ms, p99 ${String(p99)} ms, max ${String(max)} ms (${String(count)})`;
  return [
    `seed ${String(figures.seed)}, appendfsync ${figures.fsync}, ${seconds.faults.toFixed(0)} s of faults, drained in ${seconds.drain.toFixed(1)} s`,
    `faults: ${list(figures.faults)}; inside: ${list(figures.inner)}`,
    `runs: ${list(statuses)}`,
    `clients: ${list(client)}; forged calls: ${String(attacks)}`,
    `power cuts: ${String(power.cuts)}, ${String(power.bytes)} bytes gone, ${String(power.lostOperations)} confirmed operations gone, ${String(power.incidents)} incidents recorded`,
    `attempts: ${String(attempts.executions)} executed, ${String(attempts.doubled)} of them twice (${(attempts.rate * 100).toFixed(2)} %)`,
    `a run of two steps took ${spread(canaryMs)}; timers were late by ${spread(timersLateMs)}`,
    `reported: ${list(figures.events)}`,
  ].join('\n');
}
