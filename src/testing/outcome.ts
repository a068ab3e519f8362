/** What a simulated run left behind, and the questions that tests ask of it. */
import type { Fact } from '../core/facts.js';
import type { PersonaRequest } from '../core/exchange.js';
import type { StepView, RunView } from '../core/views.js';
import { BLOCK_TYPES } from '../definition/steps.js';
import type { WorkflowDefinition } from '../definition/workflow.js';
import { idOf } from './script.js';

export interface Outcome {
  readonly run: string;
  readonly definition: WorkflowDefinition;
  /** Null when the start was refused. */
  readonly view: RunView | null;
  readonly refused: { readonly code: string; readonly message: string } | null;
  /** Why nothing can happen any more although the run has not ended: what it waits for, line by line. */
  readonly stuck: readonly string[] | null;
  readonly facts: readonly Fact[];
  readonly requests: readonly PersonaRequest[];
  /** Requests that nothing was written for. */
  readonly unscripted: readonly string[];
  /** Messages that the engine could not apply. */
  readonly discarded: readonly string[];
  readonly startedAt: number;
  /** From the start to the run's end, or to where it stands, ms. */
  readonly elapsedMs: number;
  /** Contents of the run's artifacts, by name; the last one of a name. */
  readonly artifacts: ReadonlyMap<string, string>;
}

/** The step whose path, or else whose id, this is; of several instances the last. */
export function stepOf(view: RunView, pathOrId: string): StepView | null {
  return view.steps.find(({ id }) => id === pathOrId) ?? view.steps.findLast(({ id }) => idOf(id) === pathOrId) ?? null;
}

const BLOCKS: ReadonlySet<string> = new Set(BLOCK_TYPES);
const NOT_STARTED: ReadonlySet<string> = new Set(['step.skipped', 'step.canceled']);

/** Paths of the steps that do something themselves, in the order in which they were started. */
export function startedSteps({ view, facts }: Pick<Outcome, 'view' | 'facts'>): readonly string[] {
  const types = new Map(view?.steps.map(({ id, type }) => [id, type]));
  const started = new Set<string>();
  for (const fact of facts) {
    if (!fact.type.startsWith('step.') || NOT_STARTED.has(fact.type)) continue;
    if (!('step' in fact) || fact.step === null) continue;
    if (!BLOCKS.has(types.get(fact.step) ?? '')) started.add(fact.step);
  }
  return [...started];
}
