/**
 * Facts: what a run's history records and what the feed reports, one union for logs, screens, metrics and tests.
 * `at` is the store's time in ms of the message that caused the fact; `cause` is that message's inbox id.
 */
import type { JsonValue } from './json.js';
import type { ArtifactRef } from './messages.js';
import type { ErrorClass, Verdict } from './statuses.js';

interface FactBase {
  readonly run: string;
  readonly at: number;
  /** Inbox id of the message that caused it; null for what workers report on the feed. */
  readonly cause: string | null;
}

interface AttemptFact extends FactBase {
  readonly step: string;
  readonly attempt: number;
}

export interface StepFailure {
  readonly class: ErrorClass;
  readonly message: string;
}

export type Fact =
  | (FactBase & { readonly type: 'run.started'; readonly workflow: string; readonly definition: string })
  | (FactBase & { readonly type: 'run.completed' })
  | (FactBase & { readonly type: 'run.failed'; readonly step: string; readonly error: StepFailure })
  | (FactBase & { readonly type: 'run.canceled'; readonly reason: string; readonly by: string })
  | (AttemptFact & { readonly type: 'step.queued'; readonly persona: string; readonly token: string })
  | (AttemptFact & { readonly type: 'step.working'; readonly worker: string })
  | (AttemptFact & { readonly type: 'step.progress'; readonly worker: string; readonly progress: string })
  | (AttemptFact & {
      readonly type: 'step.succeeded';
      readonly worker: string;
      readonly verdict: Verdict;
      readonly result: JsonValue;
      readonly artifacts: readonly ArtifactRef[];
      readonly commit: string | null;
    })
  | (AttemptFact & {
      readonly type: 'step.retrying';
      readonly error: StepFailure;
      readonly worker: string | null;
      readonly delayMs: number;
    })
  | (AttemptFact & {
      readonly type: 'step.failed';
      readonly error: StepFailure;
      readonly worker: string | null;
      readonly result: JsonValue;
      readonly artifacts: readonly ArtifactRef[];
    })
  | (FactBase & { readonly type: 'step.skipped'; readonly step: string; readonly reason: string })
  | (AttemptFact & { readonly type: 'step.canceled'; readonly reason: string })
  | (FactBase & {
      readonly type: 'message.ignored';
      readonly kind: string;
      readonly reason: string;
      readonly step: string | null;
    });
