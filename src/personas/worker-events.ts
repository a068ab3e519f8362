/** What a worker reports while it works: for its log, and for tests, which wait for these instead of sleeping. */
import type { AttemptKey } from '../core/request-port.js';
import type { PersonaReply } from '../core/exchange.js';

/** Why an attempt was ended from outside. */
export type EndReason =
  /** Not this worker's any more. */ 'stop' | /** No heartbeat got through in time. */ 'lost' | 'timeout' | 'shutdown';

export type WorkerEvent =
  | { readonly type: 'joined'; readonly partition: number }
  | { readonly type: 'waiting'; readonly partition: number; readonly personas: readonly string[] }
  | { readonly type: 'taken'; readonly partition: number; readonly persona: string; readonly entry: string }
  | { readonly type: 'refused'; readonly partition: number; readonly persona: string; readonly reason: string }
  /** Of a version of the protocol that this worker does not know: left to workers that do. */
  | {
      readonly type: 'newer';
      readonly partition: number;
      readonly persona: string;
      readonly entry: string;
      readonly protocol: number;
    }
  | { readonly type: 'dropped'; readonly key: AttemptKey; readonly reason: string }
  | { readonly type: 'begun'; readonly key: AttemptKey }
  | {
      readonly type: 'replied';
      readonly key: AttemptKey;
      readonly status: PersonaReply['status'];
      readonly outcome: 'ok' | 'repeated';
    }
  | { readonly type: 'stale'; readonly key: AttemptKey; readonly status: PersonaReply['status'] }
  | { readonly type: 'stopped'; readonly key: AttemptKey; readonly reason: EndReason }
  | { readonly type: 'ended'; readonly key: AttemptKey }
  | { readonly type: 'reaped'; readonly run: string; readonly step: string; readonly attempt: number }
  /** How the breaker of the persona's endpoint stands, as far as this worker knows; `half-open`: this worker tries it. */
  | { readonly type: 'breaker'; readonly persona: string; readonly state: 'closed' | 'half-open' | 'open' }
  /** The store has lost what it had confirmed to this worker. */
  | { readonly type: 'rolled-back'; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly type: 'trouble'; readonly doing: string; readonly message: string };

export type Report = (event: WorkerEvent) => void;
