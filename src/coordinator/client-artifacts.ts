/** Where the artifacts of a run come from: who made each, and what that one had before it. Found from the records, not stored. */
import type { ArtifactRef } from '../core/exchange.js';
import type { RunView, StepView } from '../core/views.js';

export interface ArtifactSource {
  /** Path of the step that left it. */
  readonly step: string;
  readonly name: string;
}

/** An artifact with its producer. */
export interface ProducedArtifact extends ArtifactRef {
  readonly step: string;
  readonly attempt: number;
  readonly persona: string;
  readonly worker: string | null;
  /** Commit that the attempt left the run's branch at; null without a workspace. */
  readonly commit: string | null;
  /** The nearest artifacts before it: what its producer could know. */
  readonly parents: readonly ArtifactSource[];
}

export function artifactGraph(view: Pick<RunView, 'steps'>): readonly ProducedArtifact[] {
  const before = new Before(view.steps);
  return view.steps.flatMap((step) => {
    if (step.artifacts.length === 0) return [];
    const { attempt, persona, worker, commit } = step;
    const parents = before.artifacts(step);
    return step.artifacts.map((ref) => ({ ...ref, step: step.id, attempt, persona, worker, commit, parents }));
  });
}

class Before {
  readonly #byPath: ReadonlyMap<string, StepView>;
  readonly #inside = new Map<string, StepView[]>();

  constructor(steps: readonly StepView[]) {
    this.#byPath = new Map(steps.map((step) => [step.id, step]));
    for (const step of steps) {
      if (step.parent === null) continue;
      const inside = this.#inside.get(step.parent);
      if (inside === undefined) this.#inside.set(step.parent, [step]);
      else inside.push(step);
    }
  }

  /** Of the nearest steps before it that have left any. */
  artifacts(step: StepView): readonly ArtifactSource[] {
    const found: ArtifactSource[] = [];
    const seen = new Set<string>();
    // A list instead of recursion: chains of thousands of steps are fine.
    const open = this.#directly(step);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next.id)) continue;
      seen.add(next.id);
      const left = this.#leftBy(next);
      if (left.length === 0) open.push(...this.#directly(next));
      else found.push(...left);
    }
    return found.toSorted((a, b) => (`${a.step}/${a.name}` < `${b.step}/${b.name}` ? -1 : 1));
  }

  /** The steps that it depends on; of one that begins a block what the block depends on, and the round before. */
  #directly(step: StepView): StepView[] {
    const prefix = step.id.slice(0, step.id.lastIndexOf('/') + 1);
    const named = step.dependencies.flatMap((id) => this.#byPath.get(`${prefix}${id}`) ?? []);
    if (named.length > 0 || step.parent === null) return named;
    const outer = this.#byPath.get(step.parent);
    return [...this.#roundBefore(step, prefix), ...(outer === undefined ? [] : this.#directly(outer))];
  }

  #roundBefore({ parent }: StepView, prefix: string): StepView[] {
    const [, round] = /\[(\d+)\]\/$/.exec(prefix) ?? [];
    const owner = parent === null ? undefined : this.#byPath.get(parent);
    if (parent === null || round === undefined || owner?.type !== 'loop') return [];
    const earlier = `${parent}[${String(Number(round) - 1)}]/`;
    return (this.#inside.get(parent) ?? []).filter(({ id }) => id.startsWith(earlier));
  }

  /** By the step itself, or by whatever it holds. */
  #leftBy(step: StepView): readonly ArtifactSource[] {
    const left: ArtifactSource[] = [];
    const open = [step];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { id, artifacts } = next;
      left.push(...artifacts.map(({ name }) => ({ step: id, name })));
      open.push(...(this.#inside.get(id) ?? []));
    }
    return left;
  }
}
