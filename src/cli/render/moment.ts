/** What was known in a run when one of its steps ended: put together from the history up to there. */
import type { Fact } from '../../core/facts.js';
import type { JsonValue } from '../../core/json.js';
import type { ArtifactRef } from '../../core/exchange.js';
import type { StepStatus } from '../../core/statuses.js';

export interface KnownStep {
  readonly step: string;
  readonly status: StepStatus;
  readonly result: JsonValue;
  readonly artifacts: readonly ArtifactRef[];
  /** When it ended, by the store's clock, ms; null while it was under way. */
  readonly endedAt: number | null;
}

export interface Moment {
  /** When the step ended, by the store's clock, ms. */
  readonly at: number;
  /** In the order in which they were heard of. */
  readonly steps: readonly KnownStep[];
  readonly signals: readonly { readonly name: string; readonly data: JsonValue; readonly by: string }[];
  readonly decisions: readonly {
    readonly step: string;
    readonly choice: string;
    readonly data: JsonValue;
    readonly by: string;
  }[];
}

const ENDS: ReadonlySet<Fact['type']> = new Set(['step.succeeded', 'step.failed', 'step.skipped', 'step.canceled']);

/** As the last end of the step left it; null when it has not ended yet. `step`: its path, or its id when only one has that. */
export function momentOf(facts: readonly Fact[], step: string): Moment | null {
  const end = facts.findLastIndex(
    (fact) => ENDS.has(fact.type) && 'step' in fact && (fact.step === step || fact.step?.endsWith(`/${step}`) === true),
  );
  const last = facts[end];
  if (last === undefined) return null;
  const steps = new Map<string, KnownStep>();
  const signals: Moment['signals'][number][] = [];
  const decisions: Moment['decisions'][number][] = [];
  for (const fact of facts.slice(0, end + 1)) {
    const known = stepAfter(fact);
    if (known !== null) steps.set(known.step, known);
    if (fact.type === 'signal.received') signals.push({ name: fact.name, data: fact.data, by: fact.by });
    if (fact.type === 'decision.answered' || fact.type === 'decision.voted')
      decisions.push({ step: fact.step, choice: fact.choice, data: fact.data, by: fact.by });
  }
  return { at: last.at, steps: [...steps.values()], signals, decisions };
}

function stepAfter(fact: Fact): KnownStep | null {
  const open = { result: null, artifacts: [], endedAt: null };
  switch (fact.type) {
    case 'step.queued':
    case 'step.fallback':
      return { step: fact.step, status: 'queued', ...open };
    case 'step.working':
    case 'step.opened':
    case 'step.round':
      return { step: fact.step, status: 'working', ...open };
    case 'step.waiting':
      return { step: fact.step, status: 'waiting', ...open };
    case 'step.retrying':
      return { step: fact.step, status: 'retrying', ...open };
    case 'step.succeeded':
      return {
        step: fact.step,
        status: 'succeeded',
        result: fact.result,
        artifacts: fact.artifacts,
        endedAt: fact.at,
      };
    case 'step.failed':
      return { step: fact.step, status: 'failed', result: fact.result, artifacts: fact.artifacts, endedAt: fact.at };
    case 'step.skipped':
      return { step: fact.step, status: 'skipped', ...open, endedAt: fact.at };
    case 'step.canceled':
      return { step: fact.step, status: 'canceled', ...open, endedAt: fact.at };
    default:
      return null;
  }
}
