/** A run as people and programs are shown it: the stored records, the live claims and the definition put together. */
import type { JsonObject, JsonValue } from './json.js';
import type { ArtifactRef, Used, Workspace } from './exchange.js';
import type { StepFailure, WaitsFor } from './facts.js';
import type { Slot } from './ports.js';
import type { RunStatus, StepStatus, Verdict } from './statuses.js';

export interface StepView {
  /** Its path: `qa`, or `fix[2]/qa` for the second round of the loop `fix`. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** Path of the step it stands in; null at the top. */
  readonly parent: string | null;
  /** The persona that is asked; empty for a step that asks none. */
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
  /** Whether its failure counts as dealt with, since the step says `on_error: continue` or a person did. */
  readonly tolerated: boolean;
  /** What it waits for, besides personas. */
  readonly waitsFor: WaitsFor | null;
  /** While it asks and wants data with the answer: what the data must look like (JSON Schema), and the choices that need none. */
  readonly form: { readonly schema: JsonObject | true; readonly notFor: readonly string[] } | null;
  /** The run inside, of a `workflow` step. */
  readonly run: string | null;
  /** Why it was skipped or canceled. */
  readonly reason: string | null;
  readonly artifacts: readonly ArtifactRef[];
  readonly commit: string | null;
  /** What its attempts have used, in all; left out when none has said. */
  readonly used?: Used;
  /** Until when it is parked, since its persona has used up its quota: the store's time, ms. */
  readonly parkedUntil?: number;
}

export interface RunSummary {
  readonly id: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Step that made the run fail, with why. */
  readonly failure: (StepFailure & { readonly step: string | null }) | null;
  readonly canceled: { readonly reason: string; readonly by: string } | null;
  /** Why nothing new begins, and since when; null when it is not paused. */
  readonly paused?: { readonly reason: string; readonly by: string; readonly at: number } | null;
  readonly quarantined: string | null;
  /** What it waits its turn for before it starts, or null. */
  readonly slot: Slot | null;
  /** What its attempts have used; left out when none has said. */
  readonly used?: Used;
  /** The run it works for, or null. */
  readonly parent: { readonly run: string; readonly step: string } | null;
}

export interface RunView extends RunSummary {
  readonly version: string;
  readonly definition: string;
  readonly task: JsonObject;
  readonly workspace: Workspace | null;
  /** Commit that the run's branch stands at; null without a workspace. */
  readonly head: string | null;
  /** What the run came to; null before it has completed. */
  readonly result: JsonValue;
  /** State of what it works on; left out when the workflow has no states. */
  readonly state?: string;
  /** Signals that no step has waited for yet, oldest first. */
  readonly signals: readonly { readonly name: string; readonly data: JsonValue; readonly by: string }[];
  readonly steps: readonly StepView[];
}
