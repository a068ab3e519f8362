/**
 * Named locks for people and programs beside runs: holding one while something is done, looking who holds which, and taking
 * one away. What somebody holds here is a lease that is renewed, so that whoever dies blocks nobody for long.
 */
import { hostname } from 'node:os';
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Ids } from '../core/ids.js';
import {
  type BrokenLock,
  LOCK_NAME,
  LOCK_NAME_WORDS,
  type LockHolding,
  type LockParty,
  type LockState,
} from '../core/lock-port.js';
import type { Store } from '../core/ports.js';
import { PLACE_MS, RunLocks } from './run-locks.js';
import { untilKnown } from './until-known.js';

export interface LocksParams {
  readonly store: Pick<Store, 'locks' | 'namespace'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
  readonly ids: Ids;
}

export interface LockRequest {
  readonly name: string;
  readonly by: string;
  /** What it is held for, for people. */
  readonly command: string;
  /** How long it is waited for when somebody else holds it; null: until it is free. */
  readonly waitMs: number | null;
  /** Told once who is in the way, when it is waited for. */
  readonly waits?: (state: LockState) => void;
  readonly until: AbortSignal;
}

/** A lock that is held and renewed until it is given back. */
export interface HeldLock {
  readonly name: string;
  /** Aborted when it is not held any more although it was not given back. */
  readonly lost: AbortSignal;
  /** Gives it back. Throws LOCK_LOST when it was not held any more. */
  release(): Promise<void>;
}

export interface ListedLocks {
  /** The store's time, ms. */
  readonly now: number;
  readonly locks: readonly LockState[];
  /** Those that were taken away from who held them, newest first. */
  readonly broken: readonly BrokenLock[];
}

const LEASE_MS = 30_000;
const RENEW_MS = 5_000;
const AGAIN_MS = 500;

export class Locks {
  readonly #params: LocksParams;
  readonly #runs: RunLocks;

  constructor(params: LocksParams) {
    this.#params = params;
    this.#runs = new RunLocks({ locks: params.store.locks, partitions: params.partitions });
  }

  /** Those that somebody holds or waits for. What a run has left behind that is over is taken back on the way. */
  async list(): Promise<ListedLocks> {
    const { locks, namespace } = this.#params.store;
    await this.#runs.takeBackAll();
    const [now, all, broken] = await Promise.all([namespace.time(), locks.all(), locks.broken()]);
    const open = all.map(({ name, holder, line }) => ({
      name,
      holder: holder !== null && isOver(holder, now) ? null : holder,
      line: line.filter(({ until }) => until > now),
    }));
    return { now, locks: open.filter(({ holder, line }) => holder !== null || line.length > 0), broken };
  }

  /** Takes a lock and holds it. Throws LOCK_HELD when it is not free in time, USAGE for a name that is none. */
  async hold(request: LockRequest): Promise<HeldLock> {
    const { name, by, command } = request;
    if (!LOCK_NAME.test(name))
      throw new CoordError('USAGE', `${JSON.stringify(name)} cannot be the name of a lock: it has ${LOCK_NAME_WORDS}`);
    const id = this.#params.ids.nonce();
    const party = { kind: 'command', id, by, host: hostname(), pid: process.pid, command } as const;
    try {
      return this.#keep(name, id, await this.#take(request, party));
    } catch (error) {
      // A place in the line, if there is one, is somebody else's now.
      await this.#params.store.locks.release({ name, id, grant: null }).catch(() => undefined);
      throw error;
    }
  }

  /** Takes a lock away from who holds it. Throws LOCK_NOT_HELD. */
  async break(name: string, broken: Pick<BrokenLock, 'by' | 'reason'>): Promise<LockParty> {
    const state = await this.#params.store.locks.get(name);
    const holder = state?.holder ?? null;
    if (holder === null || isOver(holder, await this.#params.store.namespace.time()))
      throw new CoordError('LOCK_NOT_HELD', `nobody holds lock ${JSON.stringify(name)}; see \`coord locks\``);
    const given = { name, id: holder.party.id, grant: holder.grant, broken };
    if (await this.#runs.give(given)) return holder.party;
    throw new CoordError('LOCK_NOT_HELD', `lock ${JSON.stringify(name)} has just changed hands; see \`coord locks\``);
  }

  async #take({ name, waitMs, waits, until }: LockRequest, party: LockParty): Promise<number> {
    const { clock, store } = this.#params;
    const begun = clock.monotonic();
    const placeMs = waitMs === 0 ? 0 : PLACE_MS;
    for (let told = false; ; told = true) {
      const answer = await untilKnown(clock, () => store.locks.acquire({ name, party, leaseMs: LEASE_MS, placeMs }));
      if (answer.outcome === 'granted') return answer.grant;
      const { state } = answer;
      if (await this.#runs.takeBack(state)) continue;
      const leftMs = waitMs === null ? AGAIN_MS : waitMs - (clock.monotonic() - begun);
      if (leftMs <= 0 || until.aborted) throw new CoordError('LOCK_HELD', await this.#whyHeld(state));
      if (!told) waits?.(state);
      await clock.sleep(Math.min(AGAIN_MS, leftMs), until);
    }
  }

  async #whyHeld({ name, holder, line }: LockState): Promise<string> {
    const lock = `lock ${JSON.stringify(name)}`;
    const after = '`coord locks` lists all, and --wait waits';
    if (holder === null) return `${lock} is for ${nameOf(line[0]?.party)}, first in the line; ${after}`;
    const seconds = Math.max(0, Math.round(((await this.#params.store.namespace.time()) - holder.since) / 1_000));
    const since = `since ${new Date(holder.since).toISOString()}, ${String(seconds)} s ago`;
    return `${lock} is held by ${nameOf(holder.party)} ${since}; ${after}`;
  }

  #keep(name: string, id: string, grant: number): HeldLock {
    const lost = new AbortController();
    const over = new AbortController();
    const renewing = this.#renew({ name, id, grant }, { lost, over: over.signal });
    return {
      name,
      lost: lost.signal,
      release: async () => {
        over.abort();
        await renewing;
        if (lost.signal.aborted) throw lostLock(name);
        let tries = 0;
        const released = await untilKnown(this.#params.clock, () => {
          tries++;
          return this.#runs.give({ name, id, grant });
        });
        // One whose answer was lost may have been given back by the first try.
        if (!released && tries === 1) throw lostLock(name);
      },
    };
  }

  async #renew(
    held: { readonly name: string; readonly id: string; readonly grant: number },
    { lost, over }: { lost: AbortController; over: AbortSignal },
  ): Promise<void> {
    const { clock, store } = this.#params;
    let renewedAt = clock.monotonic();
    while (!over.aborted) {
      await clock.sleep(RENEW_MS, over);
      if (over.aborted) return;
      const asked = clock.monotonic();
      try {
        if ((await store.locks.renew({ ...held, leaseMs: LEASE_MS })) === 'lost') {
          lost.abort();
          return;
        }
        renewedAt = asked;
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        // The store may come back before somebody else can have it.
        if (clock.monotonic() - renewedAt < LEASE_MS - RENEW_MS) continue;
        lost.abort();
        return;
      }
    }
  }
}

function lostLock(name: string): CoordError {
  return new CoordError(
    'LOCK_LOST',
    `lock ${JSON.stringify(name)} was taken away, or could not be renewed: somebody else may hold it; see \`coord locks\``,
  );
}

function isOver({ until }: LockHolding, now: number): boolean {
  return until !== null && until <= now;
}

function nameOf(party: LockParty | undefined): string {
  if (party === undefined) return 'nobody';
  return party.kind === 'run'
    ? `run ${party.id} (step ${party.step})`
    : `${party.by} on ${party.host} (${party.command.slice(0, 60)})`;
}
