/** What reaches a simulated run from outside: its cancel, signals and decisions, each when the test says. */
import type { Client } from '../coordinator/client.js';
import { CoordError } from '../core/errors.js';
import type { Question } from '../core/facts.js';
import type { RunView } from '../core/views.js';
import type { Scenario, ScriptedSignal } from './scenario.js';
import type { Script } from './script.js';

const BY = 'test';

/** Something that happens at a time, ms of the clock. */
export interface Input {
  readonly words: string;
  readonly at: number;
  readonly happen: () => Promise<void>;
}

type Signal = Pick<ScriptedSignal, 'name' | 'data'>;

export class Inputs {
  readonly #client: Client;
  readonly #script: Script;
  readonly #timed: Input[] = [];
  /** Signals without a time: sent when a step waits for them. */
  readonly #whenAwaited: Signal[];
  /** Questions that were put to people. */
  readonly #asked = new Set<string>();

  constructor(means: { client: Client; script: Script; scenario: Scenario; run: string; startedAt: number }) {
    const { client, script, scenario, run, startedAt } = means;
    this.#client = client;
    this.#script = script;
    const { cancel } = scenario;
    if (cancel !== null) {
      const { reason } = cancel;
      const happen = (): Promise<void> => client.cancel(run, { reason, by: BY });
      this.#timed.push({ words: 'cancel', at: startedAt + cancel.atMs, happen });
    }
    for (const signal of scenario.signals) {
      if (signal.atMs === null) continue;
      const happen = (): Promise<void> => this.#signal(run, signal);
      this.#timed.push({ words: `signal ${signal.name}`, at: startedAt + signal.atMs, happen });
    }
    this.#whenAwaited = scenario.signals.filter(({ atMs }) => atMs === null);
  }

  due(now: number): readonly Input[] {
    return this.#timed.filter(({ at }) => at <= now);
  }

  nextDue(): number | null {
    return this.#timed.length === 0 ? null : this.#timed.reduce((first, { at }) => Math.min(first, at), Infinity);
  }

  /** What the engine does not take is added to `refused`, with its reason. */
  async take(input: Input, refused: string[]): Promise<void> {
    this.#timed.splice(this.#timed.indexOf(input), 1);
    try {
      await input.happen();
    } catch (error) {
      // What the engine refuses is the test's business, not the end of all tests.
      if (!(error instanceof CoordError)) throw error;
      refused.push(`${input.words}: ${error.message}`);
    }
  }

  /**
   * For a run that has nothing to do right now: asks the people that it waits for, and sends it the signals that it
   * waits for. False: nothing new will come.
   */
  whenIdle(view: RunView, now: number): boolean {
    let something = false;
    for (const { id, waitsFor } of view.steps) {
      if (waitsFor?.kind === 'signal') something = this.#sendAwaited(view.id, waitsFor.name, now) || something;
      if (waitsFor?.kind === 'decision')
        something = this.#ask({ run: view.id, step: id, question: waitsFor.question }, now) || something;
    }
    return something;
  }

  #sendAwaited(run: string, name: string, now: number): boolean {
    const place = this.#whenAwaited.findIndex((signal) => signal.name === name);
    const [signal] = place === -1 ? [] : this.#whenAwaited.splice(place, 1);
    if (signal === undefined) return false;
    const happen = (): Promise<void> => this.#signal(run, signal);
    this.#timed.push({ words: `signal ${name}`, at: now, happen });
    return true;
  }

  #ask({ run, step, question }: { run: string; step: string; question: Question }, now: number): boolean {
    const { token, votes = [] } = question;
    // A question is put to people once, and once more for each who has answered where several must agree; a step that asks
    // again asks with another token.
    const key = `${run} ${step} ${token} ${String(votes.length)}`;
    if (this.#asked.has(key)) return false;
    this.#asked.add(key);
    const decision = this.#script.decision(step);
    if (decision === null) return false;
    const { afterMs, choice, ...answer } = decision;
    const happen = async (): Promise<void> => {
      await this.#client.decide(run, { step, token, choice, ...answer });
    };
    this.#timed.push({ words: `${step} is decided: ${choice}`, at: now + afterMs, happen });
    return true;
  }

  async #signal(run: string, { name, data }: Signal): Promise<void> {
    await this.#client.signal(run, { name, data, by: BY });
  }
}
