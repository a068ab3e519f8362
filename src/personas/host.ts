/**
 * The worker: takes requests for its personas from every partition, only as many as it has free places, and runs each
 * as an attempt. It says that it is there, takes over requests that other workers left lying, and stops in order.
 */
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { BreakerPolicy } from '../core/breaker-port.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { type Failpoints, noFailpoints } from '../core/failpoints.js';
import type { Store } from '../core/ports.js';
import type { AttemptKey, Delivery } from '../core/request-port.js';
import { Loop } from '../core/service.js';
import { Attempt, type AttemptMeans } from './attempt.js';
import { AttemptFiles } from './attempt-files.js';
import { BREAKER_POLICY, Breakers } from './breakers.js';
import type { CommandLimits } from './command.js';
import { buryDead } from './dead-workers.js';
import { InHand } from './in-hand.js';
import { Intake } from './intake.js';
import { untilKnown } from './patience.js';
import type { PersonaDefinition } from './persona.js';
import { parseRequest } from './request.js';
import type { PersonaKind, ResultCheck } from './runner.js';
import { runnerFor } from './runners.js';
import { Redaction } from './secrets.js';
import { Slots } from './slots.js';
import type { Report } from './worker-events.js';
import { Workspaces } from './workspace.js';

export interface WorkerOptions {
  readonly store: Pick<Store, 'requests' | 'artifacts' | 'breakers' | 'namespace' | 'watermarks'>;
  /** How many partitions the namespace has; the worker serves all. */
  readonly partitions: number;
  readonly personas: ReadonlyMap<string, PersonaDefinition>;
  /** Unique per start of a worker process. */
  readonly worker: string;
  /** Folder of this machine for the records of running attempts; all workers of a project share it. */
  readonly stateDir: string;
  readonly clock: Clock;
  /** Attempts at the same time over all personas; by default only each persona's own limit counts. */
  readonly concurrency?: number;
  /** How long a claim lives without a heartbeat, ms. */
  readonly heartbeatMs?: number;
  /** Between heartbeats, ms. */
  readonly beatMs?: number;
  /** How long `stop` waits for running attempts, ms; a second `stop` ends them at once. */
  readonly graceMs?: number;
  readonly limits?: Partial<CommandLimits>;
  /** Where keys and addresses are that personas name; by default that of the process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly checkResult?: ResultCheck;
  readonly breaker?: Partial<BreakerPolicy>;
  /** Whether a worker of this name is known to be dead: what it was sent is then taken over at once. */
  readonly isDead?: (worker: string) => boolean;
  readonly report?: Report;
  /** Values that are shown and stored nowhere. */
  readonly secrets?: readonly string[];
  readonly failpoints?: Failpoints;
}

/** Several times as often as silence is taken for death. */
const ANNOUNCE_EVERY_MS = 1_000;
/** How long a stopped worker still tries to deliver its last replies, ms. */
const LAST_WORDS_MS = 5_000;

export class WorkerHost extends Loop {
  readonly #options: WorkerOptions;
  readonly #report: Report;
  readonly #slots: Slots;
  readonly #runners: ReadonlyMap<string, PersonaKind>;
  readonly #files: AttemptFiles;
  readonly #means: AttemptMeans;
  readonly #inHand: InHand;
  /** Deliveries that are left to newer workers. */
  readonly #newer = new Set<string>();
  readonly #hurry = new AbortController();
  readonly #giveUp = new AbortController();

  constructor(options: WorkerOptions) {
    super();
    const { clock, personas, store } = options;
    // Every attempt and loop listens to these; many are no leak.
    setMaxListeners(0, this.#giveUp.signal, this.signal);
    const perPersona = new Map([...personas].map(([name, persona]) => [name, persona.concurrency]));
    const sum = [...perPersona.values()].reduce((all, count) => all + count, 0);
    this.#options = options;
    const redaction = new Redaction(options.secrets ?? []);
    this.#report = careful(options.report ?? (() => undefined), redaction);
    this.#slots = new Slots({ perPersona, total: options.concurrency ?? sum });
    this.#runners = new Map([...personas].map(([name, persona]) => [name, runnerFor(persona, options)]));
    this.#files = new AttemptFiles(options.stateDir);
    this.#inHand = new InHand(clock);
    this.#means = {
      store,
      clock,
      heartbeatMs: options.heartbeatMs ?? 15_000,
      beatMs: options.beatMs ?? 2_000,
      files: this.#files,
      workspaces: new Workspaces({ clock, attempts: this.#files }),
      failpoints: options.failpoints ?? noFailpoints,
      redaction,
      breakers: this.#breakers(redaction),
      report: this.#report,
      giveUp: this.#giveUp.signal,
    };
  }

  #breakers(redaction: Redaction): Breakers {
    const { store, clock, worker, breaker } = this.#options;
    const endpoints = [...this.#runners].flatMap(([name, { endpoint }]) =>
      endpoint === undefined || endpoint === null ? [] : [[name, endpoint] as const],
    );
    return new Breakers({
      port: store.breakers,
      clock,
      worker,
      endpoints: new Map(endpoints),
      slots: this.#slots,
      policy: { ...BREAKER_POLICY, ...breaker },
      report: this.#report,
      redaction,
      signal: this.signal,
    });
  }

  /** Requests in hand. */
  get busy(): number {
    return this.#inHand.size;
  }

  /** Looks now, instead of at the next heartbeat, which attempts of the run are over, and ends them. */
  async ask(run: string): Promise<void> {
    await this.#inHand.ask(run);
  }

  /** Takes nothing more, lets running attempts finish for the grace time, then ends them; called again, at once. */
  override async stop(): Promise<void> {
    if (this.signal.aborted) this.#hurry.abort();
    await super.stop();
  }

  protected async body(signal: AbortSignal): Promise<void> {
    await buryDead({
      ...this.#options,
      heartbeatMs: this.#means.heartbeatMs,
      files: this.#files,
      report: this.#report,
    });
    const finished = new AbortController();
    const announcing = this.#announce(finished.signal);
    const partitions = Array.from({ length: this.#options.partitions }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#intakeOf(partition).run(signal)));
    await this.#finish();
    finished.abort();
    await announcing;
    await this.#sayGoodbye(partitions);
  }

  #intakeOf(partition: number): Intake {
    return new Intake({
      ...this.#options,
      requests: this.#options.store.requests,
      partition,
      personas: this.#names(),
      slots: this.#slots,
      isKnown: (delivery) => this.#inHand.has(handleOf(delivery)) || this.#newer.has(handleOf(delivery)),
      accept: (delivery) => this.#accept(delivery),
      report: this.#report,
    });
  }

  #accept(delivery: Delivery): void {
    const { partition, persona, entry } = delivery;
    const handle = handleOf(delivery);
    this.#report({ type: 'taken', partition, persona, entry });
    const parsed = parseRequest(delivery);
    const runner = this.#runners.get(persona);
    if ('newer' in parsed) {
      this.#newer.add(handle);
      this.#report({ type: 'newer', partition, persona, entry, protocol: parsed.newer });
      this.#slots.release(persona);
      return;
    }
    if ('problem' in parsed || runner === undefined) {
      const reason = 'problem' in parsed ? parsed.problem : 'no such persona';
      void this.#refuse(delivery, reason);
      return;
    }
    const { request } = parsed;
    const { run, step, attempt: number, token } = request;
    const key: AttemptKey = { partition, run, step, attempt: number, token, worker: this.#options.worker };
    if (this.#inHand.holds(key)) {
      // The same attempt again, by another entry: `begin` would say go, since this worker is its holder.
      this.#report({ type: 'dropped', key, reason: 'in hand already' });
      this.#slots.release(persona);
      return;
    }
    const kind = this.#options.personas.get(persona)?.kind;
    const hasProcesses = kind === 'agent' || kind === 'command' || kind === 'verify';
    const attempt = new Attempt({ key, delivery, request, runner, hasProcesses }, this.#means);
    if (this.signal.aborted) attempt.end('shutdown');
    this.#inHand.start(handle, attempt, () => this.#slots.release(persona));
  }

  async #refuse(delivery: Delivery, reason: string): Promise<void> {
    const { partition, persona } = delivery;
    const { clock, store } = this.#options;
    const means = { clock, report: this.#report, signal: this.#giveUp.signal };
    try {
      await untilKnown('refuse', () => store.requests.refuse(delivery, reason), means);
      this.#report({ type: 'refused', partition, persona, reason });
    } catch {
      // Reported by `untilKnown`; the entry stays and is delivered again.
    } finally {
      this.#slots.release(persona);
    }
  }

  async #announce(finished: AbortSignal): Promise<void> {
    const { store, clock, worker } = this.#options;
    while (!finished.aborted) {
      try {
        const info = {
          worker,
          host: hostname(),
          pid: process.pid,
          personas: this.#names(),
          busy: this.busy,
          runs: this.#inHand.runs(),
        };
        await store.namespace.announceWorker(info);
        await this.#compare();
      } catch (error) {
        this.#report({ type: 'trouble', doing: 'announce', message: messageOf(error) });
      }
      await clock.sleep(ANNOUNCE_EVERY_MS, finished);
    }
  }

  /** Whether the store still has what it confirmed to this worker; what it lost is recorded. */
  async #compare(): Promise<void> {
    const { store, partitions, worker } = this.#options;
    for (let partition = 0; partition < partitions; partition++) {
      const lost = await store.watermarks.check(partition, worker);
      if (lost !== null) this.#report({ type: 'rolled-back', ...lost });
    }
  }

  /** The grace time, then the end of every attempt that is left. */
  async #finish(): Promise<void> {
    const { clock, graceMs = 60_000 } = this.#options;
    for (const attempt of this.#inHand.attempts()) attempt.endUnlessBegun();
    const all = this.#inHand.over();
    const settled = new AbortController();
    void all.then(() => settled.abort());
    if (this.#inHand.size > 0 && graceMs > 0) {
      await clock.sleep(graceMs, AbortSignal.any([this.#hurry.signal, settled.signal]));
    }
    for (const attempt of this.#inHand.attempts()) attempt.end('shutdown');
    const cancel = clock.after(LAST_WORDS_MS + this.#killTime(), () => this.#giveUp.abort());
    await all;
    cancel();
  }

  #killTime(): number {
    return 2 * (this.#options.limits?.graceMs ?? 5_000);
  }

  async #sayGoodbye(partitions: readonly number[]): Promise<void> {
    const { store, worker } = this.#options;
    try {
      for (const partition of partitions) await store.requests.leave({ partition, worker, personas: this.#names() });
      await store.namespace.forgetWorker(worker);
    } catch (error) {
      this.#report({ type: 'trouble', doing: 'leave', message: messageOf(error) });
    }
  }

  #names(): readonly string[] {
    return [...this.#options.personas.keys()];
  }
}

/** Messages of others may hold anything. */
function careful(report: Report, redaction: Redaction): Report {
  return (event) => report(event.type === 'trouble' ? { ...event, message: redaction.text(event.message) } : event);
}

function handleOf({ partition, persona, entry }: Delivery): string {
  return `${String(partition)} ${persona} ${entry}`;
}
