/** The worker's side of a partition in memory. See `RequestPort`. */
import { type Claim, timerId } from '../core/messages.js';
import type { AttemptKey, Delivery, RequestPort } from '../core/request-port.js';
import type { Fact } from '../core/facts.js';
import type { MemoryPartition, MemoryRequest, MemoryRun, MemoryStep } from './partition.js';
import type { MemoryWatermarks } from './watermarks.js';

/** As in `abandon.lua`. */
const ABANDONED_MS = 3_600_000;

export class MemoryRequests implements RequestPort {
  readonly #partition: (partition: number) => MemoryPartition;
  readonly #watermarks: MemoryWatermarks;
  #turn = 0;

  constructor(partition: (partition: number) => MemoryPartition, watermarks: MemoryWatermarks) {
    this.#partition = partition;
    this.#watermarks = watermarks;
  }

  async join({ partition, worker, personas }: Parameters<RequestPort['join']>[0]): Promise<void> {
    const place = this.#partition(partition);
    for (const persona of personas) {
      place.requestsOf(persona);
      heard(place, { persona, worker });
    }
  }

  async take(want: Parameters<RequestPort['take']>[0]): Promise<readonly Delivery[]> {
    const { partition, worker, personas, limit, total, recover, waitMs, signal } = want;
    const place = this.#partition(partition);
    for (const persona of personas) heard(place, { persona, worker });
    const turn = this.#turn++ % Math.max(1, personas.length);
    const inTurn = [...personas.slice(turn), ...personas.slice(0, turn)];
    const look = (): Delivery[] => {
      const taken: Delivery[] = [];
      for (const persona of inTurn) {
        let count = 0;
        for (const request of place.requestsOf(persona).values()) {
          if (count >= limit || taken.length >= total) break;
          if (recover ? request.delivered?.worker !== worker : request.delivered !== null) continue;
          taken.push(deliver(request, { partition, persona, worker, at: place.now() }));
          count++;
        }
      }
      return taken;
    };
    return recover || waitMs === 0 ? look() : place.waitFor(look, { waitMs, signal });
  }

  async arrival({ partition, personas, waitMs, signal }: Parameters<RequestPort['arrival']>[0]): Promise<void> {
    const place = this.#partition(partition);
    const look = (): readonly MemoryRequest[] =>
      personas.flatMap((persona) => [...place.requestsOf(persona).values()].filter((one) => one.delivered === null));
    await place.waitFor(look, { waitMs, signal });
  }

  async claimAbandoned({
    partition,
    worker,
    persona,
    idleMs,
    limit,
  }: Parameters<RequestPort['claimAbandoned']>[0]): Promise<readonly Delivery[]> {
    const place = this.#partition(partition);
    const now = place.now();
    return [...place.requestsOf(persona).values()]
      .filter(({ delivered }) => delivered !== null && now - delivered.at >= idleMs)
      .slice(0, limit)
      .map((request) => deliver(request, { partition, persona, worker, at: now }));
  }

  async inherit({ partition, worker, personas, isDead }: Parameters<RequestPort['inherit']>[0]): Promise<number> {
    const place = this.#partition(partition);
    let inherited = 0;
    for (const request of personas.flatMap((persona) => [...place.requestsOf(persona).values()])) {
      const holder = request.delivered?.worker;
      if (holder === undefined || holder === worker || !isDead(holder)) continue;
      request.delivered = { worker, at: place.now() };
      inherited++;
    }
    return inherited;
  }

  async begin(
    key: AttemptKey,
    { persona, entry, heartbeatMs, timeoutMs }: Parameters<RequestPort['begin']>[1],
  ): ReturnType<RequestPort['begin']> {
    const place = this.#partition(key.partition);
    place.requestsOf(persona).delete(entry);
    const run = place.runs.get(key.run);
    if (run === undefined) return 'no_run';
    const step = place.step(run, key.step);
    if (step.token !== key.token) return whyNot(run, key);
    const { incarnation } = place.lease;
    const held = claimOf(place, step);
    if (held !== null && held.worker !== key.worker) return 'held';
    place.lease.position += 1;
    this.#watermarks.note(key.partition);
    if (held !== null) return 'go';
    const now = place.now();
    step.claim = { worker: key.worker, begunAt: now, beatAt: now, progress: '', incarnation };
    place.timers.set(timer('heartbeat', key), now + heartbeatMs);
    if (timeoutMs !== null) place.timers.set(timer('timeout', key), now + timeoutMs);
    report(place, {
      type: 'step.working',
      run: key.run,
      at: now,
      cause: null,
      step: key.step,
      attempt: key.attempt,
      worker: key.worker,
    });
    return 'go';
  }

  async beat(key: AttemptKey, { heartbeatMs, progress }: Parameters<RequestPort['beat']>[1]): Promise<'ok' | 'stop'> {
    const place = this.#partition(key.partition);
    const step = place.runs.get(key.run)?.steps.get(key.step);
    const claim = step === undefined ? null : heldClaim(place, step, key);
    if (step === undefined || claim === null) return 'stop';
    const now = place.now();
    const spoke = claim.progress !== progress;
    step.claim = { ...claim, beatAt: now, progress };
    const deadline = timer('heartbeat', key);
    if (place.timers.has(deadline)) place.timers.set(deadline, now + heartbeatMs);
    const { run, step: id, attempt, worker } = key;
    if (spoke) report(place, { type: 'step.progress', run, at: now, cause: null, step: id, attempt, worker, progress });
    return 'ok';
  }

  async reply(key: AttemptKey, { body }: { body: string }): Promise<'ok' | 'repeated' | 'stale'> {
    const place = this.#partition(key.partition);
    const step = place.runs.get(key.run)?.steps.get(key.step);
    const claim = step === undefined ? null : heldClaim(place, step, key);
    const { run, step: id, attempt, token, worker } = key;
    if (step === undefined || claim === null) {
      if (step?.delivered === token) return 'repeated';
      keepLateReply(place, key, body);
      return 'stale';
    }
    const head = JSON.stringify({ step: id, attempt, token, worker, begunAt: claim.begunAt });
    place.lease.position += 1;
    this.#watermarks.note(key.partition);
    step.token = null;
    step.claim = null;
    step.delivered = token;
    place.timers.delete(timer('heartbeat', key));
    place.timers.delete(timer('timeout', key));
    place.post({ run, kind: 'reply', head, body });
    return 'ok';
  }

  async bury({ partition, worker, personas = [] }: Parameters<RequestPort['bury']>[0]): Promise<number> {
    const place = this.#partition(partition);
    for (const request of personas.flatMap((persona) => [...place.requestsOf(persona).values()]))
      if (request.delivered?.worker === worker) request.delivered = { worker, at: place.now() - ABANDONED_MS };
    let held = 0;
    for (const [run, { steps }] of place.runs) {
      for (const [step, { claim, record }] of steps) {
        if (claim?.worker !== worker) continue;
        const deadline = timerId({ kind: 'heartbeat', run, step, attempt: attemptIn(record) });
        const due = place.timers.get(deadline);
        // Without a deadline it is over already: its message lies in the inbox.
        if (due === undefined) continue;
        held++;
        place.timers.set(deadline, Math.min(due, place.now()));
      }
    }
    return held;
  }

  async refuse({ partition, persona, entry, body }: Delivery, reason: string): Promise<void> {
    const place = this.#partition(partition);
    if (!place.requestsOf(persona).delete(entry)) return;
    place.dead.push({ id: place.nextId(), entry, reason, run: '', kind: 'request', head: '', body, persona });
  }

  /** A delivery that was not begun is claimed by its age. */
  async leave({ partition, worker, personas }: Parameters<RequestPort['leave']>[0]): Promise<void> {
    const { readers } = this.#partition(partition);
    for (const persona of personas) readers.get(persona)?.delete(worker);
  }
}

function heard(place: MemoryPartition, { persona, worker }: { persona: string; worker: string }): void {
  const known = place.readers.get(persona) ?? new Map<string, number>();
  place.readers.set(persona, known.set(worker, place.now()));
}

function deliver(
  request: MemoryRequest,
  to: { partition: number; persona: string; worker: string; at: number },
): Delivery {
  request.delivered = { worker: to.worker, at: to.at };
  return { partition: to.partition, persona: to.persona, entry: request.id, body: request.body };
}

function whyNot(run: MemoryRun, key: AttemptKey): 'done' | 'canceled' | 'superseded' {
  const step = run.steps.get(key.step);
  const status = (JSON.parse(step?.record ?? '{}') as { status?: string }).status;
  if (status === 'canceled') return 'canceled';
  const done = status === 'succeeded' || status === 'failed' || step?.delivered === key.token;
  return done ? 'done' : 'superseded';
}

/** 0 for a record that cannot be read. */
function attemptIn(record: string | null): number {
  try {
    return (JSON.parse(record ?? '') as { attempt?: number } | null)?.attempt ?? 0;
  } catch {
    return 0;
  }
}

function timer(kind: 'heartbeat' | 'timeout', { run, step, attempt }: AttemptKey): string {
  return timerId({ kind, run, step, attempt });
}

function report(place: MemoryPartition, fact: Fact): void {
  place.report(JSON.stringify([fact]));
}

/** A claim of another incarnation is void. */
function claimOf({ lease }: MemoryPartition, { claim }: MemoryStep): Claim | null {
  return claim !== null && (claim.incarnation ?? 0) === lease.incarnation ? claim : null;
}

function heldClaim(place: MemoryPartition, step: MemoryStep, { token, worker }: AttemptKey): Claim | null {
  const claim = step.token === token ? claimOf(place, step) : null;
  return claim?.worker === worker ? claim : null;
}

/** Once, for people to look at: somebody has paid for it. */
function keepLateReply(place: MemoryPartition, { run, step, attempt, token, worker }: AttemptKey, body: string): void {
  const stored = place.runs.get(run);
  if (stored === undefined) return;
  const at = place.step(stored, step);
  const late = `${token} ${worker}`;
  if (at.late === late) return;
  at.late = late;
  const head = JSON.stringify({ step, attempt, token, worker });
  const reason = 'the attempt was no longer awaited from this worker';
  place.dead.push({ id: place.nextId(), entry: '', reason, run, kind: 'late-reply', head, body, persona: '' });
}
