/**
 * One partition in memory: the same keys as on Redis, as maps, and the same scripts, as methods that run without a
 * pause and are therefore atomic. Waiting readers are woken by `changed`.
 */
import type { Clock } from '../core/clock.js';
import type { Claim } from '../core/messages.js';
import type { RunStatus } from '../core/statuses.js';
import { RUN_FORMAT } from '../core/formats.js';
import type { FeedEntry, HistoryEntry, InboxEntry } from '../core/ports.js';
import type { Incident } from '../core/watch-ports.js';
import { MemorySlots, type SlotsCopy } from './slots.js';

export interface MemoryStep {
  record: string | null;
  token: string | null;
  /** Token of the last reply that was taken. */
  delivered: string | null;
  claim: Claim | null;
  /** Token and worker of the last reply that came too late. */
  late: string | null;
}

export interface MemoryRun {
  format: number;
  version: number;
  status: RunStatus;
  definition: string;
  input: string;
  record: string;
  chain: string;
  quarantined: string | null;
  /** Id of the last message that takes it up again although it has ended. */
  reopening: string | null;
  readonly createdAt: number;
  readonly steps: Map<string, MemoryStep>;
  readonly history: HistoryEntry[];
}

/** Fields as in `redis/keys.ts`. */
export interface MemoryLease {
  owner: string | null;
  epoch: number;
  until: number;
  term: string;
  position: number;
  incarnation: number;
  hold: string | null;
  /** How many incidents people know of. */
  acknowledged: number;
}

/** What a run begins with, as JSON texts. */
export interface NewRun {
  readonly run: string;
  readonly definition: string;
  readonly input: string;
  readonly record: string;
}

export interface MemoryRequest {
  readonly id: string;
  readonly body: string;
  /** Worker it was delivered to, with when; null before. */
  delivered: { worker: string; at: number } | null;
}

export interface DeadLetter {
  readonly id: string;
  readonly entry: string;
  readonly run: string;
  readonly reason: string;
  readonly kind: string;
  readonly head: string;
  readonly body: string;
  readonly persona: string;
}

/** Everything that a partition held at one moment. */
export interface PartitionCopy {
  readonly lastId: { readonly ms: number; readonly sequence: number };
  readonly slots: SlotsCopy;
  readonly fields: object;
}

export class MemoryPartition {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #lastId = { ms: 0, sequence: 0 };
  readonly lease: MemoryLease = {
    owner: null,
    epoch: 0,
    until: 0,
    term: '',
    position: 0,
    incarnation: 0,
    hold: null,
    acknowledged: 0,
  };
  readonly takeovers: { readonly term: string; readonly position: number }[] = [];
  readonly incidents: Incident[] = [];
  readonly inbox = new Map<string, InboxEntry>();
  readonly dead: DeadLetter[] = [];
  readonly audit: { readonly at: number; readonly action: string; readonly what: string; readonly by: string }[] = [];
  readonly suspects = new Map<string, number>();
  readonly timers = new Map<string, number>();
  readonly feed: FeedEntry[] = [];
  readonly admitted = new Map<string, { hash: string; at: number }>();
  readonly runs = new Map<string, MemoryRun>();
  readonly requests = new Map<string, Map<string, MemoryRequest>>();
  /** By persona: workers that take its requests, with when each was heard of last, ms. */
  readonly readers = new Map<string, Map<string, number>>();
  readonly slots = new MemorySlots();
  readonly artifacts = new Map<string, Uint8Array>();
  /** When each artifact was read or written last. */
  readonly touched = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  /** All that it holds, as later changes do not reach it. */
  copy(): PartitionCopy {
    const fields = Object.fromEntries(Object.entries(this).filter(([name]) => name !== 'slots'));
    return { lastId: this.#lastId, slots: this.slots.copy(), fields: structuredClone(fields) };
  }

  /** Goes back to a copy. Fields that hold maps and lists keep them, since readers that wait look into them. */
  restore({ lastId, slots, fields }: PartitionCopy): void {
    this.#lastId = lastId;
    this.slots.restore(slots);
    for (const [name, value] of Object.entries(structuredClone(fields))) {
      const held: unknown = Reflect.get(this, name);
      if (held instanceof Map && value instanceof Map) {
        held.clear();
        for (const [key, item] of value) held.set(key, item);
      } else if (Array.isArray(held) && Array.isArray(value)) {
        held.length = 0;
        for (const item of value) held.push(item);
      } else if (typeof held === 'object' && held !== null) {
        Object.assign(held, value);
      }
    }
    this.changed();
  }

  /** Ids like a stream's: the time, then a counter, never going back. */
  nextId(): string {
    const now = this.now();
    this.#lastId =
      now > this.#lastId.ms ? { ms: now, sequence: 0 } : { ms: this.#lastId.ms, sequence: this.#lastId.sequence + 1 };
    return `${String(this.#lastId.ms)}-${String(this.#lastId.sequence)}`;
  }

  /** Returns its id. */
  post(message: Omit<InboxEntry, 'id'>): string {
    const id = this.nextId();
    this.inbox.set(id, { id, ...message });
    this.changed();
    return id;
  }

  /** A run that has begun nothing; its `start` message is another matter. */
  create({ run, definition, input, record }: NewRun): void {
    this.runs.set(run, {
      format: RUN_FORMAT,
      version: 0,
      status: 'pending',
      definition,
      input,
      record,
      chain: '',
      quarantined: null,
      reopening: null,
      createdAt: this.now(),
      steps: new Map(),
      history: [],
    });
  }

  postStart(run: string): void {
    this.post({ run, kind: 'start', head: '', body: '{}' });
  }

  /** `facts`: JSON list. */
  report(facts: string): void {
    this.feed.push({ id: this.nextId(), facts });
    if (this.feed.length > FEED_LENGTH * 2) this.feed.splice(0, this.feed.length - FEED_LENGTH);
    this.changed();
  }

  step(run: MemoryRun, id: string): MemoryStep {
    const existing = run.steps.get(id);
    if (existing !== undefined) return existing;
    const fresh: MemoryStep = { record: null, token: null, delivered: null, claim: null, late: null };
    run.steps.set(id, fresh);
    return fresh;
  }

  requestsOf(persona: string): Map<string, MemoryRequest> {
    const existing = this.requests.get(persona);
    if (existing !== undefined) return existing;
    const fresh = new Map<string, MemoryRequest>();
    this.requests.set(persona, fresh);
    return fresh;
  }

  changed(): void {
    for (const wake of this.#waiting) wake();
  }

  /** What `look` finds, at once or as soon as it finds something; an empty list when the wait ran out or was aborted. */
  async waitFor<T>(
    look: () => readonly T[],
    { waitMs, signal }: { waitMs: number; signal: AbortSignal },
  ): Promise<readonly T[]> {
    const ended = new AbortController();
    const over = this.#clock.sleep(waitMs, AbortSignal.any([signal, ended.signal])).then(() => ended.abort());
    for (;;) {
      const found = look();
      if (found.length > 0 || ended.signal.aborted || signal.aborted) {
        ended.abort();
        await over;
        return found;
      }
      await this.#change(ended.signal);
    }
  }

  #change(ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        ended.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      ended.addEventListener('abort', wake);
    });
  }
}

const FEED_LENGTH = 10_000;

/** Orders ids of the form `<ms>-<n>`; a bare `<ms>` is before all of that ms. */
export function isAfter(id: string, after: string): boolean {
  const [ms = 0, sequence = 0] = id.split('-').map(Number);
  const [afterMs = 0, afterSequence = -1] = after.includes('-')
    ? after.split('-').map(Number)
    : [Number(after), after === '0' ? 0 : -1];
  return ms > afterMs || (ms === afterMs && sequence > afterSequence);
}
