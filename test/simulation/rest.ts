/**
 * Whether a simulation has come to rest: every run has ended, or stands for a reason that has a name and that nobody in
 * the simulation is going to change: people who do not answer, a run that is set aside.
 */
import { runHasEnded } from '../../src/core/statuses.js';
import type { MemoryRun } from '../../src/memory/partition.js';
import type { RunRecord, StepRecord } from '../../src/machines/records.js';
import { DAMAGED } from './edit.js';
import type { People } from './people.js';
import type { World } from './world.js';

export class Rest {
  readonly #world: World;
  readonly #people: People;

  constructor(world: World, people: People) {
    this.#world = world;
    this.#people = people;
  }

  /** What has not come to rest, for people. */
  open(): readonly string[] {
    const { contents, partitions } = this.#world;
    const { wishes, cancels, gone } = this.#people;
    const open: string[] = [];
    for (const { key, run } of wishes) if (run === null) open.push(`the start ${key} has not got through`);
    open.push(...this.#people.steering.open());
    for (const run of cancels.keys()) if (!gone.has(run)) open.push(`the cancel of ${run} has not got through`);
    for (let partition = 0; partition < partitions; partition++) {
      const { runs, inbox, requests } = contents.at(partition);
      for (const { id, kind, run } of inbox.values()) open.push(`message ${id} (${kind} to ${run}) is not applied`);
      // What is canceled before it was begun lies there until a worker has a place for it.
      for (const [persona, held] of requests)
        for (const { body } of held.values()) {
          const { run } = JSON.parse(body) as { run: string };
          const { status } = runs.get(run) ?? {};
          if (status !== undefined && runHasEnded(status))
            open.push(`a request for ${persona} of run ${run} lies there`);
        }
      for (const [run, { status }] of runs)
        if (!this.#stands(partition, run)) open.push(`run ${run} is ${status}${this.#openSteps(partition, run)}`);
    }
    return open;
  }

  #stands(partition: number, name: string): boolean {
    const { runs, slots } = this.#world.contents.at(partition);
    const run = runs.get(name);
    // What is not there is waited for by nobody but a run that went back to before it was started.
    if (run === undefined) return false;
    // Nobody can read a damaged run; it is set aside by the next message to it, if one comes.
    if (runHasEnded(run.status) || run.quarantined !== null || run.record === DAMAGED) return true;
    if (run.status === 'pending') {
      const slot = [...slots.copy().values()].find(({ line }) => line.has(name));
      return slot !== undefined && [...slot.holders].every((holder) => !this.#ends(partition, holder));
    }
    // Somebody resumes what can be reached.
    if (run.status === 'paused') return this.#isOutOfReach(partition, name);
    const locks = (JSON.parse(run.record) as RunRecord).locks ?? [];
    // It begins nothing before it holds again what it held when it ended.
    if (locks.some(({ name: lock, grant }) => grant === null && this.#isKept(lock, name))) return true;
    const records = openRecords(run);
    return records.length > 0 && records.every(([, record]) => this.#mayStay(partition, name, record));
  }

  /** Whether a run that stands may still come to its end. */
  #ends(partition: number, name: string): boolean {
    const run = this.#world.contents.at(partition).runs.get(name);
    return run === undefined || runHasEnded(run.status) || !this.#stands(partition, name);
  }

  #mayStay(partition: number, run: string, { status, more }: StepRecord): boolean {
    if (more.run !== undefined && (status === 'working' || more.waitsFor?.kind === 'run'))
      return !this.#ends(partition, more.run);
    if (status !== 'waiting' || more.waitsFor?.kind === 'time') return false;
    if (more.waitsFor?.kind === 'lock') return this.#isKept(more.waitsFor.name, run);
    if (this.#isOutOfReach(partition, run)) return true;
    const root = run.split('.')[0] ?? run;
    return this.#people.wishes.some((wish) => wish.run === root && !wish.answered);
  }

  /** Whether another run holds the lock that will never end. */
  #isKept(name: string, run: string): boolean {
    const { contents, partitions } = this.#world;
    const holder = contents.locks.get(name)?.holder?.party.id ?? run;
    const partition = Array.from({ length: partitions }, (_, at) => at).find((at) => contents.at(at).runs.has(holder));
    return holder !== run && partition !== undefined && !this.#ends(partition, holder);
  }

  /** People come to an inner run through the one around it: when that cannot be read or is set aside, they do not come. */
  #isOutOfReach(partition: number, run: string): boolean {
    const root = run.split('.')[0] ?? run;
    const around = this.#world.contents.at(partition).runs.get(root);
    return root !== run && (around?.record === DAMAGED || (around?.quarantined ?? null) !== null);
  }

  #openSteps(partition: number, name: string): string {
    const run = this.#world.contents.at(partition).runs.get(name);
    if (run === undefined) return '';
    return openRecords(run)
      .map(([path, { status, more }]) => `, ${path} is ${status} ${more.waitsFor?.kind ?? ''}`)
      .join('');
  }
}

/** Steps that are under way. Blocks only hold what is under way in them. */
function openRecords({ steps }: MemoryRun): readonly (readonly [string, StepRecord])[] {
  const open: (readonly [string, StepRecord])[] = [];
  for (const [path, { record }] of steps) {
    if (record === null) continue;
    const parsed = JSON.parse(record) as StepRecord;
    const isOpen = ['queued', 'retrying', 'working', 'waiting'].includes(parsed.status);
    if (isOpen && !(parsed.status === 'working' && parsed.more.block !== undefined)) open.push([path, parsed]);
  }
  return open;
}
