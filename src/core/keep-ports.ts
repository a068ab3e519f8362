/**
 * Keeping house: what lies in the dead letters, what to do about a run that is set aside, and what goes when its time is
 * over. None of it needs the lease of a partition, so each change checks by itself that what it changes still is as it
 * was looked at, and is otherwise refused.
 */
import type { RunStatus } from './statuses.js';

/** A message that could not be applied, a request that was none, or a reply that came too late. */
export interface DeadLetter {
  readonly partition: number;
  readonly id: string;
  /** When it was put aside, by the store's clock, ms. */
  readonly at: number;
  /** Run that it was for; empty when nobody knows. */
  readonly run: string;
  /** As in the inbox, or `request` (refused by a worker), or `late-reply`. */
  readonly kind: string;
  readonly head: string;
  readonly body: string;
  readonly reason: string;
  /** Persona whose stream a refused request lay on; empty for all others. */
  readonly persona: string;
}

export type LetterKey = Pick<DeadLetter, 'partition' | 'id'>;

/** What somebody has done by hand. */
export interface AuditEntry {
  readonly partition: number;
  readonly at: number;
  /** For example `replayed`, `dropped`, `released`. */
  readonly action: string;
  /** Id of the letter or of the run. */
  readonly what: string;
  readonly by: string;
}

export interface LetterPort {
  /** Oldest first, after `after` (`0` for all). */
  letters(want: { partition: number; after: string; limit: number }): Promise<readonly DeadLetter[]>;
  letter(key: LetterKey): Promise<DeadLetter | null>;
  /**
   * Sends a letter again as a new message, once: a repeated call finds it `gone`. `late`: what a late reply answered has
   * been asked again since. `no_persona`: nobody knows whose request it was. `no_run`, `ended`, `set_aside`: of its run.
   */
  replay(
    letter: DeadLetter,
    by: string,
  ): Promise<'replayed' | 'gone' | 'late' | 'no_persona' | 'no_run' | 'ended' | 'set_aside'>;
  drop(key: LetterKey, by: string): Promise<'dropped' | 'gone'>;
  /** Newest first; the oldest are forgotten. */
  audit(partition: number, limit: number): Promise<readonly AuditEntry[]>;
}

/** A run that is set aside, taken back into service. */
export interface Reinstatement {
  readonly partition: number;
  readonly run: string;
  /** The version that was looked at, as it is stored: it may be torn itself. */
  readonly version: string;
  /** The status of its record. */
  readonly status: RunStatus;
  /** Fields of the run to write and to take out, as `redis/keys.ts` names them: what was rebuilt. */
  readonly set: ReadonlyMap<string, string>;
  readonly drop: readonly string[];
  /** Its letters, to be sent again in this order. */
  readonly letters: readonly string[];
  /** For the audit. */
  readonly action: 'released' | 'rebuilt';
  readonly by: string;
}

/** A run that is set aside, ended as failed. */
export interface ForcedEnd {
  readonly partition: number;
  readonly run: string;
  readonly version: number;
  readonly record: string;
  /** As in `Reinstatement`. Tokens and claims go by themselves. */
  readonly set: ReadonlyMap<string, string>;
  readonly drop: readonly string[];
  readonly disarm: readonly string[];
  /** The entry of its history: no messages, and the record that it ends with as a new beginning. */
  readonly facts: string;
  readonly hash: string;
  readonly sends: readonly { readonly run: string; readonly kind: string; readonly body: string }[];
  /** Key of the slot that it gives back, or null. */
  readonly slot: string | null;
  readonly by: string;
}

export interface RepairPort {
  /** Everything that is stored of a run, as it is, by the names in `redis/keys.ts`: also what cannot be read. */
  fields(partition: number, run: string): Promise<ReadonlyMap<string, string> | null>;
  timersOf(partition: number, run: string): Promise<readonly string[]>;
  /** `sent`: how many of the letters were still there. */
  reinstate(
    change: Reinstatement,
  ): Promise<{ outcome: 'ok'; sent: number } | { outcome: 'not_set_aside' } | { outcome: 'stale' }>;
  end(change: ForcedEnd): Promise<'ok' | 'not_set_aside' | 'stale'>;
}

/** What is known of a run without reading all of it. */
export interface RunHead {
  readonly run: string;
  readonly version: number;
  readonly status: string;
  readonly definition: string;
  readonly record: string;
  readonly quarantined: string | null;
}

/** Something that is stored under the hash of its content. */
export interface Stored {
  readonly hash: string;
  /** How long nobody has read or written it, ms. */
  readonly idleMs: number;
  readonly bytes: number;
}

/** A reader of a persona's requests. */
export interface Reader {
  readonly persona: string;
  readonly worker: string;
}

export interface CollectPort {
  /** Ids of all runs in these statuses that were created before that time, oldest first within each status. */
  runIds(want: {
    partition: number;
    statuses: readonly RunStatus[];
    createdBefore: number;
  }): Promise<readonly string[]>;
  /** In the order asked for, without those that are not there. */
  heads(partition: number, runs: readonly string[]): Promise<readonly RunHead[]>;
  /** About, with its history. */
  bytesOf(partition: number, run: string): Promise<number>;
  /** Deletes a run with its history, when it has ended, is still at that version, and no message on its way takes it up again. */
  remove(ended: { partition: number; run: string; version: number; status: string }): Promise<'removed' | 'stale'>;
  /**
   * Whatever is stored in a partition, but for some runs, that may name an artifact or a definition. A text that moves
   * meanwhile is not missed.
   */
  mentions(want: { partition: number; without: ReadonlySet<string> }): AsyncIterable<string>;
  artifacts(partition: number): Promise<readonly Stored[]>;
  /** Deletes an artifact unless somebody has touched it within that time. */
  sweepArtifact(want: { partition: number; hash: string; idleMs: number }): Promise<'removed' | 'touched' | 'gone'>;
  definitions(): Promise<readonly Stored[]>;
  sweepDefinition(want: { hash: string; idleMs: number }): Promise<'removed' | 'touched' | 'gone'>;
  /** Idempotency keys whose time is over. */
  expiredKeys(partition: number): Promise<number>;
  /** Forgets up to `limit` of them; returns how many. */
  forgetKeys(partition: number, limit: number): Promise<number>;
  /** Readers that hold nothing and have not been heard of for that time. */
  idleReaders(partition: number, idleMs: number): Promise<readonly Reader[]>;
}

export type KeepPort = LetterPort & RepairPort & CollectPort;
