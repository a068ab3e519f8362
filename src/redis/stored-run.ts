/** A run's hash as `StoredRun`. */
import type { StoredRun } from '../core/ports.js';
import { storedRunFrom } from '../core/stored-fields.js';
import type { Connection } from './connection.js';
import { pairsOf } from './replies.js';

export async function loadRun(connection: Connection, key: string): Promise<StoredRun | null> {
  const fields = pairsOf(await connection.read('HGETALL', [key]));
  return fields.size === 0 ? null : storedRunFrom(fields, key);
}
