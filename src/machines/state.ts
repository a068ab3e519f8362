/**
 * A run in memory: its records, its plan, and what can be derived from both. `Draft` lays the changes of one fold
 * over it, so that the state under it stays as stored until the commit is known, and an event costs what it
 * changes, not what the run holds.
 */
import type { JsonObject } from '../core/json.js';
import type { RunInput } from '../core/messages.js';
import { stepIsSettled } from '../core/statuses.js';
import type { Fact } from '../core/facts.js';
import { type Plan, type RenderedStep, resolveVariables } from '../definition/plan.js';
import { PENDING_STEP, type RunRecord, type StepRecord } from './records.js';

export interface RunState {
  readonly plan: Plan;
  readonly input: RunInput;
  readonly variables: JsonObject;
  readonly record: RunRecord;
  /** Version that the store holds this state under. */
  readonly version: number;
  readonly steps: Map<string, StepRecord>;
  /** Per step: how many of its dependencies are not settled. Derived. */
  readonly remaining: Map<string, number>;
}

export function runState(stored: {
  plan: Plan;
  input: RunInput;
  record: RunRecord;
  version: number;
  steps: Map<string, StepRecord>;
}): RunState {
  const remaining = new Map<string, number>();
  for (const [id, planned] of stored.plan.steps) {
    let count = 0;
    for (const dependency of planned.dependencies) {
      if (!stepIsSettled((stored.steps.get(dependency) ?? PENDING_STEP).status)) count++;
    }
    remaining.set(id, count);
  }
  return { ...stored, variables: resolveVariables(stored.plan.definition, stored.input.task), remaining };
}

/** What a fold gives: the transition as data. Nothing of it has happened until it is committed. */
export interface FoldResult {
  readonly record: RunRecord;
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly remaining: ReadonlyMap<string, number>;
  readonly requests: readonly { readonly persona: string; readonly body: string }[];
  readonly arm: readonly { readonly id: string; readonly afterMs: number }[];
  readonly disarm: readonly string[];
  readonly facts: readonly Fact[];
}

/** The state after a commit. Takes over the maps of `state`, which must not be used any more. */
export function applyFold(state: RunState, result: FoldResult): RunState {
  for (const [id, step] of result.steps) state.steps.set(id, step);
  for (const [id, count] of result.remaining) state.remaining.set(id, count);
  return { ...state, record: result.record, version: state.version + 1 };
}

/** The cause of what is being drafted: which message, and when it arrived. */
export interface Cause {
  readonly id: string;
  readonly at: number;
}

export class Draft {
  readonly state: RunState;
  record: RunRecord;
  cause: Cause = { id: '0-0', at: 0 };
  readonly steps = new Map<string, StepRecord>();
  readonly remaining = new Map<string, number>();
  readonly requests: { persona: string; body: string }[] = [];
  readonly facts: Fact[] = [];
  /** Steps rendered in this fold before they were moved, so that a failing template is known in time. */
  readonly rendered = new Map<string, RenderedStep>();
  /** Steps that settled and whose dependents have not been looked at yet. */
  readonly settled: string[] = [];
  readonly #arm = new Map<string, number>();
  readonly #disarm = new Set<string>();

  constructor(state: RunState) {
    this.state = state;
    this.record = state.record;
  }

  step(id: string): StepRecord {
    return this.steps.get(id) ?? this.state.steps.get(id) ?? PENDING_STEP;
  }

  setStep(id: string, change: Partial<StepRecord>): void {
    this.steps.set(id, { ...this.step(id), ...change });
  }

  setRecord(change: Partial<RunRecord>): void {
    this.record = { ...this.record, ...change };
  }

  /** One dependency of `id` was settled; true when it was the last. */
  countDown(id: string): boolean {
    const left = (this.remaining.get(id) ?? this.state.remaining.get(id) ?? 0) - 1;
    this.remaining.set(id, left);
    return left === 0;
  }

  arm(id: string, afterMs: number): void {
    this.#disarm.delete(id);
    this.#arm.set(id, afterMs);
  }

  disarm(id: string): void {
    this.#arm.delete(id);
    this.#disarm.add(id);
  }

  result(): FoldResult {
    return {
      record: this.record,
      steps: this.steps,
      remaining: this.remaining,
      requests: this.requests,
      arm: [...this.#arm].map(([id, afterMs]) => ({ id, afterMs })),
      disarm: [...this.#disarm],
      facts: this.facts,
    };
  }
}
