/**
 * Takes the worktrees of ended runs away: at once when a run ends before this host's eyes, all others when the host
 * starts and every now and then, since runs also end while another host moves them. What cannot be removed stays and is
 * logged: nothing here stops a host.
 */
import { dirname } from 'node:path';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { partitionOf } from '../core/ids.js';
import { runInputSchema } from '../core/messages.js';
import type { Store } from '../core/ports.js';
import { Loop } from '../core/service.js';
import { RUN_STATUSES, runHasEnded } from '../core/statuses.js';
import { parseRecord, runRecordSchema } from '../machines/records.js';
import { AttemptFiles } from '../personas/attempt-files.js';
import { openRepository } from '../personas/repository.js';
import { Workspaces } from '../personas/workspace.js';

export interface CaretakerParams {
  readonly store: Pick<Store, 'runs'>;
  readonly partitions: number;
  /** Of the project; the records of running attempts are there. */
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly note: (message: string) => void;
}

const SWEEP_EVERY_MS = 10 * 60_000;
/** Attempts that were told to end need a moment. */
const RETRY_MS = 500;
/** A worktree whose run this store does not know may belong to another store, so it is left alone for this long. */
const UNKNOWN_FOR_MS = 30 * 24 * 3_600_000;
/** So many of the latest ended runs, per partition and status, say which repositories there are. */
const LOOKED_AT = 100;
const ENDED = RUN_STATUSES.filter(runHasEnded);

type Known = { readonly ended: boolean; readonly repo: string | null } | null;

export class Caretaker extends Loop {
  readonly #params: CaretakerParams;
  readonly #workspaces: Workspaces;
  /** Ended runs whose worktree may still be there. */
  readonly #due = new Set<string>();
  #wake = new AbortController();

  constructor(params: CaretakerParams) {
    super();
    const { clock, stateDirectory } = params;
    this.#params = params;
    this.#workspaces = new Workspaces({ clock, attempts: new AttemptFiles(stateDirectory) });
  }

  /** The run has ended. */
  runEnded(run: string): void {
    this.#due.add(run);
    this.#wake.abort();
  }

  /** An attempt of the run is over, so that its worktree may be free now. */
  attemptEnded(run: string): void {
    if (this.#due.has(run)) this.#wake.abort();
  }

  protected async body(signal: AbortSignal): Promise<void> {
    const { clock } = this.#params;
    let sweepAt = clock.now();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      await this.#tidyDue();
      if (clock.now() >= sweepAt) {
        await this.#sweep(signal);
        sweepAt = clock.now() + SWEEP_EVERY_MS;
      }
      const wait = this.#due.size > 0 ? RETRY_MS : Math.max(0, sweepAt - clock.now());
      await clock.sleep(wait, AbortSignal.any([signal, this.#wake.signal]));
    }
    // The host stops its workers first, so what was still worked in is free now.
    await this.#tidyDue();
  }

  async #tidyDue(): Promise<void> {
    for (const run of this.#due) {
      // Not known now: the store is asked again in a moment.
      const known = await this.#look(run).catch(() => undefined);
      if (known === undefined) continue;
      if (known === null || !known.ended || known.repo === null) this.#due.delete(run);
      else if (!this.#workspaces.isWorking(run)) {
        this.#due.delete(run);
        await this.#remove(known.repo, run);
      }
    }
  }

  /** What is left from earlier: of runs that ended while nobody looked, or that nobody knows any more. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#params;
    try {
      for (const repo of await this.#repositories()) {
        for (const { run, changedAt } of await this.#workspaces.list(repo)) {
          if (signal.aborted) return;
          const known = await this.#look(run);
          const over = known === null ? clock.now() - changedAt > UNKNOWN_FOR_MS : known.ended;
          if (over && !this.#workspaces.isWorking(run)) await this.#remove(repo, run);
        }
      }
    } catch (error) {
      this.#params.note(`worktrees of ended runs are looked for later: ${messageOf(error)}`);
    }
  }

  /** The project's own, and those that the latest runs worked on. */
  async #repositories(): Promise<ReadonlySet<string>> {
    const { store, partitions, stateDirectory, clock } = this.#params;
    const own = await openRepository(dirname(stateDirectory), clock).catch(() => null);
    const found = new Set(own === null ? [] : [own.top]);
    for (let partition = 0; partition < partitions; partition++) {
      for (const { run } of await store.runs.list({ partition, statuses: ENDED, limit: LOOKED_AT })) {
        const repo = (await this.#look(run))?.repo ?? null;
        if (repo !== null) found.add(repo);
      }
    }
    return found;
  }

  /** Null for a run that the store does not know. One that cannot be read has not ended. */
  async #look(run: string): Promise<Known> {
    const { store, partitions } = this.#params;
    const stored = await store.runs.load(partitionOf(run, partitions), run);
    if (stored === null) return null;
    try {
      const { status } = parseRecord(runRecordSchema, stored.record, `run ${run}`);
      const { workspace } = parseRecord(runInputSchema, stored.input, `input of run ${run}`);
      return { ended: runHasEnded(status), repo: workspace?.repo ?? null };
    } catch {
      return { ended: false, repo: null };
    }
  }

  async #remove(repo: string, run: string): Promise<void> {
    try {
      // Its repository may be on another machine, and nothing is to be made there.
      if ((await this.#workspaces.list(repo)).some((worktree) => worktree.run === run))
        await this.#workspaces.remove(repo, run);
    } catch (error) {
      this.#params.note(`the worktree of run ${run} in ${repo} stays: ${messageOf(error)}`);
    }
  }
}
