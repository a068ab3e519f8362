/**
 * Steering runs: what cannot be done to a run as it stands is said before anything is sent; what is done is a message to the
 * run, decided by whoever moves it.
 */
import type { Clock } from '../core/clock.js';
import { CoordError } from '../core/errors.js';
import type { Fact } from '../core/facts.js';
import { type Ids, partitionOf, RUN_ID } from '../core/ids.js';
import { sha256 } from '../core/json.js';
import type { Store, StoredRun } from '../core/ports.js';
import type { SteeringKind, SteeringMessage } from '../core/steering.js';
import { mayReopen, steeringSchemas } from '../core/steering.js';
import { refusalOfSteering } from '../machines/steering.js';
import { checkKey, parseBody } from './client-requests.js';
import { checkFormat, stateOf } from './codec.js';
import type { Plans } from './plans.js';
import { untilKnown } from './until-known.js';

/** What a run is told, with who says so; `idempotencyKey`: the same key counts once. */
export type SteeringRequest = SteeringMessage & { readonly idempotencyKey?: string | undefined };

/** What was sent, for `steeringOutcome`. */
export interface Sent {
  readonly run: string;
  readonly kind: SteeringKind;
  /** The version that the run had before. */
  readonly version: number;
  /** False when this key has sent it before. */
  readonly isNew: boolean;
}

export type SteeringOutcome =
  | { readonly outcome: 'done' }
  /** The run moved meanwhile, and does not take it any more. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** Nobody has moved the run yet: the message lies in its inbox. */
  | { readonly outcome: 'stored' };

export interface SteeringMeans {
  readonly store: Pick<Store, 'runs' | 'admission'>;
  readonly partitions: number;
  readonly plans: Pick<Plans, 'get'>;
  readonly clock: Clock;
  readonly ids: Ids;
}

const LOOK_AGAIN_MS = 50;
const PAGE = 500;

/**
 * Sends it, once per key. Throws STEERING_REFUSED when the run does not take it as it stands, RUN_NOT_FOUND, RUN_UNREADABLE,
 * FORMAT_UNKNOWN, IDEMPOTENCY_CONFLICT, USAGE. Returns when it is stored; `steeringOutcome` says what became of it.
 */
export async function steer(means: SteeringMeans, run: string, request: SteeringRequest): Promise<Sent> {
  const { idempotencyKey, kind, ...fields } = request;
  checkKey(idempotencyKey);
  const body = parseBody<object>(steeringSchemas[kind], fields, `the request to ${kind}`);
  const stored = await load(means, run);
  const state = stateOf(stored, await means.plans.get(stored.definition));
  const why = refusalOfSteering(state, { ...request, kind } as SteeringMessage);
  const refused = (reason: string): CoordError => new CoordError('STEERING_REFUSED', `run ${run}: ${reason}`);
  // With a key it may be the same request once more: then it was taken, and counts once.
  if (why !== null && idempotencyKey === undefined) throw refused(why);
  const text = JSON.stringify(body);
  const key = idempotencyKey ?? means.ids.nonce();
  const answer = await untilKnown(means.clock, () =>
    means.store.admission.admit({
      kind,
      partition: partitionOf(run, means.partitions),
      run,
      idempotencyKey: `${kind}:${run}:${key}`,
      requestHash: sha256(`${run}\n${text}`),
      body: text,
      ...(mayReopen(kind) && { reopens: { slot: state.record.slot } }),
    }),
  );
  switch (answer.outcome) {
    case 'conflict':
      throw new CoordError(
        'IDEMPOTENCY_CONFLICT',
        `the key "${key}" has been used to ${kind} run ${run} in another way; use another key`,
      );
    case 'full':
      throw refused(
        `as many runs as may run at the same time with the key ${state.record.slot?.key ?? ''} do so or wait for it; send it when one of them has ended`,
      );
    case 'ended':
      throw refused(why ?? `the run is ${answer.status} already`);
    case 'no_run':
      throw unknownRun(run);
    default:
  }
  if (why !== null && answer.outcome === 'admitted') throw refused(why);
  return { run, kind, version: stored.version, isNew: answer.outcome === 'admitted' };
}

/** Waits until what `steer` has stored was decided, for up to `waitMs`. */
export async function steeringOutcome(
  means: SteeringMeans,
  { sent, waitMs, signal }: { readonly sent: Sent; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<SteeringOutcome> {
  if (!sent.isNew) return { outcome: 'done' };
  const { clock } = means;
  let after = '0';
  for (const until = clock.monotonic() + waitMs; ; await clock.sleep(LOOK_AGAIN_MS, signal)) {
    const look = await decided(means, sent, after);
    const { fact } = look;
    ({ after } = look);
    if (fact?.type === 'message.ignored') return { outcome: 'refused', reason: fact.reason };
    if (fact !== null) return { outcome: 'done' };
    if (clock.monotonic() >= until || signal.aborted) return { outcome: 'stored' };
  }
}

const DECIDES: Readonly<Record<SteeringKind, Fact['type']>> = {
  pause: 'run.paused',
  resume: 'run.resumed',
  retry: 'run.retried',
  skip: 'step.skipped',
  restart: 'run.restarted',
};

/** The fact after `after` that says what became of it, when there is one, and where to look on. */
async function decided(
  { store, partitions }: SteeringMeans,
  { run, kind, version }: Sent,
  after: string,
): Promise<{ readonly fact: Fact | null; readonly after: string }> {
  const partition = partitionOf(run, partitions);
  for (let from = after; ; ) {
    const page = await store.runs.history({ partition, run, after: from, limit: PAGE });
    for (const entry of page) {
      if ((entry.version ?? 0) <= version) continue;
      for (const fact of JSON.parse(entry.facts) as Fact[])
        if (isOf(fact, kind) || (fact.type === 'message.ignored' && fact.kind === kind)) return { fact, after: from };
    }
    from = page.at(-1)?.id ?? from;
    if (page.length < PAGE) return { fact: null, after: from };
  }
}

/** A step may be skipped by the workflow too. */
function isOf(fact: Fact, kind: SteeringKind): boolean {
  return fact.type === DECIDES[kind] && (fact.type !== 'step.skipped' || fact.by !== undefined);
}

export async function load({ store, partitions }: SteeringMeans, run: string): Promise<StoredRun> {
  const stored = RUN_ID.test(run) ? await store.runs.load(partitionOf(run, partitions), run) : null;
  if (stored === null) throw unknownRun(run);
  checkFormat(run, stored);
  if (stored.quarantined !== null)
    throw new CoordError('RUN_UNREADABLE', `run ${run} is set aside (${stored.quarantined}); coord repair ${run}`);
  return stored;
}

function unknownRun(run: string): CoordError {
  return new CoordError('RUN_NOT_FOUND', `there is no run "${run}". See \`coord list\`.`);
}
