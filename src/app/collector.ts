/**
 * Collects by itself, beside a coordinator: every hour whatever is over in the partitions that this process owns goes, with an
 * archive in the state directory. What goes wrong is logged and tried again the next time: nothing here stops a host.
 */
import { Keeper, UNTOUCHED_MS } from '../coordinator/client-keep.js';
import { RunLocks } from '../coordinator/run-locks.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import type { Store } from '../core/ports.js';
import { Loop } from '../core/service.js';

export interface CollectorParams {
  readonly store: Store;
  readonly partitions: number;
  readonly clock: Clock;
  readonly note: (message: string) => void;
  /** What the names of this process's owners begin with. */
  readonly place: string;
  readonly retentionMs: number;
  /** Folder for the archives. */
  readonly directory: string;
}

/** A host that was just started has other things to do. */
const FIRST_AFTER_MS = 60_000;
const EVERY_MS = 3_600_000;
/** Looking for what nobody names reads all histories. */
const CONTENTS_EVERY_MS = 24 * 3_600_000;

export class Collector extends Loop {
  readonly #params: CollectorParams;
  readonly #keeper: Keeper;
  #contentsAt: number;

  constructor(params: CollectorParams) {
    super();
    const { store, partitions, clock } = params;
    this.#params = params;
    this.#keeper = new Keeper({ store, partitions, clock });
    this.#contentsAt = clock.now();
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    const { clock, note } = this.#params;
    await clock.sleep(FIRST_AFTER_MS, signal);
    while (!signal.aborted) {
      try {
        await this.#collect(signal);
      } catch (error) {
        note(`what is over is collected later: ${messageOf(error)}`);
      }
      await clock.sleep(EVERY_MS, signal);
    }
  }

  async #collect(signal: AbortSignal): Promise<void> {
    const { store, partitions: all, clock, note, place, retentionMs, directory } = this.#params;
    const owners = await store.namespace.owners();
    const partitions = owners.filter(({ owner }) => owner.startsWith(`${place}:`)).map(({ partition }) => partition);
    if (partitions.length === 0) return;
    const locks = await new RunLocks({ locks: store.locks, partitions: all }).takeBackAll();
    if (locks > 0) note(`${String(locks)} locks taken back from runs that are over`);
    const contents = clock.now() >= this.#contentsAt;
    const wish = {
      retentionMs,
      archive: { directory, artifacts: false },
      dryRun: false,
      dead: false,
      partitions,
      contents,
      untouchedMs: UNTOUCHED_MS,
    };
    const { runs, artifacts, definitions, unreadable } = await this.#keeper.collect(wish, signal);
    if (contents && !signal.aborted) this.#contentsAt = clock.now() + CONTENTS_EVERY_MS;
    if (runs.length > 0) note(`${String(runs.length)} ended runs archived in ${directory} and deleted`);
    const nameless = artifacts.count + definitions.count;
    if (nameless > 0) note(`${String(nameless)} artifacts and definitions deleted that no run names`);
    if (unreadable.length > 0) note(`${String(unreadable.length)} ended runs stay, since their records cannot be read`);
  }
}
