/**
 * One turn: a batch of inbox entries, grouped by run, folded, and committed with one atomic commit per run.
 * Dying anywhere in here is harmless: what was not committed lies in the inbox still.
 */
import { LRUCache } from 'lru-cache';
import { CoordError } from '../core/errors.js';
import { type Failpoints, noFailpoints } from '../core/failpoints.js';
import { type Claim, LOCK_TIMER, type Message } from '../core/messages.js';
import type { InboxEntry, Lease, PartitionPort, StoredRun } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { Migration } from '../machines/migrate.js';
import { applyFold, type RunState } from '../machines/state.js';
import { commitOf, isNewer, messageFrom, stateOf, whyUnreadable } from './codec.js';
import type { Report } from './events.js';
import type { Plans } from './plans.js';
import { type Given, givenBy, type RunLocks } from './run-locks.js';
import { inTransitions, transition } from './transition.js';

export interface TurnParams {
  readonly partitions: PartitionPort;
  readonly plans: Plans;
  readonly locks: RunLocks;
  readonly report: Report;
  /** Runs kept in memory; any other is read again when a message for it comes. */
  readonly runsCached: number;
  readonly failpoints?: Failpoints;
}

/** `again`: something did not match the store, which must be read again from the start. */
export type TurnOutcome =
  | {
      readonly outcome: 'ok' /** Earliest timer armed, ms from now; null for none. */;
      readonly nextTimerMs: number | null;
    }
  | { readonly outcome: 'again' }
  | { readonly outcome: 'fenced' };

/** How a batch went for one run. */
type RunOutcome = 'ok' | 'again' | 'fenced';

export class Turn {
  readonly #params: TurnParams;
  readonly #failpoints: Failpoints;
  readonly #cache: LRUCache<string, RunState>;
  #nextTimerMs: number | null = null;
  #careful = false;

  constructor(params: TurnParams) {
    this.#params = params;
    this.#failpoints = params.failpoints ?? noFailpoints;
    this.#cache = new LRUCache({ max: params.runsCached });
  }

  /** What is held in memory may not be what the store holds: after a lost connection or lease. */
  forget(): void {
    this.#cache.clear();
  }

  /** `careful`: the evaluation of the entries was counted, which is taken back when it is over. */
  async run(lease: Lease, entries: readonly InboxEntry[], { careful = false } = {}): Promise<TurnOutcome> {
    this.#nextTimerMs = null;
    this.#careful = careful;
    const byRun = groupByRun(entries);
    const outcomes = await Promise.all([...byRun].map(([run, messages]) => this.#advance(lease, run, messages)));
    this.#params.report({ type: 'turn', partition: lease.partition, messages: entries.length, runs: byRun.size });
    if (outcomes.includes('fenced')) return { outcome: 'fenced' };
    if (outcomes.includes('again')) return { outcome: 'again' };
    return { outcome: 'ok', nextTimerMs: this.#nextTimerMs };
  }

  async #advance(lease: Lease, run: string, entries: readonly InboxEntry[]): Promise<RunOutcome> {
    for (const group of inTransitions(entries)) {
      const outcome = await this.#transition(lease, run, group);
      if (outcome !== 'ok') return outcome;
    }
    return 'ok';
  }

  async #transition(lease: Lease, run: string, entries: readonly InboxEntry[]): Promise<RunOutcome> {
    // A definition that cannot be gone on with is the fault of who asked for it, not of the run.
    const quarantine = entries[0]?.kind !== 'migrate';
    let folded: Migration;
    let before: RunState;
    let genesis: string | null;
    const messages: Message[] = [];
    try {
      const loaded = await this.#load(lease, run, entries);
      if ('unknown' in loaded)
        return await this.#discardAll(lease, entries, { reason: loaded.unknown, quarantine: false });
      if ('newer' in loaded) {
        // Its messages stay where they are: they are for a coordinator that knows the format.
        this.#params.report({ type: 'run.newer', run, what: loaded.newer });
        return 'ok';
      }
      ({ state: before, genesis } = loaded);
      for (const entry of entries) {
        const message = messageFrom(entry, loaded.claims);
        if ('invalid' in message) {
          if ((await this.#discard(lease, entry, { reason: message.invalid, quarantine: false })) === 'fenced')
            return 'fenced';
        } else {
          const asked = await this.#askForLock(lease, { entry, message, state: before });
          if (asked === 'fenced') return 'fenced';
          if (asked !== null) messages.push(asked);
        }
      }
      if (messages.length === 0) return 'ok';
      folded = await transition(this.#params.plans, { state: before, messages });
    } catch (error) {
      if (isOfStore(error)) throw error;
      this.#cache.delete(run);
      return this.#discardAll(lease, entries, { reason: whyUnreadable(error), quarantine });
    }
    this.#failpoints.pass('turn.folded');
    try {
      return await this.#commit(lease, { ...folded, messages, genesis });
    } catch (error) {
      // A transition that is too large or too deep to be written down is the run's fault; it would come again for ever.
      if (!(error instanceof RangeError)) throw error;
      this.#cache.delete(run);
      return this.#discardAll(lease, entries, { reason: whyUnreadable(error), quarantine: true });
    }
  }

  async #commit(lease: Lease, { state, result, ...more }: Folded): Promise<RunOutcome> {
    const run = state.record.id;
    const commit = commitOf(state, result, more);
    const { partitions } = this.#params;
    // Whoever dies from here on has not died of these messages.
    if (this.#careful && (await partitions.absolve(lease, commit.consumed)) === 'fenced') return 'fenced';
    const given = givenBy(state, result, more.messages);
    const outcome = await partitions.commit(lease, commit);
    if (outcome !== 'ok') {
      this.#cache.delete(run);
      if (outcome === 'fenced') return 'fenced';
      this.#params.report({ type: 'commit.stale', partition: lease.partition, run });
      return 'again';
    }
    if (runHasEnded(result.record.status)) {
      this.#cache.delete(run);
      if (!runHasEnded(state.record.status))
        this.#params.report({ type: 'run.ended', run, status: result.record.status });
    } else {
      this.#cache.set(run, applyFold(state, result, commit.entry.hash));
    }
    if (given.length > 0) await this.#giveBack(given);
    for (const { afterMs } of result.arm) this.#nextTimerMs = Math.min(this.#nextTimerMs ?? afterMs, afterMs);
    return 'ok';
  }

  /** The message with what came of asking for the lock; null when there is nothing to fold, and it is asked for again later. */
  async #askForLock(
    lease: Lease,
    { entry, message, state }: { readonly entry: InboxEntry; readonly message: Message; readonly state: RunState },
  ): Promise<Message | null | 'fenced'> {
    if (message.kind !== 'timer' || message.timer.kind !== 'lock') return message;
    const lock = await this.#params.locks.ask(state, message.timer);
    if (lock === null) return message;
    if (typeof lock === 'object') return { ...message, lock };
    this.#nextTimerMs = Math.min(this.#nextTimerMs ?? lock, lock);
    return (await this.#params.partitions.postpone(lease, entry, lock)) === 'ok' ? null : 'fenced';
  }

  async #giveBack(given: readonly Given[]): Promise<void> {
    this.#failpoints.pass('turn.committed');
    await this.#params.locks.giveAll(given);
  }

  /** The run as cached or as stored; claims only for what asks for them, since they change without the coordinator. */
  async #load(
    lease: Lease,
    run: string,
    entries: readonly InboxEntry[],
  ): Promise<Loaded | { unknown: string } | { newer: string }> {
    const cached = this.#cache.get(run);
    if (cached !== undefined && !entries.some(asksForClaims))
      return { state: cached, claims: new Map(), genesis: null };
    const stored = await this.#params.partitions.load(lease.partition, run);
    if (stored === null) return { unknown: `there is no run "${run}"` };
    const newer = await this.#newer(stored);
    if (newer !== null) return { newer };
    if (stored.quarantined !== null) return { unknown: `the run is set aside: ${stored.quarantined}` };
    const { claims } = stored;
    if (cached !== undefined && cached.version === stored.version) return { state: cached, claims, genesis: null };
    const state = stateOf(stored, await this.#params.plans.get(stored.definition));
    return { state, claims, genesis: stored.version === 0 ? stored.record : null };
  }

  /** What of the run a newer coord has written, or null. Looks at nothing that could kill a coordinator. */
  async #newer(stored: StoredRun): Promise<string | null> {
    if (isNewer(stored)) return `format ${String(stored.format)}`;
    return (await this.#params.plans.isNewer(stored.definition)) ? 'a definition of a newer format' : null;
  }

  async #discardAll(
    lease: Lease,
    entries: readonly InboxEntry[],
    why: { reason: string; quarantine: boolean },
  ): Promise<RunOutcome> {
    for (const entry of entries) if ((await this.#discard(lease, entry, why)) === 'fenced') return 'fenced';
    return 'ok';
  }

  /** To the dead letters. */
  async #discard(
    lease: Lease,
    entry: InboxEntry,
    { reason, quarantine }: { reason: string; quarantine: boolean },
  ): Promise<'ok' | 'fenced'> {
    const outcome = await this.#params.partitions.discard(lease, { entry, reason, quarantine });
    if (outcome === 'ok')
      this.#params.report({
        type: 'message.discarded',
        run: entry.run,
        entry: entry.id,
        reason,
        quarantined: quarantine,
      });
    return outcome;
  }

  /** Sets a message aside that has killed its coordinator too often. */
  async setAside(lease: Lease, entry: InboxEntry, times: number): Promise<'ok' | 'fenced'> {
    this.#cache.delete(entry.run);
    const stored = await this.#params.partitions.load(lease.partition, entry.run).catch((error: unknown) => {
      if (isOfStore(error)) throw error;
      return null;
    });
    // Counted at every takeover, since it stays in the inbox: it has killed nobody.
    if (stored !== null && (await this.#newer(stored)) !== null) return 'ok';
    const reason = `a coordinator died ${String(times)} times while it evaluated this message`;
    return this.#discard(lease, entry, { reason, quarantine: true });
  }
}

interface Loaded {
  readonly state: RunState;
  readonly claims: ReadonlyMap<string, Claim>;
  /** The record as stored, of a run that has no history yet. */
  readonly genesis: string | null;
}

interface Folded extends Migration {
  readonly genesis: string | null;
  readonly messages: readonly Message[];
}

/** A store that does not answer, or refuses, is no fault of the run. */
function isOfStore(error: unknown): boolean {
  return error instanceof CoordError && (error.retryable || error.code === 'REDIS_UNSUITABLE');
}

function asksForClaims({ kind, head }: InboxEntry): boolean {
  return kind === 'cancel' || (kind === 'timer' && !head.startsWith(LOCK_TIMER));
}

function groupByRun(entries: readonly InboxEntry[]): ReadonlyMap<string, readonly InboxEntry[]> {
  const byRun = new Map<string, InboxEntry[]>();
  for (const entry of entries) {
    const group = byRun.get(entry.run);
    if (group === undefined) byRun.set(entry.run, [entry]);
    else group.push(entry);
  }
  return byRun;
}
