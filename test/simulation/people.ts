/**
 * The people of a simulation: they start runs, answer what is asked, send the signals that are waited for, and do not give
 * up before they know that they were heard. They remember what they were told, whatever becomes of the process they use.
 */
import type { Client } from '../../src/coordinator/client.js';
import type { Operator } from '../../src/coordinator/client-operator.js';
import { CoordError } from '../../src/core/errors.js';
import { runHasEnded } from '../../src/core/statuses.js';
import type { SteeringKind } from '../../src/core/steering.js';
import type { RunView, StepView } from '../../src/core/views.js';
import type { Draw } from './draw.js';
import type { SimulatedProcess } from './process.js';
import { TAME } from './reference.js';
import type { SimulatedWorkflow } from './workflows.js';
import { Steering, type Whim } from './steering.js';
import type { World } from './world.js';

export interface Wish {
  readonly key: string;
  readonly workflow: SimulatedWorkflow;
  /** Virtual ms. */
  readonly at: number;
  /** Whether its questions are answered: a run may wait for people for ever. */
  readonly answered: boolean;
  run: string | null;
  /** How often its start was answered with "created". */
  created: number;
}

/** What somebody was told has been done. */
export interface Acknowledged {
  readonly kind: 'start' | 'cancel' | 'signal' | 'decide' | SteeringKind;
  readonly run: string;
  readonly at: number;
}

/** The run is not there any more, or somebody has spoiled its record. */
const UNREACHED: ReadonlySet<string> = new Set(['RUN_NOT_FOUND', 'RUN_UNREADABLE']);

export class People {
  readonly wishes: readonly Wish[];
  readonly steering: Steering;
  readonly #acknowledged: Acknowledged[] = [];
  /** Runs that are not there any more, since the store went back. */
  readonly gone = new Set<string>();
  /** Runs that somebody wants to cancel, with why. */
  readonly cancels = new Map<string, string>();
  readonly #world: World;
  readonly #draw: Draw;
  readonly #told = new Map<string, number>();
  /** How many signals for a waiting step have got through. */
  readonly #heard = new Map<string, number>();

  constructor(world: World, draw: Draw, { wishes, whims }: { wishes: readonly Wish[]; whims: readonly Whim[] }) {
    this.#world = world;
    this.steering = new Steering(world, wishes, whims);
    this.#draw = draw;
    this.wishes = wishes;
  }

  /** All that they know to be done. */
  get acknowledged(): readonly Acknowledged[] {
    return [...this.#acknowledged, ...this.steering.acknowledged];
  }

  /** What they do with one process, until it dies. Whoever comes next goes on where this one stopped. */
  async use(process: SimulatedProcess, { client, operator }: { client: Client; operator: Operator }): Promise<void> {
    for (;;) {
      for (const wish of this.wishes) await this.#try(() => this.#look(client, wish));
      await this.steering.look(client, operator);
      await process.clock.sleep(1_500);
    }
  }

  async #look(client: Client, wish: Wish): Promise<void> {
    const { schedule } = this.#world;
    if (wish.at > schedule.now) return;
    if (wish.run === null) {
      const { definition, inner } = wish.workflow;
      const { run, created } = await client.start({
        definition,
        inner,
        task: {},
        workspace: null,
        idempotencyKey: wish.key,
      });
      wish.run = run;
      if (created) wish.created++;
      this.#acknowledged.push({ kind: 'start', run, at: schedule.now });
      return;
    }
    if (this.gone.has(wish.run)) return;
    const reason = this.cancels.get(wish.run);
    if (reason !== undefined) {
      await this.#tell('cancel', wish.run, (idempotencyKey) =>
        client.cancel(wish.run ?? '', { reason, by: 'eve', idempotencyKey }),
      );
      this.cancels.delete(wish.run);
    }
    await this.#answer(client, wish, wish.run);
  }

  async #answer(client: Client, wish: Wish, run: string): Promise<void> {
    let view: RunView;
    try {
      view = await client.get(run);
    } catch (error) {
      if (!(error instanceof CoordError) || error.code !== 'RUN_NOT_FOUND') throw error;
      this.gone.add(run);
      return;
    }
    if (runHasEnded(view.status) || view.quarantined !== null) return;
    for (const step of view.steps) {
      const { waitsFor, run: inner } = step;
      // One that cannot be read keeps nobody from the others.
      if (inner !== null && (step.status === 'working' || step.status === 'waiting'))
        await this.#try(() => this.#answer(client, wish, inner));
      if (!wish.answered) continue;
      if (waitsFor?.kind === 'signal') await this.#signal(client, run, { path: step.id, name: waitsFor.name });
      else if (waitsFor?.kind === 'decision') await this.#decide(client, run, { step, tame: wish.workflow.tame });
    }
  }

  async #signal(client: Client, run: string, { path, name }: { path: string; name: string }): Promise<void> {
    if (!this.#mayTell(`${run} ${path}`)) return;
    // A signal goes to whoever has waited longest for its name: who still waits long after it was heard needs another one.
    const heard = this.#heard.get(`${run} ${path}`) ?? 0;
    await this.#tell('signal', run, () =>
      client.signal(run, { name, data: TAME.signal(name), by: 'ada', idempotencyKey: `${path} ${String(heard)}` }),
    );
    this.#heard.set(`${run} ${path}`, heard + 1);
  }

  async #decide(client: Client, run: string, { step, tame }: { step: StepView; tame: boolean }): Promise<void> {
    const { waitsFor } = step;
    if (waitsFor?.kind !== 'decision' || !this.#mayTell(`${run} ${waitsFor.question.token}`)) return;
    const { choices, token, about } = waitsFor.question;
    const draw = this.#draw.fork(`${run} ${token}`);
    // Whoever is asked again and again lets it fail.
    const many = Number(token.slice(token.lastIndexOf('?') + 1)) > 2;
    const picked = many ? choices.at(-1) : draw.pick(choices);
    const choice = tame && about === 'step' ? TAME.decision.choice : (picked?.id ?? '');
    const answer = { step: step.id, token, choice, data: null, by: 'ada' };
    await this.#tell('decide', run, async () => void (await client.decide(run, { ...answer, idempotencyKey: token })));
  }

  /** Not again for a while what was told just now. */
  #mayTell(what: string): boolean {
    const { now } = this.#world.schedule;
    if (now - (this.#told.get(what) ?? Number.NEGATIVE_INFINITY) < 20_000) return false;
    this.#told.set(what, now);
    return true;
  }

  async #tell(kind: Acknowledged['kind'], run: string, tell: (key: string) => Promise<void>): Promise<void> {
    try {
      await tell(`${kind} once`);
      // Somebody who is not sure says it once more, with the same key.
      if (this.#draw.chance(0.1)) await tell(`${kind} once`);
      this.#acknowledged.push({ kind, run, at: this.#world.schedule.now });
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      // The run went with what the store has lost.
      if (error.code === 'RUN_NOT_FOUND') this.gone.add(run);
      // It came too late, or it was told before.
      else if (error.code !== 'RUN_ENDED' && error.code !== 'DECISION_REFUSED') throw error;
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      if (error.code === 'REDIS_UNSUITABLE') this.#world.answered('start refused');
      else if (!error.retryable && !UNREACHED.has(error.code)) throw error;
    }
  }
}
