/**
 * The clients of a chaos run: they start runs, answer what those ask, signal, cancel, and repeat every write with the same
 * key until its outcome is known. What they were told goes to the ledger.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '../../src/coordinator/client.js';
import type { Operator } from '../../src/coordinator/client-operator.js';
import type { Sent } from '../../src/coordinator/client-steer.js';
import { CoordError } from '../../src/core/errors.js';
import { runHasEnded } from '../../src/core/statuses.js';
import type { SteeringMessage } from '../../src/core/steering.js';
import type { RunView, StepView } from '../../src/core/views.js';
import type { Ledger, LedgerEntry, Operation } from './ledger.js';
import { Chance } from './random.js';
import { type ChaosWorkflow, canaryWorkflow, chaosWorkflows, parkedWorkflow } from './workflows.js';

export interface DriverParams {
  readonly client: Client;
  readonly operator: Operator;
  /** The version that a run is at. */
  readonly versionOf: (run: string) => Promise<number>;
  readonly ledger: Ledger;
  readonly seed: number;
  /** Runs under way at the same time. */
  readonly width: number;
  /** Whether the server loses in a power cut what it has confirmed. */
  readonly lossy: boolean;
}

/** Refusals that say that the run has gone on meanwhile; all others are unexpected. */
const REFUSALS: ReadonlySet<string> = new Set(['RUN_ENDED', 'DECISION_REFUSED', 'STEERING_REFUSED']);
/** An answer that the store has lost is given again. */
const ANSWER_AGAIN_MS = 4_000;
/** How long the outcome of steering is waited for. */
const OUTCOME_MS = 20_000;
const NEVER = new AbortController().signal;

export class Driver {
  readonly active = new Map<string, RunView | null>();
  /** Canary runs: how long each took, ms. */
  readonly canaries: number[] = [];
  readonly unexpected: string[] = [];
  ended = 0;
  started = 0;
  /** Of the runs that have ended, without those inside. */
  transitions = 0;
  readonly parked: string[] = [];
  readonly #params: DriverParams;
  readonly #workflows: readonly ChaosWorkflow[];
  readonly #draining = new AbortController();
  readonly #chance: Chance;

  constructor(params: DriverParams) {
    this.#params = params;
    this.#chance = new Chance(`driver ${String(params.seed)}`);
    this.#workflows = chaosWorkflows(new Chance(`workflows ${String(params.seed)}`), 28);
  }

  /** Starts runs until `stop`; the lanes settle when each has seen the end of its last run. */
  begin(): { readonly lanes: Promise<void> } {
    const { width } = this.#params;
    const lanes = Array.from({ length: width }, (_, lane) => this.#lane(lane));
    return { lanes: Promise.all([...lanes, this.#canary(), this.#park(), this.#park()]).then(() => undefined) };
  }

  /** No further runs; those under way are still answered. */
  stop(): void {
    this.#draining.abort();
  }

  async #lane(lane: number): Promise<void> {
    const chance = new Chance(`lane ${String(this.#params.seed)} ${String(lane)}`);
    const held: Conversation[] = [];
    for (let count = 0; !this.#draining.signal.aborted; count++) {
      const workflow = chance.pick(this.#workflows);
      const key = `lane-${String(lane)}-${String(count)}`;
      const conversation = new Conversation(this, this.#params, { chance, workflow, key });
      held.push(conversation);
      await conversation.hold();
    }
    // A power cut may have taken an end that was seen: then somebody is asked once more.
    if (this.#params.lossy) for (const conversation of held) await conversation.goOn();
  }

  async #canary(): Promise<void> {
    const workflow = canaryWorkflow();
    for (let count = 0; !this.#draining.signal.aborted; count++) {
      const chance = new Chance(count);
      const from = performance.now();
      const ended = await new Conversation(this, this.#params, {
        chance,
        workflow,
        key: `canary-${String(count)}`,
        plain: true,
      }).hold();
      if (ended) this.canaries.push(performance.now() - from);
      await delay(1_000, undefined, { signal: this.#draining.signal }).catch(() => undefined);
    }
  }

  /** A run that waits for somebody who never comes. */
  async #park(): Promise<void> {
    const key = `parked-${String(this.#chance.next())}`;
    const conversation = new Conversation(this, this.#params, {
      chance: this.#chance,
      workflow: parkedWorkflow(),
      key,
      plain: true,
    });
    const run = await conversation.start();
    if (run !== null) this.parked.push(run);
  }
}

interface Subject {
  readonly chance: Chance;
  readonly workflow: ChaosWorkflow;
  readonly key: string;
  /** Nothing is done to it but starting it. */
  readonly plain?: boolean;
}

/** All that clients do with one run. */
class Conversation {
  readonly #driver: Driver;
  readonly #params: DriverParams;
  readonly #subject: Subject;
  /** When each question or wait was answered last, by what names it. */
  readonly #answered = new Map<string, number>();
  #run: string | null = null;
  /** How often it is still to be paused. */
  #pauses: number;
  /** From when on it is resumed. */
  #pausedAt: number | null = null;
  #marks = 0;

  constructor(driver: Driver, params: DriverParams, subject: Subject) {
    this.#driver = driver;
    this.#params = params;
    this.#subject = subject;
    this.#pauses = subject.plain !== true && subject.chance.chance(0.15) ? 1 : 0;
  }

  async start(): Promise<string | null> {
    const { workflow, key, chance, plain = false } = this.#subject;
    const { client } = this.#params;
    const task = { n: chance.between(0, 9), lane: chance.between(0, 3) };
    const request = { ...workflow, task, workspace: null, idempotencyKey: key };
    const first = await this.#write('start', key, async () => client.start(request));
    if (first === null) return null;
    this.#driver.started++;
    if (!plain && chance.chance(0.08)) {
      const again = await this.#write('start', key, async () => client.start(request));
      // What a power cut took is started anew by the same key.
      if (again !== null && ((again.created && !this.#params.lossy) || again.run !== first.run))
        this.#driver.unexpected.push(`start with the key ${key} again: ${JSON.stringify([first, again])}`);
    }
    return first.run;
  }

  /** From start to end; false when the end was not seen. */
  async hold(): Promise<boolean> {
    const run = await this.start();
    if (run === null) return false;
    this.#run = run;
    const { chance, plain = false } = this.#subject;
    const cancelAt = !plain && chance.chance(0.07) ? performance.now() + chance.between(0, 2_000) : null;
    if (!plain && chance.chance(0.04)) await this.#signal(run, 'never waited for');
    if (!(await this.#follow(run, cancelAt))) return false;
    if (!plain && (await this.#takeUp(run)) && !(await this.#follow(run, null))) return false;
    this.#driver.ended++;
    this.#driver.transitions += await this.#params.versionOf(run).catch(() => 0);
    return true;
  }

  /** Tries a run again that has failed, now and then, or restarts one from one of its steps; false when it stays as it is. */
  async #takeUp(run: string): Promise<boolean> {
    const { chance } = this.#subject;
    const view = await this.#look(run);
    if (view === 'gone' || !runHasEnded(view.status)) return false;
    const failed = view.status !== 'completed';
    if (failed && chance.chance(0.4)) return this.#steer(run, (reason) => ({ kind: 'retry', reason, by: 'driver' }));
    const begun = view.steps.filter(({ status }) => status !== 'pending');
    if (begun.length === 0 || !chance.chance(0.1)) return false;
    const step = chance.pick(begun).id;
    return this.#steer(run, (reason) => ({ kind: 'restart', step, reason, by: 'driver' }));
  }

  /** Once more to the end, when the run does not stand there any more. */
  async goOn(): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    const view = await this.#look(run);
    if (view !== 'gone' && !runHasEnded(view.status)) await this.#follow(run, null);
  }

  async #follow(run: string, cancelAt: number | null): Promise<boolean> {
    const { chance } = this.#subject;
    const { active } = this.#driver;
    active.set(run, null);
    let canceled = false;
    for (;;) {
      const view = await this.#look(run);
      if (view === 'gone') {
        active.delete(run);
        return false;
      }
      active.set(run, view);
      if (runHasEnded(view.status)) break;
      if (cancelAt !== null && !canceled && performance.now() > cancelAt) {
        canceled = true;
        await this.#cancel(run);
      }
      if (view.quarantined !== null) return false;
      await this.#pauseOrResume(run, view);
      for (const step of view.steps) await this.#answer(run, step);
      await delay(chance.between(200, 420));
    }
    active.delete(run);
    return true;
  }

  /** A pause lasts for a while, whoever remembers it. */
  async #pauseOrResume(run: string, { status }: RunView): Promise<void> {
    if (status !== 'paused') {
      this.#pausedAt = null;
      if (this.#pauses === 0 || !['running', 'waiting'].includes(status)) return;
      this.#pauses--;
      await this.#steer(run, (reason) => ({ kind: 'pause', reason, by: 'driver' }));
      return;
    }
    this.#pausedAt ??= performance.now() + this.#subject.chance.between(0, 1_500);
    if (performance.now() < this.#pausedAt) return;
    this.#pausedAt = performance.now() + ANSWER_AGAIN_MS;
    await this.#steer(run, (by) => ({ kind: 'resume', by }));
  }

  async #steer(run: string, message: (mark: string) => SteeringMessage): Promise<boolean> {
    const mark = this.#mark();
    const wanted = message(mark);
    const { operator } = this.#params;
    const send = async (): Promise<Sent> => operator.steer(run, { ...wanted, idempotencyKey: mark });
    const sent = await this.#write(wanted.kind as Operation, mark, send, run);
    if (sent === null) return false;
    // A run that has ended stays so until somebody has moved it; a power cut may have taken the message.
    const within = { waitMs: OUTCOME_MS, signal: NEVER };
    await this.#call('steer', async () => operator.steeringOutcome({ ...sent, isNew: true }, within));
    return true;
  }

  async #look(run: string): Promise<RunView | 'gone'> {
    const view = await this.#call('get', async () => this.#params.client.get(run));
    return view instanceof CoordError ? 'gone' : view;
  }

  async #answer(run: string, step: StepView): Promise<void> {
    const { waitsFor } = step;
    if (step.status !== 'waiting' || waitsFor === null) return;
    const name = waitsFor.kind === 'decision' ? waitsFor.question.token : step.id;
    const last = this.#answered.get(name);
    if (last !== undefined && performance.now() - last < ANSWER_AGAIN_MS) return;
    if (waitsFor.kind === 'signal') await this.#signal(run, waitsFor.name);
    else if (waitsFor.kind === 'decision') await this.#decide(run, step.id, waitsFor.question);
    else return;
    this.#answered.set(name, performance.now());
  }

  async #decide(
    run: string,
    step: string,
    { token, choices }: { token: string; choices: readonly { readonly id: string }[] },
  ): Promise<void> {
    const { chance } = this.#subject;
    const people = chance.chance(0.15) ? 2 : 1;
    const answers = Array.from({ length: people }, async () => {
      const by = this.#mark();
      const choice = chance.chance(0.85) ? choices[0] : chance.pick(choices);
      const request = { step, token, choice: choice?.id ?? '', by, idempotencyKey: by };
      await this.#write('decide', by, async () => this.#params.client.decide(run, request), run);
    });
    await Promise.all(answers);
  }

  async #signal(run: string, name: string): Promise<void> {
    const by = this.#mark();
    const send = async (): Promise<unknown> =>
      this.#write('signal', by, async () => this.#params.client.signal(run, { name, by, idempotencyKey: by }), run);
    // The same signal, sent twice, is one.
    await Promise.all(this.#subject.chance.chance(0.2) ? [send(), send()] : [send()]);
  }

  async #cancel(run: string): Promise<void> {
    const reason = this.#mark();
    const request = { reason, by: 'driver', idempotencyKey: reason };
    await this.#write('cancel', reason, async () => this.#params.client.cancel(run, request), run);
  }

  #mark(): string {
    return `${this.#subject.key}#${String(++this.#marks)}`;
  }

  /** A write until its outcome is known, and the outcome into the ledger. Null when it was refused. */
  async #write<T>(op: Operation, mark: string, call: () => Promise<T>, run?: string): Promise<T | null> {
    const { ledger } = this.#params;
    const answer = await this.#call(op, call);
    const refused = answer instanceof CoordError;
    const entry: LedgerEntry = {
      op,
      run: run ?? (refused ? '' : (answer as { run: string }).run),
      mark,
      at: Date.now(),
      outcome: refused ? 'refused' : 'done',
      code: refused ? answer.code : '',
    };
    ledger.write(entry);
    if (!refused) return answer;
    const isGone = this.#params.lossy && answer.code === 'RUN_NOT_FOUND';
    if (!REFUSALS.has(answer.code) && !isGone)
      this.#driver.unexpected.push(`${op} ${mark}: ${answer.code} ${answer.message}`);
    return null;
  }

  /** Calls until there is an answer; a refusal is one. */
  async #call<T>(what: string, call: () => Promise<T>): Promise<T | CoordError> {
    const done = this.#params.ledger.begin(what);
    try {
      for (;;) {
        try {
          return await call();
        } catch (error) {
          if (!(error instanceof CoordError)) throw error;
          if (!error.retryable) return error;
          await delay(60);
        }
      }
    } finally {
      done();
    }
  }
}
