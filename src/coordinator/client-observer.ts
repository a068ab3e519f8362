/**
 * What people and programs ask of a namespace without changing anything: why a run does not go on, what goes on, how long
 * things take. The functions are in files of their own; this is where they are asked.
 */
import type { Explanation } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import type { Store } from '../core/ports.js';
import type { Client } from './client.js';
import { overview, type Overview } from './client-overview.js';
import { explain } from './client-why.js';
import { Plans } from './plans.js';

export interface ObserverParams {
  readonly store: Pick<Store, 'runs' | 'namespace' | 'inspection' | 'keeping'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly client: Client;
}

export class Observer {
  readonly #params: ObserverParams;
  readonly #plans: Plans;

  constructor(params: ObserverParams) {
    this.#params = params;
    this.#plans = new Plans(params.store.namespace);
  }

  /**
   * Why a run does not go on: a chain of causes for everything that waits in it; see `Explanation`. A run that cannot be
   * read is an answer too. Throws RUN_NOT_FOUND, REDIS_UNREACHABLE.
   */
  async why(run: string): Promise<Explanation> {
    const answer = await explain({ ...this.#params, plans: this.#plans }, run);
    if (answer !== null) return answer;
    await this.#params.client.get(run);
    // It came to be between the two looks.
    return this.why(run);
  }

  /** What goes on in the namespace now. Throws REDIS_UNREACHABLE. */
  overview(): Promise<Overview> {
    return overview({ ...this.#params, plans: this.#plans });
  }
}
