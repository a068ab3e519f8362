/** Keeping house from a program or the command line: dead letters, runs that are set aside, and collecting what is over. */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { partitionOf, RUN_ID } from '../core/ids.js';
import type { AuditEntry, DeadLetter, LetterKey, LetterPort } from '../core/keep-ports.js';
import type { Store } from '../core/ports.js';
import { collect, type Collected, type CollectWish } from './client-collect.js';
import { endRun } from './client-end.js';
import { type Diagnosis, type Examined, examine, rebuild, release } from './client-repair.js';
import { Plans } from './plans.js';
import { untilKnown } from './until-known.js';

export { UNTOUCHED_MS } from './client-collect.js';
export type { Collected, CollectWish } from './client-collect.js';
export type { Diagnosis } from './client-repair.js';

export interface KeeperParams {
  readonly store: Pick<Store, 'keeping' | 'runs' | 'namespace' | 'artifacts' | 'requests' | 'schedules'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
}

export interface LetterFilter {
  readonly run: string | null;
  /** Only those that are at least so old, ms. */
  readonly olderThanMs: number | null;
}

export type ReplayOutcome = Awaited<ReturnType<LetterPort['replay']>>;

const PAGE = 500;

export class Keeper {
  readonly #params: KeeperParams;
  readonly #plans: Plans;

  constructor(params: KeeperParams) {
    this.#params = params;
    this.#plans = new Plans(params.store.namespace);
  }

  /** Oldest first, all that fit. */
  async letters({ run, olderThanMs }: LetterFilter): Promise<readonly DeadLetter[]> {
    const { keeping, namespace } = this.#params.store;
    const until = olderThanMs === null ? Number.POSITIVE_INFINITY : (await namespace.time()) - olderThanMs;
    const found: DeadLetter[] = [];
    for (const partition of run === null ? this.#all() : [this.#partition(run)]) {
      for (let after = '0'; ; ) {
        const page = await keeping.letters({ partition, after, limit: PAGE });
        for (const letter of page) if ((run === null || letter.run === run) && letter.at <= until) found.push(letter);
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        after = last.id;
      }
    }
    return found.toSorted((a, b) => a.at - b.at);
  }

  /** Throws USAGE for what names no letter, or one that is not there. */
  async letter(name: string): Promise<DeadLetter> {
    const key = this.#keyOf(name);
    const letter = await this.#params.store.keeping.letter(key);
    if (letter !== null) return letter;
    throw new CoordError('USAGE', `there is no dead letter ${name} (any more); see \`coord dead list\``);
  }

  /** Sends a letter again, once. */
  replay(letter: DeadLetter, by: string): Promise<ReplayOutcome> {
    return untilKnown(this.#params.clock, () => this.#params.store.keeping.replay(letter, by));
  }

  drop(letter: LetterKey, by: string): Promise<'dropped' | 'gone'> {
    return untilKnown(this.#params.clock, () => this.#params.store.keeping.drop(letter, by));
  }

  /** What was done by hand, newest first. */
  async audit(limit: number): Promise<readonly AuditEntry[]> {
    const all = await Promise.all(this.#all().map((partition) => this.#params.store.keeping.audit(partition, limit)));
    return all
      .flat()
      .toSorted((a, b) => b.at - a.at)
      .slice(0, limit);
  }

  /** Throws RUN_NOT_FOUND, FORMAT_UNKNOWN. */
  async diagnose(run: string): Promise<Diagnosis> {
    const { fields: _, history: __, refolded: ___, ...diagnosis } = await this.#examine(run);
    return diagnosis;
  }

  /** Takes a run back into service as it is; returns how many of its messages were sent again. Throws RUN_UNREADABLE, USAGE. */
  async release(run: string, by: string): Promise<number> {
    return release(this.#means(), await this.#examine(run), by);
  }

  /** As `release`, with its records as its history gives them. */
  async rebuild(run: string, by: string): Promise<number> {
    return rebuild(this.#means(), await this.#examine(run), by);
  }

  /** Ends a run that is set aside, as failed. Throws USAGE, RUN_ENDED, RUN_UNREADABLE. */
  async fail(run: string, why: { readonly reason: string; readonly by: string }): Promise<void> {
    await endRun(this.#means(), await this.#examine(run), why);
  }

  collect(wish: CollectWish, signal: AbortSignal): Promise<Collected> {
    const { store, partitions } = this.#params;
    return collect({ store, partitions, plans: this.#plans, signal }, wish);
  }

  /** The store's clock, ms. */
  time(): Promise<number> {
    return this.#params.store.namespace.time();
  }

  #means(): { store: KeeperParams['store']; plans: Plans } {
    return { store: this.#params.store, plans: this.#plans };
  }

  async #examine(run: string): Promise<Examined> {
    if (!RUN_ID.test(run)) throw new CoordError('RUN_NOT_FOUND', `there is no run "${run}". See \`coord list\`.`);
    return examine(this.#means(), this.#partition(run), run);
  }

  #keyOf(name: string): LetterKey {
    const [, partition, id] = /^(\d{1,6}):(\d+-\d+)$/.exec(name) ?? [];
    if (id !== undefined && Number(partition) < this.#params.partitions) return { partition: Number(partition), id };
    throw new CoordError(
      'USAGE',
      `"${name}" names no dead letter; one is called as \`coord dead list\` shows it, for example 0:1700000000000-0`,
    );
  }

  #all(): readonly number[] {
    return Array.from({ length: this.#params.partitions }, (_, partition) => partition);
  }

  #partition(run: string): number {
    return partitionOf(run, this.#params.partitions);
  }
}

/** What a letter is called, in all partitions. */
export function letterName({ partition, id }: LetterKey): string {
  return `${String(partition)}:${id}`;
}
