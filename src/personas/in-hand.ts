/**
 * The attempts in a worker's hands, and who of them must have ended before another begins: what the run has canceled
 * may not work on beside what follows it, and a second attempt may not use up its time waiting for the first.
 */
import type { Clock } from '../core/clock.js';
import type { AttemptKey } from '../core/request-port.js';
import type { Attempt } from './attempt.js';

interface Entry {
  readonly attempt: Attempt;
  readonly done: Promise<void>;
}

/** How long the store may take to say what became of the others, ms: one that does not answer must stop nobody for long. */
const ASK_MS = 2_000;

export class InHand {
  readonly #clock: Clock;
  /** By handle of the delivery. */
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(handle: string): boolean {
    return this.#entries.has(handle);
  }

  /** Whether this very attempt is in hand, by whatever delivery. */
  holds({ run, token }: Pick<AttemptKey, 'run' | 'token'>): boolean {
    return this.#ofRun(run).some(({ attempt }) => attempt.key.token === token);
  }

  /** Runs of which there are processes or worktrees. */
  runs(): readonly string[] {
    const tracing = this.attempts().filter((attempt) => attempt.leavesTraces);
    return [...new Set(tracing.map(({ key }) => key.run))];
  }

  attempts(): readonly Attempt[] {
    return [...this.#entries.values()].map(({ attempt }) => attempt);
  }

  /** Runs the attempt when those before it have ended; `release` is called when it is over. */
  start(handle: string, attempt: Attempt, release: () => void): void {
    const before = (signal: AbortSignal): Promise<void> => this.#othersEnd(attempt, signal);
    const done = attempt.run(before).finally(() => {
      this.#entries.delete(handle);
      release();
    });
    this.#entries.set(handle, { attempt, done });
  }

  /** Resolves when all that are in hand now are over. */
  async over(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ done }) => done));
  }

  /** Has the store say now, instead of at the next heartbeat, which attempts of the run are over. */
  async ask(run: string): Promise<void> {
    await Promise.all(this.#ofRun(run).map(({ attempt }) => attempt.ask()));
  }

  /** Resolves when no attempt is left that must not be seen beside this one, or when aborted. */
  async #othersEnd({ key }: Attempt, signal: AbortSignal): Promise<void> {
    const isEarlier = ({ key: other }: Attempt): boolean => other.step === key.step && other.attempt < key.attempt;
    // A function without a worktree leaves nothing that another could meet, and thousands of them may run at once.
    const others = this.#ofRun(key.run).filter(
      ({ attempt }) => attempt.key !== key && (attempt.leavesTraces || isEarlier(attempt)),
    );
    if (others.length === 0) return;
    const waited = others.map(async ({ attempt, done }) => {
      await this.#atMost(ASK_MS, attempt.ask());
      // A later attempt of a step is only asked for when the earlier one is over, whether or not the store said so.
      if (attempt.ending || isEarlier(attempt)) await done;
    });
    await unlessAborted(Promise.all(waited), signal);
  }

  async #atMost(ms: number, answer: Promise<void>): Promise<void> {
    const answered = new AbortController();
    await Promise.race([answer, this.#clock.sleep(ms, answered.signal)]);
    answered.abort();
  }

  #ofRun(run: string): readonly Entry[] {
    return [...this.#entries.values()].filter(({ attempt }) => attempt.key.run === run);
  }
}

/** Resolves when `wait` does, or at once when aborted. */
async function unlessAborted(wait: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let giveUp = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    giveUp = resolve;
  });
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  await Promise.race([wait, aborted]);
  signal.removeEventListener('abort', giveUp);
}
