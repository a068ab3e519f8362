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

/**
 * What a run id may look like. Checked wherever one enters, since ids become key names. A dot stands before the part
 * that tells the runs inside a run from each other; there is one at most, however deep they are nested.
 */
export const RUN_ID = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?(?:\.[0-9a-hjkmnp-tv-z]{8})?$/;

/** Wanted of a run: the partition of all runs with the same text. `partitions` is at least 1. */
export interface Affinity {
  readonly text: string;
  readonly partitions: number;
}

/**
 * The id of the run that a start with this idempotency key creates: the workflow's name for people, then
 * 50 bits of the key's hash. Derived, not drawn, so that a repeated start finds the same run and partition.
 * With an affinity, the hash is continued until the id falls into the wanted partition, which the text alone decides.
 */
export function runIdFor(workflow: string, idempotencyKey: string, affinity?: Affinity): string {
  const digest = createHash('sha256').update(`${workflow}\n${idempotencyKey}`).digest();
  const name = workflow
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  const idOf = (bytes: Uint8Array): string => `${name === '' ? 'run' : name}-${base32(bytes, 10)}`;
  let id = idOf(digest);
  if (affinity === undefined) return id;
  const { text, partitions } = affinity;
  // Hashed first: texts are people's own, and may be much alike.
  const wanted = partitionOf(createHash('sha256').update(text).digest('hex'), partitions);
  for (let count = 1; partitionOf(id, partitions) !== wanted; count++) {
    id = idOf(createHash('sha256').update(digest).update(String(count)).digest());
  }
  return id;
}

/**
 * The id of the run that an attempt of a `workflow` step works with: the id of the outermost run, a dot, and 40 bits
 * of the hash of who asks. Derived, so that a transition that is folded again begins the same run.
 */
export function childRunId(parent: string, step: string, attempt: number): string {
  const digest = createHash('sha256')
    .update(`${parent}\n${step}\n${String(attempt)}`)
    .digest();
  return `${rootOf(parent)}.${base32(digest, 8)}`;
}

/** The partition of a run, the same for all runs inside it: stable for ever, since keys are named by it (FNV-1a over the outermost run's id). */
export function partitionOf(run: string, partitions: number): number {
  if (partitions === 1) return 0;
  const root = rootOf(run);
  let hash = 0x811c9dc5;
  for (let index = 0; index < root.length; index++) {
    hash = Math.imul(hash ^ root.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
}

/** The outermost run's id: what stands before the dot. */
function rootOf(run: string): string {
  const dot = run.indexOf('.');
  return dot === -1 ? run : run.slice(0, dot);
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
