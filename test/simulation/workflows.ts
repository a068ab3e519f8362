/**
 * Random workflows. Tame ones never fail and come to the same end whatever happens meanwhile, so that `reference.ts` can
 * say what that is; wild ones have every policy for what goes wrong.
 */
import type { StepDefinition } from '../../src/definition/steps.js';
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import {
  conditional,
  decision,
  emit,
  forEach,
  inner,
  loop,
  parallel,
  step,
  wait,
  workflow,
} from '../harness/definitions.js';
import type { Draw } from './draw.js';
import { underLock } from './locks.js';

export interface SimulatedWorkflow {
  readonly definition: WorkflowDefinition;
  /** Definitions of the runs inside. */
  readonly inner: readonly WorkflowDefinition[];
  readonly tame: boolean;
}

export function drawWorkflow(draw: Draw, name: string, tame: boolean): SimulatedWorkflow {
  const within = new Maker(draw, { tame, inner: null, budget: draw.between(1, 4) }).workflow(`${name}-inner`);
  const maker = new Maker(draw, { tame, inner: within, budget: draw.between(2, 12) });
  const concurrency = draw.chance(0.3) ? { key: draw.pick(['one', 'two']), limit: draw.between(1, 2) } : null;
  const definition = {
    ...underLock(draw.fork('locks'), maker.workflow(name)),
    concurrency,
    max_concurrent_steps: draw.chance(0.2) ? draw.between(1, 3) : null,
    timeout: !tame && draw.chance(0.2) ? draw.between(20, 200) : null,
  };
  return { definition, inner: [within], tame };
}

/** What a step may have besides its own: policies for what goes wrong, in wild workflows. */
type Traits = Partial<Pick<StepDefinition, 'dependencies' | 'condition' | 'when' | 'on_error' | 'compensate'>>;

class Maker {
  readonly #draw: Draw;
  readonly #tame: boolean;
  readonly #inner: WorkflowDefinition | null;
  /** Steps that may still be made. */
  #budget: number;
  #made = 0;

  constructor(draw: Draw, want: { tame: boolean; inner: WorkflowDefinition | null; budget: number }) {
    this.#draw = draw;
    this.#tame = want.tame;
    this.#inner = want.inner;
    this.#budget = want.budget;
  }

  workflow(name: string): WorkflowDefinition {
    const made: StepDefinition[] = [];
    while (this.#budget > 0) made.push(this.#step(made, 0));
    return workflow(made, { name });
  }

  #list(depth: number, most: number): readonly StepDefinition[] {
    const made: StepDefinition[] = [];
    const count = this.#draw.between(1, most);
    while (made.length < count && this.#budget > 0) made.push(this.#step(made, depth));
    return made;
  }

  #step(before: readonly StepDefinition[], depth: number): StepDefinition {
    const draw = this.#draw;
    this.#budget--;
    const id = `s${String(++this.#made)}`;
    // What waits for all ordinary steps of its list cannot be waited for by one of them.
    const open = before.filter(({ when, dependencies }) => when === 'on_success' || dependencies.length > 0);
    const dependencies = draw
      .some(open, 0.4)
      .slice(-3)
      .map((one) => one.id);
    const traits: Traits = { dependencies, ...this.#condition(dependencies[0]), ...this.#policies(depth) };
    if (depth < 3 && this.#budget > 0 && draw.chance(0.35)) return this.#block(id, traits, depth);
    return this.#leaf(id, traits);
  }

  #condition(first: string | undefined): Traits {
    const draw = this.#draw;
    if (!draw.chance(0.2)) return {};
    if (first === undefined) return { condition: draw.pick(['true', 'true', 'false']) };
    return { condition: `steps.${first}.status ${draw.pick(['===', '!=='])} '${draw.pick(['pass', 'skipped'])}'` };
  }

  #policies(depth: number): Traits {
    const draw = this.#draw;
    if (this.#tame) return {};
    return {
      when: draw.pick(['on_success', 'on_success', 'on_success', 'on_success', 'always', 'on_failure']),
      on_error: draw.pick(['fail', 'fail', 'continue', 'ask']),
      compensate: depth < 2 && draw.chance(0.2) ? [step(`u${String(++this.#made)}`)] : [],
    };
  }

  #block(id: string, { condition = null, ...traits }: Traits, depth: number): StepDefinition {
    const draw = this.#draw;
    const timeout = !this.#tame && draw.chance(0.2) ? draw.between(5, 60) : null;
    switch (draw.below(4)) {
      case 0: {
        const branches = { then: this.#list(depth + 1, 2), else: draw.chance(0.5) ? this.#list(depth + 1, 2) : [] };
        return conditional(id, condition ?? draw.pick(['true', 'false']), branches, traits);
      }
      case 1: {
        const rounds = draw.between(1, 3);
        const enough = this.#tame || draw.chance(0.7) ? rounds : 1;
        const on_limit = draw.pick(['fail', 'ask'] as const);
        const bounds = { until: `loop.round >= ${String(rounds)}`, max_rounds: enough, on_limit };
        return loop(id, this.#list(depth + 1, 2), { ...traits, condition, timeout, ...bounds });
      }
      case 2: {
        const items = ['a', 'b', 'c', 'd'].slice(0, draw.between(0, 4));
        const concurrency = draw.pick([null, 1, 2]);
        return forEach(id, this.#list(depth + 1, 2), { ...traits, condition, timeout, items, concurrency });
      }
      default: {
        const steps = this.#list(depth + 1, 3);
        const ordinary = steps.filter(({ when }) => when === 'on_success').length;
        const few = ordinary === 0 ? 'all' : draw.pick(['any', draw.between(1, ordinary)] as const);
        return parallel(id, steps, {
          ...traits,
          condition,
          timeout,
          wait_for: this.#tame || draw.chance(0.5) ? 'all' : few,
        });
      }
    }
  }

  #leaf(id: string, traits: Traits): StepDefinition {
    const draw = this.#draw;
    const timeout = !this.#tame && draw.chance(0.2) ? draw.between(5, 40) : null;
    switch (draw.below(12)) {
      case 0:
        return wait(id, { ...traits, duration: draw.pick([1, 5, 30]) });
      case 1:
        return wait(id, { ...traits, timeout, signal: `go-${id}` });
      case 2:
        return decision(id, { ...traits, timeout });
      case 3:
        return emit(id, 'told', { ...traits, data: { of: id } });
      case 4:
      case 5:
        if (this.#inner === null) break;
        return inner(id, this.#inner.name, {
          ...traits,
          timeout,
          retries: this.#tame ? 0 : draw.below(2),
          definition: definitionHash(this.#inner),
        });
    }
    return step(id, {
      ...traits,
      timeout,
      persona: draw.pick(['worker', 'worker', 'other']),
      retries: { count: draw.between(this.#tame ? 2 : 0, 3), backoff: [1, 4, 20], retry_on: null },
      queue_timeout: !this.#tame && draw.chance(0.15) ? draw.between(5, 40) : null,
      fallback: !this.#tame && draw.chance(0.2) ? ['other'] : [],
      output: !this.#tame && draw.chance(0.2) ? { type: 'object', required: ['of'] } : null,
    });
  }
}
