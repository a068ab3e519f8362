/**
 * Facts: what a run's history records and what the feed reports, one union for logs, screens, metrics and tests.
 * `at` is the store's time in ms of the message that caused the fact; `cause` is that message's inbox id.
 */
import type { Asked } from './asked.js';
import type { JsonObject, JsonValue } from './json.js';
import type { LockParty } from './lock-port.js';
import type { ArtifactRef, Ceiling, Usage, Used } from './exchange.js';
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

/** What the attempt has used; left out when its persona has not said. */
interface WithUsage {
  readonly usage?: Usage | undefined;
}

interface AnswerFact extends FactBase {
  readonly step: string;
  readonly token: string;
  readonly choice: string;
  readonly data: JsonValue;
  readonly by: string;
  /** Where it was answered, for example `coord on host-3`. */
  readonly from?: string;
  /** What it changes in the draft, as a JSON merge patch. */
  readonly edits?: JsonValue;
}

export interface StepFailure {
  readonly class: ErrorClass;
  readonly message: string;
}

/** What one of several people has answered. */
export interface Vote {
  readonly by: string;
  readonly choice: string;
  readonly data: JsonValue;
  readonly at: number;
}

/** A time at which people are told once more that they are asked; `to`: others are asked too from then on. */
export interface Nudge {
  readonly at: number;
  readonly to?: readonly string[] | undefined;
}

/** A question to people. */
export interface Question {
  /** Names this question; an answer to another one changes nothing. */
  readonly token: string;
  /** A `decision` step, a failure that people are asked about, a loop whose rounds are used up, what a persona needs to know, or a budget. */
  readonly about: 'step' | 'failure' | 'limit' | 'input' | 'budget';
  readonly prompt: string;
  readonly choices: readonly { readonly id: string; readonly label: string }[];
  readonly context: JsonObject;
  readonly assignees: readonly string[];
  /** Answered in the data of the answer, each by its id. */
  readonly asked?: readonly Asked[] | undefined;
  /** What is judged, and may be edited by the answer; with the edits of those who have answered already. */
  readonly draft?: JsonValue | undefined;
  readonly edited?: boolean | undefined;
  /** With a draft: the choices that reject it. */
  readonly rejects?: readonly string[] | undefined;
  /** When it is too late to answer, ms. */
  readonly due?: number | undefined;
  /** The choice that is taken then; left out: the step fails. */
  readonly otherwise?: string | undefined;
  /** When people are told again, the next one first. */
  readonly nudges?: readonly Nudge[] | undefined;
  /** People who must choose the same; left out: one. */
  readonly quorum?: number | undefined;
  readonly votes?: readonly Vote[] | undefined;
  /** Since when it is asked, where the step began before. */
  readonly at?: number | undefined;
}

/** What a step waits for, besides personas. */
export type WaitsFor =
  | { readonly kind: 'time'; readonly until: number }
  | { readonly kind: 'signal'; readonly name: string }
  | { readonly kind: 'decision'; readonly question: Question }
  /** `holder`: who held it when it was asked for first; left out before that. */
  | { readonly kind: 'lock'; readonly name: string; readonly holder?: LockParty | null | undefined }
  /** A run inside that waits itself. */
  | { readonly kind: 'run'; readonly run: string };

export type Fact =
  | (FactBase & { readonly type: 'run.started'; readonly workflow: string; readonly definition: string })
  | (FactBase & { readonly type: 'run.completed'; readonly result: JsonValue })
  | (FactBase & { readonly type: 'run.compensating'; readonly steps: number })
  | (FactBase & {
      readonly type: 'run.failed';
      /** Null when it was no step: the run's own timeout, input or output. */
      readonly step: string | null;
      readonly error: StepFailure;
    })
  | (FactBase & { readonly type: 'run.canceled'; readonly reason: string; readonly by: string })
  /** Nothing new begins until it is resumed; what is under way goes on. */
  | (FactBase & { readonly type: 'run.paused'; readonly reason: string; readonly by: string })
  | (FactBase & { readonly type: 'run.resumed'; readonly by: string })
  /** It goes on from where it failed or was canceled: these steps run again, with all that is in them. */
  | (FactBase & {
      readonly type: 'run.retried';
      readonly reason: string;
      readonly by: string;
      readonly steps: readonly string[];
    })
  | (FactBase & {
      readonly type: 'run.restarted';
      readonly from: string;
      readonly reason: string;
      readonly by: string;
      readonly steps: readonly string[];
    })
  /** It shares the past of another run. */
  | (FactBase & {
      readonly type: 'run.forked';
      readonly from: string;
      readonly step: string;
      readonly by: string;
      /** What it has taken over. */
      readonly steps: readonly string[];
    })
  /** The state of what it works on. */
  | (FactBase & { readonly type: 'run.entered'; readonly step: string; readonly from: string; readonly state: string })
  | (FactBase & {
      readonly type: 'run.migrated';
      /** Hashes of the definitions. */
      readonly from: string;
      readonly to: string;
      readonly by: string;
      /** Ids of steps that only one of them has. */
      readonly added: readonly string[];
      readonly gone: readonly string[];
    })
  /** So much of the run's budget is used that it will soon be used up. */
  | (FactBase & { readonly type: 'budget.warned'; readonly used: Used; readonly limits: Ceiling })
  | (AttemptFact & { readonly type: 'step.queued'; readonly persona: string; readonly token: string })
  | (AttemptFact & { readonly type: 'step.working'; readonly worker: string })
  | (AttemptFact & { readonly type: 'step.progress'; readonly worker: string; readonly progress: string })
  | (AttemptFact &
      WithUsage & {
        readonly type: 'step.succeeded';
        readonly worker: string;
        readonly verdict: Verdict;
        readonly result: JsonValue;
        readonly artifacts: readonly ArtifactRef[];
        readonly commit: string | null;
      })
  | (AttemptFact &
      WithUsage & {
        readonly type: 'step.retrying';
        readonly error: StepFailure;
        readonly worker: string | null;
        readonly delayMs: number;
        /** It counts as no failure: the persona has said that it can go on then. */
        readonly parked?: true;
      })
  | (AttemptFact &
      WithUsage & {
        readonly type: 'step.failed';
        readonly error: StepFailure;
        readonly worker: string | null;
        readonly result: JsonValue;
        readonly artifacts: readonly ArtifactRef[];
      })
  | (FactBase & {
      readonly type: 'step.skipped';
      readonly step: string;
      readonly reason: string;
      /** Who said so; left out when the workflow did. */
      readonly by?: string;
    })
  | (AttemptFact & { readonly type: 'step.canceled'; readonly reason: string })
  | (AttemptFact &
      WithUsage & {
        readonly type: 'step.fallback';
        readonly from: string;
        readonly to: string;
        readonly error: StepFailure;
      })
  /** A block, or a run inside: what it holds, for example `{ branch: 'then' }`, `{ items: 12 }` or `{ run: '…' }`. */
  | (FactBase & { readonly type: 'step.opened'; readonly step: string; readonly detail: JsonObject })
  | (FactBase & { readonly type: 'step.round'; readonly step: string; readonly round: number })
  | (FactBase &
      WithUsage & {
        readonly type: 'step.waiting';
        readonly step: string;
        readonly waitsFor: WaitsFor;
      })
  | (AnswerFact & { readonly type: 'decision.answered' })
  /** One of several who must agree; `votes` are now for this choice. */
  | (AnswerFact & { readonly type: 'decision.voted'; readonly votes: number; readonly quorum: number })
  /** People are told once more that they are asked; with `to`, these are asked too from now on. */
  | (FactBase & {
      readonly type: 'decision.reminded';
      readonly step: string;
      readonly token: string;
      readonly assignees: readonly string[];
      readonly to?: readonly string[];
    })
  /** Nobody decided in time; `choice` is what holds then, null when the step fails. */
  | (FactBase & {
      readonly type: 'decision.expired';
      readonly step: string;
      readonly token: string;
      readonly choice: string | null;
    })
  | (FactBase & {
      readonly type: 'signal.received';
      readonly name: string;
      readonly data: JsonValue;
      readonly by: string;
      /** The step that waited for it; null when it is kept for later. */
      readonly step: string | null;
    })
  | (FactBase & {
      readonly type: 'event.emitted';
      readonly step: string;
      readonly event: string;
      readonly data: JsonValue;
    })
  | (FactBase & {
      readonly type: 'message.ignored';
      readonly kind: string;
      readonly reason: string;
      readonly step: string | null;
    });
