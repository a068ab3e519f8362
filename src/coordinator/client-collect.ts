/**
 * Collecting: ended runs are archived and deleted when their time is over, and then whatever nobody names any more. Dying
 * anywhere in here is harmless: a run is deleted when its archive is on the disk, in one script, and all else is found
 * again. Several may collect at once.
 */
import type { CollectPort, RunHead, Stored } from '../core/keep-ports.js';
import type { Store } from '../core/ports.js';
import { RUN_STATUSES, runHasEnded } from '../core/statuses.js';
import { parseRecord, runRecordSchema } from '../machines/records.js';
import { archiveFile, archiveRun, type ArchiveWish } from './client-archive.js';
import type { Plans } from './plans.js';

export interface CollectWish {
  /** How long an ended run is kept whose workflow does not say, ms; null for ever. */
  readonly retentionMs: number | null;
  /** Null: runs are deleted without one. */
  readonly archive: ArchiveWish | null;
  /** Nothing is done, but everything that would be is told. */
  readonly dryRun: boolean;
  /** Whether dead letters go too, when they are as old as that. */
  readonly dead: boolean;
  /** Only these partitions; null for all. */
  readonly partitions: readonly number[] | null;
  /** Whether artifacts and definitions are looked for that nobody names: that reads all histories. */
  readonly contents: boolean;
  /** How long nobody may have touched them, ms. */
  readonly untouchedMs: number;
}

export interface Collected {
  /** Runs that went, with the file that they are archived in. */
  readonly runs: readonly { readonly run: string; readonly bytes: number; readonly file: string | null }[];
  /** Ended runs whose record cannot be read: nobody knows when they ended. */
  readonly unreadable: readonly string[];
  readonly artifacts: { readonly count: number; readonly bytes: number };
  readonly definitions: { readonly count: number; readonly bytes: number };
  readonly keys: number;
  readonly letters: number;
  readonly readers: number;
  readonly workers: number;
}

export interface CollectMeans {
  readonly store: Pick<Store, 'keeping' | 'runs' | 'namespace' | 'artifacts' | 'requests' | 'schedules'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly plans: Pick<Plans, 'get'>;
  readonly signal: AbortSignal;
}

/** As long as workers may hold what they have made before they answer. */
export const UNTOUCHED_MS = 24 * 3_600_000;
/** Readers and workers that were not heard of for so long are gone. */
const SILENT_MS = 3_600_000;
const PAGE = 200;
const KEYS_AT_ONCE = 1_000;
const ENDED = RUN_STATUSES.filter(runHasEnded);

type Due = RunHead & { readonly endedAt: number };
interface Counted {
  count: number;
  bytes: number;
}

export async function collect(means: CollectMeans, wish: CollectWish): Promise<Collected> {
  const { store, partitions, signal } = means;
  const found = {
    runs: [] as Collected['runs'][number][],
    unreadable: [] as string[],
    artifacts: { count: 0, bytes: 0 },
    definitions: { count: 0, bytes: 0 },
    keys: 0,
    letters: 0,
    readers: 0,
    workers: 0,
  };
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const gone = new Set<string>();
  for (const partition of wish.partitions ?? all) {
    if (signal.aborted) return found;
    for (const one of await collectRuns(means, wish, { partition, unreadable: found.unreadable })) {
      gone.add(one.run);
      found.runs.push(one);
    }
    if (wish.contents) await sweepArtifacts(means, wish, { partition, gone, swept: found.artifacts });
    found.keys += await forgetKeys(store.keeping, partition, wish);
    if (wish.dead) found.letters += await dropLetters(means, partition, wish);
    found.readers += await dismissReaders(means, partition, wish);
  }
  if (wish.contents && (wish.partitions ?? all).includes(0))
    await sweepDefinitions(means, wish, { partitions: all, gone, swept: found.definitions });
  found.workers = await forgetWorkers(means, wish);
  return found;
}

/** Outer runs first: those inside go with them, or after them. */
async function collectRuns(
  means: CollectMeans,
  wish: CollectWish,
  { partition, unreadable }: { partition: number; unreadable: string[] },
): Promise<readonly Collected['runs'][number][]> {
  const { keeping } = means.store;
  const now = await means.store.namespace.time();
  const ids = await keeping.runIds({ partition, statuses: ENDED, createdBefore: Number.POSITIVE_INFINITY });
  const gone: Collected['runs'][number][] = [];
  const removed = new Set<string>();
  const remove = async (due: Due): Promise<void> => {
    const one = await removeRun(means, wish, { partition, due });
    if (one === null) return;
    removed.add(one.run);
    gone.push(one);
  };
  for (const page of pagesOf(ids.filter((id) => !isInner(id)))) {
    if (means.signal.aborted) return gone;
    for (const head of await keeping.heads(partition, page)) {
      const due = dueOf(head, unreadable);
      const retentionMs = due === null ? null : await retentionOf(means, wish, due);
      if (due !== null && retentionMs !== null && due.endedAt + retentionMs <= now) await remove(due);
    }
  }
  for (const page of pagesOf(ids.filter(isInner))) {
    if (means.signal.aborted) return gone;
    const outer = await keeping.heads(partition, [...new Set(page.map(outerOf))]);
    const there = new Set(outer.map(({ run }) => run).filter((run) => !removed.has(run)));
    const orphans = page.filter((id) => !there.has(outerOf(id)));
    for (const head of await keeping.heads(partition, orphans)) {
      const due = dueOf(head, unreadable);
      if (due !== null) await remove(due);
    }
  }
  return gone;
}

async function removeRun(
  { store }: CollectMeans,
  { archive, dryRun }: CollectWish,
  { partition, due }: { partition: number; due: Due },
): Promise<Collected['runs'][number] | null> {
  const { run, endedAt, version, status } = due;
  const bytes = await store.keeping.bytesOf(partition, run);
  const file = archive === null ? null : archiveFile(archive, { partition, run, endedAt });
  if (dryRun) return { run, bytes, file };
  if (archive !== null) {
    // What was archived is what goes: a run that has moved on meanwhile is archived once more the next time.
    const archived = await archiveRun(store, { partition, run, endedAt }, archive);
    if (archived !== String(version)) return null;
  }
  return (await store.keeping.remove({ partition, run, version, status })) === 'removed' ? { run, bytes, file } : null;
}

/** Null for a run that nobody knows the end of. */
function dueOf(head: RunHead, unreadable: string[]): Due | null {
  try {
    const { endedAt } = parseRecord(runRecordSchema, head.record, `run ${head.run}`);
    if (endedAt !== null) return { ...head, endedAt };
  } catch {
    // Told below.
  }
  unreadable.push(head.run);
  return null;
}

/** Ms; null for ever. */
async function retentionOf(
  { plans }: CollectMeans,
  { retentionMs }: CollectWish,
  { definition }: RunHead,
): Promise<number | null> {
  const plan = await plans.get(definition).catch(() => null);
  const said = plan?.definition.retention;
  if (said === undefined) return retentionMs;
  return said === 'forever' ? null : said * 1_000;
}

async function sweepArtifacts(
  { store: { keeping } }: CollectMeans,
  wish: CollectWish,
  { partition, gone, swept }: { partition: number; gone: ReadonlySet<string>; swept: Counted },
): Promise<void> {
  const idle = untouched(await keeping.artifacts(partition), wish);
  await forgetMentioned(idle, keeping.mentions({ partition, without: gone }));
  for (const { hash, bytes } of idle.values()) {
    const want = { partition, hash, idleMs: wish.untouchedMs };
    if (!wish.dryRun && (await keeping.sweepArtifact(want)) !== 'removed') continue;
    swept.count++;
    swept.bytes += bytes;
  }
}

/** Those that no run and no schedule goes by, and that none of those goes by which one does. */
async function sweepDefinitions(
  { store: { keeping, namespace, schedules } }: CollectMeans,
  wish: CollectWish,
  { partitions, gone, swept }: { partitions: readonly number[]; gone: ReadonlySet<string>; swept: Counted },
): Promise<void> {
  const all = await keeping.definitions();
  const idle = untouched(all, wish);
  for (const partition of partitions) await forgetMentioned(idle, keeping.mentions({ partition, without: gone }));
  for (const { text } of (await schedules.all()).schedules) for (const hash of mentionedIn(text)) idle.delete(hash);
  const kept = all.map(({ hash }) => hash).filter((hash) => !idle.has(hash));
  for (let hash = kept.pop(); hash !== undefined && idle.size > 0; hash = kept.pop()) {
    const json = (await namespace.getDefinition(hash)) ?? '';
    for (const named of mentionedIn(json)) if (idle.delete(named)) kept.push(named);
  }
  for (const { hash, bytes } of idle.values()) {
    if (!wish.dryRun && (await keeping.sweepDefinition({ hash, idleMs: wish.untouchedMs })) !== 'removed') continue;
    swept.count++;
    swept.bytes += bytes;
  }
}

function untouched(all: readonly Stored[], { untouchedMs }: CollectWish): Map<string, Stored> {
  return new Map(all.filter(({ idleMs }) => idleMs >= untouchedMs).map((one) => [one.hash, one]));
}

/** Takes out what any of the texts names. Whatever looks like a hash counts as one. */
async function forgetMentioned(idle: Map<string, Stored>, texts: AsyncIterable<string>): Promise<void> {
  if (idle.size === 0) return;
  for await (const text of texts) {
    for (const hash of mentionedIn(text)) idle.delete(hash);
    if (idle.size === 0) return;
  }
}

function mentionedIn(text: string): readonly string[] {
  return text.match(/[0-9a-f]{64}/g) ?? [];
}

async function forgetKeys(keeping: CollectPort, partition: number, { dryRun }: CollectWish): Promise<number> {
  if (dryRun) return keeping.expiredKeys(partition);
  let forgotten = 0;
  for (;;) {
    const some = await keeping.forgetKeys(partition, KEYS_AT_ONCE);
    forgotten += some;
    if (some < KEYS_AT_ONCE) return forgotten;
  }
}

async function dropLetters(
  { store: { keeping, namespace } }: CollectMeans,
  partition: number,
  { retentionMs, dryRun }: CollectWish,
): Promise<number> {
  if (retentionMs === null) return 0;
  const until = (await namespace.time()) - retentionMs;
  let dropped = 0;
  for (let after = '0'; ; ) {
    const page = await keeping.letters({ partition, after, limit: PAGE });
    for (const letter of page) {
      if (letter.at > until) return dropped;
      if (dryRun || (await keeping.drop(letter, 'coord gc')) === 'dropped') dropped++;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return dropped;
    after = last.id;
  }
}

async function dismissReaders(
  { store: { keeping, requests } }: CollectMeans,
  partition: number,
  { dryRun }: CollectWish,
): Promise<number> {
  const readers = await keeping.idleReaders(partition, SILENT_MS);
  for (const { persona, worker } of dryRun ? [] : readers)
    await requests.leave({ partition, worker, personas: [persona] });
  return readers.length;
}

async function forgetWorkers({ store: { namespace } }: CollectMeans, { dryRun }: CollectWish): Promise<number> {
  const now = await namespace.time();
  const gone = (await namespace.listWorkers()).filter(({ seenAt }) => now - seenAt > SILENT_MS);
  for (const { worker } of dryRun ? [] : gone) await namespace.forgetWorker(worker);
  return gone.length;
}

/** A run inside another has a dot in its id, behind the id of the outermost one. */
function isInner(run: string): boolean {
  return run.includes('.');
}

function outerOf(run: string): string {
  return run.slice(0, run.indexOf('.'));
}

function* pagesOf(ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += PAGE) yield ids.slice(from, from + PAGE);
}
