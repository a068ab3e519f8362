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
  const ended = new AbortController();
  const { runs, history, hasEnded } = following;
  const signal = AbortSignal.any([until, ended.signal]);
  try {
    // The feed's head first: what happens between the two reads is then in both, and told once.
    let after = await runs.feedHead(partition);
    const told = new Set<string>();
    for (const fact of await history(run)) {
      told.add(nameOf(fact));
      yield fact;
    }
    for (let over = false; !signal.aborted && !over; ) {
      over = await patiently(following, () => hasEnded(run), { otherwise: false, signal });
      const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
      const page = over ? [] : await patiently(following, () => runs.feed(want), { otherwise: [], signal });
      after = page.at(-1)?.id ?? after;
      // What happened between the last page and the end stands in the history.
      for (const fact of over ? await history(run) : factsOf(page).filter((one) => one.run === run)) {
        if (told.has(nameOf(fact))) continue;
        told.add(nameOf(fact));
        yield fact;
        over ||= fact.type === 'run.completed' || fact.type === 'run.failed' || fact.type === 'run.canceled';
      }
    }
  } finally {
    ended.abort();
  }
}

/** See `Client.events`. */
export async function* followEvents(
  following: Following,
  { partitions, name, until }: { partitions: readonly number[]; name: string | null; until: AbortSignal },
): AsyncGenerator<EmittedEvent> {
  const ended = new AbortController();
  const signal = AbortSignal.any([until, ended.signal]);
  const { runs } = following;
  const read = async (partition: number, after: string): Promise<Page> => {
    const want = { partition, after, limit: PAGE, waitMs: FEED_WAIT_MS, signal };
    const entries = await patiently(following, () => runs.feed(want), { otherwise: [], signal });
    return { partition, after: entries.at(-1)?.id ?? after, facts: factsOf(entries) };
  };
  try {
    const reads = new Map<number, Promise<Page>>();
    for (const partition of partitions) reads.set(partition, read(partition, await runs.feedHead(partition)));
    while (!signal.aborted) {
      const page = await Promise.race(reads.values());
      reads.set(page.partition, read(page.partition, page.after));
      for (const fact of page.facts)
        if (fact.type === 'event.emitted' && (name === null || fact.event === name)) yield fact;
    }
    await Promise.all(reads.values());
  } finally {
    ended.abort();
  }
}

interface Page {
  readonly partition: number;
  readonly after: string;
  readonly facts: readonly Fact[];
}

function factsOf(entries: readonly FeedEntry[]): readonly Fact[] {
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

/** The same for the same fact: a beginning is reported by the worker, and recorded with the outcome of its attempt. */
function nameOf(fact: Fact): string {
  if (fact.type === 'step.working') return `${fact.type} ${fact.step} ${String(fact.attempt)}`;
  return JSON.stringify(fact);
}
