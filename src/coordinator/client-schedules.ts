/** What programs and the command line do with schedules: add, change, look, pause, and start one by hand. */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import { canonicalJson, type JsonObject, sha256 } from '../core/json.js';
import type { Store } from '../core/ports.js';
import type { StoredSchedule } from '../core/schedule-port.js';
import { didYouMean } from '../core/suggest.js';
import type { WorkflowDefinition } from '../definition/workflow.js';
import { checkInner } from './client-requests.js';
import { anchorOf, checkSample, fresh, type ScheduleRequest, specOf } from './client-schedule-requests.js';
import { Plans } from './plans.js';
import { type Due, nextDue, QUEUE_LIMIT } from './schedule-moves.js';
import { parseSchedule, type Queued, rhythmOf, type ScheduleRecord, startKey } from './schedule-record.js';
import { firedRun, taskOf } from './schedule-starts.js';
import { untilKnown } from './until-known.js';

export type { ScheduleRequest } from './client-schedule-requests.js';
export type { Firing, ScheduleRecord, ScheduleSpec } from './schedule-record.js';

export interface SchedulesParams {
  readonly store: Pick<Store, 'schedules' | 'namespace' | 'runs'>;
  /** As the namespace says. */
  readonly partitions: number;
  readonly clock: Clock;
}

/** `error` says why one cannot be read; then nothing else of it is known. */
export type ListedSchedule =
  | { readonly name: string; readonly schedule: ScheduleRecord; readonly next: number | null; readonly error: null }
  | { readonly name: string; readonly schedule: null; readonly next: null; readonly error: string };

/** How often a change is made anew because somebody else was first. */
const TRIES = 20;

export class Schedules {
  readonly #params: SchedulesParams;
  readonly #plans: Plans;

  constructor(params: SchedulesParams) {
    this.#params = params;
    this.#plans = new Plans(params.store.namespace);
  }

  /**
   * Adds a schedule, or changes the one of that name; what it did and what waits to be started is kept. Begins with what is
   * due from now on, unless when it is due stays as it was. Throws TASK_INVALID for a task that the workflow does not take
   * with what a schedule adds to it, EXPRESSION_FAILED, DEFINITION_MISSING.
   */
  async add(request: ScheduleRequest): Promise<{ outcome: 'added' | 'changed' | 'same'; schedule: ScheduleRecord }> {
    const { definition, inner } = request;
    const { name, paused } = request.draft;
    const spec = specOf(request);
    checkInner(definition, inner);
    checkSample({ name, spec }, definition);
    await this.#putDefinitions([...inner, definition]);
    const feeds = spec.trigger.kind === 'event' ? await this.#feedHeads() : {};
    let outcome: 'added' | 'changed' | 'same' = 'same';
    const schedule = await this.#change(name, (before, now) => {
      const pause = paused ? (before?.paused ?? { at: now, by: request.by }) : null;
      if (before === null) {
        outcome = 'added';
        const empty = { seen: null, changes: 0, queue: [], open: [], recent: [] };
        return {
          ...fresh(request, spec, now),
          ...empty,
          revision: 1,
          paused: pause,
          anchor: anchorOf(spec, now),
          cursor: now,
          feeds,
        };
      }
      const sameSpec = canonical(before.spec) === canonical(spec);
      if (sameSpec && (before.paused === null) === !paused) return before;
      outcome = 'changed';
      const sameTrigger = canonical(before.spec.trigger) === canonical(spec.trigger) && before.paused === null;
      const since = sameTrigger
        ? { feeds: before.feeds, cursor: before.cursor, seen: before.seen }
        : { feeds, cursor: now, seen: null };
      const anchor = sameTrigger && before.spec.startsAt === spec.startsAt ? before.anchor : anchorOf(spec, now);
      const revision = before.revision + (sameSpec ? 0 : 1);
      return { ...before, ...fresh(request, spec, now), ...since, anchor, revision, paused: pause };
    });
    return { outcome, schedule };
  }

  /** In order of their names. */
  async list(): Promise<readonly ListedSchedule[]> {
    const { schedules } = await this.#params.store.schedules.all();
    return schedules.map(listed);
  }

  /** Throws SCHEDULE_NOT_FOUND, SCHEDULE_UNREADABLE, FORMAT_UNKNOWN. */
  async get(name: string): Promise<ScheduleRecord> {
    const stored = await this.#params.store.schedules.get(name);
    if (stored === null) throw await this.#unknown(name);
    return parseSchedule(stored);
  }

  /** Takes it out; its runs go on. Throws SCHEDULE_NOT_FOUND. */
  async remove(name: string): Promise<void> {
    const { schedules } = this.#params.store;
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await schedules.get(name);
      if (stored === null && tries > 0) return;
      if (stored === null) throw await this.#unknown(name);
      const change = { name, expected: stored.version, text: null };
      if ((await untilKnown(this.#params.clock, () => schedules.write(change))).outcome === 'ok') return;
    }
    throw crowded(name);
  }

  /** Nothing starts until `resume`, not what waits either. False: it was paused already. */
  async pause(name: string, by: string): Promise<boolean> {
    let changed = false;
    await this.#changeKnown(name, (record, now) => {
      changed = record.paused === null;
      return changed ? { ...record, paused: { at: now, by } } : record;
    });
    return changed;
  }

  /** What was due meanwhile is not made up for. False: it was not paused. */
  async resume(name: string): Promise<boolean> {
    const heads = await this.#feedHeads();
    let changed = false;
    await this.#changeKnown(name, (record, now) => {
      changed = record.paused !== null;
      const feeds = record.spec.trigger.kind === 'event' ? heads : {};
      return changed ? { ...record, paused: null, cursor: Math.max(now, record.cursor), feeds, seen: null } : record;
    });
    return changed;
  }

  /**
   * Has it start a run as soon as a coordinator looks; with `queue`, when the run before is over. Returns the id of the run.
   * Throws USAGE for one that is paused, or that has too many waiting.
   */
  async runNow(name: string): Promise<string> {
    const before = await this.get(name);
    const { definition } = await this.#plans.get(before.spec.definition);
    let queued: Queued | null = null;
    const after = await this.#changeKnown(name, (record, now) => {
      if (record.paused !== null)
        throw new CoordError('USAGE', `schedule ${name} is paused; coord schedule resume ${name}`);
      if (record.queue.length >= QUEUE_LIMIT)
        throw new CoordError('USAGE', `schedule ${name} has ${String(QUEUE_LIMIT)} starts waiting already`);
      // A change whose answer was lost and that was made: it is the same one.
      const asked = queued === null ? null : record.queue.find(({ id }) => id === queued?.id);
      if (asked !== undefined && asked !== null) return record;
      const { revision } = record;
      queued = { id: `hand:${String(now)}`, revision, at: now, due: now, reason: 'hand', event: null, change: null };
      return { ...record, queue: [...record.queue, queued] };
    });
    const asked: Queued = queued ?? crowdedStart(name);
    const task = taskOf(after, asked);
    return firedRun({ definition, task, key: startKey(name, asked), partitions: this.#params.partitions });
  }

  /** When it is due next, from now on; empty when events start it. Throws SCHEDULE_NOT_FOUND. */
  async next(name: string, count: number): Promise<readonly number[]> {
    const record = await this.get(name);
    return nextInstants(record, await this.time(), count);
  }

  /** The store's clock, ms. */
  time(): Promise<number> {
    return this.#params.store.namespace.time();
  }

  async #changeKnown(
    name: string,
    change: (record: ScheduleRecord, now: number) => ScheduleRecord,
  ): Promise<ScheduleRecord> {
    await this.get(name);
    return this.#change(name, (record, now) => {
      if (record === null) throw new CoordError('SCHEDULE_NOT_FOUND', `schedule ${name} was taken out meanwhile`);
      return change(record, now);
    });
  }

  /** Reads, changes and writes, until nobody else has written in between. A record that stays as it is is not written. */
  async #change(
    name: string,
    change: (before: ScheduleRecord | null, now: number) => ScheduleRecord,
  ): Promise<ScheduleRecord> {
    const { schedules, namespace } = this.#params.store;
    for (let tries = 0; tries < TRIES; tries++) {
      const [stored, now] = await Promise.all([schedules.get(name), namespace.time()]);
      const before = stored === null ? null : parseSchedule(stored);
      const after = change(before, now);
      if (after === before) return after;
      const written = { name, expected: stored?.version ?? 0, text: JSON.stringify(after) };
      if ((await untilKnown(this.#params.clock, () => schedules.write(written))).outcome === 'ok') return after;
      // Refused since it was written the first time, and only the answer was lost.
      if ((await schedules.get(name))?.text === written.text) return after;
    }
    throw crowded(name);
  }

  async #putDefinitions(definitions: readonly WorkflowDefinition[]): Promise<void> {
    for (const definition of definitions) {
      const json = canonicalJson(definition as unknown as JsonObject);
      await untilKnown(this.#params.clock, () => this.#params.store.namespace.putDefinition(sha256(json), json));
    }
  }

  /** Events count from now on. */
  async #feedHeads(): Promise<Readonly<Record<string, string>>> {
    const { store, partitions } = this.#params;
    const heads = await Promise.all(
      Array.from({ length: partitions }, async (_, partition) => [
        String(partition),
        await store.runs.feedHead(partition),
      ]),
    );
    return Object.fromEntries(heads) as Record<string, string>;
  }

  async #unknown(name: string): Promise<CoordError> {
    const names = (await this.#params.store.schedules.all()).schedules.map((stored) => stored.name);
    const known = names.length === 0 ? 'There is none; coord schedule add' : 'See `coord schedule list`.';
    return new CoordError('SCHEDULE_NOT_FOUND', `there is no schedule "${name}".${didYouMean(name, names)} ${known}`);
  }
}

/** The next instants of a schedule after `after`, ms. */
export function nextInstants(record: Due, after: number, count: number): readonly number[] {
  const found: number[] = [];
  for (let at = nextDue(record, after); at !== null && found.length < count; at = nextDue(record, at)) found.push(at);
  return found;
}

function listed(stored: StoredSchedule): ListedSchedule {
  const { name } = stored;
  try {
    const schedule = parseSchedule(stored);
    return { name, schedule, next: schedule.paused === null ? nextDue(schedule, schedule.cursor) : null, error: null };
  } catch (error) {
    if (!(error instanceof CoordError)) throw error;
    return { name, schedule: null, next: null, error: error.message };
  }
}

function canonical(value: object): string {
  return canonicalJson(value as unknown as JsonObject);
}

function crowded(name: string): CoordError {
  return new CoordError('OUTCOME_UNKNOWN', `schedule ${name} is changed by others all the time; try again`);
}

function crowdedStart(name: string): never {
  throw crowded(name);
}

/** Whether anything of it happens by itself: while there is such a schedule, somebody has to be there. */
export function isAwake(stored: StoredSchedule, now: number): boolean {
  const { schedule, next } = listed(stored);
  if (schedule === null || schedule.paused !== null) return false;
  if (schedule.queue.length > 0 || next !== null) return true;
  return rhythmOf(schedule) === null && (schedule.spec.endsAt ?? Number.POSITIVE_INFINITY) > now;
}
