/** What the history says of steps that hold others, and their records do not show: the branch, and how many items or rounds. */
import type { Fact } from '../../core/facts.js';
import type { JsonObject } from '../../core/json.js';

const BLOCKS: ReadonlySet<string> = new Set(['conditional', 'loop', 'for_each']);

/** Whether facts of steps of this type are worth reading the history for. */
export function hasBlockFacts(type: string): boolean {
  return BLOCKS.has(type);
}

export class BlockFacts {
  readonly #opened = new Map<string, JsonObject>();

  add(fact: Fact): void {
    if (fact.type === 'step.opened') this.#opened.set(fact.step, fact.detail);
  }

  /** `then` or `else` of a conditional; null when it is not known. */
  branch(path: string): string | null {
    const branch = this.#opened.get(path)?.['branch'];
    return typeof branch === 'string' ? branch : null;
  }

  /** Of a for_each. */
  items(path: string): number | null {
    return this.#number(path, 'items');
  }

  /** Rounds that a loop was opened for; people may have allowed more since. */
  rounds(path: string): number | null {
    return this.#number(path, 'max_rounds');
  }

  #number(path: string, key: string): number | null {
    const value = this.#opened.get(path)?.[key];
    return typeof value === 'number' ? value : null;
  }
}
