/**
 * The processes of a simulation: coordinators, workers and people's clients, each as the program would put it together, and
 * what happens to them. One that has died is started again in a while, under another name, as a new process is.
 */
import { Client } from '../../src/coordinator/client.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { Operator } from '../../src/coordinator/client-operator.js';
import type { CoordinatorEvent } from '../../src/coordinator/events.js';
import { countedIds } from '../../src/core/ids.js';
import type { Service } from '../../src/core/service.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { WorkerHost } from '../../src/personas/host.js';
import type { Draw } from './draw.js';
import { Link } from './link.js';
import type { People } from './people.js';
import { PERSONAS, type Personas } from './personas.js';
import { type Role, SimulatedProcess } from './process.js';
import { settled } from './schedule.js';
import type { World } from './world.js';

export interface CastSize {
  readonly coordinators: number;
  readonly workers: number;
  readonly leaseMs: number;
}

interface Part {
  readonly role: Role;
  readonly name: string;
  starts: number;
  process: SimulatedProcess;
  service: Service | null;
}

const NOWHERE = '/nowhere/coord-simulation';

export class Cast {
  readonly parts: Part[] = [];
  /** Everything that was ever started, also what has died since. */
  readonly #services: Service[] = [];
  /** Names of owners and workers whose process is dead, for those who know. */
  readonly dead = new Set<string>();
  readonly #world: World;
  readonly #draw: Draw;
  readonly #people: People;
  readonly #personas: Personas;
  readonly #size: CastSize;
  readonly #problems: string[];

  constructor(means: {
    world: World;
    draw: Draw;
    people: People;
    personas: Personas;
    size: CastSize;
    problems: string[];
  }) {
    this.#world = means.world;
    this.#draw = means.draw;
    this.#people = means.people;
    this.#personas = means.personas;
    this.#size = means.size;
    this.#problems = means.problems;
  }

  start(): void {
    const { coordinators, workers } = this.#size;
    for (let index = 0; index < coordinators; index++) this.#enter('coordinator', `c${String(index)}`);
    for (let index = 0; index < workers; index++) this.#enter('worker', `w${String(index)}`);
    this.#enter('client', 'p0');
  }

  /**
   * Lets go of everything when the simulation is over: signals that somebody listens to are kept by Node for as long as they
   * are not aborted, and with them all that a process held.
   */
  async end(): Promise<void> {
    this.#world.over = true;
    // The second time it is told that it must hurry.
    for (const round of [1, 2]) {
      for (const service of this.#services) void service.stop().catch(() => round);
      await settled();
      for (const link of this.#world.links) link.letGo();
      await settled();
    }
  }

  /** One of the living processes of a role, as the whim says; null when there is none. */
  one(role: Role, whim: number): Part | null {
    const living = this.parts.filter((part) => part.role === role && part.process.alive);
    return living[whim % Math.max(1, living.length)] ?? null;
  }

  /** Stopped in order and started anew. One that has not stopped after `graceMs` is killed. */
  restart(part: Part, graceMs: number): void {
    const { process, service } = part;
    const { schedule } = this.#world;
    void service?.stop().then(
      () => process.crash(),
      (error: unknown) => this.#problem(process, error),
    );
    schedule.after(graceMs, () => process.crash());
  }

  #enter(role: Role, name: string): void {
    const process = this.#process(role, `${name}.1`);
    const part: Part = { role, name, starts: 1, process, service: null };
    this.parts.push(part);
    this.#play(part);
  }

  #process(role: Role, name: string): SimulatedProcess {
    const process = new SimulatedProcess(name, role, this.#world.schedule);
    process.skew = this.#draw.chance(0.3) ? this.#draw.between(-3_600_000, 3_600_000) : this.#draw.between(-50, 50);
    return process;
  }

  #play(part: Part): void {
    const { process } = part;
    process.onDeath(() => {
      this.#world.trace.add(this.#world.schedule.now, process.name, 'dies');
      // Others on its machine know it at once; those elsewhere never.
      if (this.#draw.chance(0.5)) this.dead.add(process.name);
      this.#world.schedule.after(this.#draw.pick([50, 500, 4_000, 12_000]), () => {
        part.starts++;
        part.process = this.#process(part.role, `${part.name}.${String(part.starts)}`);
        this.#play(part);
      });
    });
    const link = new Link(process, this.#world, this.#draw.fork(process.name));
    const ids = countedIds(`${process.name}-`);
    const store = link.store(createMemoryStore({ clock: this.#world.clock, ids, contents: this.#world.contents }));
    const { partitions } = this.#world;
    const { clock } = process;
    const isDead = (name: string): boolean => this.dead.has(name.split(':')[0] ?? '');
    switch (part.role) {
      case 'coordinator': {
        const report = (event: CoordinatorEvent): void => this.#note(event);
        const { leaseMs } = this.#size;
        const means = { store, partitions, clock, ids, report, leaseMs, isDead };
        const coordinator = new Coordinator({
          ...means,
          name: process.name,
          runsCached: this.#draw.pick([1, 3, 1_000]),
        });
        part.service = coordinator;
        this.#services.push(coordinator);
        coordinator.start();
        break;
      }
      case 'worker': {
        const draw = this.#draw.fork(`${process.name} serves`);
        // Together the workers serve everybody, each by itself perhaps not.
        const names = part.name === 'w0' || draw.chance(0.5) ? PERSONAS : [draw.pick(PERSONAS)];
        const personas = this.#personas.servedBy(process, names, draw.between(1, 3));
        const worker = new WorkerHost({
          store,
          partitions,
          personas: new Map(personas.map((persona) => [persona.name, persona])),
          worker: process.name,
          stateDir: NOWHERE,
          clock,
          graceMs: 3_000,
          isDead,
        });
        part.service = worker;
        this.#services.push(worker);
        worker.start();
        void worker.ended().catch((error: unknown) => this.#problem(process, error));
        break;
      }
      case 'client': {
        const client = new Client({ store, partitions, clock, ids });
        const operator = new Operator({ store, partitions, clock, ids });
        this.#people.use(process, { client, operator }).catch((error: unknown) => this.#problem(process, error));
      }
    }
  }

  #note(event: CoordinatorEvent): void {
    const world = this.#world;
    world.trace.add(world.schedule.now, 'event', event.type);
    if (event.type === 'partition.acquired' && event.epoch > 1) world.answered('take-over');
    if (event.type === 'partition.rolled-back') world.answered('roll-back detected');
    if (event.type !== 'message.discarded') return;
    world.answered('dead letter');
    if (event.quarantined) world.answered('quarantine');
    if (event.reason.startsWith('a coordinator died')) world.answered('poison set aside');
  }

  #problem(process: SimulatedProcess, error: unknown): void {
    if (!process.alive || this.#world.over) return;
    this.#problems.push(
      `${process.name} threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }
}
