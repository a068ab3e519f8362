/** How long the steps and attempts of one run took, read off its history fact by fact. */
import type { Usage, Used } from '../core/exchange.js';
import type { Fact } from '../core/facts.js';
import type { RunPort } from '../core/ports.js';
import { NOTHING_USED, sumOfUsed, usedOf } from '../core/used.js';

export type Ending = 'succeeded' | 'failed' | 'skipped' | 'canceled';

/** A step, or one round or item of it. */
export interface StepTime {
  /** Its path. */
  readonly step: string;
  readonly startedAt: number;
  /** Null: it has not ended. */
  readonly endedAt: number | null;
  readonly ending: Ending | null;
  /** Whether it holds other steps. */
  readonly isBlock: boolean;
  readonly retries: number;
}

/** One try of a step by a persona. */
export interface AttemptTime {
  readonly persona: string;
  readonly queuedAt: number;
  readonly begunAt: number;
  readonly endedAt: number;
  readonly ending: 'succeeded' | 'failed' | 'retried';
}

interface Open {
  readonly startedAt: number;
  isBlock: boolean;
  retries: number;
  persona: string;
  queuedAt: number;
  begunAt: number | null;
}

const PAGE = 500;

/** The facts of a run, without all of them being held at once. */
export async function* factsOfRun(
  runs: Pick<RunPort, 'history'>,
  { partition, run }: { readonly partition: number; readonly run: string },
): AsyncGenerator<Fact> {
  for (let after = '0'; ; ) {
    const page = await runs.history({ partition, run, after, limit: PAGE });
    for (const entry of page) yield* JSON.parse(entry.facts) as Fact[];
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

export class RunTimes {
  readonly #open = new Map<string, Open>();
  readonly #steps: StepTime[] = [];
  readonly #attempts: AttemptTime[] = [];
  /** By persona: what its attempts have used. */
  readonly used = new Map<string, Used>();

  /** Steps that have ended, in that order, and those that have begun. */
  steps(): readonly StepTime[] {
    const open = [...this.#open].map(([step, { startedAt, isBlock, retries }]) => ({
      step,
      startedAt,
      endedAt: null,
      ending: null,
      isBlock,
      retries,
    }));
    return [...this.#steps, ...open];
  }

  attempts(): readonly AttemptTime[] {
    return this.#attempts;
  }

  add(fact: Fact): void {
    if ('usage' in fact && fact.usage !== undefined) this.#use(this.#opened(fact.step, fact.at).persona, fact.usage);
    switch (fact.type) {
      case 'step.queued': {
        const open = this.#opened(fact.step, fact.at);
        open.persona = fact.persona;
        open.queuedAt = fact.at;
        open.begunAt = null;
        return;
      }
      case 'step.working':
        this.#opened(fact.step, fact.at).begunAt = fact.at;
        return;
      case 'step.waiting':
        this.#opened(fact.step, fact.at);
        return;
      case 'step.opened':
        // A run inside is no block: it is what takes the time.
        this.#opened(fact.step, fact.at).isBlock = typeof fact.detail['run'] !== 'string';
        return;
      case 'step.retrying': {
        const open = this.#opened(fact.step, fact.at);
        open.retries++;
        this.#attempted(open, fact.at, 'retried');
        return;
      }
      case 'step.succeeded':
        this.#ended(fact.step, fact.at, 'succeeded');
        return;
      case 'step.failed':
        this.#ended(fact.step, fact.at, 'failed');
        return;
      case 'step.skipped':
        this.#ended(fact.step, fact.at, 'skipped');
        return;
      case 'step.canceled':
        this.#ended(fact.step, fact.at, 'canceled');
        return;
      default:
    }
  }

  #use(persona: string, usage: Usage): void {
    this.used.set(persona, sumOfUsed(this.used.get(persona) ?? NOTHING_USED, usedOf(usage)));
  }

  #opened(step: string, at: number): Open {
    const known = this.#open.get(step);
    if (known !== undefined) return known;
    const open = { startedAt: at, isBlock: false, retries: 0, persona: '', queuedAt: at, begunAt: null };
    this.#open.set(step, open);
    return open;
  }

  #attempted(open: Open, at: number, ending: AttemptTime['ending']): void {
    const { persona, queuedAt, begunAt } = open;
    open.begunAt = null;
    if (persona !== '' && begunAt !== null) this.#attempts.push({ persona, queuedAt, begunAt, endedAt: at, ending });
  }

  #ended(step: string, at: number, ending: Ending): void {
    const open = this.#opened(step, at);
    this.#open.delete(step);
    const { startedAt, isBlock, retries } = open;
    if (ending === 'succeeded' || ending === 'failed') this.#attempted(open, at, ending);
    this.#steps.push({ step, startedAt, endedAt: at, ending, isBlock, retries });
  }
}
