/** Artifacts on Redis: one string per content, named by its hash. Storing the same again changes nothing. */
import { sha256 } from '../core/json.js';
import type { ArtifactPort } from '../core/ports.js';
import type { Connection } from './connection.js';
import type { Keys } from './keys.js';

export class RedisArtifacts implements ArtifactPort {
  readonly #connection: Connection;
  readonly #keys: Keys;

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async put(partition: number, content: Uint8Array): Promise<string> {
    const hash = sha256(content);
    await this.#connection.write('SET', [this.#keys.partition(partition).artifact(hash), Buffer.from(content)]);
    return hash;
  }

  async get(partition: number, hash: string): Promise<Uint8Array | null> {
    return this.#connection.readBuffer('GET', [this.#keys.partition(partition).artifact(hash)]);
  }
}
