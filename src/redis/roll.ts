/** Which coordinators are there, on Redis. See `RollPort`. */
import type { Roll, RollPort } from '../core/watch-ports.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';

export class RedisRoll implements RollPort {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #namespace: { readonly incarnation: string };

  constructor(connection: Connection, keys: Keys, namespace: { readonly incarnation: string }) {
    this.#connection = connection;
    this.#keys = keys;
    this.#namespace = namespace;
  }

  async announce({ coordinator, aliveMs, tell }: Parameters<RollPort['announce']>[0]): Promise<Roll | 'gone'> {
    const { meta, coordinators, roll } = this.#keys;
    const [reply, mark, ...names] = await this.#connection.script(
      'announce',
      [meta, coordinators, roll],
      [this.#namespace.incarnation, coordinator, aliveMs, tell ? '1' : '0'],
    );
    return reply === 'GONE' ? 'gone' : { coordinators: names.map(String).toSorted(), mark: String(mark) };
  }

  async forget(coordinator: string): Promise<void> {
    await this.#connection.script('forget', [this.#keys.coordinators, this.#keys.roll], [coordinator]);
  }

  async changed({ mark, waitMs, signal }: Parameters<RollPort['changed']>[0]): Promise<void> {
    const args = ['COUNT', 1, 'BLOCK', Math.max(1, Math.ceil(waitMs)), 'STREAMS', this.#keys.roll, mark];
    await this.#connection.blockingRead('roll', { command: 'XREAD', args, waitMs, signal });
  }
}
