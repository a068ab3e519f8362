/** What a coordinator reports of itself while it runs: for its log, and for tests to wait on. Facts of runs are `core/facts.ts`. */
export type CoordinatorEvent =
  | { readonly type: 'partition.acquired'; readonly partition: number; readonly epoch: number }
  | {
      readonly type: 'partition.held';
      readonly partition: number;
      readonly owner: string;
      readonly remainingMs: number;
    }
  | { readonly type: 'partition.fenced'; readonly partition: number; readonly epoch: number }
  | { readonly type: 'partition.released'; readonly partition: number; readonly epoch: number }
  | { readonly type: 'partition.interrupted'; readonly partition: number; readonly error: unknown }
  | { readonly type: 'turn'; readonly partition: number; readonly messages: number; readonly runs: number }
  | { readonly type: 'commit.stale'; readonly partition: number; readonly run: string }
  | { readonly type: 'run.ended'; readonly run: string; readonly status: string }
  | {
      readonly type: 'message.discarded';
      readonly run: string;
      readonly entry: string;
      readonly reason: string;
      readonly quarantined: boolean;
    };

export type Report = (event: CoordinatorEvent) => void;
