/** The owner's side of a partition on Redis: lease, inbox, commit, timers. See `PartitionPort` for what each promises. */
import type { Commit, InboxEntry, Lease, PartitionPort, StoredRun } from '../core/ports.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, streamReply } from './replies.js';
import { loadRun } from './stored-run.js';
import { transitionOf } from './transition.js';

/** Facts that the feed keeps, about: enough to catch up after a hiccup, small enough to forget about. */
export const FEED_LENGTH = 10_000;

export class RedisPartitions implements PartitionPort {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async acquire({
    partition,
    owner,
    leaseMs,
  }: Parameters<PartitionPort['acquire']>[0]): ReturnType<PartitionPort['acquire']> {
    const [reply, first, second] = await this.#connection.script(
      'acquire',
      [this.#keys.partition(partition).lease],
      [owner, leaseMs],
    );
    if (reply === 'HELD') return { outcome: 'held', owner: String(first), remainingMs: Number(second) };
    return { outcome: 'acquired', lease: { partition, owner, epoch: Number(first) } };
  }

  async renew(lease: Lease, leaseMs: number): Promise<'ok' | 'fenced'> {
    const [reply] = await this.#connection.script(
      'renew',
      [this.#keys.partition(lease.partition).lease],
      [lease.owner, lease.epoch, leaseMs],
    );
    return reply === 'OK' ? 'ok' : 'fenced';
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
    const { status } = commit;
    const transition = transitionOf(commit, keys);
    const [reply] = await this.#connection.script(
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
      [lease.owner, lease.epoch, commit.expectedVersion, transition.json, FEED_LENGTH],
    );
    return reply === 'OK' ? 'ok' : reply === 'STALE' ? 'stale' : 'fenced';
  }

  async discard(
    lease: Lease,
    { entry, reason, quarantine }: Parameters<PartitionPort['discard']>[1],
  ): Promise<'ok' | 'fenced'> {
    const keys = this.#keys.partition(lease.partition);
    const [reply] = await this.#connection.script(
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
    return reply === 'OK' ? 'ok' : 'fenced';
  }

  async fire(lease: Lease, limit: number): ReturnType<PartitionPort['fire']> {
    const keys = this.#keys.partition(lease.partition);
    const [reply, fired, next] = await this.#connection.script(
      'fire',
      [keys.lease, keys.timers, keys.inbox],
      [lease.owner, lease.epoch, limit],
    );
    if (reply !== 'OK') return { outcome: 'fenced' };
    return { outcome: 'ok', fired: Number(fired), nextInMs: Number(next) < 0 ? null : Number(next) };
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
}
