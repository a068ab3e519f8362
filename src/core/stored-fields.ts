/** The fields that a run is stored in, as `redis/keys.ts` names them, as a `StoredRun`: from the store, or from an archive. */
import { CoordError } from './errors.js';
import { RUN_FORMAT, UNMARKED_RUN_FORMAT } from './formats.js';
import { type Claim, claimSchema } from './messages.js';
import type { StoredRun } from './ports.js';

/** Throws RUN_UNREADABLE, naming the place, when there is no version. */
export function storedRunFrom(fields: ReadonlyMap<string, string>, place: string): StoredRun {
  const format = Number(fields.get('format') ?? UNMARKED_RUN_FORMAT);
  // Of what a newer coord has written nothing is expected.
  const known = format <= RUN_FORMAT;
  if (known && !/^\d+$/.test(fields.get('version') ?? ''))
    throw new CoordError('RUN_UNREADABLE', `what is stored at ${place} has no version`);
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
