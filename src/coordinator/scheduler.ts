/**
 * Starts the runs that schedules ask for, beside the owner of partition 0: one coordinator at a time, as far as leases can
 * say. Beyond that nothing rests on being alone. What is due is first decided and stored under the version that was read,
 * then started under a key that the decision names, then struck off: dying anywhere in between, or being two, repeats a
 * start that has happened already, which changes nothing.
 */
import type { Clock } from '../core/clock.js';
import { CoordError, hasCode, messageOf } from '../core/errors.js';
import type { Store } from '../core/ports.js';
import type { StoredSchedule } from '../core/schedule-port.js';
import type { Client } from './client.js';
import type { Report } from './events.js';
import { Plans } from './plans.js';
import { ScheduleFeeds } from './schedule-feeds.js';
import { decideByEvents, decideByLook, decideByTime, nextLook, nextStart, settleStart } from './schedule-moves.js';
import { parseSchedule, type Queued, type ScheduleRecord, type ScheduleSpec } from './schedule-record.js';
import { ScheduleStarts } from './schedule-starts.js';

export interface SchedulerParams {
  readonly store: Pick<Store, 'schedules' | 'namespace' | 'runs'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly client: Pick<Client, 'start' | 'cancel'>;
  readonly clock: Clock;
  readonly report: Report;
  /** The commit that is checked out in a repository. Throws WORKSPACE_INVALID. */
  readonly headOf: (repo: string) => Promise<string>;
  /** What there is to see of the branch or the files that a schedule watches, by name. Throws WORKSPACE_INVALID. */
  readonly look: (spec: ScheduleSpec) => Promise<Readonly<Record<string, string>>>;
}

/** Schedules are changed by others, and runs end by themselves: nobody looks away for longer. */
const LOOK_EVERY_MS = 1_000;
/** How far events are read is stored so often although none counts, so that whoever takes over knows what is new. */
const STORED_EVERY_MS = 60_000;
/** What is watched outside the store is not looked at more often. */
const WATCH_EVERY_MS = 2_000;
/** When it could not be looked at. */
const WATCH_AGAIN_MS = 20_000;
const AFTER_ERROR_MS = 500;
/** A failover may bring back versions that were given before, so nothing is believed for longer than this. */
const BELIEVED_MS = 60_000;
/** A schedule that has much to do lets others go first now and then. */
const MOVES_AT_ONCE = 20;

interface Known {
  readonly version: number;
  readonly record: ScheduleRecord;
}

export class Scheduler {
  readonly #params: SchedulerParams;
  readonly #starts: ScheduleStarts;
  #work: Promise<void> = Promise.resolve();
  /** By name, as they were read or written last. */
  #known = new Map<string, Known>();
  #mark = -1;
  #readAt = 0;
  /** When it was stored last how far events are read, by name. */
  readonly #storedAt = new Map<string, number>();
  /** When what is watched is looked at next, by name. */
  readonly #watchAt = new Map<string, number>();
  /** Those that cannot be read, and what was said of them. */
  readonly #unreadable = new Map<string, number>();

  constructor(params: SchedulerParams) {
    this.#params = params;
    const { store, client, partitions, headOf } = params;
    this.#starts = new ScheduleStarts({ store, client, partitions, headOf, plans: new Plans(store.namespace) });
  }

  /** Works until then; what worked before is let finish first. */
  own(until: AbortSignal): void {
    this.#work = this.#work.then(() => this.#loop(until));
  }

  /** Resolves when nothing works any more. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #loop(until: AbortSignal): Promise<void> {
    const { clock, report, store, partitions } = this.#params;
    const feeds = new ScheduleFeeds({ runs: store.runs, partitions, signal: until });
    this.#mark = -1;
    while (!until.aborted) {
      let waitMs = AFTER_ERROR_MS;
      try {
        waitMs = await this.#look(feeds, until);
      } catch (error) {
        this.#mark = -1;
        if (!until.aborted) report({ type: 'schedule.interrupted', schedule: null, error });
      }
      await clock.sleep(waitMs, until);
    }
  }

  /** Once over all of them; returns when to look again, in ms from now. */
  async #look(feeds: ScheduleFeeds, until: AbortSignal): Promise<number> {
    const { store, report } = this.#params;
    const now = await store.namespace.time();
    await this.#read(now);
    const emitted = await feeds.read([...this.#known.values()].map(({ record }) => record));
    let waitMs = LOOK_EVERY_MS;
    for (const [name, known] of this.#known) {
      if (until.aborted) break;
      try {
        await this.#listen(name, known, { emitted, now });
        await this.#watch(name, now);
        waitMs = Math.min(waitMs, await this.#move(name, until));
      } catch (error) {
        // What was sent and not answered may have happened or not: all is read again, and others are not held up.
        this.#mark = -1;
        waitMs = Math.min(waitMs, AFTER_ERROR_MS);
        report({ type: 'schedule.interrupted', schedule: name, error });
      }
    }
    return waitMs;
  }

  /** All schedules, when any has changed since. */
  async #read(now: number): Promise<void> {
    const { schedules } = this.#params.store;
    if (this.#mark !== -1 && now - this.#readAt < BELIEVED_MS && (await schedules.mark()) === this.#mark) return;
    const all = await schedules.all();
    this.#known = new Map(all.schedules.flatMap((stored) => this.#parsed(stored)));
    this.#mark = all.mark;
    this.#readAt = now;
  }

  #parsed(stored: StoredSchedule): readonly [string, Known][] {
    const { name, version } = stored;
    try {
      return [[name, { version, record: parseSchedule(stored) }]];
    } catch (error) {
      if (this.#unreadable.get(name) !== version)
        this.#params.report({ type: 'schedule.interrupted', schedule: name, error });
      this.#unreadable.set(name, version);
      return [];
    }
  }

  /** Takes in what was emitted. How far it was read is stored with the first event that counts, else now and then. */
  async #listen(
    name: string,
    known: Known,
    { emitted, now }: { emitted: Awaited<ReturnType<ScheduleFeeds['read']>>; now: number },
  ): Promise<void> {
    const { record } = known;
    const heard = record.spec.trigger.kind === 'event' ? emitted.for(record) : null;
    if (heard === null) return;
    const busy = heard.candidates.length > 0 && (await this.#starts.stillOpen(record)).length > 0;
    const next = decideByEvents(record, heard.candidates, { now, busy, feeds: heard.feeds, lost: heard.lost });
    const since = now - (this.#storedAt.get(name) ?? 0);
    if (heard.candidates.length > 0 || heard.far || heard.lost || since > STORED_EVERY_MS) {
      this.#storedAt.set(name, now);
      if (await this.#write(name, next, known.version)) this.#tellSkipped(record, next);
    } else this.#known.set(name, { ...known, record: next });
  }

  /** Looks at the branch or the files that it watches, now and then. */
  async #watch(name: string, now: number): Promise<void> {
    const known = this.#known.get(name);
    if (known === undefined || known.record.paused !== null || now < (this.#watchAt.get(name) ?? 0)) return;
    const { record, version } = known;
    if (record.spec.trigger.kind !== 'branch' && record.spec.trigger.kind !== 'files') return;
    this.#watchAt.set(name, now + WATCH_AGAIN_MS);
    const found = await this.#params.look(record.spec);
    this.#watchAt.set(name, now + WATCH_EVERY_MS);
    const busy = (await this.#starts.stillOpen(record)).length > 0;
    const next = decideByLook(record, found, { now, busy });
    if (next === null) return;
    if (await this.#write(name, next, version)) this.#tellSkipped(record, next);
  }

  /** Decides and starts what is due of one schedule; returns when to look again, in ms. */
  async #move(name: string, until: AbortSignal): Promise<number> {
    const { store } = this.#params;
    for (let moves = 0; moves < MOVES_AT_ONCE && !until.aborted; moves++) {
      const known = this.#known.get(name);
      if (known === undefined) return LOOK_EVERY_MS;
      const { record } = known;
      const now = await store.namespace.time();
      const look = nextLook(record);
      if (look === null || look > now) return look === null ? LOOK_EVERY_MS : look - now;
      const open = await this.#starts.stillOpen(record);
      const busy = open.length > 0;
      const decided = decideByTime(record, { now, busy });
      if (decided !== null) {
        if (await this.#write(name, decided, known.version)) this.#tellSkipped(record, decided);
        continue;
      }
      const queued = nextStart(record, { now, busy });
      if (queued === null) return LOOK_EVERY_MS;
      await this.#start({ name, known, queued, open });
    }
    return 0;
  }

  async #start({
    name,
    known: { record, version },
    queued,
    open,
  }: {
    name: string;
    known: Known;
    queued: Queued;
    open: readonly string[];
  }): Promise<void> {
    const { store, report } = this.#params;
    let run: string | null = null;
    let error: string | null = null;
    try {
      run = await this.#starts.start(record, queued, open);
    } catch (thrown) {
      // Short of memory, or not answered: the same start is tried again.
      if (!(thrown instanceof CoordError) || thrown.retryable || hasCode(thrown, 'REDIS_FULL')) throw thrown;
      error = messageOf(thrown);
    }
    const now = await store.namespace.time();
    await this.#write(name, settleStart(record, queued, { now, run, error, open }), version);
    if (run !== null) report({ type: 'schedule.started', schedule: name, at: queued.at, run });
    else report({ type: 'schedule.failed', schedule: name, at: queued.at, error: error ?? '' });
  }

  #tellSkipped(before: ScheduleRecord, after: ScheduleRecord): void {
    const fresh = after.recent.filter((one) => !before.recent.includes(one));
    for (const { at, outcome, count } of fresh)
      if (outcome === 'skipped' || outcome === 'missed')
        this.#params.report({ type: 'schedule.left-out', schedule: before.name, at, outcome, count });
  }

  /** False when somebody else has changed it, so that it is not at that version: then all are read again. */
  async #write(name: string, record: ScheduleRecord, expected: number): Promise<boolean> {
    const written = await this.#params.store.schedules.write({ name, expected, text: JSON.stringify(record) });
    if (written.outcome === 'stale') {
      this.#mark = -1;
      this.#known.delete(name);
      return false;
    }
    this.#known.set(name, { record, version: written.version });
    if (written.version === this.#mark + 1) this.#mark = written.version;
    else this.#mark = -1;
    return true;
  }
}
