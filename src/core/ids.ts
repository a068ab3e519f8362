/** Identifiers, handed in like the clock: random in production, counted in tests. */
import { createHash, randomBytes } from 'node:crypto';

/** Crockford's base 32 in lower case: no i, l, o, u, so an id can be read aloud and typed. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export interface Ids {
  /** 128 random bits as 26 characters; for owners, workers, idempotency keys. */
  nonce(): string;
}

export const randomIds: Ids = { nonce: () => base32(randomBytes(16), 26) };

/** Ids `1`, `2`, … in the shape of a nonce, for tests that compare whole states. */
export function countedIds(prefix = 'n'): Ids {
  let count = 0;
  return { nonce: () => `${prefix}${String(++count)}` };
}

/** What a run id may look like. Checked wherever one enters, since ids become key names. */
export const RUN_ID = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;

/**
 * The id of the run that a start with this idempotency key creates: the workflow's name for people, then
 * 50 bits of the key's hash. Derived, not drawn, so that a repeated start finds the same run and partition.
 */
export function runIdFor(workflow: string, idempotencyKey: string): string {
  const digest = createHash('sha256').update(`${workflow}\n${idempotencyKey}`).digest();
  const name = workflow
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return `${name === '' ? 'run' : name}-${base32(digest, 10)}`;
}

/** The partition of a run: stable for ever, since keys are named by it (FNV-1a over the id). */
export function partitionOf(run: string, partitions: number): number {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < run.length; index++) {
    hash = Math.imul(hash ^ run.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

function base32(bytes: Uint8Array, length: number): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  let text = '';
  for (let index = 0; index < length; index++) {
    text += ALPHABET[Number(bits & 31n)] ?? '';
    bits >>= 5n;
  }
  return text;
}
