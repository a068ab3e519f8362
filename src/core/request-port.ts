/** What a worker asks of the store: deliveries of requests, and begin, beat and reply by token. */

/** A request as delivered to a worker; not begun yet. */
export interface Delivery {
  readonly partition: number;
  readonly persona: string;
  readonly entry: string;
  /** JSON text of a `PersonaRequest`, not yet parsed. */
  readonly body: string;
}

export interface AttemptKey {
  readonly partition: number;
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  readonly token: string;
  readonly worker: string;
}

/** What a worker does. */
export interface RequestPort {
  /** Makes this worker a reader of these personas' requests. Repeating is harmless. */
  join(who: { partition: number; worker: string; personas: readonly string[] }): Promise<void>;
  /** Up to `limit` requests per named persona, never more than `total` in all; waits up to `waitMs` for the first, and not at all for 0. Own unfinished deliveries come first after `recover`. */
  take(want: {
    partition: number;
    worker: string;
    personas: readonly string[];
    limit: number;
    total: number;
    recover: boolean;
    waitMs: number;
    signal: AbortSignal;
  }): Promise<readonly Delivery[]>;
  /**
   * Ends when a request may lie there that nobody was sent, after `waitMs`, or when aborted. Takes nothing: whoever
   * serves several partitions need not keep a place free in each while it waits.
   */
  arrival(want: {
    partition: number;
    worker: string;
    personas: readonly string[];
    waitMs: number;
    signal: AbortSignal;
  }): Promise<void>;
  /** Requests that were delivered to some worker at least `idleMs` ago and never begun; now this worker's. */
  claimAbandoned(want: {
    partition: number;
    worker: string;
    persona: string;
    idleMs: number;
    limit: number;
  }): Promise<readonly Delivery[]>;
  /**
   * Takes over what workers that are known to be dead were sent and never began, without waiting; a `take` that
   * recovers gives it. Returns how many deliveries.
   */
  inherit(want: {
    partition: number;
    worker: string;
    personas: readonly string[];
    isDead: (worker: string) => boolean;
  }): Promise<number>;
  /** Go ahead, or why not. Starts the heartbeat deadline and the attempt's timeout, and removes the delivery. */
  begin(
    key: AttemptKey,
    entry: { persona: string; entry: string; heartbeatMs: number; timeoutMs: number | null },
  ): Promise<'go' | 'held' | 'superseded' | 'done' | 'canceled' | 'no_run'>;
  /** `stop` when the attempt is no longer this worker's. Moves the heartbeat deadline. */
  beat(key: AttemptKey, beat: { heartbeatMs: number; progress: string }): Promise<'ok' | 'stop'>;
  /** Puts the reply (JSON text) into the run's inbox. `stale`: the attempt is not this worker's any more; kept as evidence in the dead letters. */
  reply(key: AttemptKey, reply: { body: string }): Promise<'ok' | 'repeated' | 'stale'>;
  /**
   * The worker is known to be dead: the heartbeat deadlines of all it holds are over now, and what it was sent and never
   * began, of the named personas, counts as abandoned. Returns how many deadlines those are.
   */
  bury(dead: { partition: number; worker: string; personas?: readonly string[] }): Promise<number>;
  /** Drops a delivery that is not a request at all, with its reason, to the dead letters. */
  refuse(delivery: Delivery, reason: string): Promise<void>;
  /** Takes the worker's reader away when it holds nothing. */
  leave(who: { partition: number; worker: string; personas: readonly string[] }): Promise<void>;
}
