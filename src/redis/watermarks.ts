/** Whether Redis still has what this process has seen confirmed. See `WatermarkPort`. */
import type { Incident, Loss, WatermarkPort } from '../core/watch-ports.js';
import { type Mark, Watermarks } from '../core/watermarks.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';
import { streamEntries, textOf } from './replies.js';

export class RedisWatermarks implements WatermarkPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #seen = new Watermarks();

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  note(partition: number, mark: Mark): void {
    this.#seen.note(partition, mark);
  }

  saw(partition: number, mark: Mark): void {
    this.#seen.saw(partition, mark);
  }

  /** From the rest of a script's reply: position and term, or nothing when nothing was changed. */
  noteReply(partition: number, [position, term]: readonly unknown[]): void {
    if (typeof position === 'number' && typeof term === 'string') this.note(partition, { position, term });
  }

  async check(partition: number, by: string): Promise<Loss | null> {
    let loss: Loss | null = null;
    const keys = this.#keys.partition(partition);
    for (const mark of this.#seen.of(partition)) {
      const [reply, position, term, from, to] = await this.#connection.script(
        'watermark',
        [keys.lease, keys.takeovers, keys.incidents],
        [mark.term, mark.position, mark.fellTo ?? '', by],
      );
      this.#seen.compared(partition, mark, { term: String(term), position: Number(position) });
      if (reply === 'LOST') loss ??= { partition, from: Number(from), to: Number(to) };
    }
    return loss;
  }

  /** Of all partitions that something was confirmed of: after a connection was lost, the store may be another one. */
  async checkAll(by: string): Promise<void> {
    for (const partition of this.#seen.partitions()) await this.check(partition, by);
  }

  async incidents(partition: number): Promise<readonly Incident[]> {
    const keys = this.#keys.partition(partition);
    const known = textOf(await this.#connection.read('HGET', [keys.lease, 'acknowledged']));
    const after = known === null ? '-' : `(${known}`;
    const entries = streamEntries(await this.#connection.read('XRANGE', [keys.incidents, after, '+']));
    return entries.map(({ id, fields }) => ({
      partition,
      id,
      at: Number(id.split('-')[0]),
      from: Number(fields.get('from')),
      to: Number(fields.get('to')),
      by: fields.get('by') ?? '',
    }));
  }

  async acknowledge(partition: number): Promise<number> {
    const open = await this.incidents(partition);
    const last = open.at(-1);
    if (last !== undefined)
      await this.#connection.write('HSET', [this.#keys.partition(partition).lease, 'acknowledged', last.id]);
    return open.length;
  }
}
