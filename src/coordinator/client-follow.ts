/** Following what happens: one run from its beginning to its end, or the events that all runs emit. */
import type { Clock } from '../core/clock.js';
import type { Fact } from '../core/facts.js';
import type { RunPort } from '../core/ports.js';
import { type Ear, factsOf, FEED_WAIT_MS, feedReaderOf, PAGE, patiently } from './feed-reader.js';

/** What following needs of the client. */
export interface Following {
  readonly runs: RunPort;
  readonly clock: Clock;
  readonly history: (run: string) => Promise<readonly Fact[]>;
  readonly hasEnded: (run: string) => Promise<boolean>;
}

export type EmittedEvent = Extract<Fact, { readonly type: 'event.emitted' }>;

/** A run that says nothing for so long is asked whether it is still there: what the feed has lost is not heard. */
const QUIET_MS = 2_000;

/** See `Client.follow`. */
export async function* followRun(
  following: Following,
  { run, partition, until }: { run: string; partition: number; until: AbortSignal },
): AsyncGenerator<Fact> {
  // The feed first: what happens between the two reads is then in both, and told once.
  const ear = await feedReaderOf(following, partition).listen(run);
  try {
    const told = new Told();
    for (const fact of await following.history(run)) if (told.isNew(fact)) yield fact;
    yield* newFacts(following, { run, ear, told, until });
  } finally {
    ear.close();
  }
}

/** What is heard of a run and not told yet; ends when the run has ended or `until` is aborted. */
export async function* newFacts(
  { clock, history, hasEnded }: Following,
  { run, ear, told, until }: { run: string; ear: Ear; told: Told; until: AbortSignal },
): AsyncGenerator<Fact> {
  for (let over = false, quiet = true; !until.aborted && !over; ) {
    if (quiet) over = await patiently(clock, () => hasEnded(run), { otherwise: false, signal: until });
    const heard = over ? [] : await ear.take(QUIET_MS, until);
    quiet = heard.length === 0;
    // What happened before the end and was not heard of stands in the history.
    for (const fact of over ? await history(run) : heard) {
      if (!told.isNew(fact)) continue;
      yield fact;
      over ||= fact.type === 'run.completed' || fact.type === 'run.failed' || fact.type === 'run.canceled';
    }
  }
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
  const { runs, clock } = following;
  // A signal of its own for each, so that none waits behind the blocking read of another one.
  const signals = new Map(partitions.map((one) => [one, AbortSignal.any([until, ended.signal])]));
  const read = async (partition: number, after: string): Promise<Page> => {
    const signal = signals.get(partition) ?? until;
    const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
    const entries = await patiently(clock, () => runs.feed(want), { otherwise: [], signal });
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
