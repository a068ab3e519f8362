/** What the steps of one run wait for: each open step as a link to what holds it up. */
import { CoordError } from '../core/errors.js';
import type { InspectedFields } from '../core/inspection-port.js';
import type { Claim } from '../core/messages.js';
import { stepIsSettled } from '../core/statuses.js';
import type { RunView, StepView } from '../core/views.js';
import { frameOf, type ListInstance, openLists, planned, rootOf, type Run } from '../machines/instances.js';
import type { RunRecord } from '../machines/records.js';
import type { Cause, Reason } from '../core/causes.js';
import { itemsTouched } from './view.js';
import { type Link, link, mostUrgent } from './why-chain.js';

/** A run as it was read. */
export interface Read {
  readonly partition: number;
  readonly view: RunView;
  readonly record: RunRecord;
  readonly run: Run;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly fields: InspectedFields | null;
  readonly limit: number | null;
}

/** What a step's waiting may lead to outside of its run. */
export interface Outside {
  readonly now: number;
  /** Who asks whom, and since when. */
  asked(read: Read, step: StepView): Promise<Link>;
  held(read: Read, step: StepView, claim: Claim): Link;
  /** Messages to the run that are not applied; null when there are none. */
  unapplied(read: Read, step: string | null, since: number | null): Promise<Link | null>;
  /** When the timer of a step is due, ms; null: it has none. */
  dueAt(read: Read, kind: 'retry' | 'wait', step: StepView): Promise<number | null>;
  /** What is in the way of something whose time has come: nobody who moves the partition, or null. */
  unowned(read: Read): Promise<Link | null>;
  /** Who holds the lock that a step waits for, and what that waits for. */
  lock(read: Read, step: Pick<StepView, 'id' | 'begunAt'>, name: string): Promise<Link>;
  /** What a run inside waits for. */
  inside(run: string): Promise<Link | null>;
}

interface Open {
  readonly view: StepView;
  readonly inside: readonly ListInstance[];
}

export class StepLinks {
  readonly #read: Read;
  readonly #outside: Outside;
  readonly #open = new Map<string, Open>();
  readonly #links = new Map<string, Link>();
  readonly #own: string[] = [];

  constructor(read: Read, outside: Outside) {
    this.#read = read;
    this.#outside = outside;
    const views = new Map(read.view.steps.map((view) => [view.id, view]));
    this.#walk(rootOf(read.run), views);
  }

  /** A link for every open step: those that hold others up first, each in the order of the workflow. */
  async all(): Promise<readonly Link[]> {
    for (const [path, { view, inside }] of this.#open) {
      if (view.status === 'pending' || inside.length > 0) continue;
      this.#links.set(path, await this.#rootOf(view));
      this.#own.push(path);
    }
    for (const path of this.#open.keys()) await this.#resolve(path);
    const own = new Set(this.#own);
    const others = [...this.#open.keys()].filter((path) => !own.has(path));
    return [...this.#own, ...others].flatMap((path) => this.#links.get(path) ?? []);
  }

  #walk(instance: ListInstance, views: ReadonlyMap<string, StepView>): void {
    const { run } = this.#read;
    for (const id of instance.list.steps) {
      const path = `${instance.prefix}${id}`;
      const record = run.step(path);
      const view = views.get(path);
      if (view === undefined) continue;
      const step = planned(run, path);
      const begun = (): number => itemsTouched(run, path, { items: record.more.block?.items?.length ?? 0, step });
      const lists = record.status === 'working' ? [...openLists(run, path, begun)] : [];
      const undoes = record.more.undo === 'running' ? step.lists.compensate : undefined;
      if (undoes !== undefined) lists.push({ owner: path, list: undoes, prefix: frameOf(path, 'compensate') });
      if (!stepIsSettled(record.status) || undoes !== undefined) this.#open.set(path, { view, inside: lists });
      for (const list of lists) this.#walk(list, views);
    }
  }

  /** What holds up a step that others wait for, and that waits for no step itself. */
  async #rootOf(step: StepView): Promise<Link> {
    const { record, claims, fields } = this.#read;
    const claim = claims.get(step.id);
    switch (this.#read.run.step(step.id).status) {
      case 'queued': {
        if (claim !== undefined) return this.#outside.held(this.#read, step, claim);
        const answered = fields !== null && !fields.tokens.has(step.id);
        return (answered ? await this.#unapplied(step) : null) ?? this.#outside.asked(this.#read, step);
      }
      case 'retrying': {
        const { parkedUntil } = step;
        const until = await this.#outside.dueAt(this.#read, 'retry', step);
        const error = step.error ?? { class: 'PERSONA_ERROR', message: '' };
        const reason: Reason =
          parkedUntil === undefined
            ? { code: 'retrying', until, error, attempt: step.attempt }
            : { code: 'parked', persona: step.persona, until: parkedUntil, error };
        return this.#timed(step, reason, until);
      }
      case 'waiting':
        return this.#waiting(step);
      case 'working':
        if (step.run !== null) return this.#insideOf(step, step.run);
        break;
      default:
    }
    return (await this.#unapplied(step)) ?? link(this.#cause(step, this.#still(record)));
  }

  async #waiting(step: StepView): Promise<Link> {
    const { waitsFor } = step;
    switch (waitsFor?.kind) {
      case 'time':
        return this.#timed(step, { code: 'time', until: waitsFor.until }, waitsFor.until);
      case 'signal':
        return link(this.#cause(step, { code: 'signal', name: waitsFor.name }));
      case 'decision':
        return link(this.#cause(step, { code: 'decision', question: waitsFor.question, form: step.form }));
      case 'lock':
        return this.#outside.lock(this.#read, step, waitsFor.name);
      case 'run':
        return this.#insideOf(step, waitsFor.run);
      case undefined:
        return (await this.#unapplied(step)) ?? link(this.#cause(step, { code: 'stuck' }));
    }
  }

  /** Once its time has come it is only a matter of who moves the partition. */
  async #timed(step: StepView, reason: Reason, until: number | null): Promise<Link> {
    const over = until === null || until <= this.#outside.now;
    return link(this.#cause(step, reason), over ? await this.#outside.unowned(this.#read) : null);
  }

  async #insideOf(step: StepView, inner: string): Promise<Link> {
    return link(this.#cause(step, { code: 'inner-run', inner }), await this.#outside.inside(inner));
  }

  #unapplied(step: StepView): Promise<Link | null> {
    return this.#outside.unapplied(this.#read, step.id, sinceOf(step));
  }

  /** Without recursion: a workflow may be a chain of ten thousand steps. */
  async #resolve(path: string): Promise<void> {
    const todo = [path];
    const entered = new Set<string>();
    for (let at = todo.at(-1); at !== undefined; at = todo.at(-1)) {
      if (this.#links.has(at)) {
        todo.pop();
        continue;
      }
      const before = this.#before(at);
      const missing = entered.has(at) ? [] : before.filter((one) => !this.#links.has(one));
      entered.add(at);
      if (missing.length > 0) todo.push(...missing.filter((one) => !entered.has(one)));
      else this.#links.set(at, await this.#behind(at, before));
    }
  }

  /** The open steps that this one waits for. */
  #before(path: string): readonly string[] {
    const open = this.#open.get(path);
    if (open === undefined) return [];
    if (open.inside.length > 0)
      return open.inside.flatMap(({ list, prefix }) =>
        list.steps.map((id) => `${prefix}${id}`).filter((one) => this.#open.has(one)),
      );
    const prefix = path.slice(0, path.lastIndexOf('/') + 1);
    const { dependencies } = planned(this.#read.run, path);
    return dependencies.map((id) => `${prefix}${id}`).filter((one) => this.#open.has(one));
  }

  async #behind(path: string, open: readonly string[]): Promise<Link> {
    const step = this.#open.get(path)?.view;
    const links = open.flatMap((one) => this.#links.get(one) ?? []);
    const { run, record } = this.#read;
    const { more } = run.step(path);
    if (step === undefined) throw new CoordError('RUN_UNREADABLE', `step ${path} is not open`);
    if (this.#open.get(path)?.inside.length !== 0) {
      const { round = null, items } = more.block ?? {};
      const reason: Reason =
        more.undo === 'running'
          ? { code: 'compensating', open }
          : { code: 'block', type: step.type, open, round, items: items?.length ?? null };
      if (links.length > 0) return link(this.#cause(step, reason), mostUrgent(links));
    } else if (links.length > 0) {
      return link(this.#cause(step, { code: 'dependencies', open }), mostUrgent(links));
    } else if ((more.place ?? 0) > 0) {
      const active = this.#own.flatMap((one) => this.#links.get(one) ?? []);
      const reason: Reason = isFull(this.#read)
        ? { code: 'step-limit', limit: this.#read.limit, active: record.active }
        : { code: 'budget' };
      return link(this.#cause(step, reason), mostUrgent(active));
    }
    return (await this.#unapplied(step)) ?? link(this.#cause(step, this.#still(record)));
  }

  /** A step that nothing holds back stands still only in a run that is paused. */
  #still({ status, steered }: RunRecord): Reason {
    return status === 'paused' ? { code: 'paused', paused: steered?.paused ?? null } : { code: 'stuck' };
  }

  #cause(step: StepView, reason: Reason): Cause {
    return { ...reason, run: this.#read.view.id, step: step.id, since: sinceOf(step) };
  }
}

/** Whether as many steps are under way as may be; what waits for its turn all the same waits for what it may use. */
function isFull({ record, limit }: Read): boolean {
  return record.budget === undefined || (limit !== null && record.active >= limit);
}

function sinceOf({ begunAt, queuedAt }: StepView): number | null {
  return begunAt ?? queuedAt;
}
