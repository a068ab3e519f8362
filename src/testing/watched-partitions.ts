/** The owner's port with a window: what commits ask for is seen as it happens, so that nothing needs to be searched for. */
import type { Commit, Lease, PartitionPort } from '../core/ports.js';
import type { RunStatus } from '../core/statuses.js';

export class WatchedPartitions implements PartitionPort {
  readonly #port: PartitionPort;
  /** Personas that were ever asked. */
  readonly personas = new Set<string>();
  /** Runs that were started from inside, in order. */
  readonly started: string[] = [];
  /** Status of every run after its last commit. */
  readonly statuses = new Map<string, RunStatus>();

  constructor(port: PartitionPort) {
    this.#port = port;
  }

  async commit(lease: Lease, commit: Commit): ReturnType<PartitionPort['commit']> {
    const outcome = await this.#port.commit(lease, commit);
    if (outcome !== 'ok') return outcome;
    for (const { persona } of commit.requests) this.personas.add(persona);
    for (const { run } of commit.starts) this.started.push(run);
    this.statuses.set(commit.run, commit.status.to);
    return outcome;
  }

  acquire(want: Parameters<PartitionPort['acquire']>[0]): ReturnType<PartitionPort['acquire']> {
    return this.#port.acquire(want);
  }

  renew(lease: Lease, leaseMs: number): ReturnType<PartitionPort['renew']> {
    return this.#port.renew(lease, leaseMs);
  }

  release(lease: Lease): ReturnType<PartitionPort['release']> {
    return this.#port.release(lease);
  }

  read(want: Parameters<PartitionPort['read']>[0]): ReturnType<PartitionPort['read']> {
    return this.#port.read(want);
  }

  load(partition: number, run: string): ReturnType<PartitionPort['load']> {
    return this.#port.load(partition, run);
  }

  discard(lease: Lease, dead: Parameters<PartitionPort['discard']>[1]): ReturnType<PartitionPort['discard']> {
    return this.#port.discard(lease, dead);
  }

  fire(lease: Lease, limit: number): ReturnType<PartitionPort['fire']> {
    return this.#port.fire(lease, limit);
  }

  postpone(
    lease: Lease,
    entry: Parameters<PartitionPort['postpone']>[1],
    afterMs: number,
  ): ReturnType<PartitionPort['postpone']> {
    return this.#port.postpone(lease, entry, afterMs);
  }

  suspect(lease: Lease, entries: readonly string[]): ReturnType<PartitionPort['suspect']> {
    return this.#port.suspect(lease, entries);
  }

  absolve(lease: Lease, entries: readonly string[]): ReturnType<PartitionPort['absolve']> {
    return this.#port.absolve(lease, entries);
  }
}
