/**
 * One chaos run: a server, a crew, clients and faults for a time; then everything calms down, drains, and is read and
 * checked. Nothing here decides by the clock whether something is right: the checks look at what is there.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Client } from '../../src/coordinator/client.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import { type RunVerdict, verifyRun } from '../../src/coordinator/client-verify.js';
import { Plans } from '../../src/coordinator/plans.js';
import { systemClock } from '../../src/core/clock.js';
import { CoordError, hasCode } from '../../src/core/errors.js';
import { noFailpoints } from '../../src/core/failpoints.js';
import { partitionOf, randomIds } from '../../src/core/ids.js';
import type { Store } from '../../src/core/ports.js';
import { Keys } from '../../src/redis/keys.js';
import { openRedisStore } from '../../src/redis/store.js';
import { redisBinary } from '../harness/redis-server.js';
import { Proxy } from '../harness/proxy.js';
import { Crew, type FailpointRates } from './crew.js';
import { Driver } from './driver.js';
import { type Dump, dumpStore } from './dump.js';
import { CUTS, Faults, type Kind, KILLS, STALLS } from './faults.js';
import { Ledger } from './ledger.js';
import { linesOf } from './lines.js';
import type { Options } from './options.js';
import { Chance } from './random.js';
import { VictimServer } from './server.js';
import { PERSONAS } from './workflows.js';

export const PARTITIONS = 4;
const NAMESPACE = 'chaos';
const LEASE_MS = 1_000;
const HEARTBEAT_MS = 2_000;
/** When nothing at all has moved for so long, what is left is stuck. */
const PATIENCE_MS: Readonly<Record<Options['focus'], number>> = { everything: 30_000, failpoints: 8_000 };

const RATES: Readonly<Record<Options['focus'], FailpointRates>> = {
  everything: { kill: { share: 0.5, probability: 0.0012 }, stall: { share: 0.35, probability: 0.0006 } },
  failpoints: { kill: { share: 0.5, probability: 0.004 }, stall: { share: 0.8, probability: 0.006 } },
};

/** Everything that a run leaves behind for the checks. */
export interface Outcome {
  readonly dump: Dump;
  /** What folding every history once more gave. */
  readonly verdicts: readonly RunVerdict[];
  readonly ledger: Ledger;
  readonly driver: Driver;
  readonly crew: Crew;
  readonly faults: Faults;
  readonly folder: string;
  readonly secret: string;
  readonly seconds: { readonly faults: number; readonly drain: number };
  readonly failpoints: readonly string[];
}

export interface Progress {
  readonly kills: number;
  readonly stalls: number;
  readonly cuts: number;
  readonly runs: number;
  readonly transitions: number;
}

export class Session {
  readonly #options: Options;
  readonly #folder: string;
  readonly #say: (line: string) => void;
  readonly #server: VictimServer;
  readonly #admin: Redis;
  readonly #clients: Proxy;
  readonly #ledger: Ledger;
  readonly #secret = `secret-${randomIds.nonce()}`;
  readonly #crew: Crew;
  readonly #faults: Faults;
  readonly #keys = new Keys(NAMESPACE);
  #driver: Driver | null = null;
  /** The clients', which remembers what they have seen confirmed. */
  #store: Store | null = null;

  constructor(options: Options, place: { folder: string; build: string; shim: string; say: (line: string) => void }) {
    const { folder, build, shim } = place;
    const { seed, fsync, focus } = options;
    this.#options = options;
    this.#folder = folder;
    this.#say = place.say;
    const directory = join(folder, 'redis');
    mkdirSync(directory, { recursive: true });
    this.#server = new VictimServer({ directory, binary: redisBinary(), fsync, shim });
    this.#admin = new Redis(this.#server.socket, {
      lazyConnect: true,
      retryStrategy: () => 50,
      maxRetriesPerRequest: 0,
    });
    this.#admin.on('error', () => undefined);
    this.#clients = new Proxy(this.#server, 'clients');
    this.#ledger = new Ledger(join(folder, 'ledger'));
    this.#crew = new Crew({
      folder,
      build,
      upstream: this.#server,
      count: { coordinator: 3, worker: 3 },
      settings: {
        namespace: NAMESPACE,
        partitions: PARTITIONS,
        leaseMs: LEASE_MS,
        heartbeatMs: HEARTBEAT_MS,
        beatMs: 300,
        deadlineMs: 2_000,
        lossy: fsync !== 'always',
      },
      seed,
      chance: new Chance(`failpoints ${String(seed)}`),
      rates: RATES[focus],
      secret: this.#secret,
    });
    this.#faults = new Faults({
      crew: this.#crew,
      server: this.#server,
      admin: this.#admin,
      clients: this.#clients,
      chance: new Chance(`faults ${String(seed)}`),
      leaseMs: LEASE_MS,
      everyMs: focus === 'failpoints' ? 1_200 : 620,
      weights: options.weights,
      log: join(folder, 'faults'),
      changes: () => this.#changes(),
      afterCut: () => void this.#compare(),
    });
  }

  async run(): Promise<Outcome> {
    await this.#server.start();
    await this.#clients.open();
    await this.#admin.connect();
    const store = await this.#openStore(this.#clients.socket);
    this.#store = store;
    try {
      await this.#settled();
      await this.#crew.start();
      const means = { clock: systemClock, ids: randomIds };
      const counting = { ...store, admission: counted(store.admission, this.#ledger) };
      const client = new Client({ store: counting, partitions: PARTITIONS, ...means });
      const versionOf = async (run: string): Promise<number> =>
        (await store.runs.load(partitionOf(run, PARTITIONS), run))?.version ?? 0;
      const driver = new Driver({
        client,
        operator: new Operator({ store: counting, partitions: PARTITIONS, ...means }),
        versionOf,
        ledger: this.#ledger,
        seed: this.#options.seed,
        width: this.#options.width,
        lossy: this.#options.fsync !== 'always',
      });
      this.#driver = driver;
      const { lanes } = driver.begin();
      const from = performance.now();
      await this.#faultsFor(driver);
      const calm = performance.now();
      driver.stop();
      await this.#drain(driver, lanes);
      const seconds = { faults: (calm - from) / 1_000, drain: (performance.now() - calm) / 1_000 };
      await this.#quiet();
      await this.#crew.stop();
      await this.#crew.tidy();
      const dump = await dumpStore(this.#admin, { namespace: NAMESPACE, partitions: PARTITIONS });
      return {
        dump,
        verdicts: await this.#verify(dump),
        ledger: this.#ledger,
        driver,
        crew: this.#crew,
        faults: this.#faults,
        folder: this.#folder,
        secret: this.#secret,
        seconds,
        failpoints: linesOf(this.#crew.failpointLog),
      };
    } finally {
      await store.close();
      await this.#crew.close();
      await this.#clients.close();
      this.#admin.disconnect();
      await this.#server.kill();
    }
  }

  get progress(): Progress {
    const { counts } = this.#faults;
    const sum = (kinds: readonly Kind[]): number => kinds.reduce((all, kind) => all + counts[kind], 0);
    const stalled = linesOf(this.#crew.failpointLog).filter((line) => line.includes(':stall=')).length;
    return {
      kills: sum(KILLS) + this.#crew.innerKills,
      stalls: sum(STALLS) + stalled,
      cuts: sum(CUTS),
      runs: this.#ledger.entries.length === 0 ? 0 : this.#runs,
      transitions: this.#driver?.transitions ?? 0,
    };
  }

  get #patienceMs(): number {
    return PATIENCE_MS[this.#options.focus];
  }

  get #runs(): number {
    return new Set(
      this.#ledger.entries.filter(({ op, outcome }) => op === 'start' && outcome === 'done').map(({ run }) => run),
    ).size;
  }

  async #openStore(socket: string): Promise<Store> {
    const means = { clock: systemClock, ids: randomIds, failpoints: noFailpoints, deadlineMs: 2_000 };
    const store = await openRedisStore({ address: { socket }, namespace: NAMESPACE, ...means });
    await store.namespace.open(PARTITIONS);
    return store;
  }

  /** Until the namespace itself is on the disk: without it there is nothing that could notice a loss. */
  async #settled(): Promise<void> {
    if (this.#options.fsync === 'always') return;
    await this.#admin.call('BGREWRITEAOF');
    const isDone = async (): Promise<boolean> =>
      String(await this.#admin.call('INFO', 'persistence')).includes('aof_rewrite_in_progress:0');
    while (!(await isDone())) await delay(20);
  }

  async #faultsFor(driver: Driver): Promise<void> {
    const { minutes } = this.#options;
    const stop = new AbortController();
    const over = setTimeout(() => void this.#complete(minutes * 60_000).then(() => stop.abort()), minutes * 60_000);
    const telling = this.#tell(driver, stop);
    await this.#faults.run(stop.signal);
    clearTimeout(over);
    await telling;
  }

  /** By the code of this build and beside all proxies: what is looked at may have been written by a broken one. */
  async #verify(dump: Dump): Promise<readonly RunVerdict[]> {
    const store = await this.#openStore(this.#server.socket);
    try {
      const plans = new Plans(store.namespace);
      const all = dump.partitions.flatMap(({ partition, runs }) => runs.map(({ run }) => ({ partition, run })));
      const { inspection, runs: histories } = store;
      return await each(all, {
        width: 16,
        work: async (place) => verifyRun({ inspection, runs: histories, plans }, place),
      });
    } finally {
      await store.close();
    }
  }

  /** Until every kind of fault has happened, for so much longer at most. */
  async #complete(ms: number): Promise<void> {
    for (const giveUpAt = performance.now() + ms; !this.#faults.complete && performance.now() < giveUpAt; )
      await delay(100);
  }

  /** A line every five seconds; ends the run when its goals are reached. */
  async #tell(driver: Driver, stop: AbortController): Promise<void> {
    const { kills, runs, transitions } = this.#options.goals;
    const wanted = kills !== null || runs !== null || transitions !== null;
    while (!stop.signal.aborted) {
      await delay(5_000, undefined, { signal: stop.signal }).catch(() => undefined);
      const now = this.progress;
      const { size } = driver.active;
      this.#say(
        `${String(now.kills)} kills, ${String(now.stalls)} stalls, ${String(now.cuts)} cuts, ${String(now.runs)} runs (${String(size)} under way), ${String(now.transitions)} transitions`,
      );
      const reached = now.kills >= (kills ?? 0) && now.runs >= (runs ?? 0) && now.transitions >= (transitions ?? 0);
      if ((wanted && reached) || this.#crew.hopeless) stop.abort();
    }
  }

  /** What clients do that want to know: they compare what they have seen confirmed with the store that is back. */
  async #compare(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; ) {
      try {
        await this.#store?.watermarks.check(partition, 'clients');
        partition++;
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        await delay(50);
      }
    }
  }

  async #changes(): Promise<number> {
    let changes = 0;
    for (let partition = 0; partition < PARTITIONS; partition++)
      changes += Number(await this.#admin.hget(this.#keys.partition(partition).lease, 'position'));
    return changes;
  }

  async #drain(driver: Driver, lanes: Promise<void>): Promise<void> {
    for (const { proxy } of this.#crew.members) proxy.calm();
    this.#clients.calm();
    await this.#crew.renew();
    const settled = new AbortController();
    void lanes.then(() => settled.abort());
    for (let before = -1; !settled.signal.aborted; ) {
      const now = (await this.#changes()) + driver.ended;
      if (now === before) return;
      before = now;
      await delay(this.#patienceMs, undefined, { signal: settled.signal }).catch(() => undefined);
    }
  }

  /** Until nothing moves any more: inner runs that were canceled, late timers, requests that nobody needs. */
  async #quiet(): Promise<void> {
    const busy = async (): Promise<boolean> => {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const keys = this.#keys.partition(partition);
        const streams = [keys.inbox, ...PERSONAS.map((persona) => keys.requests(persona))];
        for (const stream of streams) if ((await this.#admin.xlen(stream)) > 0) return true;
        if ((await this.#admin.zcard(keys.timers)) > 0) return true;
      }
      return false;
    };
    const giveUpAt = performance.now() + this.#patienceMs;
    while ((await busy()) && performance.now() < giveUpAt) await delay(100);
  }
}

/** The same port, whose answers that stay away are counted: the client itself repeats such a call. */
function counted(admission: Store['admission'], ledger: Ledger): Store['admission'] {
  return {
    admit: async (request) => {
      try {
        return await admission.admit(request);
      } catch (error) {
        if (hasCode(error, 'OUTCOME_UNKNOWN')) ledger.unknown++;
        throw error;
      }
    },
  };
}

/** The same work for each, so many at a time. */
async function each<T, R>(
  items: readonly T[],
  { width, work }: { width: number; work: (item: T) => Promise<R> },
): Promise<readonly R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += width)
    results.push(...(await Promise.all(items.slice(first, first + width).map(work))));
  return results;
}
