/**
 * What the engine and the workers need from a store. Two adapters implement it, `redis` and `memory`; one
 * contract suite (`test/contract`) holds both to every sentence here. All of one partition's state changes
 * are atomic: a method either did everything it says or nothing.
 *
 * A method that writes may throw OUTCOME_UNKNOWN: it may have been applied or not, and the caller reads the state again first.
 */
import type { KeepPort } from './keep-ports.js';
import type { BackupPort } from './backup-port.js';
import type { InspectionPort } from './inspection-port.js';
import type { Claim } from './messages.js';
import type { BreakerPort } from './breaker-port.js';
import type { LockPort } from './lock-port.js';
import type { RequestPort } from './request-port.js';
import type { RollPort, WatermarkPort } from './watch-ports.js';
import type { SchedulePort } from './schedule-port.js';
import type { RunStatus } from './statuses.js';
import type { SteeringKind } from './steering.js';

/** The right to move the runs of one partition. The nonce fences after a roll-back, when an epoch can repeat. */
export interface Lease {
  readonly partition: number;
  /** Random per owner and start. */
  readonly owner: string;
  /** Grows by one with every change of owner. */
  readonly epoch: number;
}

/** A message as it lies in the inbox: not yet applied, in order of arrival. */
export interface InboxEntry {
  /** `<ms>-<n>`, ascending; the first part is the store's time of arrival. */
  readonly id: string;
  readonly run: string;
  readonly kind: string;
  /** JSON text that the store itself wrote: for a reply a `replyHeadSchema`, for a timer its id, else empty. */
  readonly head: string;
  /** JSON text, not yet parsed: whoever wrote it may have written anything. */
  readonly body: string;
}

/** A run as stored. Texts are JSON that the engine wrote; claims are written by the store itself. */
export interface StoredRun {
  /** Format of everything that is stored of the run: see `core/formats.ts`. A newer one than ours is left alone. */
  readonly format: number;
  readonly version: number;
  /** Hash of the newest entry of its history; empty before the first, and for runs older than format 3. */
  readonly chain: string;
  /** Content hash of its pinned definition. */
  readonly definition: string;
  readonly input: string;
  readonly record: string;
  /** Records of the steps that have left `pending`, by step id. */
  readonly steps: ReadonlyMap<string, string>;
  /** Who works on what, by step id. */
  readonly claims: ReadonlyMap<string, Claim>;
  /** Why the run is set aside, or null. */
  readonly quarantined: string | null;
}

export interface StepWrite {
  readonly step: string;
  /** Null: the step has none any more. */
  readonly record: string | null;
  /** The token that a worker must hold to begin and to answer; null when nothing is outstanding. Replaces claim and token. */
  readonly token: string | null;
}

/** One transition of one run: everything it changes and everything it asks for. */
export interface Commit {
  readonly run: string;
  readonly expectedVersion: number;
  readonly record: string;
  readonly status: { readonly from: RunStatus; readonly to: RunStatus };
  readonly steps: readonly StepWrite[];
  /** Inbox entries that this transition consumed; they are deleted with it. */
  readonly consumed: readonly string[];
  readonly requests: readonly { readonly persona: string; readonly body: string }[];
  /** Timers by id; `afterMs` counts from the moment of the commit, by the store's clock, unless `at` says when, in ms of that clock. */
  readonly arm: readonly { readonly id: string; readonly afterMs: number; readonly at?: number }[];
  readonly disarm: readonly string[];
  /** The entry of the run's history, in the parts that `core/journal.ts` says. Its facts go to the partition's feed too. */
  readonly entry: {
    /** JSON list of the messages that were folded. */
    readonly messages: string;
    /** JSON list of facts. */
    readonly facts: string;
    /** Continues the chain of hashes. */
    readonly hash: string;
    /** The record that the run began with, in its first entry; else null. */
    readonly genesis: string | null;
  };
  /** Content hash of the definition that the run goes on with; null for the one it has. */
  readonly definition: string | null;
  /** Runs of the same partition that begin with this transition, each with a `start` message. One that is there already is left as it is. */
  readonly starts: readonly {
    readonly run: string;
    readonly definition: string;
    readonly input: string;
    readonly record: string;
  }[];
  /** Messages to other runs of the same partition; to one that does not exist or has ended, nothing is sent. */
  readonly sends: readonly { readonly run: string; readonly kind: string; readonly body: string }[];
  /** Key of the slot that the run gives back, held or waited for; the runs that have waited longest for it are started. Null: none. */
  readonly release: string | null;
}

/** What the owner of a partition does. */
export interface PartitionPort {
  /** Takes the partition when nobody holds it. `held` says for how many ms it is still held. */
  acquire(want: { partition: number; owner: string; leaseMs: number }): Promise<
    | { outcome: 'acquired'; lease: Lease }
    | { outcome: 'held'; owner: string; remainingMs: number }
    /** Nobody may take it until an operator says so: what was restored from a backup is looked at first. */
    | { outcome: 'on_hold'; reason: string }
  >;
  renew(lease: Lease, leaseMs: number): Promise<'ok' | 'fenced'>;
  /** Gives the partition up at once, so that the next owner need not wait. */
  release(lease: Lease): Promise<'ok' | 'fenced'>;
  /** Entries after `after` (`0` for all), oldest first; waits up to `waitMs` when there is none, less when aborted. */
  read(want: {
    partition: number;
    after: string;
    limit: number;
    waitMs: number;
    signal: AbortSignal;
  }): Promise<readonly InboxEntry[]>;
  load(partition: number, run: string): Promise<StoredRun | null>;
  /** `fenced`: the lease is not this one. `stale`: the run is not at the expected version. Either way nothing changed. */
  commit(lease: Lease, commit: Commit): Promise<'ok' | 'fenced' | 'stale'>;
  /** Moves an entry that cannot be applied to the dead letters with its reason; `quarantine` also sets its run aside. */
  discard(lease: Lease, dead: { entry: InboxEntry; reason: string; quarantine: boolean }): Promise<'ok' | 'fenced'>;
  /** Moves up to `limit` due timers into the inbox. `nextInMs` is the time to the next one, null for none. */
  fire(
    lease: Lease,
    limit: number,
  ): Promise<{ outcome: 'ok'; fired: number; nextInMs: number | null } | { outcome: 'fenced' }>;
  /** Puts a timer that lies in the inbox back, due in `afterMs`: its time came, and there was nothing to do yet. */
  postpone(lease: Lease, entry: InboxEntry, afterMs: number): Promise<'ok' | 'fenced'>;
  /**
   * Notes evaluations before they happen, so that a message which kills its coordinator is known by its count. Returns the
   * counts of the entries that may be evaluated now: all, when none was noted before, else the first alone. Only who is
   * alone is counted: a death among many tells nothing of each.
   */
  suspect(
    lease: Lease,
    entries: readonly string[],
  ): Promise<{ outcome: 'ok'; counts: readonly number[] } | { outcome: 'fenced' }>;
  /** Takes the counts back: the entries were evaluated, and the process lives. */
  absolve(lease: Lease, entries: readonly string[]): Promise<'ok' | 'fenced'>;
}

/** What came in through a client. The first call with a key has its effect; a repeated one gets the same answer. */
export interface AdmissionPort {
  admit(request: Admission): Promise<
    /** `entry`: the inbox id of the message, the cause of what it leads to; not of a start, which may have to wait its turn. */
    | { outcome: 'admitted'; entry?: string }
    | { outcome: 'repeated' }
    | { outcome: 'conflict' }
    | { outcome: 'no_run' }
    | { outcome: 'ended'; status: RunStatus }
    /** As many runs as may hold the slot do so, or others wait for it. */
    | { outcome: 'full' }
  >;
}

export type Admission = Readonly<{
  partition: number;
  run: string;
  idempotencyKey: string /** Hash of what is asked; the same key with another hash is a conflict. */;
  requestHash: string;
}> &
  (
    | Readonly<{
        kind: 'start';
        definition: string;
        input: string;
        record: string;
        /**
         * The run's `start` message waits until fewer than `limit` runs hold the slot with this key; first come, first
         * served. The limit that was asked for last counts for all who wait. Null: it starts at once.
         */
        slot: Slot | null;
      }>
    | Readonly<{
        kind: 'cancel' | 'signal' | 'decide' | 'migrate' | SteeringKind;
        body: string;
        /**
         * Also for a run that has ended, which it takes up again: such a run is not removed while the message is not applied,
         * and takes a place of its slot at once. Left out: a run that has ended is told nothing.
         */
        reopens?: { readonly slot: Slot | null };
      }>
  );

/** A place among at most `limit` runs with the same key. All of them live in one partition. */
export interface Slot {
  readonly key: string;
  readonly limit: number;
}

export interface RunRow {
  readonly run: string;
  /** JSON text of the run's record. */
  readonly record: string;
  readonly quarantined: string | null;
}

/** What one transition, or one worker, has reported on a partition's feed. */
export interface FeedEntry {
  readonly id: string;
  /** JSON list of facts. */
  readonly facts: string;
}

/** One transition in a run's history: see `core/journal.ts`. */
export interface HistoryEntry extends FeedEntry {
  /** Version that the transition led to; null in histories older than format 3, which hold facts alone. */
  readonly version: number | null;
  readonly position: number;
  readonly epoch: number;
  readonly messages: string;
  readonly hash: string;
  readonly genesis: string | null;
}

/** What readers see; nothing here changes anything. */
export interface RunPort {
  list(want: { partition: number; statuses: readonly RunStatus[]; limit: number }): Promise<readonly RunRow[]>;
  load(partition: number, run: string): Promise<StoredRun | null>;
  history(want: { partition: number; run: string; after: string; limit: number }): Promise<readonly HistoryEntry[]>;
  /** Newest id of the feed, `0` when it is empty: where to follow from. */
  feedHead(partition: number): Promise<string>;
  /** Feed entries of all runs after `after`; waits up to `waitMs` for the first. */
  feed(want: {
    partition: number;
    after: string;
    limit: number;
    waitMs: number;
    signal: AbortSignal;
  }): Promise<readonly FeedEntry[]>;
  deadLetters(
    partition: number,
    limit: number,
  ): Promise<readonly { id: string; run: string; reason: string; kind: string; body: string }[]>;
}

export interface ArtifactPort {
  /** Stores bytes under their hash; returns the hash. */
  put(partition: number, content: Uint8Array): Promise<string>;
  get(partition: number, sha256: string): Promise<Uint8Array | null>;
}

/** Who is there. Entries of processes that died are left behind and recognised by `seenAt`. */
export interface WorkerInfo {
  readonly worker: string;
  readonly host: string;
  readonly pid: number;
  readonly personas: readonly string[];
  /** Requests in hand. */
  readonly busy: number;
  /** Runs of which it has processes or worktrees in hand; left out by workers that do not say. */
  readonly runs?: readonly string[] | undefined;
  readonly seenAt: number;
}

/** Namespace-wide things, never part of a transition. */
export interface NamespacePort {
  /** Creates the namespace at first use. Throws PARTITION_MISMATCH or FORMAT_UNKNOWN. `partitions` null takes what is there, or 1. */
  open(partitions: number | null): Promise<{ partitions: number; incarnation: string }>;
  /** Stores a definition's normalised JSON under its content hash. */
  putDefinition(hash: string, json: string): Promise<void>;
  getDefinition(hash: string): Promise<string | null>;
  announceWorker(info: Omit<WorkerInfo, 'seenAt'>): Promise<void>;
  forgetWorker(worker: string): Promise<void>;
  listWorkers(): Promise<readonly WorkerInfo[]>;
  /** Owners of partitions with a running lease. */
  owners(): Promise<readonly { partition: number; owner: string; epoch: number; remainingMs: number }[]>;
  /** The store's clock, ms. */
  time(): Promise<number>;
}

/** A whole store. `durable` false: nothing survives the process. */
export interface Store {
  readonly durable: boolean;
  /** For people: where it is, for example `unix:.coord/redis/redis.sock`. */
  readonly label: string;
  readonly namespace: NamespacePort;
  readonly roll: RollPort;
  readonly partitions: PartitionPort;
  readonly admission: AdmissionPort;
  readonly requests: RequestPort;
  readonly runs: RunPort;
  readonly artifacts: ArtifactPort;
  readonly watermarks: WatermarkPort;
  readonly keeping: KeepPort;
  readonly inspection: InspectionPort;
  readonly backup: BackupPort;
  readonly schedules: SchedulePort;
  readonly locks: LockPort;
  readonly breakers: BreakerPort;
  close(): Promise<void>;
}
