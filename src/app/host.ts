/**
 * A coordinator and a worker, or one of them, in this process, and who tidies up behind them: what `coord daemon` and
 * `coord worker` are.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Client } from '../coordinator/client.js';
import { Coordinator } from '../coordinator/coordinator.js';
import { Scheduler } from '../coordinator/scheduler.js';
import type { Store } from '../core/ports.js';
import { processRuns } from '../core/processes.js';
import { WorkerHost } from '../personas/host.js';
import { secretsIn } from '../personas/secrets.js';
import type { PersonaDefinition } from '../personas/persona.js';
import { openRepository } from '../personas/repository.js';
import { Caretaker } from './caretaker.js';
import { Collector } from './collector.js';
import type { Means } from './connect.js';
import type { Log } from './log.js';
import { resultCheck } from './result-check.js';
import { createLook } from './watched.js';

export interface HostParams {
  readonly store: Store;
  readonly partitions: number;
  readonly coordinate: boolean;
  /** How long ended runs are kept whose workflow does not say, ms; null: nothing is collected. */
  readonly retentionMs: number | null;
  /** Empty to serve none. */
  readonly personas: ReadonlyMap<string, PersonaDefinition>;
  readonly stateDirectory: string;
  readonly means: Means;
  readonly log: Log;
  /** How long `stop` lets running attempts finish, ms. */
  readonly graceMs: number;
}

export class Host {
  readonly worker: WorkerHost | null;
  readonly #coordinator: Coordinator | null;
  readonly #caretaker: Caretaker;
  readonly #collector: Collector | null;
  #namespaceGone = false;

  constructor(params: HostParams) {
    const { store, partitions, coordinate, retentionMs, personas, stateDirectory, means, log, graceMs } = params;
    const { clock, ids, failpoints } = means;
    const { note } = log;
    this.#caretaker = new Caretaker({ store, partitions, stateDirectory, clock, note });
    const report: Log['coordinator'] = (event) => {
      log.coordinator(event);
      if (event.type === 'namespace.gone') this.#namespaceGone = true;
      if (event.type !== 'run.ended') return;
      this.#caretaker.runEnded(event.run);
      // What is canceled with it ends now, not at its next heartbeat.
      void this.worker?.ask(event.run);
    };
    const place = `${hostname()}:${String(process.pid)}`;
    const scheduler = new Scheduler({
      store,
      partitions,
      client: new Client({ store, partitions, clock, ids }),
      clock,
      report,
      headOf: async (repo) => (await openRepository(repo, clock)).head,
      look: createLook(clock),
    });
    this.#coordinator = coordinate
      ? new Coordinator({
          store,
          partitions,
          clock,
          ids,
          name: place,
          report,
          isDead: isDeadHere,
          failpoints,
          scheduler,
        })
      : null;
    this.#collector =
      coordinate && retentionMs !== null
        ? new Collector({
            store,
            partitions,
            clock,
            note,
            place,
            retentionMs,
            directory: join(stateDirectory, 'archive'),
          })
        : null;
    const worker = `${place}:${ids.nonce().slice(0, 6)}`;
    this.worker =
      personas.size === 0
        ? null
        : new WorkerHost({
            store,
            partitions,
            personas,
            worker,
            stateDir: stateDirectory,
            clock,
            graceMs,
            secrets: secretsIn(means.env),
            report: (event) => {
              log.worker(event);
              if (event.type === 'ended') this.#caretaker.attemptEnded(event.key.run);
            },
            failpoints,
            isDead: isDeadHere,
            checkResult: resultCheck,
          });
  }

  /** Whether the store does not hold the namespace any more: there is nothing left to do. */
  get namespaceGone(): boolean {
    return this.#namespaceGone;
  }

  start(): void {
    this.#coordinator?.start();
    this.worker?.start();
    this.#caretaker.start();
    this.#collector?.start();
  }

  /** Workers first: their last replies are still applied by the coordinator, and nothing new reaches them. */
  async stop(): Promise<void> {
    await this.#collector?.stop();
    await this.worker?.stop();
    await this.#coordinator?.stop();
    await this.#caretaker.stop();
  }
}

/** Whether an owner or worker named by `Host` is a process of this machine that no longer exists. */
export function isDeadHere(name: string): boolean {
  const [host, pid] = name.split(':');
  return host === hostname() && pid !== undefined && /^\d+$/.test(pid) && !processRuns(Number(pid));
}
