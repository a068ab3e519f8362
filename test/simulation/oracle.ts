/** What must be true when a simulation has come to rest: the invariants, and for tame workflows the second opinion. */
import { isDeepStrictEqual } from 'node:util';
import { Plans } from '../../src/coordinator/plans.js';
import { viewOf } from '../../src/coordinator/view.js';
import { countedIds } from '../../src/core/ids.js';
import type { Fact } from '../../src/core/facts.js';
import type { Store, StoredRun } from '../../src/core/ports.js';
import { runHasEnded } from '../../src/core/statuses.js';
import { isSteering } from '../../src/core/steering.js';
import { createMemoryStore } from '../../src/memory/store.js';
import { nothingLost } from '../invariants/acknowledged.js';
import { epochsInOrder, messagesAppliedOnce, versionsWithoutGap } from '../invariants/history.js';
import { nothingLeft } from '../invariants/leftovers.js';
import { foldsAgain } from '../invariants/replay.js';
import { type TimerChange, timersFireOnce } from '../invariants/timers.js';
import { repliesByToken, requestsAskedOnce } from '../invariants/tokens.js';
import { type Transition, transitionsOf, type Violation } from '../invariants/violation.js';
import { DAMAGED } from './edit.js';
import type { People } from './people.js';
import { interpret } from './reference.js';
import type { World } from './world.js';

/** What people have done with runs. */
const STEERED: Readonly<Partial<Record<Fact['type'], string>>> = {
  'run.paused': 'paused',
  'run.resumed': 'resumed',
  'run.retried': 'retried',
  'run.restarted': 'restarted',
};

export interface Judged {
  readonly violations: readonly Violation[];
  readonly transitions: number;
  readonly runs: number;
}

export async function judge(world: World, people: People): Promise<Judged> {
  const means = { clock: world.clock, ids: countedIds('o'), contents: world.contents };
  const store = createMemoryStore(means);
  const plans = new Plans(store.namespace);
  const violations: Violation[] = [];
  const all: Transition[] = [];
  let runs = 0;
  const messages = new Set<string>();
  const existing = new Set<string>();
  for (let partition = 0; partition < world.partitions; partition++) {
    const place = world.contents.at(partition);
    const transitions: Transition[] = [];
    for (const [run, { history, quarantined, record }] of place.runs) {
      const mine = transitionsOf({ partition, run }, history);
      transitions.push(...mine);
      existing.add(run);
      runs++;
      const stored = await storedOf(store, partition, run);
      if (quarantined === null && record !== DAMAGED)
        violations.push(...foldsAgain(stored, await plans.get(stored.definition), { run, history: mine }));
    }
    all.push(...transitions);
    const versions = new Map([...place.runs].map(([run, { version }]) => [run, version]));
    violations.push(
      ...versionsWithoutGap(transitions, versions),
      ...messagesAppliedOnce(transitions),
      ...epochsInOrder(transitions, takeoversOf(place.takeovers)),
      ...repliesByToken(transitions),
      ...requestsAskedOnce(transitions, askedIn(world, partition)),
      ...timersOf(world, partition),
      ...conservation(world, { partition, transitions }),
      ...nothingLeft(leftIn(world, partition)),
    );
    for (const one of transitions) for (const { kind } of one.messages) messages.add(`${kind} ${one.run}`);
    for (const { kind, run } of place.dead) messages.add(`${kind} ${run}`);
  }
  violations.push(
    ...nothingLost(people.acknowledged, { runs: existing, messages, excused: (run) => wentBack(world, people, run) }),
    ...startedOnce(world, people),
    ...lossesRecorded(world),
    ...toldOnce(all),
    ...world.breaches,
    ...(await secondOpinion({ store, plans, people, world })),
  );
  for (let partition = 0; partition < world.partitions; partition++)
    if (world.contents.at(partition).incidents.length > 0) world.answered('roll-back recorded');
  for (const { facts } of all)
    for (const fact of facts) {
      if (fact.type === 'message.ignored') world.answered('message ignored');
      if (fact.type === 'step.skipped' && fact.by !== undefined) world.answered('step skipped');
      const steered = STEERED[fact.type];
      if (steered !== undefined && !isOfRun(fact)) world.answered(steered);
      if (fact.type === 'step.retrying' && fact.error.class === 'WORKER_LOST') world.answered('worker lost');
    }
  return { violations, transitions: all.length, runs };
}

async function storedOf(store: Store, partition: number, run: string): Promise<StoredRun> {
  const stored = await store.runs.load(partition, run);
  if (stored === null) throw new Error(`run ${run} is gone while it is being judged`);
  return stored;
}

function takeoversOf(
  takeovers: readonly { readonly term: string; readonly position: number }[],
): readonly { epoch: number; owner: string; position: number }[] {
  return takeovers.map(({ term, position }) => {
    const space = term.indexOf(' ');
    return { epoch: Number(term.slice(0, space)), owner: term.slice(space + 1), position };
  });
}

function askedIn(world: World, partition: number): readonly { run: string; token: string }[] {
  return world.ledger.changes.flatMap((change) =>
    change.type === 'asked' && change.partition === partition
      ? [JSON.parse(change.body) as { run: string; token: string }]
      : [],
  );
}

function timersOf(world: World, partition: number): readonly Violation[] {
  const changes: TimerChange[] = [];
  const posted = new Map<string, number>();
  const attempts = new Set<string>();
  const early: Violation[] = [];
  for (const change of world.ledger.changes) {
    if (change.partition !== partition) continue;
    const { type, at } = change;
    if (type === 'asked') {
      const { run, step, attempt } = JSON.parse(change.body) as { run: string; step: string; attempt: number };
      attempts.add(`${run}|${step}|${String(attempt)}`);
    }
    if (type === 'armed' && change.method === 'commit' && /^(heartbeat|timeout)\|/.test(change.timer))
      if (attempts.has(change.timer.slice(change.timer.indexOf('|') + 1)))
        early.push({ invariant: 'I9', what: `the time of ${change.timer} began before a worker did` });
    if (type === 'armed') changes.push({ type, at, timer: change.timer, due: change.due });
    else if (type === 'disarmed')
      changes.push({ type: change.method === 'fire' ? 'fired' : type, at, timer: change.timer, due: change.due });
    else if (type === 'posted' && change.entry.kind === 'timer' && change.method === 'fire')
      posted.set(change.entry.head, (posted.get(change.entry.head) ?? 0) + 1);
  }
  return [...early, ...timersFireOnce(changes, posted)];
}

/** I10: every message that came was applied or set aside, once, and nothing else was. */
function conservation(
  world: World,
  { partition, transitions }: { partition: number; transitions: readonly Transition[] },
): readonly Violation[] {
  const found: Violation[] = [];
  const applied = new Set(transitions.flatMap((one) => one.messages.map(({ id }) => id)));
  const { dead, inbox } = world.contents.at(partition);
  const postponed = new Set(
    world.ledger.changes.flatMap((change) =>
      change.type === 'taken' && change.partition === partition && change.method === 'postpone'
        ? [change.entry.id]
        : [],
    ),
  );
  const aside = new Set(dead.map(({ entry }) => entry));
  for (const change of world.ledger.changes) {
    if (change.partition !== partition || change.type !== 'posted') continue;
    const { id, kind, run } = change.entry;
    // A timer whose time came for nothing was put back.
    if (postponed.has(id)) continue;
    const places = Number(applied.has(id)) + Number(aside.has(id)) + Number(inbox.has(id));
    if (places === 1) continue;
    const what = `message ${id} (${kind} to ${run}) came and is in ${String(places)} of history, dead letters and inbox`;
    found.push({ invariant: 'I10', what });
  }
  return found;
}

function leftIn(world: World, partition: number): Parameters<typeof nothingLeft>[0] {
  const place = world.contents.at(partition);
  const claims = [...place.runs].flatMap(([run, { steps }]) =>
    [...steps].flatMap(([step, { claim }]) => (claim === null ? [] : [{ run, step, worker: claim.worker }])),
  );
  const inSlots = [...place.slots.copy().values()].flatMap(({ holders, line }) => [...holders, ...line]);
  return {
    partition,
    inbox: [...place.inbox.values()].map(({ id, kind, run }) => `${id} ${kind} ${run}`),
    requests: [...place.requests].flatMap(([persona, held]) =>
      [...held.values()].map(({ body }) => ({ persona, run: (JSON.parse(body) as { run: string }).run })),
    ),
    timers: [...place.timers.keys()],
    suspects: [...place.suspects.keys()],
    claims,
    endedRuns: new Set([...place.runs].filter(([, { status }]) => runHasEnded(status)).map(([run]) => run)),
    inSlots,
  };
}

/** Whether what was acknowledged may be gone: the store went back behind it. That it says so is `lossesRecorded`. */
function wentBack(world: World, people: People, run: string): boolean {
  const told = people.acknowledged.filter((one) => one.run === run);
  return world.rollbacks.some(({ at, to }) => told.some((one) => one.at >= to && one.at <= at + 2_000));
}

/** How long whoever has seen more than the store holds may take to say so, ms. */
const NOTICED_WITHIN_MS = 20_000;

/**
 * I1: a store that went back has an incident, when somebody had seen more confirmed who lives and compares: every worker does
 * now and then, and a coordinator when it takes a partition. Of several losses the last one, which nothing hides.
 *
 * A loss that others have overtaken before the partition was taken again cannot be told by positions: a client whose
 * request is the first after the loss gets the position that was lost, in the same term. Such a loss is not demanded.
 */
function lossesRecorded(world: World): readonly Violation[] {
  const last = world.rollbacks.at(-1);
  if (last === undefined || world.schedule.now - last.at < NOTICED_WITHIN_MS) return [];
  return last.witnesses.flatMap(({ process, partition, seen }) => {
    const { lease, incidents, takeovers } = world.contents.at(partition);
    const next = takeovers[last.taken[partition] ?? 0]?.position ?? lease.position;
    if (next >= seen) return [];
    const compares = process.role === 'worker' || lease.owner?.startsWith(`${process.name}:`) === true;
    const stood = last.stood[partition] ?? 0;
    if (!process.alive || process.stalled || !compares || incidents.some(({ to }) => to > stood)) return [];
    const what = `partition ${String(partition)} went back to position ${String(stood)}; ${process.name} had seen ${String(seen)}, and there is no incident`;
    return [{ invariant: 'I1' as const, what }];
  });
}

/** I14: whoever repeats a signal, an answer or a cancel until he knows has sent one. People of the simulation tell everything once. */
function toldOnce(transitions: readonly Transition[]): readonly Violation[] {
  const found: Violation[] = [];
  const told = new Set<string>();
  for (const { run, messages } of transitions)
    for (const message of messages) {
      const what = toldBy(message);
      if (what === null) continue;
      if (told.has(`${run} ${what}`))
        found.push({ invariant: 'I14', what: `the ${what} of run ${run} was told once and came twice` });
      told.add(`${run} ${what}`);
    }
  return found;
}

/** What a person has told; null for what somebody else has told, or what may be told several times. */
function toldBy(message: Transition['messages'][number]): string | null {
  if (!('by' in message) || message.by.startsWith('run ')) return null;
  if (message.kind === 'decide') return message.by === 'eve' ? null : `decide ${message.token ?? ''}`;
  if (message.kind === 'cancel') return 'cancel';
  return isSteering(message.kind) ? `${message.kind} ${'reason' in message ? message.reason : message.by}` : null;
}

/** I14: whoever repeats a start until he knows is told once that he has created something. */
function startedOnce(world: World, people: People): readonly Violation[] {
  if (world.rollbacks.length > 0) return [];
  return people.wishes
    .filter(({ created }) => created > 1)
    .map(({ key, created }) => ({
      invariant: 'I14' as const,
      what: `the start ${key} has created a run ${String(created)} times`,
    }));
}

async function secondOpinion(means: {
  store: Store;
  plans: Plans;
  people: People;
  world: World;
}): Promise<readonly Violation[]> {
  const { store, plans, people, world } = means;
  const found: Violation[] = [];
  for (const { run, workflow, answered } of people.wishes) {
    if (run === null || !workflow.tame || !answered) continue;
    for (let partition = 0; partition < world.partitions; partition++) {
      const stored = await store.runs.load(partition, run);
      if (stored === null || stored.quarantined !== null || stored.record === DAMAGED) continue;
      const view = viewOf(stored, await plans.get(stored.definition));
      if (people.steering.shortened.has(run)) continue;
      // A person may cancel any run.
      if (view.status === 'canceled' || !runHasEnded(view.status)) continue;
      if (insideAside(world, partition, run)) continue;
      const wrong = (what: string): void => void found.push({ invariant: 'I5', what: `run ${run}: ${what}` });
      if (view.status !== 'completed') {
        wrong(`it is ${view.status} (${view.failure?.message ?? ''}), a tame workflow completes`);
        continue;
      }
      const expected = interpret(workflow.definition, workflow.inner);
      if (!isDeepStrictEqual(view.result, expected.result))
        wrong(`its result is ${JSON.stringify(view.result)}, ${JSON.stringify(expected.result)} is right`);
      for (const [path, { status, result }] of expected.steps) {
        const step = view.steps.find(({ id }) => id === path);
        if (step?.status !== status) wrong(`step ${path} is ${step?.status ?? 'not there'}, ${status} is right`);
        else if (status === 'succeeded' && !isDeepStrictEqual(step.result, result))
          wrong(`the result of ${path} is ${JSON.stringify(step.result)}, ${JSON.stringify(result)} is right`);
      }
    }
  }
  return found;
}

/** Whether one of the runs inside was set aside or canceled, so that the run around it came to another end. */
function insideAside(world: World, partition: number, run: string): boolean {
  for (const [other, { quarantined, status }] of world.contents.at(partition).runs)
    if (other.startsWith(`${run}.`) && (quarantined !== null || status !== 'completed')) return true;
  return false;
}

/** Whether the run around has told it. */
function isOfRun(fact: Fact): boolean {
  return 'by' in fact && (fact.by ?? '').startsWith('run ');
}
