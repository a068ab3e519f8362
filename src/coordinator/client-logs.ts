/** What personas report: attempts as they begin and end, and their progress, of which only the feed tells. */
import type { Fact } from '../core/facts.js';
import { journalMessages } from '../core/journal.js';
import type { ArtifactRef } from '../core/exchange.js';
import { type Following, newFacts, Told } from './client-follow.js';
import { type Ear, factsOf, feedReaderOf, PAGE } from './feed-reader.js';

const LOGGED: ReadonlySet<Fact['type']> = new Set([
  'step.working',
  'step.progress',
  'step.succeeded',
  'step.retrying',
  'step.failed',
  'step.canceled',
]);

export interface LogsWanted {
  readonly run: string;
  readonly partition: number;
  /** Whether to go on with what follows. */
  readonly live: boolean;
  readonly until: AbortSignal;
}

/** A fact of an attempt, with what the attempt left. */
export interface LogEntry {
  readonly fact: Fact;
  /** Empty while it is under way. */
  readonly artifacts: readonly ArtifactRef[];
}

/** See `Observer.logs`. */
export async function* logsOf(following: Following, wanted: LogsWanted): AsyncGenerator<LogEntry> {
  const { run, partition, live } = wanted;
  // The feed first, as when a run is followed: nothing that happens meanwhile is missed.
  const ear = live ? await feedReaderOf(following, partition).listen(run) : null;
  try {
    const told = new Told();
    const replies = new Replies(following, wanted);
    for await (const fact of toBeLogged(following, { wanted, told, ear }))
      yield { fact, artifacts: await replies.leftBy(fact) };
  } finally {
    ear?.close();
  }
}

async function* toBeLogged(
  following: Following,
  { wanted, told, ear }: { wanted: LogsWanted; told: Told; ear: Ear | null },
): AsyncGenerator<Fact> {
  const { run, partition, until } = wanted;
  const head = await following.runs.feedHead(partition);
  const past = [...(await following.history(run)), ...(await reported(following, wanted, head))];
  // Stable: of one moment, what the history says comes first.
  for (const fact of past.toSorted((a, b) => a.at - b.at)) if (told.isNew(fact) && LOGGED.has(fact.type)) yield fact;
  if (ear === null) return;
  for await (const fact of newFacts(following, { run, ear, told, until })) if (LOGGED.has(fact.type)) yield fact;
}

/** What the attempts left that were tried again: no fact names it, but the reply in the history does. */
class Replies {
  readonly #following: Following;
  readonly #wanted: LogsWanted;
  /** By inbox id of the reply. */
  readonly #left = new Map<string, readonly ArtifactRef[]>();
  #after = '0';

  constructor(following: Following, wanted: LogsWanted) {
    this.#following = following;
    this.#wanted = wanted;
  }

  async leftBy(fact: Fact): Promise<readonly ArtifactRef[]> {
    if (fact.type === 'step.succeeded' || fact.type === 'step.failed') return fact.artifacts;
    if (fact.type !== 'step.retrying' || fact.cause === null) return [];
    if (!this.#left.has(fact.cause)) await this.#readOn();
    return this.#left.get(fact.cause) ?? [];
  }

  async #readOn(): Promise<void> {
    const { run, partition } = this.#wanted;
    for (;;) {
      const page = await this.#following.runs.history({ partition, run, after: this.#after, limit: PAGE });
      for (const { id, messages } of page) {
        this.#after = id;
        for (const message of journalMessages(messages))
          if (message.kind === 'reply' && message.reply.artifacts.length > 0)
            this.#left.set(message.id, message.reply.artifacts);
      }
      if (page.length < PAGE) return;
    }
  }
}

/** What workers have said, as far as the feed still has it. */
async function reported({ runs }: Following, { run, partition, until }: LogsWanted, head: string): Promise<Fact[]> {
  const found: Fact[] = [];
  const reader = new AbortController();
  const signal = AbortSignal.any([until, reader.signal]);
  try {
    if (head === '0') return found;
    for (let after = '0'; after !== head && !signal.aborted; ) {
      const page = await runs.feed({ partition, after, limit: PAGE, waitMs: 1, signal });
      for (const entry of page) {
        for (const fact of factsOf([entry]))
          if (fact.run === run && (fact.type === 'step.progress' || fact.type === 'step.working')) found.push(fact);
        after = entry.id;
        if (after === head) break;
      }
      // Nothing is left of what there was.
      if (page.length === 0) break;
    }
    return found;
  } finally {
    reader.abort();
  }
}
