/** Namespace-wide things on Redis: its marker, definitions, and who is there. See `NamespacePort`. */
import { z } from 'zod';
import { CoordError } from '../core/errors.js';
import type { Ids } from '../core/ids.js';
import type { NamespacePort, WorkerInfo } from '../core/ports.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { entriesOf, pairsOf, textOf } from './replies.js';

/** Grows when stored things change in a way that an older coord would misread. */
const FORMAT = 1;

const workerSchema = z.strictObject({
  worker: z.string(),
  host: z.string(),
  pid: z.number(),
  personas: z.array(z.string()),
  busy: z.number(),
  seenAt: z.number(),
});

export class RedisNamespace implements NamespacePort {
  readonly #connection: Commands;
  readonly #keys: Keys;
  readonly #ids: Ids;
  #partitions = 1;

  constructor(connection: Commands, keys: Keys, ids: Ids) {
    this.#connection = connection;
    this.#keys = keys;
    this.#ids = ids;
  }

  async open(partitions: number | null): Promise<{ partitions: number; incarnation: string }> {
    // HSETNX three times, each harmless to repeat: two processes that start at once agree on the first one's word.
    await this.#connection.write('HSETNX', [this.#keys.meta, 'partitions', partitions ?? 1]);
    await this.#connection.write('HSETNX', [this.#keys.meta, 'incarnation', this.#ids.nonce()]);
    await this.#connection.write('HSETNX', [this.#keys.meta, 'format', FORMAT]);
    const meta = pairsOf(await this.#connection.read('HGETALL', [this.#keys.meta]));
    const stored = Number(meta.get('partitions'));
    if (Number(meta.get('format')) > FORMAT) {
      throw new CoordError(
        'FORMAT_UNKNOWN',
        `the namespace has format ${String(meta.get('format'))}, this coord knows up to ${String(FORMAT)}; upgrade coord`,
      );
    }
    if (partitions !== null && partitions !== stored) {
      throw new CoordError(
        'PARTITION_MISMATCH',
        `the namespace has ${String(stored)} partitions, ${String(partitions)} were asked for; runs are placed by that number, so it cannot change: leave it out or use another namespace`,
      );
    }
    this.#partitions = stored;
    return { partitions: stored, incarnation: meta.get('incarnation') ?? '' };
  }

  async putDefinition(hash: string, json: string): Promise<void> {
    await this.#connection.write('SET', [this.#keys.definition(hash), json]);
  }

  async getDefinition(hash: string): Promise<string | null> {
    return textOf(await this.#connection.read('GET', [this.#keys.definition(hash)]));
  }

  async announceWorker(info: Omit<WorkerInfo, 'seenAt'>): Promise<void> {
    const seenAt = await this.time();
    await this.#connection.write('HSET', [this.#keys.workers, info.worker, JSON.stringify({ ...info, seenAt })]);
  }

  async forgetWorker(worker: string): Promise<void> {
    await this.#connection.write('HDEL', [this.#keys.workers, worker]);
  }

  async listWorkers(): Promise<readonly WorkerInfo[]> {
    const workers = pairsOf(await this.#connection.read('HGETALL', [this.#keys.workers]));
    return [...workers.values()].map((text) => workerSchema.parse(JSON.parse(text)));
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
