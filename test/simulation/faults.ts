/**
 * What goes wrong in a simulation, drawn from its seed before it begins: a list of single faults, each of which can be
 * left out, so that a failing seed can be shrunk to the few that matter.
 */
import type { Draw } from './draw.js';
import type { Role } from './process.js';

/** Hits one call of a process to the store, before it is sent, on its way, or after it was applied. */
export const CALL_FAULTS = [
  'lost-request',
  'late-request',
  'lost-reply',
  'crash-before',
  'crash-after',
  'stall-before',
  'stall-after',
] as const;
export type CallFaultKind = (typeof CALL_FAULTS)[number];

/** Hits the store, or a process that is in the middle of something. */
export const WORLD_FAULTS = [
  'power-cut',
  'failover',
  'unreachable',
  'cut',
  'clock-jump',
  'process-clock',
  'memory-full',
  'kill',
  'pause',
  'restart',
] as const;
export type WorldFaultKind = (typeof WORLD_FAULTS)[number];

/** What personas, people and those who write into the store do that they should not. */
export const MISDEEDS = [
  'reply-twice',
  'late-reply',
  'forged-token',
  'wrong-worker',
  'reply-unbegun',
  'cancel',
  'answer-twice',
  'stray-signal',
  'poison',
  'damage',
  'strange-message',
  'edit',
] as const;
export type MisdeedKind = (typeof MISDEEDS)[number];

export type FaultKind = CallFaultKind | WorldFaultKind | MisdeedKind;
export const FAULT_KINDS: readonly FaultKind[] = [...CALL_FAULTS, ...WORLD_FAULTS, ...MISDEEDS];

interface FaultBase {
  /** Its place in the list; `--faults` names it. */
  readonly id: number;
  /** How long, or by how much, ms. */
  readonly ms: number;
  /** Decides what is left open: which process, which run. The same whichever other faults there are. */
  readonly whim: number;
}

export interface CallFault extends FaultBase {
  readonly kind: CallFaultKind;
  readonly role: Role;
  readonly method: string;
  /** Which of the role's calls of that method, from 1. */
  readonly nth: number;
}

export interface TimedFault extends FaultBase {
  readonly kind: WorldFaultKind | MisdeedKind;
  readonly role: Role;
  readonly at: number;
}

export type Fault = CallFault | TimedFault;

/** Methods by role, with how many calls of each an ordinary simulation makes at least: a fault beyond that hits nothing. */
const TARGETS: readonly (readonly [Role, string, number])[] = [
  ['coordinator', 'partitions.acquire', 3],
  ['coordinator', 'partitions.renew', 20],
  ['coordinator', 'partitions.read', 60],
  ['coordinator', 'partitions.suspect', 2],
  ['coordinator', 'partitions.load', 15],
  ['coordinator', 'partitions.commit', 6],
  ['coordinator', 'partitions.commit', 15],
  ['coordinator', 'partitions.commit', 15],
  ['coordinator', 'partitions.commit', 30],
  ['coordinator', 'partitions.commit', 30],
  ['coordinator', 'partitions.fire', 40],
  ['coordinator', 'partitions.release', 2],
  ['coordinator', 'partitions.discard', 2],
  ['worker', 'requests.join', 2],
  ['worker', 'requests.take', 20],
  ['worker', 'requests.take', 20],
  ['worker', 'requests.claimAbandoned', 6],
  ['worker', 'requests.begin', 15],
  ['worker', 'requests.begin', 15],
  ['worker', 'requests.beat', 15],
  ['worker', 'requests.reply', 15],
  ['worker', 'requests.reply', 15],
  ['worker', 'artifacts.put', 5],
  ['client', 'admission.admit', 8],
  ['client', 'namespace.putDefinition', 4],
  ['client', 'runs.load', 20],
];

export const isCallFault = (fault: Fault): fault is CallFault => 'nth' in fault;

/** Faults of a simulation in which things go wrong until `until` (virtual ms). `leaseMs`: stalls are longer than it. */
export function drawFaults(draw: Draw, { until, leaseMs }: { until: number; leaseMs: number }): readonly Fault[] {
  // Now and then nothing goes wrong, or everything does.
  const count = draw.pick([0, 3, 6, 9, 12, 15, 18, 24]);
  const losesData = draw.chance(0.4);
  const kinds = [...WORLD_FAULTS, ...MISDEEDS].filter(
    (kind) => losesData || (kind !== 'power-cut' && kind !== 'failover'),
  );
  const faults: Fault[] = [];
  for (let id = 0; id < count; id++) {
    const whim = draw.below(1_000_000);
    if (draw.chance(0.5)) {
      const [role, method, often] = draw.pick(TARGETS);
      const kind = draw.pick(CALL_FAULTS);
      faults.push({ id, kind, role, method, nth: draw.between(1, often), ms: durationOf(draw, kind, leaseMs), whim });
    } else {
      const kind = draw.pick(kinds);
      const role = draw.pick(['coordinator', 'coordinator', 'worker', 'worker', 'client'] as const);
      faults.push({ id, kind, role, at: draw.between(500, until), ms: durationOf(draw, kind, leaseMs), whim });
    }
  }
  return faults;
}

function durationOf(draw: Draw, kind: FaultKind, leaseMs: number): number {
  switch (kind) {
    case 'stall-before':
    case 'stall-after':
    case 'pause':
      // Of a worker, a stall may also be longer than its heartbeat.
      return draw.pick([leaseMs / 2, leaseMs * 1.5, leaseMs * 2.5, leaseMs * 10]);
    case 'late-request':
      return draw.pick([50, 500, 2_000, 8_000]);
    case 'lost-request':
    case 'lost-reply':
      return draw.pick([20, 500, 2_000]);
    case 'power-cut':
    case 'failover':
      return draw.pick([100, 500, 1_000, 2_000, 5_000]);
    case 'unreachable':
      return draw.pick([200, 2_000, 10_000]);
    case 'memory-full':
      return draw.pick([2_000, 15_000]);
    case 'clock-jump':
    case 'process-clock':
      return draw.pick([-120_000, -5_000, -500, 500, 5_000, 120_000]);
    default:
      return draw.between(100, 5_000);
  }
}
