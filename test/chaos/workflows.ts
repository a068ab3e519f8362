/**
 * Workflows of every kind of step from a seed, written down like files and read by the reader of files. They end by
 * themselves once their requests, questions and signals are answered, in a second or two when nothing is in the way.
 */
import { definitionHash, type WorkflowDefinition } from '../../src/definition/workflow.js';
import { withInner } from '../../src/definition/inner.js';
import { parseWorkflow } from '../../src/definition/parse.js';
import { ASKED } from './programs/personas.js';
import type { Chance } from './random.js';

export interface ChaosWorkflow {
  readonly definition: WorkflowDefinition;
  readonly inner: readonly WorkflowDefinition[];
}

type Step = Record<string, unknown> & { readonly id: string };

/** Everybody who is asked anything. */
export const PERSONAS: readonly string[] = [...ASKED, 'planner', 'environment'];
const MILD = { count: 4, backoff: ['30ms', '80ms'] };

export function chaosWorkflows(chance: Chance, count: number): readonly ChaosWorkflow[] {
  const small = read({
    name: 'small',
    steps: [asking('one', chance), { ...asking('two', chance), dependencies: ['one'] }],
  });
  const hash = definitionHash(small);
  return Array.from({ length: count }, (_, index) => {
    const maker = new Maker(chance);
    const steps = maker.list(0, chance.between(3, 6));
    const definition = read({
      name: `chaos-${String(index)}`,
      ...(index % 5 === 1 && { concurrency: { key: 'lane {{ task.lane }}', limit: 2 } }),
      ...(index % 4 === 2 && { max_concurrent_steps: 2 }),
      ...(index % 7 === 3 && { timeout: '20s' }),
      ...(index % 6 === 0 && { on_failure: [{ id: 'alarm', type: 'emit', event: 'failed', data: {} }] }),
      steps,
    });
    const inner = withInner(definition, new Map([['small', hash]]));
    return { definition: inner, inner: maker.nests ? [small] : [] };
  });
}

/** Two steps that nothing is wrong with: how long one takes says what the others do to it. */
export function canaryWorkflow(): ChaosWorkflow {
  const calm = { params: { calm: true }, retries: { count: 20, backoff: ['30ms'] } };
  const steps = [
    { id: 'one', persona: 'worker', ...calm },
    { id: 'two', persona: 'other', dependencies: ['one'], ...calm },
  ];
  return { definition: read({ name: 'canary', steps }), inner: [] };
}

/** One that waits for somebody for ever: at the end it still must. */
export function parkedWorkflow(): ChaosWorkflow {
  const steps = [
    { id: 'ready', persona: 'worker', params: { calm: true }, retries: { count: 20, backoff: ['30ms'] } },
    { id: 'parked', type: 'decision', prompt: 'Nobody answers this', dependencies: ['ready'] },
  ];
  return { definition: read({ name: 'parked', steps }), inner: [] };
}

function read(document: object): WorkflowDefinition {
  const parsed = parseWorkflow(JSON.stringify(document), { file: 'chaos.json', personas: new Set(PERSONAS) });
  if (parsed.ok) return parsed.definition;
  const problems = parsed.problems.map(({ message }) => message).join('; ');
  throw new Error(`a generated workflow is not valid: ${problems}\n${JSON.stringify(document, null, 1)}`);
}

function asking(id: string, chance: Chance): Step {
  return {
    id,
    persona: chance.pick(ASKED),
    retries: MILD,
    // Short enough for the attempts that never answer.
    ...(chance.chance(0.6) && { timeout: `${String(chance.between(4, 18) * 100)}ms` }),
    ...(chance.chance(0.1) && { fallback: ['other'], persona: 'worker' }),
    ...(chance.chance(0.04) && { queue_timeout: '6s' }),
  };
}

class Maker {
  readonly #chance: Chance;
  #last = 0;
  nests = false;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  list(depth: number, count: number): readonly Step[] {
    const steps: Step[] = [];
    for (let made = 0; made < count; made++) steps.push(this.#step(depth, steps));
    return steps;
  }

  #step(depth: number, before: readonly Step[]): Step {
    const chance = this.#chance;
    const id = `s${String(++this.#last)}`;
    const dependencies = before.filter(() => chance.chance(0.45)).map((step) => step.id);
    const common = { id, dependencies };
    const kind = chance.next() * 100;
    if (depth < 2 && kind < 34) return this.#block(depth, common, kind);
    if (kind < 42) return { ...common, type: 'wait', duration: `${String(chance.between(40, 300))}ms` };
    if (kind < 49)
      return { ...common, type: 'wait', signal: `go ${id}`, ...(chance.chance(0.3) && { timeout: '15s' }) };
    if (kind < 56) return this.#decision(common);
    if (kind < 59) return { ...common, type: 'emit', event: 'told', data: { of: id } };
    const policy = chance.next();
    return {
      ...asking(id, chance),
      dependencies,
      on_error: policy < 0.2 ? 'continue' : policy < 0.27 ? 'ask' : 'fail',
      ...(chance.chance(0.12) && { compensate: [asking(`${id}-undo`, chance)] }),
    };
  }

  #block(depth: number, common: { id: string; dependencies: readonly string[] }, kind: number): Step {
    const chance = this.#chance;
    const inside = (): readonly Step[] => this.list(depth + 1, chance.between(1, 3));
    if (kind < 6) return { ...common, type: 'parallel', wait_for: chance.pick(['all', 'all', 'any']), steps: inside() };
    if (kind < 13)
      return { ...common, type: 'loop', max_rounds: 3, until: 'loop.round >= 2', on_limit: 'fail', steps: inside() };
    if (kind < 20)
      return {
        ...common,
        type: 'for_each',
        items: [1, 2, 3].slice(0, chance.between(1, 3)),
        ...(chance.chance(0.5) && { concurrency: 1 }),
        steps: inside(),
      };
    if (kind < 25) {
      const condition = chance.pick(['task.n % 2 === 0', 'true']);
      return { ...common, type: 'conditional', condition, then_steps: inside(), else_steps: inside() };
    }
    if (kind < 28) return { ...common, type: 'plan', persona: 'planner', retries: MILD };
    if (kind < 29) return { ...common, persona: 'environment', retries: MILD };
    this.nests = true;
    const task = { n: '{{ task.n }}' };
    return { ...common, type: 'workflow', workflow: 'small', task, retries: 1 };
  }

  #decision(common: { id: string; dependencies: readonly string[] }): Step {
    const choices = ['yes', 'perhaps', 'no'];
    const timeout = this.#chance.chance(0.2) && { timeout: '15s' };
    return { ...common, type: 'decision', prompt: 'Go on?', choices, reject: ['no'], ...timeout };
  }
}
