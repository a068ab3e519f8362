/** Two runs, step by step: where they went the same way, and where not. */
import type { ArtifactRef } from '../core/exchange.js';
import type { RunView, StepView } from '../core/views.js';

/** What can differ between two runs of a step. */
export type Aspect = 'definition' | 'status' | 'attempts' | 'result' | 'artifacts';

export interface StepDifference {
  /** Its path. */
  readonly id: string;
  /** Null in the run that has no such step. */
  readonly a: Pick<StepView, 'status' | 'attempt'> | null;
  readonly b: Pick<StepView, 'status' | 'attempt'> | null;
  /** Empty when both came to the same. */
  readonly differs: readonly Aspect[];
  /** Names of artifacts that only one has, or that have another content. */
  readonly artifacts: readonly string[];
}

export interface RunDifferences {
  readonly a: string;
  readonly b: string;
  /** Of the runs as a whole. `definition`: they are not of the same one. */
  readonly differs: readonly Aspect[];
  /** In the order of the first run, then those that only the second one has. */
  readonly steps: readonly StepDifference[];
}

export function differencesOf(a: RunView, b: RunView): RunDifferences {
  const others = new Map(b.steps.map((step) => [step.id, step]));
  const own = new Set(a.steps.map(({ id }) => id));
  const steps = [
    ...a.steps.map((step) => compared(step, others.get(step.id) ?? null)),
    ...b.steps.filter(({ id }) => !own.has(id)).map((step) => compared(null, step)),
  ];
  const differs: Aspect[] = [];
  if (a.definition !== b.definition) differs.push('definition');
  if (a.status !== b.status) differs.push('status');
  if (JSON.stringify(a.result) !== JSON.stringify(b.result)) differs.push('result');
  return { a: a.id, b: b.id, differs, steps };
}

function compared(a: StepView | null, b: StepView | null): StepDifference {
  const artifacts = artifactsThatDiffer(a?.artifacts ?? [], b?.artifacts ?? []);
  const differs: Aspect[] = [];
  if (a?.status !== b?.status) differs.push('status');
  if (a?.attempt !== b?.attempt) differs.push('attempts');
  if (JSON.stringify(a?.result ?? null) !== JSON.stringify(b?.result ?? null)) differs.push('result');
  if (artifacts.length > 0) differs.push('artifacts');
  return { id: (a ?? b)?.id ?? '', a: standing(a), b: standing(b), differs, artifacts };
}

function standing(step: StepView | null): StepDifference['a'] {
  return step === null ? null : { status: step.status, attempt: step.attempt };
}

function artifactsThatDiffer(a: readonly ArtifactRef[], b: readonly ArtifactRef[]): readonly string[] {
  const hashes = (refs: readonly ArtifactRef[]): ReadonlyMap<string, string> =>
    new Map(refs.map(({ name, sha256 }) => [name, sha256]));
  const [ours, theirs] = [hashes(a), hashes(b)];
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter((name) => ours.get(name) !== theirs.get(name));
}
