/** Schedules over a memory store on a clock that the test moves: coordinators with their schedulers, and what they started. */
import { onTestFinished } from 'vitest';
import { Client } from '../../src/coordinator/client.js';
import { type ScheduleRequest, Schedules } from '../../src/coordinator/client-schedules.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { Scheduler } from '../../src/coordinator/scheduler.js';
import { ManualClock } from '../../src/core/clock.js';
import { countedIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import type { RunView } from '../../src/core/views.js';
import { MemoryContents } from '../../src/memory/contents.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { emit, wait, workflow } from '../harness/definitions.js';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
/** A Monday. */
export const BEGIN = Date.parse('2026-03-02T00:00:00Z');

/** Over as soon as it is begun. */
export const short = workflow([emit('say', 'said')], { name: 'short' });
/** Goes on until it is told to end. */
export const long = workflow([wait('hold', { signal: 'go' })], { name: 'long' });

export interface Member {
  readonly stop: () => Promise<void>;
}

export interface Start {
  readonly at: string;
  readonly reason: string;
  readonly run: RunView;
}

export class Scene {
  readonly clock = new ManualClock(BEGIN);
  readonly contents = new MemoryContents(this.clock, 'i1');
  readonly store: Store;
  readonly client: Client;
  readonly schedules: Schedules;
  readonly events: CoordinatorEvent[] = [];
  readonly partitions: number;
  heads: (repo: string) => Promise<string> = async () => 'a'.repeat(40);
  /** What schedules watch. */
  seen: () => Readonly<Record<string, string>> = () => ({});
  #members = 0;

  constructor(partitions = 1) {
    this.partitions = partitions;
    this.contents.partitions = partitions;
    this.store = this.storeOf('s');
    this.client = this.clientOf(this.store);
    this.schedules = new Schedules({ store: this.store, partitions, clock: this.clock });
  }

  storeOf(name: string): Store {
    return createMemoryStore({ clock: this.clock, ids: countedIds(name), contents: this.contents });
  }

  clientOf(store: Store): Client {
    return new Client({ store, partitions: this.partitions, clock: this.clock, ids: countedIds('c') });
  }

  schedulerOf(store: Store): Scheduler {
    return new Scheduler({
      store,
      partitions: this.partitions,
      client: this.clientOf(store),
      clock: this.clock,
      report: (event) => void this.events.push(event),
      headOf: (repo) => this.heads(repo),
      look: async () => this.seen(),
    });
  }

  /** A coordinator that moves runs, with or without a scheduler. */
  coordinator({ schedules = true, leaseMs = 2_000 }: { schedules?: boolean; leaseMs?: number } = {}): Member {
    const name = `m${String(++this.#members)}`;
    const store = this.storeOf(name);
    const { clock, partitions } = this;
    const report = (event: CoordinatorEvent): void => void this.events.push(event);
    const scheduler = schedules ? { scheduler: this.schedulerOf(store) } : {};
    const ids = countedIds(name);
    const coordinator = new Coordinator({ store, partitions, clock, ids, name, report, leaseMs, ...scheduler });
    coordinator.start();
    let stopped: Promise<void> | null = null;
    const stop = async (): Promise<void> => {
      let over = false;
      stopped ??= coordinator.stop();
      void stopped.then(() => {
        over = true;
      });
      await this.until(() => over, 100);
    };
    onTestFinished(stop);
    return { stop };
  }

  async add(
    name: string,
    change: Partial<ScheduleRequest['draft']> & Partial<Pick<ScheduleRequest, 'definition' | 'repo'>>,
  ) {
    const { definition = short, repo = null, ...draft } = change;
    const request: ScheduleRequest = {
      draft: {
        name,
        task: {},
        trigger: { kind: 'every', everyMs: MINUTE },
        overlap: 'skip',
        catchUp: 'last',
        catchUpLimit: 10,
        jitterMs: 0,
        startsAt: null,
        endsAt: null,
        paused: false,
        ...draft,
      },
      definition,
      inner: [],
      repo,
      folder: '/project',
      by: 'test',
    };
    return this.schedules.add(request);
  }

  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time go by, in steps. */
  async pass(ms: number, stepMs = 250): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(left, stepMs));
      for (let turns = 0; turns < 6; turns++) await this.turn();
    }
  }

  async until(isSo: () => boolean | Promise<boolean>, stepMs = 250): Promise<void> {
    for (let turns = 0; !(await isSo()); turns++) {
      if (turns > 5_000) throw new Error('it never came to that');
      await this.pass(stepMs, stepMs);
    }
  }

  /** Runs that schedules started, in order of their instants. */
  async starts(schedule: string): Promise<readonly Start[]> {
    const found: Start[] = [];
    for (const { id } of await this.client.list({ limit: 1_000 })) {
      const run = await this.client.get(id);
      const by = run.task['schedule'] as { name: string; at: string; reason: string } | undefined;
      if (by?.name === schedule) found.push({ at: by.at.slice(11, 19), reason: by.reason, run });
    }
    return found.toSorted((a, b) => (a.at < b.at ? -1 : 1));
  }

  async startedAt(schedule: string): Promise<readonly string[]> {
    return (await this.starts(schedule)).map(({ at, reason }) => (reason === 'time' ? at : `${at} ${reason}`));
  }
}
