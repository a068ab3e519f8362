/**
 * Answers of a store in a form that can be compared with those of another one: ids are named by the order in which they
 * appear, JSON that scripts write is parsed, what the ports leave open (which of several personas comes first) is sorted.
 */
import type { InspectedRun } from '../../src/core/inspection-port.js';
import type { StoredRun } from '../../src/core/ports.js';
import type { RunStatus } from '../../src/core/statuses.js';

interface Place {
  readonly partition: number;
}

/** The ids that a store gave, by stream and partition. */
export class Ids {
  readonly #seen = new Map<string, string[]>();

  named(stream: string, at: Place, { id }: { readonly id: string }): { readonly id: string } {
    return { id: this.name(stream, at, id) };
  }

  /** `#0` for the id of a stream that appeared first. */
  name(stream: string, { partition }: Place, id: string): string {
    if (id === '0') return id;
    const key = `${stream} ${String(partition)}`;
    const ids = this.#seen.get(key) ?? [];
    this.#seen.set(key, ids);
    if (!ids.includes(id)) ids.push(id);
    return `#${String(ids.indexOf(id))}`;
  }

  after(stream: string, { partition }: Place, ago: number | null): string {
    const ids = this.#seen.get(`${stream} ${String(partition)}`) ?? [];
    return ago === null ? '0' : (newest(ids, ago) ?? '0');
  }
}

export function newest<T>(things: readonly T[], ago: number): T | undefined {
  return things.at(-1 - (ago % Math.max(1, things.length)));
}

export function sortedBy<T>(things: readonly T[], by: (thing: T) => string): readonly T[] {
  return things.toSorted((a, b) => (by(a) < by(b) ? -1 : Number(by(a) > by(b))));
}

export function inOrder<T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] {
  return sortedBy([...map], ([key]) => key);
}

export function shown(stored: StoredRun | null): unknown {
  return stored === null ? null : { ...stored, steps: inOrder(stored.steps), claims: inOrder(stored.claims) };
}

export function inspected({ run, listed }: InspectedRun): unknown {
  if (run === null) return { run, listed: listed.toSorted() };
  const { steps, tokens, delivered, claimed, ...rest } = run;
  const maps = { steps: inOrder(steps), tokens: inOrder(tokens), delivered: inOrder(delivered) };
  return { ...rest, ...maps, claimed: claimed.toSorted(), listed: listed.toSorted() };
}

/** Scripts and programs write the same JSON with its members in another order. */
export function jsonOr(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** What the engine knows of a run before it changes it. */
export function statusOf(record: string): RunStatus {
  const { status } = jsonOr(record) as { status?: RunStatus };
  return status ?? 'pending';
}
