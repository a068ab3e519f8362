/** Following what happens: one run from its beginning to its end, or the events that all runs emit. */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import type { FeedEntry, RunPort } from '../core/ports.js';

/** What following needs of the client. */
export interface Following {
  readonly runs: RunPort;
  readonly clock: Clock;
  readonly history: (run: string) => Promise<readonly Fact[]>;
  readonly hasEnded: (run: string) => Promise<boolean>;
}

export type EmittedEvent = Extract<Fact, { readonly type: 'event.emitted' }>;

const PAGE = 500;
const FEED_WAIT_MS = 1_000;
const TRY_AGAIN_MS = 100;

/** See `Client.follow`. */
export async function* followRun(
  following: Following,
  { run, partition, until }: { run: string; partition: number; until: AbortSignal },
): AsyncGenerator<Fact> {
  // The feed's head first: what happens between the two reads is then in both, and told once.
  const after = await following.runs.feedHead(partition);
  const told = new Told();
  for (const fact of await following.history(run)) if (told.isNew(fact)) yield fact;
  yield* newFacts(following, { run, partition, after, told, until });
}

/** What happens to a run after that place of the feed, and is not told yet; ends when the run has ended or `until` is aborted. */
export async function* newFacts(
  following: Following,
  { run, partition, after: begin, told, until }: NewFacts,
): AsyncGenerator<Fact> {
  const ended = new AbortController();
  const { runs, history, hasEnded } = following;
  const signal = AbortSignal.any([until, ended.signal]);
  try {
    for (let over = false, after = begin; !signal.aborted && !over; ) {
      over = await patiently(following, () => hasEnded(run), { otherwise: false, signal });
      const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
      const page = over ? [] : await patiently(following, () => runs.feed(want), { otherwise: [], signal });
      after = page.at(-1)?.id ?? after;
      // What happened between the last page and the end stands in the history.
      for (const fact of over ? await history(run) : factsOf(page).filter((one) => one.run === run)) {
        if (!told.isNew(fact)) continue;
        yield fact;
        over ||= fact.type === 'run.completed' || fact.type === 'run.failed' || fact.type === 'run.canceled';
      }
    }
  } finally {
    ended.abort();
  }
}

interface NewFacts {
  readonly run: string;
  readonly partition: number;
  /** Id of the last entry of the feed that was read. */
  readonly after: string;
  readonly told: Told;
  readonly until: AbortSignal;
}

/** Facts that were told: a beginning is reported by the worker, and recorded with the outcome of its attempt. */
export class Told {
  readonly #names = new Set<string>();

  /** True once for each fact. */
  isNew(fact: Fact): boolean {
    const name =
      fact.type === 'step.working' ? `${fact.type} ${fact.step} ${String(fact.attempt)}` : JSON.stringify(fact);
    if (this.#names.has(name)) return false;
    this.#names.add(name);
    return true;
  }
}

/** What happens to all runs from now on, in order within a partition; ends when `until` is aborted. */
export async function* followAll(
  following: Following,
  { partitions, until }: { partitions: readonly number[]; until: AbortSignal },
): AsyncGenerator<Fact> {
  const ended = new AbortController();
  const { runs } = following;
  // A signal of its own for each, so that none waits behind the blocking read of another one.
  const signals = new Map(partitions.map((one) => [one, AbortSignal.any([until, ended.signal])]));
  const read = async (partition: number, after: string): Promise<Page> => {
    const signal = signals.get(partition) ?? until;
    const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
    const entries = await patiently(following, () => runs.feed(want), { otherwise: [], signal });
    return { partition, after: entries.at(-1)?.id ?? after, facts: factsOf(entries) };
  };
  try {
    const reads = new Map<number, Promise<Page>>();
    for (const partition of partitions) reads.set(partition, read(partition, await runs.feedHead(partition)));
    while (!until.aborted) {
      const page = await Promise.race(reads.values());
      reads.set(page.partition, read(page.partition, page.after));
      yield* page.facts;
    }
    await Promise.all(reads.values());
  } finally {
    ended.abort();
  }
}

/** See `Client.events`. */
export async function* followEvents(
  following: Following,
  { partitions, name, until }: { partitions: readonly number[]; name: string | null; until: AbortSignal },
): AsyncGenerator<EmittedEvent> {
  for await (const fact of followAll(following, { partitions, until }))
    if (fact.type === 'event.emitted' && (name === null || fact.event === name)) yield fact;
}

interface Page {
  readonly partition: number;
  readonly after: string;
  readonly facts: readonly Fact[];
}

export function factsOf(entries: readonly FeedEntry[]): readonly Fact[] {
  return entries.flatMap((entry) => JSON.parse(entry.facts) as Fact[]);
}

/** A read that waits for a store that does not answer; `otherwise` is what is known meanwhile. */
async function patiently<T>(
  { clock }: Following,
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
