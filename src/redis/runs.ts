/** What readers see of runs on Redis. See `RunPort`. */
import type { FeedEntry, HistoryEntry, RunPort, RunRow, StoredRun } from '../core/ports.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { entriesOf, type StreamEntry, streamEntries, streamReply, textOf } from './replies.js';
import { loadRun } from './stored-run.js';

export class RedisRuns implements RunPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #readers = new WeakMap<AbortSignal, string>();
  #lastReader = 0;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async list({ partition, statuses, limit }: Parameters<RunPort['list']>[0]): Promise<readonly RunRow[]> {
    const keys = this.#keys.partition(partition);
    const listed = await this.#connection.readAll(
      statuses.map((status) => ['ZREVRANGE', keys.runs(status), 0, limit - 1] as const),
    );
    // A run that moves between two of the reads can be seen twice.
    const runs = [...new Set(listed.flatMap((ids) => entriesOf(ids).map(String)))];
    const rows = await this.#connection.readAll(
      runs.map((run) => ['HMGET', keys.run(run), 'record', 'quarantined'] as const),
    );
    return rows.flatMap((row, index) => {
      const [record = null, quarantined = null] = entriesOf(row).map(textOf);
      return record === null ? [] : [{ run: runs[index] ?? '', record, quarantined }];
    });
  }

  async load(partition: number, run: string): Promise<StoredRun | null> {
    return loadRun(this.#connection, this.#keys.partition(partition).run(run));
  }

  async history({ partition, run, after, limit }: Parameters<RunPort['history']>[0]): Promise<readonly HistoryEntry[]> {
    const reply = await this.#connection.read('XRANGE', [
      this.#keys.partition(partition).history(run),
      `(${after}`,
      '+',
      'COUNT',
      limit,
    ]);
    return streamEntries(reply).map(historyEntry);
  }

  async feedHead(partition: number): Promise<string> {
    const reply = await this.#connection.read('XREVRANGE', [
      this.#keys.partition(partition).feed,
      '+',
      '-',
      'COUNT',
      1,
    ]);
    return streamEntries(reply)[0]?.id ?? '0';
  }

  async feed({
    partition,
    after,
    limit,
    waitMs,
    signal,
  }: Parameters<RunPort['feed']>[0]): Promise<readonly FeedEntry[]> {
    const { feed } = this.#keys.partition(partition);
    const args = ['COUNT', limit, 'BLOCK', Math.max(1, Math.ceil(waitMs)), 'STREAMS', feed, after];
    const reply = await this.#connection.blockingRead(this.#readerOf(signal), {
      command: 'XREAD',
      args,
      waitMs,
      signal,
    });
    return (streamReply(reply).get(feed) ?? []).map(({ id, fields }) => ({ id, facts: fields.get('facts') ?? '[]' }));
  }

  /** Followers do not wait behind each other: whoever hands in a signal of its own has a connection of its own until it is aborted. */
  #readerOf(signal: AbortSignal): string {
    const known = this.#readers.get(signal);
    if (known !== undefined) return known;
    const reader = `feed:${String(++this.#lastReader)}`;
    this.#readers.set(signal, reader);
    signal.addEventListener('abort', () => this.#connection.dropReader(reader), { once: true });
    return reader;
  }

  async deadLetters(partition: number, limit: number): ReturnType<RunPort['deadLetters']> {
    const reply = await this.#connection.read('XREVRANGE', [
      this.#keys.partition(partition).dead,
      '+',
      '-',
      'COUNT',
      limit,
    ]);
    return streamEntries(reply).map(({ id, fields }) => ({
      id,
      run: fields.get('run') ?? '',
      reason: fields.get('reason') ?? '',
      kind: fields.get('kind') ?? '',
      body: fields.get('body') ?? '',
    }));
  }
}

function historyEntry({ id, fields }: StreamEntry): HistoryEntry {
  const version = fields.get('version');
  return {
    id,
    version: version === undefined ? null : Number(version),
    position: Number(fields.get('position') ?? 0),
    epoch: Number(fields.get('epoch') ?? 0),
    messages: fields.get('messages') ?? '[]',
    // Before format 3 every fact had an entry of its own.
    facts: fields.get('facts') ?? `[${fields.get('fact') ?? ''}]`,
    hash: fields.get('hash') ?? '',
    genesis: fields.get('genesis') ?? null,
  };
}
