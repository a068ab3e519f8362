/**
 * What people and programs ask of a namespace without changing anything: why a run does not go on, what goes on, how long
 * things take. The functions are in files of their own; this is where they are asked.
 */
import type { Explanation } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import type { Fact } from '../core/facts.js';
import { partitionOf } from '../core/ids.js';
import type { ArtifactRef } from '../core/exchange.js';
import type { Store } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { Client } from './client.js';
import { artifactGraph, type ProducedArtifact } from './client-artifacts.js';
import { type Eta, etaOf } from './client-eta.js';
import { followAll, type Following } from './client-follow.js';
import { type Inbox, type InboxWanted, openQuestions } from './client-inbox.js';
import { type LogEntry, logsOf } from './client-logs.js';
import { overview, type Overview } from './client-overview.js';
import { type Stats, statistics, type StatsWanted } from './client-stats.js';
import { explain } from './client-why.js';
import { Plans } from './plans.js';

export interface ObserverParams {
  readonly store: Pick<Store, 'runs' | 'namespace' | 'inspection' | 'keeping' | 'artifacts' | 'locks' | 'breakers'>;
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

  /**
   * What personas have reported in a run: attempts that began and ended, and each line of progress that the feed still has;
   * with `live` what follows as well, as it comes, until the run has ended or `until` is aborted. Throws RUN_NOT_FOUND.
   */
  async *logs(run: string, { live, until }: { live: boolean; until: AbortSignal }): AsyncGenerator<LogEntry> {
    // Found before anything is waited for.
    await this.#params.client.get(run);
    yield* logsOf(this.#following(), { run, partition: this.#partition(run), live, until });
  }

  /** What people are asked, oldest first; see `openQuestions`. */
  inbox(wanted: InboxWanted = {}): Promise<Inbox> {
    return openQuestions(this.#params.client, wanted);
  }

  /** What happens to all runs of the namespace from now on; ends when `until` is aborted. */
  watch(until: AbortSignal): AsyncGenerator<Fact> {
    const partitions = Array.from({ length: this.#params.partitions }, (_, partition) => partition);
    return followAll(this.#following(), { partitions, until });
  }

  /** The artifacts of a run, each with who made it and what that one had before it. Throws RUN_NOT_FOUND. */
  async artifactGraph(run: string): Promise<readonly ProducedArtifact[]> {
    return artifactGraph(await this.#params.client.get(run));
  }

  /** The bytes of an artifact that a fact names; null when they are gone. */
  content(run: string, { sha256 }: Pick<ArtifactRef, 'sha256'>): Promise<Uint8Array | null> {
    return this.#params.store.artifacts.get(this.#partition(run), sha256);
  }

  /**
   * How far a run is and when it may be over, by earlier completed runs of its workflow; without an estimate when they are too
   * few. Throws RUN_NOT_FOUND, RUN_UNREADABLE, DEFINITION_MISSING.
   */
  eta(run: string): Promise<Eta> {
    return etaOf(this.#params, run);
  }

  /** How long ended runs, their steps and their attempts have taken, and how they have ended. Throws REDIS_UNREACHABLE. */
  stats(wanted: StatsWanted): Promise<Stats> {
    return statistics(this.#params, wanted);
  }

  #following(): Following {
    const { store, clock, client } = this.#params;
    return {
      runs: store.runs,
      clock,
      history: (run) => client.history(run),
      hasEnded: async (run) => runHasEnded((await client.get(run)).status),
    };
  }

  #partition(run: string): number {
    return partitionOf(run, this.#params.partitions);
  }
}
