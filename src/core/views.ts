/** A run as people and programs are shown it: the stored records, the live claims and the definition put together. */
import type { JsonObject, JsonValue } from './json.js';
import type { ArtifactRef, Workspace } from './messages.js';
import type { StepFailure } from './facts.js';
import type { RunStatus, StepStatus, Verdict } from './statuses.js';

export interface StepView {
  readonly id: string;
  readonly name: string;
  readonly persona: string;
  readonly dependencies: readonly string[];
  readonly status: StepStatus;
  /** 0 before the first attempt. */
  readonly attempt: number;
  readonly worker: string | null;
  readonly queuedAt: number | null;
  readonly begunAt: number | null;
  readonly endedAt: number | null;
  readonly progress: string | null;
  readonly verdict: Verdict | null;
  readonly result: JsonValue;
  readonly error: StepFailure | null;
  /** Why it was skipped or canceled. */
  readonly reason: string | null;
  readonly artifacts: readonly ArtifactRef[];
  readonly commit: string | null;
}

export interface RunSummary {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Step that made the run fail, with why. */
  readonly failure: (StepFailure & { readonly step: string }) | null;
  readonly canceled: { readonly reason: string; readonly by: string } | null;
  readonly quarantined: string | null;
}

export interface RunView extends RunSummary {
  readonly version: string;
  readonly definition: string;
  readonly task: JsonObject;
  readonly workspace: Workspace | null;
  /** Commit that the run's branch stands at; null without a workspace. */
  readonly head: string | null;
  readonly steps: readonly StepView[];
}
