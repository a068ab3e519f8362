/** The worker's side of a partition in memory. See `RequestPort`. */
import { timerId } from '../core/messages.js';
import type { AttemptKey, Delivery, RequestPort } from '../core/ports.js';
import type { Fact } from '../core/facts.js';
import type { MemoryPartition, MemoryRequest, MemoryRun } from './partition.js';

export class MemoryRequests implements RequestPort {
  readonly #partition: (partition: number) => MemoryPartition;
  #turn = 0;

  constructor(partition: (partition: number) => MemoryPartition) {
    this.#partition = partition;
  }

  async join({ partition, personas }: Parameters<RequestPort['join']>[0]): Promise<void> {
    for (const persona of personas) this.#partition(partition).requestsOf(persona);
  }

  async take(want: Parameters<RequestPort['take']>[0]): Promise<readonly Delivery[]> {
    const { partition, worker, personas, limit, total, recover, waitMs, signal } = want;
    const place = this.#partition(partition);
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
    return recover ? look() : place.waitFor(look, { waitMs, signal });
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
      if (request.delivered === null || !isDead(request.delivered.worker)) continue;
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
    if (step.claim !== null) return step.claim.worker === key.worker ? 'go' : 'held';
    const now = place.now();
    step.claim = { worker: key.worker, begunAt: now, beatAt: now, progress: '' };
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
    if (step === undefined || step.token !== key.token || step.claim === null || step.claim.worker !== key.worker)
      return 'stop';
    const now = place.now();
    const spoke = step.claim.progress !== progress;
    step.claim = { ...step.claim, beatAt: now, progress };
    const deadline = timer('heartbeat', key);
    if (place.timers.has(deadline)) place.timers.set(deadline, now + heartbeatMs);
    const { run, step: id, attempt, worker } = key;
    if (spoke) report(place, { type: 'step.progress', run, at: now, cause: null, step: id, attempt, worker, progress });
    return 'ok';
  }

  async reply(key: AttemptKey, { body }: { body: string }): Promise<'ok' | 'repeated' | 'stale'> {
    const place = this.#partition(key.partition);
    const step = place.runs.get(key.run)?.steps.get(key.step);
    if (step === undefined || step.token !== key.token) return step?.delivered === key.token ? 'repeated' : 'stale';
    if (step.claim !== null && step.claim.worker !== key.worker) return 'stale';
    const { attempt, token, worker } = key;
    const head = JSON.stringify({
      step: key.step,
      attempt,
      token,
      worker,
      begunAt: step.claim?.begunAt ?? place.now(),
    });
    step.token = null;
    step.claim = null;
    step.delivered = token;
    place.timers.delete(timer('heartbeat', key));
    place.timers.delete(timer('timeout', key));
    place.post({ run: key.run, kind: 'reply', head, body });
    return 'ok';
  }

  async refuse({ partition, persona, entry, body }: Delivery, reason: string): Promise<void> {
    const place = this.#partition(partition);
    if (!place.requestsOf(persona).delete(entry)) return;
    place.dead.push({ id: place.nextId(), entry, reason, run: '', kind: 'request', head: '', body });
  }

  async leave(): Promise<void> {
    // Readers leave nothing behind in memory; a delivery that was not begun is claimed by its age.
  }
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
  if (step?.delivered === key.token) return 'done';
  const status = (JSON.parse(step?.record ?? '{}') as { status?: string }).status;
  if (status === 'canceled') return 'canceled';
  return status === 'succeeded' || status === 'failed' ? 'done' : 'superseded';
}

function timer(kind: 'heartbeat' | 'timeout', { run, step, attempt }: AttemptKey): string {
  return timerId({ kind, run, step, attempt });
}

function report(place: MemoryPartition, fact: Fact): void {
  place.report(JSON.stringify(fact));
}
