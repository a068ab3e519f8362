/**
 * All personas of a simulation: takes their requests as a worker does, and answers them as the script says, when
 * it is asked to. A hanging persona keeps its heartbeat, a lost worker does not.
 */
import type { Clock } from '../core/clock.js';
import { type ArtifactRef, type PersonaReply, type PersonaRequest, personaRequestSchema } from '../core/exchange.js';
import type { Store } from '../core/ports.js';
import type { AttemptKey, Delivery } from '../core/request-port.js';
import type { ScriptedReply } from './scenario.js';
import type { Script } from './script.js';

const WORKER = 'test';
const PARTITION = 0;
/** Of a worker that lives: no simulation goes on for so long. */
const LIVING_HEARTBEAT_MS = 100 * 365 * 86_400_000;
/** Of one that dies: as real workers have it. */
const LOST_HEARTBEAT_MS = 30_000;
const TAKEN_AT_ONCE = 1_000;
const AT_ONCE = AbortSignal.abort();

/** An attempt that the script answers. */
export interface Held {
  readonly key: AttemptKey;
  readonly reply: ScriptedReply;
  readonly dueAt: number;
}

export class Desk {
  readonly #store: Pick<Store, 'requests' | 'artifacts'>;
  readonly #clock: Clock;
  readonly #script: Script;
  readonly #held = new Set<Held>();
  /** Everything that was asked, in order. */
  readonly asked: PersonaRequest[] = [];

  constructor(means: { store: Pick<Store, 'requests' | 'artifacts'>; clock: Clock; script: Script }) {
    this.#store = means.store;
    this.#clock = means.clock;
    this.#script = means.script;
  }

  /** Takes and begins all requests of these personas. */
  async collect(personas: ReadonlySet<string>): Promise<void> {
    if (personas.size === 0) return;
    const want = { partition: PARTITION, worker: WORKER, limit: TAKEN_AT_ONCE, total: TAKEN_AT_ONCE };
    for (;;) {
      const deliveries = await this.#store.requests.take({
        ...want,
        personas: [...personas],
        recover: false,
        waitMs: 0,
        signal: AT_ONCE,
      });
      if (deliveries.length === 0) return;
      for (const delivery of deliveries.toSorted(byEntry)) await this.#begin(delivery);
    }
  }

  /** What can be answered now, oldest first, up to `limit`: thousands of items may be under way. */
  due(limit: number): readonly Held[] {
    const now = this.#clock.now();
    const found: Held[] = [];
    for (const held of this.#held) {
      if (found.length >= limit) break;
      if (held.dueAt <= now) found.push(held);
    }
    return found;
  }

  /** When the next answer that takes time is due, ms of the clock; null for none. */
  nextDue(): number | null {
    const times = [...this.#held].map(({ dueAt }) => dueAt);
    return times.length === 0 ? null : times.reduce((a, b) => Math.min(a, b));
  }

  async answer(held: Held): Promise<void> {
    this.#held.delete(held);
    await this.#store.requests.reply(held.key, { body: await this.#bodyOf(held.reply) });
  }

  async #begin({ body, persona, entry }: Delivery): Promise<void> {
    const request = personaRequestSchema.parse(JSON.parse(body));
    this.asked.push(request);
    const reply = this.#script.reply(request);
    if (reply.kind === 'no_worker') return;
    const { run, step, attempt, token, timeoutMs } = request;
    const key = { partition: PARTITION, run, step, attempt, token, worker: WORKER };
    const heartbeatMs = reply.kind === 'lose_worker' ? LOST_HEARTBEAT_MS : LIVING_HEARTBEAT_MS;
    const answer = await this.#store.requests.begin(key, { persona, entry, heartbeatMs, timeoutMs });
    if (answer !== 'go' || reply.kind === 'hang' || reply.kind === 'lose_worker') return;
    this.#held.add({ key, reply, dueAt: this.#clock.now() + reply.afterMs });
  }

  async #bodyOf({ kind, result, artifacts, questions, usage, session, ...failed }: ScriptedReply): Promise<string> {
    const { message, resumeInMs } = failed;
    if (kind === 'garbage') return message;
    const status = kind === 'fail' || kind === 'error' ? kind : kind === 'asks' ? 'needs_input' : 'pass';
    const errorClass = status === 'fail' ? 'REJECTED' : failed.class;
    const error = status === 'fail' || status === 'error' ? { class: errorClass, message } : null;
    const stored = await Promise.all(Object.entries(artifacts).map(([name, text]) => this.#keep(name, text)));
    const reply: PersonaReply = {
      status,
      result,
      artifacts: stored,
      error,
      commit: null,
      ...(usage !== undefined && { usage }),
      ...(session !== undefined && { session }),
      ...(resumeInMs !== undefined && { resumeInMs }),
    };
    return JSON.stringify(kind === 'asks' ? { ...reply, questions } : reply);
  }

  async #keep(name: string, text: string): Promise<ArtifactRef> {
    const content = Buffer.from(text, 'utf8');
    const sha256 = await this.#store.artifacts.put(PARTITION, content);
    return { name, sha256, size: content.length, type: mediaType(name) };
  }
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  json: 'application/json',
  md: 'text/markdown',
};

function mediaType(name: string): string {
  return MEDIA_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain';
}

/** Streams are read persona by persona; requests are answered in the order in which they were asked. */
function byEntry(a: Delivery, b: Delivery): number {
  const [aMs = 0, aCount = 0] = a.entry.split('-').map(Number);
  const [bMs = 0, bCount = 0] = b.entry.split('-').map(Number);
  return aMs - bMs || aCount - bCount;
}
