/** The owner's side of a partition on Redis: lease, inbox, commit, timers. See `PartitionPort` for what each promises. */
import { RUN_FORMAT } from '../core/formats.js';
import type { Commit, InboxEntry, Lease, PartitionPort, StoredRun } from '../core/ports.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, streamReply } from './replies.js';
import { loadRun } from './stored-run.js';
import { transitionOf } from './transition.js';
import type { RedisWatermarks } from './watermarks.js';

/** Facts that the feed keeps, about: enough to catch up after a hiccup, small enough to forget about. */
export const FEED_LENGTH = 10_000;
/** Takeovers that are remembered: whoever has been away for longer has not seen anything since that still matters. */
const TAKEOVERS_KEPT = 100;

export class RedisPartitions implements PartitionPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #watermarks: RedisWatermarks;

  constructor(connection: Connection, keys: Keys, watermarks: RedisWatermarks) {
    this.#connection = connection;
    this.#keys = keys;
    this.#watermarks = watermarks;
  }

  async acquire({
    partition,
    owner,
    leaseMs,
  }: Parameters<PartitionPort['acquire']>[0]): ReturnType<PartitionPort['acquire']> {
    const keys = this.#keys.partition(partition);
    const [reply, first, second] = await this.#connection.script(
      'acquire',
      [keys.lease, keys.takeovers],
      [owner, leaseMs, TAKEOVERS_KEPT],
    );
    if (reply === 'HELD') return { outcome: 'held', owner: String(first), remainingMs: Number(second) };
    if (reply === 'ON_HOLD') return { outcome: 'on_hold', reason: String(first) };
    const lease = { partition, owner, epoch: Number(first) };
    this.#note(lease, second);
    return { outcome: 'acquired', lease };
  }

  async renew(lease: Lease, leaseMs: number): Promise<'ok' | 'fenced'> {
    const [reply, position] = await this.#connection.script(
      'renew',
      [this.#keys.partition(lease.partition).lease],
      [lease.owner, lease.epoch, leaseMs],
    );
    if (reply !== 'OK') return 'fenced';
    // What clients and workers were told is known here too, so that its loss is noticed although they are gone by then.
    this.#watermarks.saw(lease.partition, { position: Number(position), term: termOf(lease) });
    return 'ok';
  }

  async release(lease: Lease): Promise<'ok' | 'fenced'> {
    const [reply] = await this.#connection.script(
      'release',
      [this.#keys.partition(lease.partition).lease],
      [lease.owner, lease.epoch],
    );
    return reply === 'OK' ? 'ok' : 'fenced';
  }

  async read({
    partition,
    after,
    limit,
    waitMs,
    signal,
  }: Parameters<PartitionPort['read']>[0]): Promise<readonly InboxEntry[]> {
    const { inbox } = this.#keys.partition(partition);
    const args = ['COUNT', limit, 'BLOCK', Math.max(1, Math.ceil(waitMs)), 'STREAMS', inbox, after];
    const reply = await this.#connection.blockingRead(`inbox:${String(partition)}`, {
      command: 'XREAD',
      args,
      waitMs,
      signal,
    });
    return (streamReply(reply).get(inbox) ?? []).map(({ id, fields }) => ({
      id,
      run: fields.get('run') ?? '',
      kind: fields.get('kind') ?? '',
      head: fields.get('head') ?? '',
      body: fields.get('body') ?? '',
    }));
  }

  async load(partition: number, run: string): Promise<StoredRun | null> {
    return loadRun(this.#connection, this.#keys.partition(partition).run(run));
  }

  async commit(lease: Lease, commit: Commit): Promise<'ok' | 'fenced' | 'stale'> {
    const keys = this.#keys.partition(lease.partition);
    const { status, entry } = commit;
    const transition = transitionOf(commit, keys);
    const [reply, position] = await this.#connection.script(
      'commit',
      [
        keys.lease,
        keys.inbox,
        keys.run(commit.run),
        keys.history(commit.run),
        keys.timers,
        keys.feed,
        keys.runs(status.from),
        keys.runs(status.to),
        keys.suspects,
        ...transition.keys,
      ],
      [
        lease.owner,
        lease.epoch,
        commit.expectedVersion,
        transition.json,
        FEED_LENGTH,
        commit.record,
        RUN_FORMAT,
        entry.messages,
        entry.facts,
        entry.hash,
        entry.genesis ?? '',
        commit.definition ?? '',
      ],
    );
    if (reply !== 'OK') return reply === 'STALE' ? 'stale' : 'fenced';
    this.#note(lease, position);
    return 'ok';
  }

  async discard(
    lease: Lease,
    { entry, reason, quarantine }: Parameters<PartitionPort['discard']>[1],
  ): Promise<'ok' | 'fenced'> {
    const keys = this.#keys.partition(lease.partition);
    const [reply, position] = await this.#connection.script(
      'discard',
      [keys.lease, keys.inbox, keys.dead, keys.run(entry.run), keys.suspects],
      [
        lease.owner,
        lease.epoch,
        entry.id,
        reason,
        quarantine ? '1' : '0',
        entry.run,
        entry.kind,
        entry.head,
        entry.body,
      ],
    );
    if (reply !== 'OK') return 'fenced';
    this.#note(lease, position);
    return 'ok';
  }

  async fire(lease: Lease, limit: number): ReturnType<PartitionPort['fire']> {
    const keys = this.#keys.partition(lease.partition);
    const [reply, fired, next, position] = await this.#connection.script(
      'fire',
      [keys.lease, keys.timers, keys.inbox],
      [lease.owner, lease.epoch, limit],
    );
    if (reply !== 'OK') return { outcome: 'fenced' };
    if (Number(fired) > 0) this.#note(lease, position);
    return { outcome: 'ok', fired: Number(fired), nextInMs: Number(next) < 0 ? null : Number(next) };
  }

  async postpone(lease: Lease, entry: InboxEntry, afterMs: number): Promise<'ok' | 'fenced'> {
    const keys = this.#keys.partition(lease.partition);
    const [reply, position] = await this.#connection.script(
      'postpone',
      [keys.lease, keys.inbox, keys.timers, keys.suspects],
      [lease.owner, lease.epoch, entry.id, entry.head, afterMs],
    );
    if (reply !== 'OK') return 'fenced';
    this.#note(lease, position);
    return 'ok';
  }

  async suspect(lease: Lease, entries: readonly string[]): ReturnType<PartitionPort['suspect']> {
    const keys = this.#keys.partition(lease.partition);
    const [reply, counts] = await this.#connection.script(
      'suspect',
      [keys.lease, keys.suspects],
      [lease.owner, lease.epoch, JSON.stringify(entries)],
    );
    if (reply !== 'OK') return { outcome: 'fenced' };
    return { outcome: 'ok', counts: entriesOf(counts).map(Number) };
  }

  async absolve(lease: Lease, entries: readonly string[]): Promise<'ok' | 'fenced'> {
    const keys = this.#keys.partition(lease.partition);
    const [reply] = await this.#connection.script(
      'absolve',
      [keys.lease, keys.suspects],
      [lease.owner, lease.epoch, JSON.stringify(entries)],
    );
    return reply === 'OK' ? 'ok' : 'fenced';
  }

  #note(lease: Lease, position: unknown): void {
    this.#watermarks.note(lease.partition, { position: Number(position), term: termOf(lease) });
  }
}

/** As the scripts spell it. */
function termOf({ epoch, owner }: Lease): string {
  return `${String(epoch)} ${owner}`;
}
