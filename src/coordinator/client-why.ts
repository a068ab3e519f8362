/**
 * Why a run does not go on: for everything that waits in it, the cause of the waiting, and the cause of that, down to the
 * root. Here is what a run waits for as a whole, and what its steps wait for outside of it: coordinators, workers, slots,
 * other runs. Looks only; changes nothing.
 */
import type { BreakerState } from '../core/breaker-port.js';
import type { Cause, Explanation, InHand, LastSeen, Reason } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import { hasCode, messageOf } from '../core/errors.js';
import { partitionOf, RUN_ID } from '../core/ids.js';
import { type Claim, timerId } from '../core/messages.js';
import type { PartitionLook, QueueLook } from '../core/overview-port.js';
import type { Store, StoredRun, WorkerInfo } from '../core/ports.js';
import { runHasEnded } from '../core/statuses.js';
import type { StepView } from '../core/views.js';
import { PENDING_STEP } from '../machines/records.js';
import { checkFormat, stateOf } from './codec.js';
import type { Plans } from './plans.js';
import { summaryOf, viewOfState } from './view.js';
import { chainOf, type Link, link, mostUrgent } from './why-chain.js';
import { type Outside, type Read, StepLinks } from './why-steps.js';
import { attemptsInHand } from './why-workers.js';

export interface WhyMeans {
  readonly store: Pick<Store, 'runs' | 'namespace' | 'inspection' | 'locks' | 'breakers'>;
  readonly partitions: number;
  readonly clock: Clock;
  readonly plans: Plans;
}

/** Workers say every second that they are there, and beat every other second: after this long something is wrong. */
const WORKER_SILENT_MS = 5_000;
const BEAT_SILENT_MS = 7_000;
/** Waits that are listed. */
const WAITS = 200;
/** Other runs that are read on the way down. */
const RUNS_READ = 50;
/** Holders of one slot that are looked into. */
const HOLDERS = 5;

/** Looks that are taken before a defect is told. */
const LOOKS = 4;
const DEFECTS: ReadonlySet<string> = new Set(['stuck', 'request-missing', 'slot-leaked', 'deadlock']);

/** The answer for one run, or null when there is none of that id. Throws REDIS_UNREACHABLE; a run at fault is an answer. */
export async function explain(means: WhyMeans, run: string): Promise<Explanation | null> {
  let told = '';
  for (let looks = 1; ; looks++) {
    const answer = await new Explainer(means).explain(run);
    // What is read one after the other may have moved meanwhile: a defect is one when nothing has, and it is still there.
    const found = answer === null ? '' : defectsIn(answer);
    if (answer === null || found === '' || found === told || looks === LOOKS) return answer?.explanation ?? null;
    told = found;
  }
}

interface Answer {
  readonly explanation: Explanation;
  /** Of the stored run. */
  readonly version: number;
}

/** Empty without any. */
function defectsIn({ explanation, version }: Answer): string {
  const roots = explanation.waits.flatMap((chain) => chain.at(-1) ?? []);
  const defects = roots.filter(({ code }) => DEFECTS.has(code));
  return defects.length === 0 ? '' : JSON.stringify({ version, defects });
}

/** For one question: what it reads of the surroundings it reads once. */
class Explainer implements Outside {
  readonly #means: WhyMeans;
  now = 0;
  #workers: readonly WorkerInfo[] = [];
  #owned: ReadonlySet<number> = new Set();
  /** Runs that are being explained, outer first: who comes by twice waits for itself. */
  readonly #path: string[] = [];
  readonly #queues = new Map<string, Promise<QueueLook>>();
  readonly #looks = new Map<number, Promise<PartitionLook>>();
  readonly #messages = new Map<number, Promise<ReadonlyMap<string, number>>>();
  readonly #timers = new Map<number, Promise<ReadonlyMap<string, number>>>();
  #breakers: Promise<readonly BreakerState[]> | null = null;
  #inHand: Promise<readonly InHand[]> | null = null;
  #runsRead = 0;

  constructor(means: WhyMeans) {
    this.#means = means;
  }

  async explain(run: string): Promise<Answer | null> {
    const { namespace, runs } = this.#means.store;
    const stored = RUN_ID.test(run) ? await runs.load(this.#partition(run), run) : null;
    if (stored === null) return null;
    const [now, workers, owners] = await Promise.all([namespace.time(), namespace.listWorkers(), namespace.owners()]);
    this.now = now;
    this.#workers = workers;
    this.#owned = new Set(owners.map(({ partition }) => partition));
    const links = await this.#linksOf(run, stored);
    // Stable: what is equally urgent stays in the order of the workflow.
    const waits = links.toSorted((a, b) => b.urgency - a.urgency || a.length - b.length);
    const { status } = summaryOf({ run, record: stored.record, quarantined: stored.quarantined });
    const readable = !waits.some(({ cause: { code } }) => code === 'unreadable' || code === 'newer-format');
    const explanation = {
      run,
      status: readable ? status : null,
      now,
      waits: waits.slice(0, WAITS).map(chainOf),
      more: Math.max(0, waits.length - WAITS),
    };
    return { explanation, version: stored.version };
  }

  async #linksOf(run: string, stored: StoredRun): Promise<readonly Link[]> {
    this.#path.push(run);
    try {
      return await this.#readLinks(run, stored);
    } catch (error) {
      const why = messageOf(error);
      if (hasCode(error, 'DEFINITION_MISSING')) return [link(ofRun(run, { code: 'definition-missing', why }))];
      if (hasCode(error, 'FORMAT_UNKNOWN')) return [link(ofRun(run, { code: 'newer-format', why }))];
      if (hasCode(error, 'RUN_UNREADABLE')) return [link(ofRun(run, { code: 'unreadable', why }))];
      throw error;
    } finally {
      this.#path.pop();
    }
  }

  async #readLinks(run: string, stored: StoredRun): Promise<readonly Link[]> {
    if (stored.quarantined !== null) return [link(ofRun(run, { code: 'quarantined', why: stored.quarantined }))];
    const read = await this.#read(run, stored);
    const { status, failure, canceled, endedAt, paused } = read.view;
    if (runHasEnded(status)) return [link(ofRun(run, { code: 'ended', status, failure, canceled }, endedAt))];
    const unowned = await this.unowned(read);
    if (status === 'pending') return [await this.#notStarted(read)];
    const links = [...(await new StepLinks(read, this).all())];
    if (status === 'paused')
      links.push(link(ofRun(run, { code: 'paused', paused: paused ?? null }, paused?.at ?? null)));
    for (const { name, step, grant } of read.record.locks ?? [])
      if (grant === null) links.push(await this.lock(read, { id: step, begunAt: null }, name));
    if (unowned !== null) links.push(unowned);
    if (links.length > 0) return links;
    return [(await this.unapplied(read, null, null)) ?? link(ofRun(run, { code: 'stuck' }, read.view.startedAt))];
  }

  async #read(run: string, stored: StoredRun): Promise<Read> {
    checkFormat(run, stored);
    const { plans, store } = this.#means;
    const plan = await plans.get(stored.definition);
    const state = stateOf(stored, plan);
    const partition = this.#partition(run);
    const { run: fields } = await store.inspection.inspect(partition, run);
    return {
      partition,
      view: viewOfState(stored, state),
      record: state.record,
      run: { plan, step: (path) => state.steps.get(path) ?? PENDING_STEP },
      claims: stored.claims,
      // Read a moment later: of another version it says nothing of this one.
      fields: fields?.version === stored.version ? fields : null,
      limit: plan.definition.max_concurrent_steps,
    };
  }

  async #notStarted(read: Read): Promise<Link> {
    const { id, slot, createdAt } = read.view;
    if (slot !== null) {
      const { holders, line, limit } = await this.#means.store.inspection.slot(read.partition, slot.key);
      const ahead = line.indexOf(id);
      if (!holders.includes(id)) {
        const reason = { code: 'slot', key: slot.key, limit: limit ?? slot.limit, holders } as const;
        const cause = ofRun(id, { ...reason, ahead: ahead < 0 ? null : ahead }, createdAt);
        return link(cause, await this.#holders(slot.key, holders));
      }
    }
    const waiting = (await this.#messagesOf(read.partition)).get(id) ?? 0;
    if (waiting === 0) return link(ofRun(id, { code: 'stuck' }, createdAt));
    return link(ofRun(id, { code: 'start-not-applied' }, createdAt), await this.unowned(read));
  }

  async #holders(key: string, holders: readonly string[]): Promise<Link | null> {
    const links: Link[] = [];
    for (const holder of holders.slice(0, HOLDERS)) {
      const found = await this.#follow(holder);
      const over = found === 'gone' || (found !== null && found.cause.code === 'ended');
      if (over) links.push(link(ofRun(holder, { code: 'slot-leaked', key, holder })));
      else if (found !== null) links.push(found);
    }
    return mostUrgent(links);
  }

  async lock({ view }: Read, { id, begunAt }: Pick<StepView, 'id' | 'begunAt'>, name: string): Promise<Link> {
    const lock = await this.#means.store.locks.get(name);
    const [holder, line] = [lock?.holder ?? null, lock?.line ?? []];
    const place = line.findIndex(({ party }) => party.id === view.id);
    const known = { holder: holder?.party ?? null, heldSince: holder?.since ?? null, ahead: place < 0 ? null : place };
    const cause = { code: 'lock', name, ...known, run: view.id, step: id, since: begunAt } as const;
    if (holder?.party.kind !== 'run') return link(cause);
    const behind = await this.#follow(holder.party.id);
    return link(cause, behind === 'gone' || behind?.cause.code === 'ended' ? null : behind);
  }

  async inside(run: string): Promise<Link | null> {
    const found = await this.#follow(run);
    return found === 'gone' ? link(ofRun(run, { code: 'stuck' })) : found;
  }

  /** What another run waits for; null when too many were read already. */
  async #follow(run: string): Promise<Link | null | 'gone'> {
    const before = this.#path.indexOf(run);
    if (before >= 0) return link(ofRun(run, { code: 'deadlock', cycle: this.#path.slice(before) }));
    if (++this.#runsRead > RUNS_READ) return null;
    const stored = await this.#means.store.runs.load(this.#partition(run), run);
    return stored === null ? 'gone' : mostUrgent(await this.#linksOf(run, stored));
  }

  async unowned({ partition, view }: Read): Promise<Link | null> {
    if (this.#owned.has(partition)) return null;
    const { hold } = await this.#look(partition);
    if (hold !== null) return link(ofRun(view.id, { code: 'partition-on-hold', partition, hold }));
    return link(ofRun(view.id, { code: 'no-coordinator', partition }));
  }

  async unapplied(read: Read, step: string | null, since: number | null): Promise<Link | null> {
    const messages = (await this.#messagesOf(read.partition)).get(read.view.id) ?? 0;
    if (messages === 0) return null;
    const cause = { ...ofRun(read.view.id, { code: 'message-not-applied', messages }, since), step };
    return link(cause, await this.unowned(read));
  }

  async dueAt({ partition, view }: Read, kind: 'retry' | 'wait', step: StepView): Promise<number | null> {
    let timers = this.#timers.get(partition);
    if (timers === undefined) {
      timers = this.#means.store.inspection
        .timers(partition)
        .then((all) => new Map(all.map(({ id, dueAt }) => [id, dueAt])));
      this.#timers.set(partition, timers);
    }
    const known = await timers;
    // A retry is armed for the attempt that it leads to or the one that it follows.
    const ids = [step.attempt, step.attempt + 1].map((attempt) =>
      timerId({ kind, run: view.id, step: step.id, attempt }),
    );
    return ids.map((id) => known.get(id)).find((due) => due !== undefined) ?? null;
  }

  held({ view }: Read, step: StepView, claim: Claim): Link {
    const { worker, begunAt, beatAt, progress } = claim;
    const seen = this.#workers.find((one) => one.worker === worker);
    const gone = seen === undefined || this.now - seen.seenAt > WORKER_SILENT_MS;
    const silent = this.now - beatAt > BEAT_SILENT_MS;
    const { persona, attempt } = step;
    const at = { run: view.id, step: step.id, since: begunAt };
    if (silent) return link({ code: 'worker-silent', persona, worker, attempt, beatAt, gone, ...at });
    return link({ code: 'working', persona, worker, attempt, beatAt, progress, ...at });
  }

  async asked({ partition, view }: Read, { id, persona, queuedAt }: StepView): Promise<Link> {
    const at = { run: view.id, step: id, since: queuedAt };
    const serving = this.#workers.filter((one) => one.personas.includes(persona));
    const live = serving.filter(({ seenAt }) => this.now - seenAt <= WORKER_SILENT_MS);
    const queue = await this.#queue(partition, persona);
    if (live.length === 0) return link({ code: 'no-worker', persona, lastSeen: this.#lastSeen(serving, queue), ...at });
    const workers = live.map(({ worker }) => worker);
    if (queue.requests === 0 && (await this.#stillAsked({ partition, run: view.id, step: id })))
      return link({ code: 'request-missing', persona, ...at });
    const broken = await this.#broken(persona);
    if (broken !== null) return link({ ...broken, ...at });
    if (live.some(({ busy }) => busy === 0)) return link({ code: 'queued', persona, workers, ...at });
    const doing = await this.#doing(new Set(workers));
    return link({ code: 'workers-busy', persona, workers, doing, requests: queue.requests, ...at });
  }

  async #broken(wanted: string): Promise<Extract<Reason, { code: 'breaker' }> | null> {
    this.#breakers ??= this.#means.store.breakers.all();
    const found = (await this.#breakers).find(({ persona, state }) => persona === wanted && state !== 'closed');
    if (found === undefined) return null;
    const { persona, endpoint, failures, since: failingSince, message, retryAt, probe } = found;
    return {
      code: 'breaker',
      persona,
      endpoint,
      failures,
      failingSince,
      message,
      retryAt,
      probe: probe?.worker ?? null,
    };
  }

  /** It may have been begun or answered since it was read. */
  async #stillAsked({ partition, run, step }: { partition: number; run: string; step: string }): Promise<boolean> {
    const { run: fields } = await this.#means.store.inspection.inspect(partition, run);
    return fields !== null && fields.tokens.has(step) && !fields.claimed.includes(step);
  }

  #lastSeen(serving: readonly WorkerInfo[], { readers }: QueueLook): LastSeen | null {
    const seen = [
      ...serving.map(({ worker, seenAt }) => ({ worker, at: seenAt })),
      ...readers.map(({ worker, idleMs }) => ({ worker, at: this.now - idleMs })),
    ];
    return seen.toSorted((a, b) => b.at - a.at)[0] ?? null;
  }

  async #doing(workers: ReadonlySet<string>): Promise<readonly InHand[]> {
    this.#inHand ??= attemptsInHand(this.#means);
    return (await this.#inHand).filter(({ worker }) => workers.has(worker));
  }

  #queue(partition: number, persona: string): Promise<QueueLook> {
    const name = `${String(partition)} ${persona}`;
    const queue = this.#queues.get(name) ?? this.#means.store.inspection.queue(partition, persona);
    this.#queues.set(name, queue);
    return queue;
  }

  #look(partition: number): Promise<PartitionLook> {
    const look = this.#looks.get(partition) ?? this.#means.store.inspection.look(partition);
    this.#looks.set(partition, look);
    return look;
  }

  #messagesOf(partition: number): Promise<ReadonlyMap<string, number>> {
    const messages = this.#messages.get(partition) ?? this.#means.store.inspection.waiting(partition);
    this.#messages.set(partition, messages);
    return messages;
  }

  #partition(run: string): number {
    return partitionOf(run, this.#means.partitions);
  }
}

function ofRun(run: string, reason: Reason, since: number | null = null): Cause {
  return { ...reason, run, step: null, since };
}
