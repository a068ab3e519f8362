/** A run's hash as `StoredRun`. */
import { RUN_FORMAT, UNMARKED_RUN_FORMAT } from '../core/formats.js';
import { type Claim, claimSchema } from '../core/messages.js';
import { CoordError } from '../core/errors.js';
import type { StoredRun } from '../core/ports.js';
import type { Connection } from './connection.js';
import { pairsOf } from './replies.js';

export async function loadRun(connection: Connection, key: string): Promise<StoredRun | null> {
  const fields = pairsOf(await connection.read('HGETALL', [key]));
  if (fields.size === 0) return null;
  const format = Number(fields.get('format') ?? UNMARKED_RUN_FORMAT);
  // Of what a newer coord has written nothing is expected.
  const known = format <= RUN_FORMAT;
  if (known && !/^\d+$/.test(fields.get('version') ?? ''))
    throw new CoordError('RUN_UNREADABLE', `what is stored at ${key} has no version`);
  const steps = new Map<string, string>();
  const claims = new Map<string, Claim>();
  for (const [field, value] of known ? fields : []) {
    if (field.startsWith('s:')) steps.set(field.slice(2), value);
    if (field.startsWith('c:')) claims.set(field.slice(2), claimSchema.parse(JSON.parse(value)));
  }
  return {
    format,
    version: Number(fields.get('version') ?? Number.NaN),
    chain: fields.get('chain') ?? '',
    definition: fields.get('definition') ?? '',
    input: fields.get('input') ?? '',
    record: fields.get('record') ?? '',
    steps,
    claims,
    quarantined: fields.get('quarantined') ?? null,
  };
}
