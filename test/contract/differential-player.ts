/** Plays moves at the ports of two store objects that reach the same, as two processes would. */
import { setMaxListeners } from 'node:events';
import { CoordError } from '../../src/core/errors.js';
import type { Commit, HistoryEntry, InboxEntry, Lease, Store, StoredRun } from '../../src/core/ports.js';
import type { AttemptKey, Delivery } from '../../src/core/request-port.js';
import { Ids, inOrder, inspected, jsonOr, newest, shown, sortedBy, statusOf } from './differential-answers.js';
import { playBreaker } from './differential-breakers.js';
import { Locksmith } from './differential-locks.js';
import { Keeper } from './differential-keeping.js';
import type { AttemptChoice, CommitMove, LeaseChoice, Move } from './differential-moves.js';

const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER);
const LONG_MS = 60 * 60 * 1_000;
const NOBODY: Lease = { partition: 0, owner: 'nobody', epoch: 0 };
const FIRST_ATTEMPT = { partition: 0, run: 'a', step: 's1', attempt: 1, worker: 'w1' };

/** One side of the comparison. */
export interface Side {
  readonly stores: readonly [Store, Store];
  /** Lets time go by. */
  pass(ms: number): Promise<void>;
  /** Remembers everything that is stored, or goes back to it, as a server does that loses its last seconds. */
  keep(): Promise<void>;
  goBack(): Promise<void>;
}

export class Player {
  readonly #side: Side;
  readonly #leases: Lease[] = [NOBODY];
  readonly #entries: InboxEntry[][] = [[], []];
  readonly #deliveries: Delivery[] = [];
  readonly #begun: AttemptKey[] = [];
  readonly #ids = new Ids();
  readonly #keeper = new Keeper(this.#ids);
  readonly #locksmith = new Locksmith();

  constructor(side: Side) {
    this.#side = side;
  }

  /** The answer, or the code of the error. */
  async play(move: Move): Promise<unknown> {
    try {
      return await this.#play(move, move.process === 0 ? this.#side.stores[0] : this.#side.stores[1]);
    } catch (error) {
      if (error instanceof CoordError) return { threw: error.code };
      throw error;
    }
  }

  async #play(move: Move, store: Store): Promise<unknown> {
    const { admission, watermarks, namespace, roll } = store;
    switch (move.move) {
      case 'pass':
        return this.#side.pass(move.ms);
      case 'keep':
        return this.#side.keep();
      case 'go-back':
        await this.#side.goBack();
        // By then the clock has moved on, so no id is given twice.
        return this.#side.pass(1);
      case 'start': {
        const { move: _, key, hash, ...start } = move;
        const record = JSON.stringify({ status: 'pending', run: move.run });
        return admission.admit({ kind: 'start', ...start, record, idempotencyKey: key, requestHash: hash });
      }
      case 'tell': {
        const { partition, run, kind, key, hash, body, slot } = move;
        const told = { partition, run, body, idempotencyKey: key, requestHash: hash };
        const answer = await admission.admit({ kind, ...told, ...(kind === 'retry' && { reopens: { slot } }) });
        // Each store has ids of its own.
        return 'entry' in answer ? { ...answer, entry: typeof answer.entry } : answer;
      }
      case 'check':
        return watermarks.check(move.partition, move.by);
      case 'incidents': {
        const incidents = await watermarks.incidents(move.partition);
        return incidents.map(({ at: _at, ...incident }) => ({
          ...incident,
          ...this.#ids.named('incidents', move, incident),
        }));
      }
      case 'acknowledge':
        return watermarks.acknowledge(move.partition);
      case 'owners':
        return namespace.owners();
      case 'announce-worker': {
        const { worker, host, pid, personas, busy } = move;
        await namespace.announceWorker({ worker, host, pid, personas, busy });
        return sortedBy(await namespace.listWorkers(), (one) => one.worker);
      }
      case 'forget-worker':
        await namespace.forgetWorker(move.worker);
        return sortedBy(await namespace.listWorkers(), (one) => one.worker);
      case 'announce': {
        const answer = await roll.announce(move);
        return answer === 'gone' ? answer : { ...answer, mark: this.#ids.name('roll', { partition: 0 }, answer.mark) };
      }
      case 'forget':
        return roll.forget(move.coordinator);
      case 'list':
      case 'load':
      case 'history':
      case 'feed':
      case 'dead-letters':
      case 'inspect':
        return this.#read(move, store);
      case 'letters':
      case 'replay':
      case 'drop':
      case 'audit':
      case 'fields':
      case 'timers-of':
      case 'reinstate':
      case 'end':
      case 'run-ids':
      case 'heads':
      case 'remove':
      case 'forget-keys':
        return this.#keeper.play(move, store);
      case 'lock':
      case 'relock':
      case 'unlock':
      case 'hasten':
      case 'said':
      case 'locks':
        return this.#locksmith.play(move, store);
      case 'enter':
      case 'told':
      case 'breakers':
        return playBreaker(move, store);
      case 'join':
      case 'take':
      case 'take-all':
      case 'claim-abandoned':
      case 'inherit':
      case 'begin':
      case 'beat':
      case 'reply':
      case 'bury':
      case 'refuse':
      case 'leave':
        return this.#work(move, store.requests);
      default:
        return this.#own(move, store.partitions);
    }
  }

  /** What the owner of a partition does. */
  async #own(move: OwnerMove, partitions: Store['partitions']): Promise<unknown> {
    switch (move.move) {
      case 'acquire': {
        const answer = await partitions.acquire(move);
        if (answer.outcome === 'acquired') this.#leases.push(answer.lease);
        return answer;
      }
      case 'renew':
        return partitions.renew(this.#lease(move.lease), move.leaseMs);
      case 'release':
        return partitions.release(this.#lease(move.lease));
      case 'read': {
        const { partition, limit } = move;
        const known = this.#entries[partition] ?? [];
        const after = move.after === null ? '0' : (newest(known, move.after)?.id ?? '0');
        const entries = await partitions.read({ partition, after, limit, waitMs: 0, signal: NEVER });
        for (const entry of entries) if (!known.some(({ id }) => id === entry.id)) known.push(entry);
        return entries.map((entry) => ({
          ...entry,
          ...this.#ids.named('inbox', move, entry),
          head: jsonOr(entry.head),
        }));
      }
      case 'commit': {
        const lease = this.#lease(move.lease);
        const stored = await partitions.load(lease.partition, move.commit.run);
        return partitions.commit(lease, this.#commitOf(lease.partition, stored, move.commit));
      }
      case 'discard': {
        const lease = this.#lease(move.lease);
        const entry = newest(this.#entries[lease.partition] ?? [], move.entry);
        return entry === undefined ? null : partitions.discard(lease, { ...move, entry });
      }
      case 'fire':
        return partitions.fire(this.#lease(move.lease), move.limit);
      case 'postpone': {
        const lease = this.#lease(move.lease);
        const entry = newest(
          (this.#entries[lease.partition] ?? []).filter(({ kind }) => kind === 'timer'),
          move.entry,
        );
        return entry === undefined ? null : partitions.postpone(lease, entry, move.afterMs);
      }
      case 'suspect':
      case 'absolve': {
        const lease = this.#lease(move.lease);
        const ids = this.#idsOf(lease.partition, move.entries);
        if (ids.length === 0) return null;
        return move.move === 'suspect' ? partitions.suspect(lease, ids) : partitions.absolve(lease, ids);
      }
    }
  }

  /** What a worker does. */
  async #work(move: WorkerMove, requests: Store['requests']): Promise<unknown> {
    switch (move.move) {
      case 'join':
        return requests.join(move);
      case 'take': {
        const { persona, limit } = move;
        await requests.join({ ...move, personas: [persona] });
        const want = { ...move, personas: [persona], total: limit, waitMs: 0, signal: NEVER };
        return this.#delivered(await requests.take(want));
      }
      case 'take-all': {
        // With room for all: which of several comes first when there is less is up to the store.
        const personas = ['dev', 'qa'];
        const want = { personas, total: move.limit * 2, recover: false, waitMs: 0, signal: NEVER };
        await requests.join({ ...move, personas });
        return this.#delivered(await requests.take({ ...move, ...want }));
      }
      case 'claim-abandoned':
        await requests.join({ ...move, personas: [move.persona] });
        return this.#delivered(await requests.claimAbandoned({ ...move, idleMs: move.old ? LONG_MS : 0 }));
      case 'inherit': {
        const personas = ['qa', 'dev'];
        await requests.join({ ...move, personas });
        return requests.inherit({ ...move, personas, isDead: (worker) => move.dead.includes(worker) });
      }
      case 'begin': {
        const delivery = newest(this.#deliveries, move.delivery);
        if (delivery === undefined) return null;
        const asked = JSON.parse(delivery.body) as { run: string; step: string; attempt: number };
        const { persona, entry, partition } = delivery;
        const key = keyOf({ ...asked, partition, attempt: move.attempt ?? asked.attempt, worker: move.worker ?? 'w1' });
        this.#begun.push(key);
        return requests.begin(key, { persona, entry, heartbeatMs: move.heartbeatMs, timeoutMs: move.timeoutMs });
      }
      case 'beat':
        return requests.beat(this.#attempt(move.key), move);
      case 'reply':
        return requests.reply(this.#attempt(move.key), move);
      case 'bury':
        return requests.bury(move);
      case 'refuse': {
        const delivery = newest(this.#deliveries, move.delivery);
        return delivery === undefined ? null : requests.refuse(delivery, move.reason);
      }
      case 'leave':
        return requests.leave(move);
    }
  }

  async #read(move: ReaderMove, { runs, inspection }: Store): Promise<unknown> {
    const { partition } = move;
    switch (move.move) {
      case 'list':
        return runs.list(move);
      case 'load':
        return shown(await runs.load(partition, move.run));
      case 'history': {
        const { run, limit } = move;
        const stream = `history ${run}`;
        const after = this.#ids.after(stream, move, move.after);
        const entries = await runs.history({ partition, run, after, limit });
        return entries.map((entry: HistoryEntry) => ({ ...entry, ...this.#ids.named(stream, move, entry) }));
      }
      case 'feed': {
        const after = this.#ids.after('feed', move, move.after);
        const entries = await runs.feed({ partition, after, limit: move.limit, waitMs: 0, signal: NEVER });
        const facts = entries.map((entry) => ({ ...this.#ids.named('feed', move, entry), facts: jsonOr(entry.facts) }));
        return { facts, head: this.#ids.name('feed', move, await runs.feedHead(partition)) };
      }
      case 'inspect': {
        const names = sortedBy(await inspection.names(partition), (name) => name);
        const found = await Promise.all(names.map((name) => inspection.inspect(partition, name)));
        const timers = sortedBy(await inspection.timers(partition), ({ id }) => id);
        const waiting = inOrder(await inspection.waiting(partition));
        return { names, found: found.map(inspected), timers, waiting };
      }
      case 'dead-letters': {
        const letters = (await runs.deadLetters(partition, move.limit)).toReversed();
        return letters.map((letter) => ({ ...letter, ...this.#ids.named('dead', move, letter) }));
      }
    }
  }

  #lease({ ago, forged }: LeaseChoice): Lease {
    const lease = newest(this.#leases, ago) ?? NOBODY;
    if (forged === 'owner') return { ...lease, owner: 'forged' };
    return forged === 'epoch' ? { ...lease, epoch: lease.epoch - 1 } : lease;
  }

  #attempt({ begun, partition, run, step, attempt, worker }: AttemptChoice): AttemptKey {
    const key = newest(this.#begun, begun) ?? FIRST_ATTEMPT;
    return keyOf({
      partition: partition ?? key.partition,
      run: run ?? key.run,
      step: step ?? key.step,
      attempt: attempt ?? key.attempt,
      worker: worker ?? key.worker,
    });
  }

  #commitOf(partition: number, stored: StoredRun | null, move: CommitMove): Commit {
    const { run, off, to, steps, consumed, requests, sends, ...rest } = move;
    const version = (stored?.version ?? 0) + off;
    return {
      ...rest,
      run,
      expectedVersion: version,
      record: JSON.stringify({ status: to, version, é: '"' }),
      status: { from: statusOf(stored?.record ?? ''), to },
      steps: steps.map(({ step, attempt, status, awaited }) => ({
        step,
        record: status === null ? null : JSON.stringify({ status, attempt, version }),
        token: awaited ? tokenOf(step, attempt) : null,
      })),
      consumed: this.#idsOf(partition, consumed),
      // To other runs: what one tells itself, it folds at once.
      sends: sends.filter((message) => message.run !== run),
      requests: requests.map(({ persona, step, attempt }) => ({
        persona,
        body: JSON.stringify({ run, step, attempt, version }),
      })),
    };
  }

  #idsOf(partition: number, agos: readonly number[]): readonly string[] {
    const ids = agos.flatMap((ago) => newest(this.#entries[partition] ?? [], ago)?.id ?? []);
    return [...new Set(ids)];
  }

  #delivered(deliveries: readonly Delivery[]): unknown {
    const sorted = sortedBy(deliveries, (delivery) => delivery.persona);
    this.#deliveries.push(...sorted);
    return sorted.map((one) => ({ ...one, entry: this.#ids.name(`requests ${one.persona}`, one, one.entry) }));
  }
}

type MoveOf<K extends Move['move']> = Extract<Move, { readonly move: K }>;
type OwnerMove = MoveOf<
  'acquire' | 'renew' | 'release' | 'read' | 'commit' | 'discard' | 'fire' | 'postpone' | 'suspect' | 'absolve'
>;
type ReaderMove = MoveOf<'list' | 'load' | 'history' | 'feed' | 'dead-letters' | 'inspect'>;
type WorkerMove = MoveOf<
  | 'join'
  | 'take'
  | 'take-all'
  | 'claim-abandoned'
  | 'inherit'
  | 'begin'
  | 'beat'
  | 'reply'
  | 'bury'
  | 'refuse'
  | 'leave'
>;

function tokenOf(step: string, attempt: number): string {
  return `${step}.${String(attempt)}`;
}

function keyOf({ partition, run, step, attempt, worker }: Omit<AttemptKey, 'token'>): AttemptKey {
  return { partition, run, step, attempt, worker, token: tokenOf(step, attempt) };
}
