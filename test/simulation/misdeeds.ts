/** The faults that come at their time: what happens to the store and the processes, and what people, personas and strangers do. */
import type { Store } from '../../src/core/ports.js';
import type { AttemptKey } from '../../src/core/request-port.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { countedIds } from '../../src/core/ids.js';
import { watch } from './breaches.js';
import type { Cast } from './cast.js';
import { type Fault, isCallFault, type TimedFault } from './faults.js';
import { DAMAGED, editRun } from './edit.js';
import type { People } from './people.js';
import { TAME } from './reference.js';
import type { World } from './world.js';

export class Misdeeds {
  readonly #world: World;
  readonly #cast: Cast;
  readonly #people: People;
  /** A store without any link: nothing goes wrong between a stranger and the store. */
  readonly #store: Store;
  readonly #problems: string[];

  constructor(means: { world: World; cast: Cast; people: People; problems: string[] }) {
    const { world } = means;
    this.#world = world;
    this.#cast = means.cast;
    this.#people = means.people;
    this.#problems = means.problems;
    this.#store = createMemoryStore({ clock: world.clock, ids: countedIds('s'), contents: world.contents });
  }

  plan(faults: readonly Fault[]): void {
    const { schedule } = this.#world;
    for (const fault of faults) {
      if (isCallFault(fault)) continue;
      const rolls = fault.kind === 'power-cut' || fault.kind === 'failover';
      if (rolls) schedule.after(Math.max(0, fault.at - fault.ms), () => this.#world.save(fault.id));
      schedule.after(fault.at, () => {
        if (this.#commit(fault)) this.#world.happened(fault);
        this.#world.ledger.look('stranger', 'stranger.acts');
      });
    }
  }

  /** False when there was nothing that it could be done to. */
  #commit(fault: TimedFault): boolean {
    const world = this.#world;
    const { schedule } = world;
    const { ms, whim, role } = fault;
    const part = this.#cast.one(role, whim);
    switch (fault.kind) {
      case 'power-cut':
      case 'failover': {
        if (!world.goBack(fault.id)) return false;
        world.goDown(fault.kind === 'power-cut' ? 100 : 2_500);
        // Another machine, another clock.
        if (fault.kind === 'failover') world.skew += (whim % 60_000) - 30_000;
        return true;
      }
      case 'unreachable':
        world.goDown(ms);
        return true;
      case 'cut':
        world.hangUp('all connections are cut');
        return true;
      case 'clock-jump':
        world.skew += ms;
        return true;
      case 'memory-full':
        world.full = true;
        schedule.after(ms, () => {
          world.full = false;
        });
        return true;
      case 'process-clock':
        if (part !== null) part.process.skew += ms;
        return part !== null;
      case 'kill':
        part?.process.crash();
        return part !== null;
      case 'pause':
        part?.process.stall(ms);
        return part !== null;
      case 'restart':
        if (part !== null) this.#cast.restart(part, 10_000);
        return part !== null;
      case 'cancel': {
        const run = whim % 4 === 0 ? (this.#people.wishes[0]?.run ?? null) : this.#openRun(whim);
        if (run !== null && !run.includes('.')) this.#people.cancels.set(run, 'enough');
        return run !== null;
      }
      default:
        return this.#deceive(fault);
    }
  }

  /** What is written into the store past coordinators, workers and clients, as anybody may who can reach it. */
  #deceive({ kind, whim }: TimedFault): boolean {
    const world = this.#world;
    const { requests } = this.#store;
    const run = this.#openRun(whim);
    const body = JSON.stringify({ status: 'pass', result: { forged: true }, artifacts: [], error: null, commit: null });
    switch (kind) {
      case 'reply-twice':
        // Whatever reply comes next comes twice, at once or a while later.
        world.doubled = whim % 2 === 0 ? 1 : 3_000;
        return true;
      case 'late-reply': {
        const old = this.#asked(whim, (key) => !this.#isCurrent(key));
        if (old === null) return false;
        this.#say('requests.reply', old, () => requests.reply(old, { body }));
        this.#say('requests.begin', old, () =>
          requests.begin(old, { ...this.#nowhere, heartbeatMs: 15_000, timeoutMs: null }),
        );
        return true;
      }
      case 'forged-token': {
        const asked = this.#asked(whim, (key) => this.#claimant(key) !== null) ?? this.#asked(whim);
        if (asked === null) return false;
        // Who holds an attempt knows how a token looks.
        const forged = { ...asked, token: `${asked.token}0`, worker: this.#claimant(asked) ?? asked.worker };
        this.#say('requests.reply', forged, () => requests.reply(forged, { body }));
        this.#say('requests.beat', forged, () => requests.beat(forged, { heartbeatMs: 100_000, progress: 'forged' }));
        this.#say('requests.begin', forged, () =>
          requests.begin(forged, { ...this.#nowhere, heartbeatMs: 15_000, timeoutMs: null }),
        );
        return true;
      }
      case 'wrong-worker': {
        const held = this.#asked(whim, (key) => this.#claimant(key) !== null);
        if (held === null) return false;
        this.#say('requests.reply', held, () => requests.reply(held, { body }));
        this.#say('requests.beat', held, () => requests.beat(held, { heartbeatMs: 100_000, progress: 'forged' }));
        this.#say('requests.begin', held, () =>
          requests.begin(held, { ...this.#nowhere, heartbeatMs: 15_000, timeoutMs: null }),
        );
        return true;
      }
      case 'reply-unbegun': {
        const open = this.#asked(whim, (key) => this.#isCurrent(key) && this.#claimant(key) === null);
        if (open === null) return false;
        // Somebody who answers without saying that he begins: what he says is as good as anybody's, if it is taken.
        const said = { status: 'pass', result: TAME.passing(open.step), artifacts: [], error: null, commit: null };
        this.#say('requests.reply', open, () => requests.reply(open, { body: JSON.stringify(said) }));
        return true;
      }
      case 'answer-twice':
      case 'stray-signal': {
        if (run === null) return false;
        const text =
          kind === 'stray-signal'
            ? { name: 'stray', data: null, by: 'eve' }
            : {
                step: `s${String(whim % 9)}`,
                token: `s${String(whim % 9)}?9`,
                choice: 'approve',
                data: null,
                by: 'eve',
              };
        world.contents.at(this.#partitionOf(run)).post({
          run,
          kind: kind === 'stray-signal' ? 'signal' : 'decide',
          head: '',
          body: JSON.stringify(text),
        });
        return true;
      }
      case 'edit': {
        if (run === null) return false;
        const edited = editRun(this.#store, { contents: world.contents, partition: this.#partitionOf(run), run });
        edited.catch((error: unknown) => void this.#problems.push(`an edit threw ${String(error)}`));
        return true;
      }
      case 'poison': {
        const entries = [...world.contents.at(whim % world.partitions).inbox.keys()];
        const poisoned = entries[whim % Math.max(1, entries.length)];
        if (poisoned !== undefined) world.poison.add(poisoned);
        else this.#poisonNext(whim % world.partitions);
        return true;
      }
      case 'damage': {
        const stored = run === null ? undefined : world.contents.at(this.#partitionOf(run)).runs.get(run);
        if (stored === undefined) return false;
        stored.record = DAMAGED;
        return true;
      }
      case 'strange-message': {
        const place = world.contents.at(whim % world.partitions);
        const message = [
          { run: 'nobody', kind: 'signal', head: '', body: '{"name":"x","data":null,"by":"eve"}' },
          { run: run ?? 'nobody', kind: 'nonsense', head: '', body: '{}' },
          { run: run ?? 'nobody', kind: 'timer', head: 'nonsense|', body: '' },
          { run: run ?? 'nobody', kind: 'decide', head: '', body: 'no JSON' },
        ][whim % 4];
        if (message !== undefined) place.post(message);
        return true;
      }
      default:
        return false;
    }
  }

  readonly #nowhere = { persona: 'worker', entry: '0-0' };

  /** The next message of the partition, whichever it is. */
  #poisonNext(partition: number): void {
    const { contents, schedule, poison, hostile } = this.#world;
    const [first] = contents.at(partition).inbox.keys();
    if (first !== undefined) poison.add(first);
    else if (hostile) schedule.after(1, () => this.#poisonNext(partition));
  }

  #say(name: string, key: AttemptKey, ask: () => Promise<unknown>): void {
    const world = this.#world;
    const judge = watch(world.contents, world.clock.now(), { name, args: [key, {}] });
    const answer = ask();
    world.ledger.look('stranger', name);
    answer.then(
      (value) => {
        world.strangerHeard(name, value);
        const breach = judge?.(value) ?? null;
        if (breach !== null) world.breaches.push(breach);
      },
      (error: unknown) => void this.#problems.push(`a stranger's ${name} threw ${String(error)}`),
    );
  }

  /** One of the runs that have not ended, as the whim says. */
  #openRun(whim: number): string | null {
    const open: string[] = [];
    for (let partition = 0; partition < this.#world.partitions; partition++)
      for (const [run, { status, quarantined }] of this.#world.contents.at(partition).runs)
        if (!runHasEnded(status) && quarantined === null) open.push(run);
    return open[whim % Math.max(1, open.length)] ?? null;
  }

  /** An attempt that was asked for, as a stranger's. */
  #asked(whim: number, fits: (key: AttemptKey) => boolean = () => true): AttemptKey | null {
    const found: AttemptKey[] = [];
    for (const change of this.#world.ledger.changes) {
      if (change.type !== 'asked') continue;
      const { run, step, attempt, token } = JSON.parse(change.body) as AttemptKey;
      const key = { partition: change.partition, run, step, attempt, token, worker: 'stranger' };
      if (fits(key)) found.push(key);
    }
    return found[whim % Math.max(1, found.length)] ?? null;
  }

  #isCurrent({ partition, run, step, token }: AttemptKey): boolean {
    return this.#world.contents.at(partition).runs.get(run)?.steps.get(step)?.token === token;
  }

  #claimant(key: AttemptKey): string | null {
    if (!this.#isCurrent(key)) return null;
    return this.#world.contents.at(key.partition).runs.get(key.run)?.steps.get(key.step)?.claim?.worker ?? null;
  }

  #partitionOf(run: string): number {
    for (let partition = 0; partition < this.#world.partitions; partition++)
      if (this.#world.contents.at(partition).runs.has(run)) return partition;
    return 0;
  }
}
