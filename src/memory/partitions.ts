/** The owner's side of a partition in memory. See `PartitionPort`. */
import type { Commit, InboxEntry, Lease, PartitionPort, StoredRun } from '../core/ports.js';
import type { Claim } from '../core/messages.js';
import { runHasEnded } from '../core/statuses.js';
import type { MemoryWatermarks } from './watermarks.js';
import { RUN_FORMAT } from '../core/formats.js';
import { isAfter, type MemoryPartition, type MemoryRun } from './partition.js';

const TAKEOVERS_KEPT = 100;

export class MemoryPartitions implements PartitionPort {
  readonly #partition: (partition: number) => MemoryPartition;
  readonly #watermarks: MemoryWatermarks;

  constructor(partition: (partition: number) => MemoryPartition, watermarks: MemoryWatermarks) {
    this.#partition = partition;
    this.#watermarks = watermarks;
  }

  async acquire({
    partition,
    owner,
    leaseMs,
  }: Parameters<PartitionPort['acquire']>[0]): ReturnType<PartitionPort['acquire']> {
    const place = this.#partition(partition);
    const { lease } = place;
    if (lease.hold !== null) return { outcome: 'on_hold', reason: lease.hold };
    const remainingMs = lease.until - place.now();
    if (lease.owner !== null && lease.owner !== owner && remainingMs > 0)
      return { outcome: 'held', owner: lease.owner, remainingMs };
    const epoch = lease.epoch + 1;
    const term = `${String(epoch)} ${owner}`;
    place.takeovers.push({ term, position: lease.position });
    if (place.takeovers.length > TAKEOVERS_KEPT) place.takeovers.shift();
    Object.assign(lease, { owner, epoch, term, until: place.now() + leaseMs });
    this.#watermarks.note(partition);
    return { outcome: 'acquired', lease: { partition, owner, epoch } };
  }

  async renew(lease: Lease, leaseMs: number): Promise<'ok' | 'fenced'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    place.lease.until = place.now() + leaseMs;
    this.#watermarks.saw(lease.partition);
    return 'ok';
  }

  async release(lease: Lease): Promise<'ok' | 'fenced'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    Object.assign(place.lease, { owner: null, until: 0 });
    return 'ok';
  }

  async read({
    partition,
    after,
    limit,
    waitMs,
    signal,
  }: Parameters<PartitionPort['read']>[0]): Promise<readonly InboxEntry[]> {
    const place = this.#partition(partition);
    return place.waitFor(
      () => {
        const found: InboxEntry[] = [];
        for (const entry of place.inbox.values()) {
          if (found.length >= limit) break;
          if (isAfter(entry.id, after)) found.push(entry);
        }
        return found;
      },
      { waitMs, signal },
    );
  }

  async load(partition: number, run: string): Promise<StoredRun | null> {
    return storedRun(this.#partition(partition).runs.get(run));
  }

  async commit(lease: Lease, commit: Commit): Promise<'ok' | 'fenced' | 'stale'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    const run = place.runs.get(commit.run);
    if (run === undefined || run.version !== commit.expectedVersion) return 'stale';
    const { entry } = commit;
    place.lease.position += 1;
    run.version += 1;
    run.record = commit.record;
    run.status = commit.status.to;
    run.format = RUN_FORMAT;
    run.chain = entry.hash;
    run.definition = commit.definition ?? run.definition;
    for (const { step, record, token } of commit.steps)
      Object.assign(place.step(run, step), { record, token, claim: null });
    for (const consumed of commit.consumed) {
      place.inbox.delete(consumed);
      place.suspects.delete(consumed);
    }
    for (const { persona, body } of commit.requests) {
      const id = place.nextId();
      place.requestsOf(persona).set(id, { id, body, delivered: null });
    }
    for (const timer of commit.disarm) place.timers.delete(timer);
    for (const { id, afterMs, at = place.now() + afterMs } of commit.arm) place.timers.set(id, at);
    const { version } = run;
    const { position, epoch } = place.lease;
    run.history.push({ id: place.nextId(), version, position, epoch, ...entry });
    if (entry.facts !== '[]') place.report(entry.facts);
    tellOthers(place, commit);
    place.changed();
    this.#watermarks.note(lease.partition);
    return 'ok';
  }

  async discard(
    lease: Lease,
    { entry, reason, quarantine }: Parameters<PartitionPort['discard']>[1],
  ): Promise<'ok' | 'fenced'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    const { run, kind, head, body } = entry;
    place.lease.position += 1;
    this.#watermarks.note(lease.partition);
    if (place.inbox.delete(entry.id))
      place.dead.push({ id: place.nextId(), entry: entry.id, reason, run, kind, head, body, persona: '' });
    place.suspects.delete(entry.id);
    const stored = place.runs.get(run);
    if (quarantine && stored !== undefined) stored.quarantined = reason;
    return 'ok';
  }

  async fire(lease: Lease, limit: number): ReturnType<PartitionPort['fire']> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return { outcome: 'fenced' };
    const now = place.now();
    const inOrder = [...place.timers].toSorted(([a, dueA], [b, dueB]) => dueA - dueB || (a < b ? -1 : 1));
    const due = inOrder.filter(([, at]) => at <= now).slice(0, limit);
    if (due.length > 0) {
      place.lease.position += 1;
      this.#watermarks.note(lease.partition);
    }
    for (const [timer] of due) {
      place.timers.delete(timer);
      place.post({ run: timer.split('|')[1] ?? '', kind: 'timer', head: timer, body: '' });
    }
    const next = inOrder[due.length];
    return { outcome: 'ok', fired: due.length, nextInMs: next === undefined ? null : Math.max(0, next[1] - now) };
  }

  async postpone(lease: Lease, entry: InboxEntry, afterMs: number): Promise<'ok' | 'fenced'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    if (place.inbox.delete(entry.id)) {
      place.lease.position += 1;
      this.#watermarks.note(lease.partition);
      place.timers.set(entry.head, place.now() + afterMs);
    }
    place.suspects.delete(entry.id);
    return 'ok';
  }

  async suspect(lease: Lease, entries: readonly string[]): ReturnType<PartitionPort['suspect']> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return { outcome: 'fenced' };
    const known = entries.some((entry) => place.suspects.has(entry));
    const alone = known || entries.length === 1;
    const counts = entries.slice(0, alone ? 1 : entries.length).map((entry) => {
      const count = (place.suspects.get(entry) ?? 0) + (alone ? 1 : 0);
      place.suspects.set(entry, count);
      return count;
    });
    return { outcome: 'ok', counts };
  }

  async absolve(lease: Lease, entries: readonly string[]): Promise<'ok' | 'fenced'> {
    const place = this.#partition(lease.partition);
    if (fenced(place, lease)) return 'fenced';
    for (const entry of entries) place.suspects.delete(entry);
    return 'ok';
  }
}

export function storedRun(run: MemoryRun | undefined): StoredRun | null {
  if (run === undefined) return null;
  const steps = new Map<string, string>();
  const claims = new Map<string, Claim>();
  for (const [id, step] of run.steps) {
    if (step.record !== null) steps.set(id, step.record);
    if (step.claim !== null) claims.set(id, step.claim);
  }
  const { format, version, chain, definition, input, record, quarantined } = run;
  return { format, version, chain, definition, input, record, steps, claims, quarantined };
}

/** Runs that begin, messages to other runs, the slot that is given back: in this order, so that a run that begins can be told something. */
function tellOthers(place: MemoryPartition, { run, starts, sends, release }: Commit): void {
  for (const start of starts) {
    if (place.runs.has(start.run)) continue;
    place.create(start);
    place.postStart(start.run);
  }
  for (const { run: to, kind, body } of sends) {
    const other = place.runs.get(to);
    if (other !== undefined && !runHasEnded(other.status)) place.post({ run: to, kind, head: '', body });
  }
  if (release !== null) for (const next of place.slots.leave(release, run)) place.postStart(next);
}

function fenced(place: MemoryPartition, lease: Lease): boolean {
  return place.lease.owner !== lease.owner || place.lease.epoch !== lease.epoch;
}
