/** Events that runs emit, for the schedules that they start: read from the feeds of all partitions, each entry once for all. */
import type { Fact } from '../core/facts.js';
import type { FeedEntry, RunPort } from '../core/ports.js';
import type { Candidate } from './schedule-moves.js';
import type { ScheduleRecord } from './schedule-record.js';

export interface Heard {
  readonly candidates: readonly Candidate[];
  /** Up to where each partition was read. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Whether so much was read that it is worth storing although nothing counted. */
  readonly far: boolean;
  /** Whether events may have been forgotten before they were read: the feed keeps the newest only. */
  readonly lost: boolean;
}

const PAGE = 500;

export class ScheduleFeeds {
  readonly #params: { readonly runs: Pick<RunPort, 'feed'>; readonly partitions: number; readonly signal: AbortSignal };

  constructor(params: { runs: Pick<RunPort, 'feed'>; partitions: number; signal: AbortSignal }) {
    this.#params = params;
  }

  /** The oldest entry that each partition had when this began to read. */
  #oldest: ReadonlyMap<string, string> | null = null;

  /** What was emitted since the schedules have read, a page of it. */
  async read(records: readonly ScheduleRecord[]): Promise<{ for(record: ScheduleRecord): Heard | null }> {
    const listening = records.filter(({ spec, paused }) => spec.trigger.kind === 'event' && paused === null);
    const pages = new Map<string, readonly FeedEntry[]>();
    const { runs, partitions, signal } = this.#params;
    const oldest = listening.length === 0 ? new Map<string, string>() : (this.#oldest ??= await this.#oldestEntries());
    for (let partition = 0; partition < partitions && listening.length > 0; partition++) {
      const after = listening.map(({ feeds }) => feeds[String(partition)] ?? '0').reduce(earlier);
      const page = await runs.feed({ partition, after, limit: PAGE, waitMs: 1, signal });
      if (page.length > 0) pages.set(String(partition), page);
    }
    return { for: (record) => (listening.includes(record) && pages.size > 0 ? heardBy(record, pages, oldest) : null) };
  }

  async #oldestEntries(): Promise<ReadonlyMap<string, string>> {
    const { runs, partitions, signal } = this.#params;
    const found = new Map<string, string>();
    for (let partition = 0; partition < partitions; partition++) {
      const [first] = await runs.feed({ partition, after: '0', limit: 1, waitMs: 1, signal });
      if (first !== undefined) found.set(String(partition), first.id);
    }
    return found;
  }
}

function heardBy(
  record: ScheduleRecord,
  pages: ReadonlyMap<string, readonly FeedEntry[]>,
  oldest: ReadonlyMap<string, string>,
): Heard | null {
  const { trigger } = record.spec;
  const candidates: Candidate[] = [];
  const feeds: Record<string, string> = {};
  let read = 0;
  for (const [partition, page] of pages) {
    const from = record.feeds[partition] ?? '0';
    const fresh = page.filter(({ id }) => isAfter(id, from));
    read += fresh.length;
    feeds[partition] = fresh.at(-1)?.id ?? from;
    for (const { id, facts } of fresh)
      for (const [index, fact] of (JSON.parse(facts) as readonly Fact[]).entries()) {
        if (fact.type !== 'event.emitted' || trigger.kind !== 'event' || fact.event !== trigger.event) continue;
        const { event: name, run, step, data, at } = fact;
        candidates.push({
          id: `event:${partition}:${id}:${String(index)}`,
          at,
          event: { name, run, step, data },
          change: null,
        });
      }
  }
  const far = read >= PAGE / 2;
  const lost = [...pages.keys()].some((partition) => {
    const from = record.feeds[partition] ?? '0';
    return from !== '0' && isAfter(oldest.get(partition) ?? '0', from);
  });
  return { candidates: candidates.toSorted((a, b) => a.at - b.at), feeds, far, lost };
}

/** Ids are `<ms>-<n>`. */
function isAfter(id: string, other: string): boolean {
  const [ms = 0, count = 0] = id.split('-').map(Number);
  const [otherMs = 0, otherCount = 0] = other.split('-').map(Number);
  return ms > otherMs || (ms === otherMs && count > otherCount);
}

function earlier(a: string, b: string): string {
  return isAfter(a, b) ? b : a;
}
