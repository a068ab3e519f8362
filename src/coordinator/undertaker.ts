/**
 * Notices workers that died, and has what they held tried again at once instead of when each attempt's heartbeat is missed.
 * A worker is dead when its process is known to be gone, or when it has said nothing while the store answered all the
 * time: a store that was away is nobody's death.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { NamespacePort, WorkerInfo } from '../core/ports.js';
import type { RequestPort } from '../core/request-port.js';
import { Loop } from '../core/service.js';
import type { Report } from './events.js';

export interface UndertakerParams {
  readonly namespace: Pick<NamespacePort, 'listWorkers' | 'forgetWorker'>;
  readonly requests: Pick<RequestPort, 'bury'>;
  readonly partitions: number;
  readonly clock: Clock;
  readonly report: Report;
  /** Whether a worker of this name is known to be dead. */
  readonly isDead: (worker: string) => boolean;
  /** How long a worker may say nothing, ms. */
  readonly silentMs: number;
}

const LOOK_EVERY_MS = 500;

interface Heard {
  /** Its last word. */
  readonly seenAt: number;
  /** Time in which the store answered and the worker said nothing new, ms. */
  readonly silentMs: number;
}

export class Undertaker extends Loop {
  readonly #params: UndertakerParams;
  #heard: ReadonlyMap<string, Heard> = new Map();
  #answeredAt: number | null = null;

  constructor(params: UndertakerParams) {
    super();
    this.#params = params;
  }

  protected override async body(signal: AbortSignal): Promise<void> {
    const { clock, namespace } = this.#params;
    while (!signal.aborted) {
      try {
        await this.#look(await namespace.listWorkers());
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        // Workers have their full time to be heard of again.
        this.#answeredAt = null;
        this.#heard = new Map();
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  async #look(workers: readonly WorkerInfo[]): Promise<void> {
    const { clock, isDead, silentMs } = this.#params;
    const now = clock.monotonic();
    // A process that was stalled itself has not listened: the time that it slept counts as one look.
    const since = this.#answeredAt === null ? 0 : Math.min(now - this.#answeredAt, LOOK_EVERY_MS);
    this.#answeredAt = now;
    const heard = new Map<string, Heard>();
    for (const { worker, seenAt, personas } of workers) {
      const before = this.#heard.get(worker);
      const silent = before?.seenAt === seenAt ? before.silentMs + since : 0;
      if (isDead(worker)) await this.#bury({ worker, personas }, 'its process is gone');
      else if (silent >= silentMs)
        await this.#bury({ worker, personas }, `it has said nothing for ${String(Math.round(silent))} ms`);
      else heard.set(worker, { seenAt, silentMs: silent });
    }
    this.#heard = heard;
  }

  async #bury(dead: Pick<WorkerInfo, 'worker' | 'personas'>, why: string): Promise<void> {
    const { requests, namespace, partitions, report } = this.#params;
    const { worker } = dead;
    let attempts = 0;
    for (let partition = 0; partition < partitions; partition++)
      attempts += await requests.bury({ partition, ...dead });
    await namespace.forgetWorker(worker);
    report({ type: 'worker.buried', worker, attempts, why });
  }
}
