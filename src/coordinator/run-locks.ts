/**
 * The locks of runs, for who moves them. A run's record is the truth: the store grants a lock only to a run whose record says
 * that it waits for it, and takes it back once no record claims it. So a crash between any two of these steps loses nothing
 * and grants nothing twice: a grant that was not committed is given to the same run again, and one that is not claimed any
 * more is taken back by whoever comes upon it, at the latest by who wants the lock next.
 */
import { CoordError } from '../core/errors.js';
import { partitionOf } from '../core/ids.js';
import type { BrokenLock, LockAnswer, LockHolding, LockParty, LockPort, LockState } from '../core/lock-port.js';
import { type Message, type StepTimer, timerId } from '../core/messages.js';
import { runHasEnded } from '../core/statuses.js';
import { lockMissed, lockWanted } from '../machines/locks.js';
import { parseRecord, type RunRecord, runRecordSchema, stepRecordSchema } from '../machines/records.js';
import type { FoldResult, RunState } from '../machines/state.js';

/** Who is first in the line asks again after so long, ms; each one before it adds a little. */
const AGAIN_MS = 1_000;
const AGAIN_MORE_MS = 200;
const AGAIN_AT_MOST_MS = 5_000;
/** A place in the line that is not asked for again is lost after so long, ms. */
export const PLACE_MS = 15_000;

export interface RunLocksParams {
  readonly locks: LockPort;
  /** As the namespace says. */
  readonly partitions: number;
}

/** What a run does not hold or wait for any more. */
export interface Given {
  readonly name: string;
  readonly id: string;
  /** Null: only a place in the line. */
  readonly grant: number | null;
  /** When somebody takes it away. */
  readonly broken?: Pick<BrokenLock, 'by' | 'reason'>;
}

export class RunLocks {
  readonly #locks: LockPort;
  readonly #partitions: number;

  constructor({ locks, partitions }: RunLocksParams) {
    this.#locks = locks;
    this.#partitions = partitions;
  }

  /**
   * Asks for the lock that a step waits for, on behalf of a timer that has run out. A number: nothing has come of it that the
   * run does not know, ask again after so many ms. Null: the step does not wait for one, which the fold says.
   */
  async ask(state: RunState, timer: StepTimer): Promise<LockAnswer | number | null> {
    const record = state.steps.get(timer.step);
    const name = wantedAt(state, timer.step);
    if (record === undefined || name === null || Math.max(1, record.attempt) !== timer.attempt) return null;
    const party = { kind: 'run', id: state.record.id, step: timer.step, attempt: timer.attempt } as const;
    const want = { name, party, leaseMs: null, placeMs: PLACE_MS };
    let answer = await this.#locks.acquire(want);
    if (answer.outcome === 'refused' && answer.ahead === 0 && (await this.takeBack(answer.state)))
      answer = await this.#locks.acquire(want);
    if (answer.outcome === 'granted') return { granted: answer.grant };
    const { waitsFor } = record.more;
    if (waitsFor?.kind === 'lock' && waitsFor.holder === undefined)
      return { granted: null, holder: answer.state.holder?.party ?? null };
    return Math.min(AGAIN_AT_MOST_MS, AGAIN_MS + AGAIN_MORE_MS * answer.ahead);
  }

  /**
   * Takes a lock back from a run whose record does not claim it: one that has ended, that is gone, or for which somebody asked
   * who did not move it any more. What is read here is older than the grant is when it is taken back, and asking anew
   * makes it another grant: so a run never loses one that it has begun to claim meanwhile.
   */
  async takeBack({ name, holder }: LockState): Promise<boolean> {
    if (holder === null || (await this.claims(name, holder))) return false;
    return this.give({ name, id: holder.party.id, grant: holder.grant });
  }

  /** Takes back all that no record claims. Returns how many. */
  async takeBackAll(): Promise<number> {
    let count = 0;
    for (const state of await this.#locks.all()) if (await this.takeBack(state)) count++;
    return count;
  }

  /** Whether who holds a lock says so itself. A run that cannot be read keeps what it has. */
  async claims(name: string, { party }: LockHolding): Promise<boolean> {
    if (party.kind === 'command') return true;
    const said = await this.#locks.said(partitionOf(party.id, this.#partitions), party);
    if (said === null || runHasEnded(said.status)) return false;
    try {
      const { locks = [] } = parseRecord(runRecordSchema, said.record, 'the run record');
      if (locks.some((held) => held.name === name)) return true;
      return said.step !== null && lockWanted(parseRecord(stepRecordSchema, said.step, 'its step')) === name;
    } catch {
      return true;
    }
  }

  /** After the commit: what fails here, or is not reached, is left to who comes upon the lock. */
  async giveAll(given: readonly Given[]): Promise<void> {
    for (const one of given) {
      try {
        await this.give(one);
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
      }
    }
  }

  /** Gives one back, and tells who is next; false when it was not held like that. */
  async give(given: Given): Promise<boolean> {
    const { released, next } = await this.#locks.release(given);
    await this.#wake(next);
    return released;
  }

  /** Who is next in the line need not wait until it asks again. */
  async #wake(next: LockParty | null): Promise<void> {
    if (next?.kind !== 'run') return;
    const { id: run, step, attempt } = next;
    await this.#locks.hasten(partitionOf(run, this.#partitions), timerId({ kind: 'lock', run, step, attempt }));
  }
}

/** What a run holds or waits for in vain after a transition: what it gave back, and what was granted to it too late. */
export function givenBy(state: RunState, result: FoldResult, messages: readonly Message[]): readonly Given[] {
  const { id } = state.record;
  const claimed = runHasEnded(result.record.status) ? [] : (result.record.locks ?? []);
  const isClaimed = (name: string): boolean => claimed.some((held) => held.name === name);
  const given = new Map<string, Given>();
  for (const [path, after] of result.steps) {
    const before = state.steps.get(path);
    const name = before === undefined ? null : lockWanted(before);
    if (name !== null && lockWanted(after) !== name && !isClaimed(name)) given.set(name, { name, id, grant: null });
  }
  for (const { name, grant } of heldBy(state.record)) if (!isClaimed(name)) given.set(name, { name, id, grant });
  for (const message of messages) {
    if (message.kind !== 'timer' || message.lock === undefined || message.lock.granted === null) continue;
    const name = wantedAt(state, message.timer.step);
    if (name !== null && !isClaimed(name)) given.set(name, { name, id, grant: message.lock.granted });
  }
  return [...given.values()];
}

/** The lock that a run waits for by the step at `path`: as that step says, or since it held it when it ended. */
function wantedAt({ steps, record }: RunState, path: string): string | null {
  const step = steps.get(path);
  return (step === undefined ? null : lockWanted(step)) ?? lockMissed(record, path);
}

function heldBy({ locks = [], status }: RunRecord): NonNullable<RunRecord['locks']> {
  return runHasEnded(status) ? [] : locks;
}
