/** What the cases of the contract begin with: a partition taken, a run started, a request on its way. All in partition 0. */
import { expect } from 'vitest';
import type { Commit, Lease, Slot, Store } from '../../src/core/ports.js';
import type { AttemptKey } from '../../src/core/request-port.js';

export interface ContractCase {
  readonly name: string;
  readonly run: (context: ContractContext) => Promise<void>;
}

export interface ContractContext {
  readonly store: Store;
  /** Lets the store's clock reach at least `ms` later. */
  readonly pass: (ms: number) => Promise<void>;
}

export const NEVER = new AbortController().signal;
export const RUN = 'test-1';
export const LONG = 60_000;

export async function acquire(store: Store, owner = 'owner-1', leaseMs = LONG): Promise<Lease> {
  const answer = await store.partitions.acquire({ partition: 0, owner, leaseMs });
  if (answer.outcome !== 'acquired') throw new Error(`the partition is ${JSON.stringify(answer)}`);
  return answer.lease;
}

export async function start(
  store: Store,
  {
    key = 'k',
    hash = 'h',
    run = RUN,
    slot = null,
  }: { key?: string; hash?: string; run?: string; slot?: Slot | null } = {},
): ReturnType<Store['admission']['admit']> {
  return store.admission.admit({
    kind: 'start',
    partition: 0,
    run,
    idempotencyKey: key,
    requestHash: hash,
    definition: 'def',
    input: '{"task":{}}',
    record: '{"status":"pending"}',
    slot,
  });
}

export function commitOf(change: Partial<Commit> = {}): Commit {
  return {
    run: RUN,
    expectedVersion: 0,
    record: '{"status":"running"}',
    status: { from: 'pending', to: 'running' },
    steps: [],
    consumed: [],
    requests: [],
    arm: [],
    disarm: [],
    entry: entryOf([]),
    definition: null,
    starts: [],
    sends: [],
    release: null,
    ...change,
  };
}

/** An entry of the history with these facts, each JSON text. The store looks into none of its parts. */
export function entryOf(facts: readonly string[], change: Partial<Commit['entry']> = {}): Commit['entry'] {
  return { messages: '[]', facts: `[${facts.join(',')}]`, hash: 'h', genesis: null, ...change };
}

export async function inbox(
  store: Store,
  after = '0',
): Promise<readonly { id: string; kind: string; run: string; head: string; body: string }[]> {
  return store.partitions.read({ partition: 0, after, limit: 100, waitMs: 1, signal: NEVER });
}

export async function take(
  store: Store,
  worker: string,
  change: Partial<Parameters<Store['requests']['take']>[0]> = {},
): ReturnType<Store['requests']['take']> {
  return store.requests.take({
    partition: 0,
    worker,
    personas: ['qa'],
    limit: 10,
    total: 10,
    recover: false,
    waitMs: 1,
    signal: NEVER,
    ...change,
  });
}

export function keyOf(change: Partial<AttemptKey> = {}): AttemptKey {
  return { partition: 0, run: RUN, step: 's', attempt: 1, token: 's.1.aa', worker: 'w1', ...change };
}

/** A started run whose step `s` awaits token `s.1.aa`, with its request on the stream of persona `qa`. */
export async function dispatched(store: Store): Promise<Lease> {
  await store.requests.join({ partition: 0, worker: 'w1', personas: ['qa'] });
  const lease = await acquire(store);
  await start(store);
  const [message] = await inbox(store);
  const steps = [{ step: 's', record: '{"status":"queued"}', token: 's.1.aa' }];
  const outcome = await store.partitions.commit(
    lease,
    commitOf({ steps, consumed: [message?.id ?? ''], requests: [{ persona: 'qa', body: 'please' }] }),
  );
  expect(outcome).toBe('ok');
  return lease;
}

export async function begun(
  store: Store,
  worker = 'w1',
  { heartbeatMs = LONG, timeoutMs = null }: { heartbeatMs?: number; timeoutMs?: number | null } = {},
): Promise<Lease> {
  const lease = await dispatched(store);
  const [delivery] = await take(store, worker);
  expect(
    await store.requests.begin(keyOf({ worker }), {
      persona: 'qa',
      entry: delivery?.entry ?? '',
      heartbeatMs,
      timeoutMs,
    }),
  ).toBe('go');
  return lease;
}
