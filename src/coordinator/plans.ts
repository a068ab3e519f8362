/** Plans of pinned definitions, by content hash: read once, compiled once, and never wrong, since the hash is the content. */
import { LRUCache } from 'lru-cache';
import { CoordError } from '../core/errors.js';
import { sha256 } from '../core/json.js';
import type { NamespacePort } from '../core/ports.js';
import { compilePlan, type Plan } from '../definition/plan.js';
import { isNewerDefinition, readDefinition } from '../definition/workflow.js';

const PLANS_KEPT = 200;

export class Plans {
  readonly #namespace: NamespacePort;
  readonly #plans = new LRUCache<string, Plan>({ max: PLANS_KEPT });

  constructor(namespace: NamespacePort) {
    this.#namespace = namespace;
  }

  /** Whether the definition is of a format that is newer than ours; nothing else of it is looked at. */
  async isNewer(hash: string): Promise<boolean> {
    if (this.#plans.has(hash)) return false;
    const json = await this.#namespace.getDefinition(hash);
    return json !== null && isNewerDefinition(json);
  }

  /** Throws FORMAT_UNKNOWN for one that is newer, DEFINITION_MISSING when the store does not hold it, RUN_UNREADABLE when it holds something else under that hash. */
  async get(hash: string): Promise<Plan> {
    const known = this.#plans.get(hash);
    if (known !== undefined) return known;
    const json = await this.#namespace.getDefinition(hash);
    if (json === null) throw new CoordError('DEFINITION_MISSING', `definition ${hash} is not stored`);
    if (sha256(json) !== hash)
      throw new CoordError('RUN_UNREADABLE', `what is stored as definition ${hash} is not that definition`);
    const plan = compilePlan(readDefinition(json), hash);
    this.#plans.set(hash, plan);
    return plan;
  }
}
