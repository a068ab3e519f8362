/** Namespace-wide things on Redis: its marker, definitions, and who is there. See `NamespacePort`. */
import { z } from 'zod';
import { CoordError } from '../core/errors.js';
import { NAMESPACE_FORMAT } from '../core/formats.js';
import type { Ids } from '../core/ids.js';
import type { NamespacePort, WorkerInfo } from '../core/ports.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { writeForStart } from './memory-limit.js';
import { entriesOf, pairsOf, textOf } from './replies.js';

/** What a newer worker says besides is passed over. */
const workerSchema = z.object({
  worker: z.string(),
  host: z.string(),
  pid: z.number(),
  personas: z.array(z.string()),
  busy: z.number(),
  runs: z.array(z.string()).optional(),
  seenAt: z.number(),
});

export class RedisNamespace implements NamespacePort {
  readonly #connection: Commands;
  readonly #keys: Keys;
  readonly #ids: Ids;
  #partitions = 1;
  #incarnation = '';

  constructor(connection: Commands, keys: Keys, ids: Ids) {
    this.#connection = connection;
    this.#keys = keys;
    this.#ids = ids;
  }

  /** Of the namespace that was opened; empty before. */
  get incarnation(): string {
    return this.#incarnation;
  }

  async open(partitions: number | null): Promise<{ partitions: number; incarnation: string }> {
    const [format = null, restoring = null] = entriesOf(
      await this.#connection.read('HMGET', [this.#keys.meta, 'format', 'restoring']),
    ).map(textOf);
    const found = Number(format ?? 0);
    if (restoring !== null) {
      throw new CoordError(
        'BACKUP_REFUSED',
        `the namespace is being restored from ${restoring}, or that was interrupted: wait, or repeat it (coord restore)`,
      );
    }
    if (found > NAMESPACE_FORMAT) {
      throw new CoordError(
        'FORMAT_UNKNOWN',
        `the namespace has format ${String(found)}, this coord knows up to ${String(NAMESPACE_FORMAT)}; upgrade coord`,
      );
    }
    // HSETNX three times, each harmless to repeat: two processes that start at once agree on the first one's word. Nothing
    // is written to one that is there already: it must open also when Redis takes no writes.
    if (found === 0) {
      await this.#connection.write('HSETNX', [this.#keys.meta, 'partitions', partitions ?? 1]);
      await this.#connection.write('HSETNX', [this.#keys.meta, 'incarnation', this.#ids.nonce()]);
      await this.#connection.write('HSETNX', [this.#keys.meta, 'format', NAMESPACE_FORMAT]);
    }
    const meta = pairsOf(await this.#connection.read('HGETALL', [this.#keys.meta]));
    const stored = Number(meta.get('partitions'));
    // What an older coord would misread is written from now on.
    if (Number(meta.get('format')) < NAMESPACE_FORMAT)
      await this.#connection.write('HSET', [this.#keys.meta, 'format', NAMESPACE_FORMAT]);
    if (partitions !== null && partitions !== stored) {
      throw new CoordError(
        'PARTITION_MISMATCH',
        `the namespace has ${String(stored)} partitions, ${String(partitions)} were asked for; runs are placed by that number, so it cannot change: leave it out or use another namespace`,
      );
    }
    this.#partitions = stored;
    this.#incarnation = meta.get('incarnation') ?? '';
    return { partitions: stored, incarnation: this.#incarnation };
  }

  async putDefinition(hash: string, json: string): Promise<void> {
    await writeForStart(this.#connection, 'SET', this.#keys.definition(hash), json);
  }

  async getDefinition(hash: string): Promise<string | null> {
    return textOf(await this.#connection.read('GET', [this.#keys.definition(hash)]));
  }

  async announceWorker(info: Omit<WorkerInfo, 'seenAt'>): Promise<void> {
    const seenAt = await this.time();
    const text = JSON.stringify({ ...info, seenAt });
    await this.#connection.script('announce-worker', [this.#keys.workers], [info.worker, text]);
  }

  async forgetWorker(worker: string): Promise<void> {
    await this.#connection.write('HDEL', [this.#keys.workers, worker]);
  }

  async listWorkers(): Promise<readonly WorkerInfo[]> {
    const workers = pairsOf(await this.#connection.read('HGETALL', [this.#keys.workers]));
    return [...workers.values()].flatMap(workerInfo);
  }

  async owners(): ReturnType<NamespacePort['owners']> {
    const now = await this.time();
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => partition);
    const leases = await this.#connection.readAll(
      partitions.map(
        (partition) => ['HMGET', this.#keys.partition(partition).lease, 'owner', 'epoch', 'until'] as const,
      ),
    );
    return leases.flatMap((lease, partition) => {
      const [owner = null, epoch, until] = entriesOf(lease).map(textOf);
      const remainingMs = Number(until ?? 0) - now;
      return owner === null || remainingMs <= 0 ? [] : [{ partition, owner, epoch: Number(epoch), remainingMs }];
    });
  }

  async time(): Promise<number> {
    const [seconds, micros] = entriesOf(await this.#connection.read('TIME', []));
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }
}

/** Whoever speaks the protocol may write here: what is no entry is nobody's. */
function workerInfo(text: string): readonly WorkerInfo[] {
  try {
    return [workerSchema.parse(JSON.parse(text))];
  } catch {
    return [];
  }
}
