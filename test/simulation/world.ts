/**
 * The store of a simulation and what can happen to it: it goes back to an earlier moment, does not answer for a while, is
 * full, or its clock jumps. Every process reaches it through a link of its own (`link.ts`).
 */
import type { Clock } from '../../src/core/clock.js';
import { MemoryContents, type MemoryCopy } from '../../src/memory/contents.js';
import type { Violation } from '../invariants/violation.js';
import { noteAnswer } from './answers.js';
import type { Draw } from './draw.js';
import type { CallFault, Fault } from './faults.js';
import { isCallFault } from './faults.js';
import { Ledger } from './ledger.js';
import { heldByOne } from './locks.js';
import { clockOf, type Role, type SimulatedProcess } from './process.js';
import type { Schedule } from './schedule.js';
import { outcomeOf, type Trace } from './trace.js';

interface Saved {
  readonly copy: MemoryCopy;
  /** Changes in the ledger at that time. */
  readonly length: number;
  readonly at: number;
}

/** A connection that is told when the server hangs up. */
export interface Hanging {
  readonly process: SimulatedProcess;
  hangUp(why: string): void;
  letGo(): void;
}

export interface Rollback {
  /** Virtual ms at which the store went back, and to when. */
  readonly at: number;
  readonly to: number;
  /** Changes that are gone, by partition. */
  readonly lost: readonly number[];
  /** Position that each partition went back to, and how often it had been taken by then. */
  readonly stood: readonly number[];
  readonly taken: readonly number[];
  /** Processes that had seen more confirmed, with the partition. */
  readonly witnesses: readonly {
    readonly process: SimulatedProcess;
    readonly partition: number;
    readonly seen: number;
  }[];
}

export class World {
  readonly schedule: Schedule;
  readonly draw: Draw;
  readonly trace: Trace;
  readonly contents: MemoryContents;
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly partitions: number;
  readonly rollbacks: Rollback[] = [];
  readonly links = new Set<Hanging>();
  /** Faults that came to pass, with when. */
  readonly fired = new Map<number, number>();
  /** Answers of the protocol, by name, with when each was first given and how often. */
  readonly answers = new Map<string, { times: number[] }>();
  /** What single calls did that they must not. */
  readonly breaches: Violation[] = [];
  /** How wrong the server's clock is, ms. */
  skew = 0;
  full = false;
  /** Messages whose evaluation kills the process that evaluates them, by inbox id. */
  readonly poison = new Set<string>();
  /** The next reply comes once more, so many ms later; null when it does not. */
  doubled: number | null = null;
  /** Whether the simulation is over: whoever still asks for something is told so, and gives up. */
  over = false;
  /** Whether faults still happen. */
  hostile = true;
  #down = 0;
  readonly #pending: Map<string, CallFault[]>;
  readonly #calls = new Map<string, number>();
  readonly #saved = new Map<number, Saved>();

  constructor(means: {
    schedule: Schedule;
    draw: Draw;
    trace: Trace;
    partitions: number;
    faults: readonly Fault[];
  }) {
    const { schedule, partitions } = means;
    this.schedule = schedule;
    this.draw = means.draw;
    this.trace = means.trace;
    this.partitions = partitions;
    this.clock = clockOf(
      schedule,
      () => this.skew,
      (run) => run(),
    );
    this.contents = new MemoryContents(this.clock, 'simulated');
    this.ledger = new Ledger(this.contents, partitions, () => this.clock.now());
    this.#pending = new Map();
    for (const fault of means.faults.filter(isCallFault)) {
      const key = `${fault.role} ${fault.method}`;
      this.#pending.set(key, [...(this.#pending.get(key) ?? []), fault]);
    }
  }

  /** What the store loses between a grant and its commit is granted again: of that nothing is promised. */
  lookAtLocks(): void {
    if (this.rollbacks.length > 0) return;
    const violation = heldByOne(this.contents, this.partitions);
    if (violation !== null) this.breaches.push(violation);
  }

  get down(): boolean {
    return this.#down > 0;
  }

  /** The fault that hits this call, if one does. */
  faultOf(role: Role, method: string): CallFault | null {
    const key = `${role} ${method}`;
    const count = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, count);
    if (!this.hostile) return null;
    const fault = this.#pending.get(key)?.find(({ nth, id }) => nth === count && !this.fired.has(id));
    if (fault === undefined) return null;
    this.happened(fault);
    return fault;
  }

  happened({ id, kind }: Fault): void {
    this.fired.set(id, this.schedule.now);
    this.trace.add(this.schedule.now, 'FAULT', `${String(id)} ${kind}`);
  }

  answered(answer: string): void {
    const known = this.answers.get(answer) ?? { times: [] };
    known.times.push(this.schedule.now);
    this.answers.set(answer, known);
  }

  strangerHeard(call: string, value: unknown): void {
    noteAnswer(this, { name: call, args: [] }, value);
    this.trace.add(this.schedule.now, 'stranger', `${call} ${outcomeOf(value)}`);
  }

  /** What has reached the disk, or the other server, now: what the store can go back to. */
  save(fault: number): void {
    this.#saved.set(fault, { copy: this.contents.copy(), length: this.ledger.changes.length, at: this.schedule.now });
  }

  /** The store goes back to what was saved, and all connections break. False when that is gone, too. */
  goBack(fault: number): boolean {
    const saved = this.#saved.get(fault);
    if (saved === undefined) return false;
    const { length, at } = saved;
    const lost = Array.from({ length: this.partitions }, () => 0);
    for (const { partition } of this.ledger.changes.slice(length)) lost[partition] = (lost[partition] ?? 0) + 1;
    this.contents.restore(saved.copy);
    this.ledger.goBack(length);
    const stood = lost.map((_count, partition) => this.contents.at(partition).lease.position);
    const witnesses = [...this.links].flatMap(({ process }) =>
      [...process.seen]
        .filter(([partition, position]) => process.alive && position > (stood[partition] ?? 0))
        .map(([partition, position]) => ({ process, partition, seen: position })),
    );
    const taken = lost.map((_count, partition) => this.contents.at(partition).takeovers.length);
    this.rollbacks.push({ at: this.schedule.now, to: at, lost, stood, taken, witnesses });
    for (const [other, later] of this.#saved) if (later.at > at) this.#saved.delete(other);
    this.hangUp('the store went back');
    return true;
  }

  hangUp(why: string): void {
    for (const link of this.links) link.hangUp(why);
  }

  /** The store does not answer for so long. */
  goDown(ms: number): void {
    this.#down++;
    this.hangUp('the store is down');
    this.schedule.after(ms, () => void this.#down--);
  }
}
