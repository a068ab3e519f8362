/**
 * What people of a simulation do with runs besides starting and answering: they pause and resume, try again what has failed,
 * skip steps and restart from steps, whatever else goes wrong, and repeat what they do not know the outcome of.
 */
import type { Client } from '../../src/coordinator/client.js';
import type { Operator } from '../../src/coordinator/client-operator.js';
import { CoordError } from '../../src/core/errors.js';
import { runHasEnded } from '../../src/core/statuses.js';
import type { SteeringMessage } from '../../src/core/steering.js';
import type { RunView } from '../../src/core/views.js';
import type { Draw } from './draw.js';
import type { Acknowledged, Wish } from './people.js';
import type { World } from './world.js';

/** Somebody feels like steering a run; what he does depends on how it stands then, and stays the same from then on. */
export interface Whim {
  readonly id: number;
  /** Virtual ms. */
  readonly at: number;
  readonly draw: Draw;
}

interface Steer {
  readonly whim: Whim;
  wanted: { readonly run: string; readonly message: SteeringMessage } | null;
}

/** Not there any more, spoiled, or not taken as it stands: nobody tries that again. */
const SETTLED: ReadonlySet<string> = new Set(['RUN_NOT_FOUND', 'RUN_UNREADABLE', 'STEERING_REFUSED']);
/** A run that is paused is resumed after so long. */
const PAUSED_MS = 12_000;
/** Who finds nothing to steer for so long has lost interest. */
const PATIENCE_MS = 30_000;

export function drawWhims(draw: Draw, until: number): readonly Whim[] {
  const count = draw.pick([0, 0, 1, 2, 4, 8]);
  return Array.from({ length: count }, (_, id) => ({
    id,
    at: draw.between(1_000, Math.round(1.5 * until)),
    draw: draw.fork(`whim ${String(id)}`),
  }));
}

export class Steering {
  readonly acknowledged: Acknowledged[] = [];
  /** Runs that somebody wanted to do without one of their steps: those come to another end. */
  readonly shortened = new Set<string>();
  readonly #world: World;
  readonly #wishes: readonly Wish[];
  #steers: readonly Steer[];

  constructor(world: World, wishes: readonly Wish[], whims: readonly Whim[]) {
    this.#world = world;
    this.#wishes = wishes;
    this.#steers = whims.map((whim) => ({ whim, wanted: null }));
  }

  /** What has not got through, for people. */
  open(): readonly string[] {
    return this.#steers.map(({ whim }) => `the whim ${String(whim.id)} to steer has not got through`);
  }

  /** What they do when they look. */
  async look(client: Client, operator: Operator): Promise<void> {
    for (const steer of this.#steers)
      if (
        steer.whim.at <= this.#world.schedule.now &&
        (await this.#settles(() => this.#follow(client, operator, steer)))
      )
        this.#steers = this.#steers.filter((one) => one !== steer);
    for (const { run } of this.#wishes)
      if (run !== null) await this.#settles(() => this.#resume(client, operator, run));
  }

  /** Returns whether there is nothing left of it to do. */
  async #follow(client: Client, operator: Operator, steer: Steer): Promise<boolean> {
    const { id, at, draw } = steer.whim;
    const { now } = this.#world.schedule;
    steer.wanted ??= await this.#choose(client, draw, `whim ${String(id)}`);
    if (steer.wanted === null) return now > at + PATIENCE_MS;
    const { run, message } = steer.wanted;
    const request = { ...message, idempotencyKey: `whim ${String(id)}` };
    if (message.kind === 'skip') this.shortened.add(run);
    await operator.steer(run, request);
    // Somebody who is not sure says it once more, with the same key.
    if (id % 3 === 0) await operator.steer(run, request);
    this.acknowledged.push({ kind: message.kind, run, at: now });
    return true;
  }

  async #choose(client: Client, draw: Draw, reason: string): Promise<Steer['wanted']> {
    const runs = this.#wishes.flatMap(({ run }) => (run === null ? [] : [run]));
    if (runs.length === 0) return null;
    const run = draw.pick(runs);
    const message = choiceFor(await client.get(run), draw, { reason, by: 'joe' });
    return message === null ? null : { run, message };
  }

  async #resume(client: Client, operator: Operator, run: string): Promise<boolean> {
    const { status, paused = null } = await client.get(run);
    const { clock, schedule, hostile } = this.#world;
    if (status !== 'paused' || paused === null) return true;
    // Later on the clock may have been set back.
    if (hostile && clock.now() < paused.at + PAUSED_MS) return false;
    // Two pauses may be of one moment, when the clock was set back.
    const by = `joe, after ${paused.reason}`;
    await operator.steer(run, { kind: 'resume', by, idempotencyKey: `resume after ${paused.reason}` });
    this.acknowledged.push({ kind: 'resume', run, at: schedule.now });
    return true;
  }

  async #settles(work: () => Promise<boolean>): Promise<boolean> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      if (error.code === 'STEERING_REFUSED') this.#world.answered('steering refused');
      if (!error.retryable && !SETTLED.has(error.code)) throw error;
      return SETTLED.has(error.code);
    }
  }
}

function choiceFor(view: RunView, draw: Draw, said: { reason: string; by: string }): SteeringMessage | null {
  const { status, quarantined } = view;
  if (quarantined !== null || status === 'pending' || status === 'compensating') return null;
  const begun = view.steps.filter((step) => step.status !== 'pending');
  const failed = begun.filter((step) => step.status === 'failed');
  const restart = (): SteeringMessage | null =>
    begun.length === 0 ? null : { ...said, kind: 'restart', step: draw.pick(begun).id };
  const skip = (steps: RunView['steps']): SteeringMessage | null =>
    steps.length === 0 ? null : { ...said, kind: 'skip', step: draw.pick(steps).id };
  if (status === 'completed') return restart();
  if (runHasEnded(status))
    return draw.pick([() => ({ ...said, kind: 'retry' }) as const, restart, () => skip(failed)])();
  if (status === 'paused') return draw.pick([restart, () => skip(view.steps)])();
  return draw.pick([() => ({ ...said, kind: 'pause' }) as const, restart, () => skip(view.steps)])();
}
