/**
 * Every key name, with its type. All keys of one partition share the hash tag `{namespace:partition}`, the persona
 * streams too, so that whatever one transition touches lies in one slot of a cluster. No other file spells a key.
 */
import { sha256 } from '../core/json.js';
import type { RunStatus } from '../core/statuses.js';

export class Keys {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  partition(partition: number): PartitionKeys {
    return new PartitionKeys(`{${this.#namespace}:${String(partition)}}`);
  }

  /** What the keys of the namespace as a whole begin with. */
  get every(): string {
    return `{${this.#namespace}}:`;
  }

  /** hash: format, partitions, incarnation; restoring (what a restore that is not finished writes) */
  get meta(): string {
    return `{${this.#namespace}}:meta`;
  }

  /** string: normalised JSON of a definition */
  definition(hash: string): string {
    return `{${this.#namespace}}:definition:${hash}`;
  }

  /** What the keys of all definitions begin with. */
  get everyDefinition(): string {
    return `{${this.#namespace}}:definition:`;
  }

  /** hash: coordinator → when it was heard of last, ms */
  get coordinators(): string {
    return `{${this.#namespace}}:coordinators`;
  }

  /** stream, capped: coordinators that came or went */
  get roll(): string {
    return `{${this.#namespace}}:roll`;
  }

  /** hash: mark (counts changes), and per schedule `v:` version and `s:` record */
  get schedules(): string {
    return `{${this.#namespace}}:schedules`;
  }

  /** hash: grants (counts them), broken (the last that somebody took away, JSON), and per lock `l:` who holds it and who waits for it, JSON */
  get locks(): string {
    return `{${this.#namespace}}:locks`;
  }

  /** hash: persona and endpoint → JSON of how its breaker stands; those that are closed and have seen no failure are not there */
  get breakers(): string {
    return `{${this.#namespace}}:breakers`;
  }

  /** hash: worker → JSON of what it serves */
  get workers(): string {
    return `{${this.#namespace}}:workers`;
  }
}

export class PartitionKeys {
  readonly #tag: string;

  constructor(tag: string) {
    this.#tag = tag;
  }

  /**
   * hash: owner, epoch, until; term (the last epoch with its owner), position (state changes so far), incarnation (times it
   * was restored from a backup), hold (why nobody may take it), acknowledged (incident up to which people know)
   */
  get lease(): string {
    return `${this.#tag}:lease`;
  }

  /** The same, as a backup has it, until it is settled. */
  get savedLease(): string {
    return `${this.#tag}:saved-lease`;
  }

  /** What all keys of the partition begin with. */
  get every(): string {
    return `${this.#tag}:`;
  }

  /** What the keys of persona streams begin with while a restored partition is on hold: no worker looks there. */
  get everyHeld(): string {
    return `${this.#tag}:held-`;
  }

  /** stream, capped: term and position of each takeover */
  get takeovers(): string {
    return `${this.#tag}:takeovers`;
  }

  /** stream: what the store has lost: from, to, by */
  get incidents(): string {
    return `${this.#tag}:incidents`;
  }

  /** stream: messages not yet applied; fields run, kind, head, body */
  get inbox(): string {
    return `${this.#tag}:inbox`;
  }

  /**
   * stream: messages that could not be applied; fields entry, reason, run, kind, head, body, and the persona of a refused
   * request
   */
  get dead(): string {
    return `${this.#tag}:dead`;
  }

  /** stream, capped: what somebody has done by hand: action, what, by */
  get audit(): string {
    return `${this.#tag}:audit`;
  }

  /** hash: inbox entry → how often it was about to be evaluated */
  get suspects(): string {
    return `${this.#tag}:suspects`;
  }

  /** zset: timer id → due, ms */
  get timers(): string {
    return `${this.#tag}:timers`;
  }

  /** stream, capped: facts of all runs, for those who watch */
  get feed(): string {
    return `${this.#tag}:feed`;
  }

  /** hash: idempotency key → hash of what was asked */
  get admitted(): string {
    return `${this.#tag}:admitted`;
  }

  /** zset: idempotency key → when, ms */
  get admissionTimes(): string {
    return `${this.#tag}:admission-times`;
  }

  /**
   * hash: format, version, status, definition, input, record, chain (hash of the newest entry of the history),
   * quarantined, reopening (id of the last message that takes it up again although it has ended); and per step `s:` record, `t:` token that is awaited, `c:` claim of the worker that holds it, `d:` token
   * of the last reply that was taken, `l:` token and worker of the last reply that came too late
   */
  run(run: string): string {
    return `${this.#tag}:run:${run}`;
  }

  /** stream: transitions of one run */
  history(run: string): string {
    return `${this.#tag}:history:${run}`;
  }

  /** zset: run → created, ms */
  runs(status: RunStatus): string {
    return `${this.#tag}:runs:${status}`;
  }

  /** stream, group `workers`: requests that no worker has begun */
  requests(persona: string): string {
    return `${this.#tag}:requests:${persona}`;
  }

  /** What the keys of all persona streams begin with. */
  get everyRequests(): string {
    return `${this.#tag}:requests:`;
  }

  /** What the keys of all artifacts begin with. */
  get everyArtifact(): string {
    return `${this.#tag}:artifact:`;
  }

  /** hash: limit; and per run that holds the slot `r:` since when, ms. Not there when nobody does */
  slot(key: string): string {
    return `${this.#tag}:slot:${shortened(key)}`;
  }

  /** zset: run that waits for the slot → its place in the line */
  slotLine(key: string): string {
    return `${this.#tag}:slot-line:${shortened(key)}`;
  }

  /** string: bytes */
  artifact(hash: string): string {
    return `${this.#tag}:artifact:${hash}`;
  }
}

/** Slots are named by people, with whatever their tasks say. */
function shortened(text: string): string {
  return sha256(text).slice(0, 32);
}
