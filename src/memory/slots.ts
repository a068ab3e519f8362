/** Slots in memory: at most `limit` runs with the same key at once, and the line of those who wait, by order of arrival. */
import type { Slot } from '../core/ports.js';

interface MemorySlot {
  limit: number;
  readonly holders: Set<string>;
  readonly line: Set<string>;
}

export type SlotsCopy = ReadonlyMap<
  string,
  { readonly limit: number; readonly holders: ReadonlySet<string>; readonly line: ReadonlySet<string> }
>;

export class MemorySlots {
  /** Only those that somebody holds. */
  readonly #slots = new Map<string, MemorySlot>();

  copy(): SlotsCopy {
    return structuredClone(this.#slots);
  }

  restore(copy: SlotsCopy): void {
    this.#slots.clear();
    for (const [key, { limit, holders, line }] of copy)
      this.#slots.set(key, { limit, holders: new Set(holders), line: new Set(line) });
  }

  /** Puts the run at the end of the line. Returns the runs whose turn has come, in order; it may be among them. */
  join({ key, limit }: Slot, run: string): readonly string[] {
    const slot = this.#slots.get(key) ?? { limit, holders: new Set<string>(), line: new Set<string>() };
    this.#slots.set(key, slot);
    slot.limit = limit;
    slot.line.add(run);
    return advance(slot);
  }

  /** Gives the run a place, when there is one that nobody waits for; whether it holds one then. */
  enter({ key, limit }: Slot, run: string): boolean {
    const slot = this.#slots.get(key) ?? { limit, holders: new Set<string>(), line: new Set<string>() };
    if (!slot.holders.has(run) && limit - slot.holders.size - slot.line.size < 1) return false;
    this.#slots.set(key, slot);
    slot.limit = limit;
    slot.holders.add(run);
    return true;
  }

  /** Takes the run out, whether it holds or waits. Returns the runs whose turn has come, in order. */
  leave(key: string, run: string): readonly string[] {
    const slot = this.#slots.get(key);
    if (slot === undefined) return [];
    slot.holders.delete(run);
    slot.line.delete(run);
    const next = advance(slot);
    if (slot.holders.size === 0) this.#slots.delete(key);
    return next;
  }
}

function advance({ limit, holders, line }: MemorySlot): readonly string[] {
  const next = [...line].slice(0, Math.max(0, limit - holders.size));
  for (const run of next) {
    line.delete(run);
    holders.add(run);
  }
  return next;
}
