/** What became of a message that a client has stored: the facts of the transition that took it. */
import type { Clock } from '../core/clock.js';
import type { Fact } from '../core/facts.js';
import { partitionOf } from '../core/ids.js';
import type { Store } from '../core/ports.js';

export interface OutcomeMeans {
  readonly runs: Pick<Store['runs'], 'feed' | 'feedHead' | 'history'>;
  readonly partitions: number;
  readonly clock: Clock;
}

/** `since`: the version that the run had before it was sent. */
export interface Stored {
  readonly run: string;
  readonly entry: string;
  readonly since: number;
}

export interface Patience {
  /** How long it is waited for. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

const PAGE = 500;
/** A blocked read is begun anew, so that nothing that it has missed is waited for. */
const LOOK_AGAIN_MS = 1_000;

/** The facts that it has caused, once the run has taken it; null when that has not happened in time. */
export async function factsCausedBy(
  { runs, partitions, clock }: OutcomeMeans,
  { run, entry, since }: Stored,
  { waitMs, signal }: Patience,
): Promise<readonly Fact[] | null> {
  const partition = partitionOf(run, partitions);
  const until = clock.monotonic() + waitMs;
  // Taken before the first look, so that nothing falls between that and the first wait.
  let head = await runs.feedHead(partition);
  for (let after = '0'; ; ) {
    for (let more = true; more; ) {
      const page = await runs.history({ partition, run, after, limit: PAGE });
      for (const { version, facts } of page) {
        if ((version ?? 0) <= since) continue;
        const caused = (JSON.parse(facts) as readonly Fact[]).filter(({ cause }) => cause === entry);
        if (caused.length > 0) return caused;
      }
      after = page.at(-1)?.id ?? after;
      more = page.length === PAGE;
    }
    for (let moved = false; !moved; ) {
      const left = until - clock.monotonic();
      if (left <= 0 || signal.aborted) return null;
      const news = await runs.feed({
        partition,
        after: head,
        limit: PAGE,
        waitMs: Math.min(left, LOOK_AGAIN_MS),
        signal,
      });
      head = news.at(-1)?.id ?? head;
      moved = news.length === 0 || news.some(({ facts }) => facts.includes(run));
    }
  }
}
