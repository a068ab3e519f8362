/**
 * A process of the simulation: nothing but a name, a clock and whether it lives. What happens in it (its timers, the
 * answers to its calls) comes through `deliver`: when it has died it never comes, while it stalls it comes later.
 */
import type { Clock } from '../../src/core/clock.js';
import type { Schedule } from './schedule.js';

export const ROLES = ['coordinator', 'worker', 'client'] as const;
export type Role = (typeof ROLES)[number];

/** Noon of a winter's day: the time at which every simulation begins, by every clock that is not wrong. */
const BEGIN = Date.UTC(2026, 0, 5, 12);

export class SimulatedProcess {
  readonly name: string;
  readonly role: Role;
  readonly clock: Clock;
  alive = true;
  /** How wrong its clock is, ms. */
  skew = 0;
  /** Highest position of each partition that an answer has confirmed to it. */
  readonly seen = new Map<number, number>();
  #stalledUntil = 0;
  readonly #schedule: Schedule;
  readonly #onDeath: (() => void)[] = [];

  constructor(name: string, role: Role, schedule: Schedule) {
    this.name = name;
    this.role = role;
    this.#schedule = schedule;
    this.clock = clockOf(
      schedule,
      () => this.skew,
      (run) => this.deliver(run),
    );
  }

  sees(partition: number, position: number): void {
    this.seen.set(partition, Math.max(position, this.seen.get(partition) ?? 0));
  }

  get stalled(): boolean {
    return this.#schedule.now < this.#stalledUntil;
  }

  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.stalled) this.#schedule.after(this.#stalledUntil - this.#schedule.now, () => this.deliver(run));
    else run();
  }

  /** Nothing of it ever happens again. */
  crash(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const tell of this.#onDeath) tell();
  }

  onDeath(tell: () => void): void {
    this.#onDeath.push(tell);
  }

  /** Nothing of it happens for so long: a pause of the garbage collector, a machine that swaps, SIGSTOP. */
  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#schedule.now + ms);
  }
}

/** A clock on virtual time. Its timers, like those of Node, do not care when its `now` jumps. */
export function clockOf(schedule: Schedule, skew: () => number, deliver: (run: () => void) => void): Clock {
  const after = (ms: number, callback: () => void): (() => void) => {
    let taken = false;
    const cancel = schedule.after(ms, () =>
      deliver(() => {
        if (!taken) callback();
      }),
    );
    return () => {
      taken = true;
      cancel();
    };
  };
  return {
    now: () => BEGIN + schedule.now + skew(),
    monotonic: () => schedule.now,
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve();
          return;
        }
        const end = (): void => {
          cancel();
          signal?.removeEventListener('abort', end);
          resolve();
        };
        const cancel = after(ms, end);
        signal?.addEventListener('abort', end);
      }),
  };
}
