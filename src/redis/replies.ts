/** Redis replies as typed values. A reply of another shape is an error, never an empty answer. */
import { CoordError } from '../core/errors.js';

export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, string>;
}

export function entriesOf(reply: unknown): readonly unknown[] {
  if (reply === null) return [];
  if (Array.isArray(reply)) return reply as unknown[];
  throw new CoordError('REDIS_SCRIPT', `a list was expected, got ${JSON.stringify(reply)}`);
}

/** A text that may be absent. */
export function textOf(reply: unknown): string | null {
  if (reply === null || typeof reply === 'string') return reply;
  if (typeof reply === 'number') return String(reply);
  throw new CoordError('REDIS_SCRIPT', `a text was expected, got ${JSON.stringify(reply)}`);
}

/** `[a, 1, b, 2]` as a map. */
export function pairsOf(reply: unknown): ReadonlyMap<string, string> {
  const flat = entriesOf(reply);
  const pairs = new Map<string, string>();
  for (let index = 0; index + 1 < flat.length; index += 2) pairs.set(String(flat[index]), String(flat[index + 1]));
  return pairs;
}

/** Entries of one stream, as XRANGE, XCLAIM and XAUTOCLAIM give them. Entries that were deleted meanwhile are left out. */
export function streamEntries(reply: unknown): readonly StreamEntry[] {
  return entriesOf(reply)
    .map(entriesOf)
    .filter((entry) => Array.isArray(entry[1]))
    .map((entry) => ({ id: String(entry[0]), fields: pairsOf(entry[1]) }));
}

/** Entries by stream, as XREAD and XREADGROUP give them; empty when the wait ran out. */
export function streamReply(reply: unknown): ReadonlyMap<string, readonly StreamEntry[]> {
  return new Map(
    entriesOf(reply).map((stream) => {
      const [key, entries] = entriesOf(stream);
      return [String(key), streamEntries(entries)];
    }),
  );
}

/** The fields of INFO. */
export function infoOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}
