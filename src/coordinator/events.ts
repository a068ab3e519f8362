/** What a coordinator reports of itself while it runs: for its log, and for tests to wait on. Facts of runs are `core/facts.ts`. */
export type CoordinatorEvent =
  | { readonly type: 'partition.acquired'; readonly partition: number; readonly epoch: number }
  | {
      readonly type: 'partition.held';
      readonly partition: number;
      readonly owner: string;
      readonly remainingMs: number;
    }
  | { readonly type: 'partition.on-hold'; readonly partition: number; readonly reason: string }
  /** The store has lost what this coordinator had seen confirmed. */
  | { readonly type: 'partition.rolled-back'; readonly partition: number; readonly from: number; readonly to: number }
  | { readonly type: 'partition.fenced'; readonly partition: number; readonly epoch: number }
  | { readonly type: 'partition.released'; readonly partition: number; readonly epoch: number }
  | { readonly type: 'partition.interrupted'; readonly partition: number; readonly error: unknown }
  /** Who shares the partitions, and how many of them are this one's. */
  | { readonly type: 'roll.changed'; readonly coordinators: number; readonly quota: number }
  | { readonly type: 'roll.interrupted'; readonly error: unknown }
  /** The store holds another namespace than the one that was opened, or none: nothing more is done. */
  | { readonly type: 'namespace.gone' }
  | { readonly type: 'worker.buried'; readonly worker: string; readonly attempts: number; readonly why: string }
  | { readonly type: 'schedule.started'; readonly schedule: string; readonly at: number; readonly run: string }
  | { readonly type: 'schedule.failed'; readonly schedule: string; readonly at: number; readonly error: string }
  | {
      readonly type: 'schedule.left-out';
      readonly schedule: string;
      readonly at: number;
      readonly outcome: 'skipped' | 'missed';
      readonly count: number;
    }
  /** It goes on in a moment; `schedule` null: all of them. */
  | { readonly type: 'schedule.interrupted'; readonly schedule: string | null; readonly error: unknown }
  | { readonly type: 'turn'; readonly partition: number; readonly messages: number; readonly runs: number }
  | { readonly type: 'commit.stale'; readonly partition: number; readonly run: string }
  /** A newer coord has written it: it is left alone. */
  | { readonly type: 'run.newer'; readonly run: string; readonly what: string }
  | { readonly type: 'run.ended'; readonly run: string; readonly status: string }
  | {
      readonly type: 'message.discarded';
      readonly run: string;
      readonly entry: string;
      readonly reason: string;
      readonly quarantined: boolean;
    };

export type Report = (event: CoordinatorEvent) => void;
