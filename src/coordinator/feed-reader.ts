/**
 * The feed of a partition, read once in a process for all who follow runs there. With a read of its own for each of them
 * every commit, of whatever run, would cost the store and this process as many wake-ups as there are followers.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import type { FeedEntry, RunPort } from '../core/ports.js';

export const PAGE = 500;
export const FEED_WAIT_MS = 1_000;
const TRY_AGAIN_MS = 100;
/** How often a busy feed is read: what comes in between is read together, and a screen shows it early enough. */
const PACE_MS = 100;
/** So many reads may follow each other at once, so that nothing is late where little happens. */
const BURST = 50;

interface Means {
  readonly runs: RunPort;
  readonly clock: Clock;
}

const readers = new WeakMap<RunPort, Map<number, FeedReader>>();

/** The one reader of that partition's feed for all who use the same store. */
export function feedReaderOf({ runs, clock }: Means, partition: number): FeedReader {
  const ofStore = readers.get(runs) ?? new Map<number, FeedReader>();
  readers.set(runs, ofStore);
  const reader = ofStore.get(partition) ?? new FeedReader({ runs, clock }, partition);
  ofStore.set(partition, reader);
  return reader;
}

interface Session {
  /** Resolves when the reader has its place in the feed. */
  readonly begun: Promise<void>;
  readonly stop: AbortController;
}

class FeedReader {
  readonly #means: Means;
  readonly #partition: number;
  readonly #ears = new Map<string, Set<Ear>>();
  /** While anybody listens. */
  #session: Session | null = null;

  constructor(means: Means, partition: number) {
    this.#means = means;
    this.#partition = partition;
  }

  /** Hears everything of the run that comes into the feed after this call has resolved. Whoever listens closes it. */
  async listen(run: string): Promise<Ear> {
    const ear = new Ear(this.#means.clock, () => this.#leave(run, ear));
    const others = this.#ears.get(run) ?? new Set<Ear>();
    this.#ears.set(run, others.add(ear));
    const session = this.#session ?? this.#begin();
    this.#session = session;
    try {
      await session.begun;
    } catch (error) {
      ear.close();
      throw error;
    }
    return ear;
  }

  #leave(run: string, ear: Ear): void {
    const ears = this.#ears.get(run);
    ears?.delete(ear);
    if (ears?.size === 0) this.#ears.delete(run);
    if (this.#ears.size > 0) return;
    this.#session?.stop.abort();
    this.#session = null;
  }

  #begin(): Session {
    const stop = new AbortController();
    const head = this.#means.runs.feedHead(this.#partition);
    void this.#read(head, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      this.#session = null;
      for (const ear of [...this.#ears.values()].flatMap((ears) => [...ears])) ear.fail(error);
    });
    return { begun: head.then(() => undefined), stop };
  }

  async #read(head: Promise<string>, signal: AbortSignal): Promise<void> {
    const { runs, clock } = this.#means;
    const partition = this.#partition;
    let after = await head;
    // When the next read would be due if none came early.
    let due = 0;
    while (!signal.aborted) {
      const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
      const page = await patiently(clock, () => runs.feed(want), { otherwise: [], signal });
      // Those who have left are not here any more, and who came since has a session of its own.
      if (signal.aborted) return;
      after = page.at(-1)?.id ?? after;
      for (const fact of factsOf(page)) for (const ear of this.#ears.get(fact.run) ?? []) ear.hear(fact);
      if (page.length === 0) continue;
      due = Math.max(due, clock.monotonic()) + PACE_MS;
      const early = due - BURST * PACE_MS - clock.monotonic();
      // A full page means that more lies there.
      if (page.length < PAGE && early > 0) await clock.sleep(early, signal);
    }
  }
}

/** What one listener has heard and not yet taken. */
export class Ear {
  readonly #clock: Clock;
  #heard: Fact[] = [];
  #failure: { readonly error: unknown } | null = null;
  #wake = new AbortController();
  readonly close: () => void;

  constructor(clock: Clock, close: () => void) {
    this.#clock = clock;
    this.close = close;
  }

  hear(fact: Fact): void {
    this.#heard.push(fact);
    this.#wake.abort();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake.abort();
  }

  /** Waits until there is something; nothing after that time, or when aborted. */
  async take(waitMs: number, signal: AbortSignal): Promise<readonly Fact[]> {
    if (this.#heard.length === 0 && this.#failure === null)
      await this.#clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    this.#wake = new AbortController();
    const heard = this.#heard;
    this.#heard = [];
    if (heard.length === 0 && this.#failure !== null) throw this.#failure.error;
    return heard;
  }
}

export function factsOf(entries: readonly FeedEntry[]): readonly Fact[] {
  return entries.flatMap((entry) => JSON.parse(entry.facts) as Fact[]);
}

/** A read that waits for a store that does not answer; `otherwise` is what is known meanwhile. */
export async function patiently<T>(
  clock: Clock,
  read: () => Promise<T>,
  { otherwise, signal }: { otherwise: T; signal: AbortSignal },
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CoordError) || !error.retryable) throw error;
    await clock.sleep(TRY_AGAIN_MS, signal);
    return otherwise;
  }
}
