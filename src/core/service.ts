/**
 * The lifecycle of everything that runs by itself in the background, written once: `stop()` may come first,
 * twice, or in the middle, and resolves only when the body has returned. Constructors start nothing.
 */
export interface Service {
  start(): void;
  stop(): Promise<void>;
}

export abstract class Loop implements Service {
  #running: Promise<void> | null = null;
  #stopped = false;
  readonly #abort = new AbortController();

  /** Aborted when `stop` was called: the body returns soon after. */
  protected get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(): void {
    if (this.#stopped || this.#running !== null) return;
    this.#running = this.body(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#abort.abort();
    await this.#running;
  }

  /** Resolves when the body has returned; rejects with what it threw. */
  async ended(): Promise<void> {
    await this.#running;
  }

  protected abstract body(signal: AbortSignal): Promise<void>;
}
