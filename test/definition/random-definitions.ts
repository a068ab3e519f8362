/** Random workflows in normal form: every step type and every field. */
import fc from 'fast-check';
import {
  type DecisionStep,
  END_STATUSES,
  GIT_OPERATIONS,
  ON_ERRORS,
  STEP_TYPES,
  type StepBase,
  type StepDefinition,
  type StepType,
  WHENS,
} from '../../src/definition/steps.js';
import type { WorkflowDefinition } from '../../src/definition/workflow.js';
import {
  count,
  duration,
  isPlain,
  plainJson,
  retries,
  schema,
  template,
  templateJson,
  templateMap,
  text,
} from './random-values.js';

/** Draws one value. */
export type Draw = <T>(arbitrary: fc.Arbitrary<T>) => T;

const name = fc.constantFrom('planner', 'lead-engineer', 'qa_1', 'yes', 'No', 'null', 'y', 'true', 'Claude-Code');
const names = fc.uniqueArray(name, { maxLength: 3 });
const branch = fc.constantFrom(
  'main',
  'feature/x-1',
  'feature/{{ task.slug }}',
  "{{ task.b ?? 'main' }}",
  '1.10',
  'null',
  '#7',
);
const condition = (before: readonly string[]): fc.Arbitrary<string> => {
  const own = [
    "task.x === 'y'",
    '!task.x',
    "task['a b']?.c ?? false",
    "task.x !== '#: {{ }}'",
    'task.n\n  > 3',
    '  task.x  ',
  ];
  const reads = before.flatMap((id) => [
    `steps['${id}'].status === 'pass'`,
    `context.state.get('${id.replaceAll('-', '_')}_status') !== 'skipped'`,
  ]);
  return fc.constantFrom(...own, ...reads);
};

const DEEPEST = 3;

class Maker {
  readonly #draw: Draw;
  #count = 0;
  #left: number;

  constructor(draw: Draw, steps: number) {
    this.#draw = draw;
    this.#left = steps;
  }

  list(depth: number, most: number): readonly StepDefinition[] {
    const steps: StepDefinition[] = [];
    const wanted = this.#draw(fc.integer({ min: 1, max: most }));
    while (steps.length === 0 || (steps.length < wanted && this.#left > 0)) steps.push(this.#step(steps, depth));
    return steps;
  }

  #step(before: readonly StepDefinition[], depth: number): StepDefinition {
    this.#left--;
    const id = `${this.#draw(fc.constantFrom('s', 'Step-', 'y', 'no_'))}${String(++this.#count)}`;
    const when = this.#draw(fc.constantFrom(...WHENS));
    // What runs in any case waits for everything ordinary, so ordinary steps must not wait for it.
    const may = before.filter((step) => when !== 'on_success' || step.when === 'on_success').map((step) => step.id);
    const dependencies = this.#draw(fc.subarray(may));
    const base: StepBase = {
      id,
      name: this.#draw(fc.oneof(fc.constant(id), template)),
      description: this.#draw(fc.oneof(fc.constant(''), text)),
      dependencies,
      condition: this.#draw(fc.option(condition(dependencies))),
      when,
      timeout: this.#draw(duration),
      on_error: this.#draw(fc.constantFrom(...ON_ERRORS)),
      compensate: depth < DEEPEST && this.#left > 0 && this.#draw(fc.nat(4)) === 0 ? this.list(depth + 1, 2) : [],
    };
    const deep = depth >= DEEPEST || this.#left <= 0;
    const types = deep ? STEP_TYPES.filter((type) => !BLOCKS.has(type)) : STEP_TYPES;
    return this.#typed(base, this.#draw(fc.constantFrom(...types)), depth + 1);
  }

  #typed(base: StepBase, type: StepType, depth: number): StepDefinition {
    const draw = this.#draw;
    switch (type) {
      case 'persona-request':
        return { ...base, type, ...this.#asking(), output: draw(schema) };
      case 'plan': {
        const types = draw(fc.oneof(fc.constant([...USUALLY_PLANNED]), fc.subarray([...STEP_TYPES])));
        const allow = { types, personas: draw(fc.option(names)) };
        return {
          ...base,
          type,
          ...this.#asking(),
          allow,
          max_steps: draw(fc.oneof(fc.constant(50), fc.integer({ min: 1, max: 500 }))),
        };
      }
      case 'git-operation': {
        const fields = { branch: draw(branch), from: draw(fc.option(branch)), message: draw(template) };
        const remote = draw(fc.option(fc.constantFrom('origin', '1', 'null', '{{ task.remote }}')));
        return {
          ...base,
          type,
          operation: draw(fc.constantFrom(...GIT_OPERATIONS)),
          ...fields,
          remote,
          ...this.#policy(),
        };
      }
      case 'conditional': {
        const both = draw(fc.constantFrom('then', 'else', 'both'));
        const then_steps = both === 'else' ? [] : this.list(depth, 2);
        const else_steps = both === 'then' ? [] : this.list(depth, 2);
        return { ...base, type, condition: draw(condition(base.dependencies)), then_steps, else_steps };
      }
      case 'parallel': {
        const steps = this.list(depth, 3);
        const ordinary = steps.filter(({ when }) => when === 'on_success').length;
        const joins = ordinary === 0 ? (['all'] as const) : (['all', 'any', ordinary] as const);
        return { ...base, type, steps, wait_for: draw(fc.constantFrom(...joins)) };
      }
      case 'loop': {
        const ends = draw(
          fc.constantFrom(
            { until: 'loop.round >= 2', while: null },
            { until: null, while: 'loop.round < 3 || task.x' },
          ),
        );
        return {
          ...base,
          type,
          steps: this.list(depth, 2),
          ...ends,
          max_rounds: draw(count(1, 1_000)),
          on_limit: draw(fc.constantFrom('fail', 'ask')),
        };
      }
      case 'for_each': {
        const items = draw(
          fc.oneof(fc.constantFrom('{{ task.files }}', '{{ variables.v0 }}'), fc.array(templateJson, { maxLength: 3 })),
        );
        return { ...base, type, items, steps: this.list(depth, 2), concurrency: draw(fc.option(count(1, 10_000))) };
      }
      default:
        return this.#moment(base, type);
    }
  }

  #moment(
    base: StepBase,
    type: Exclude<
      StepType,
      'conditional' | 'for_each' | 'git-operation' | 'loop' | 'parallel' | 'persona-request' | 'plan'
    >,
  ): StepDefinition {
    const draw = this.#draw;
    switch (type) {
      case 'workflow':
        return {
          ...base,
          type,
          workflow: draw(fc.constantFrom('hotfix', './other.yml', '1.10', 'null')),
          definition: null,
          task: draw(fc.option(templateMap)),
          retries: draw(retries),
        };
      case 'decision': {
        const ids = draw(
          fc.oneof(
            fc.constant<string[]>(['approve', 'reject']),
            fc.uniqueArray(fc.constantFrom('approve', 'reject', 'yes', 'No', 'null', 'constructor', 'toString', 'n1'), {
              minLength: 1,
            }),
          ),
        );
        const labels = draw(fc.constantFrom('ids', 'usual', 'texts'));
        const choices = ids.map((id) => ({
          id,
          label:
            labels === 'ids' ? id : labels === 'usual' ? `${id.charAt(0).toUpperCase()}${id.slice(1)}` : draw(text),
        }));
        const form = draw(schema);
        const answer = {
          context: draw(fc.oneof(fc.constant({}), templateMap)),
          assignees: draw(fc.array(template, { maxLength: 2 })),
        };
        const asking = { prompt: draw(template), choices, reject: draw(fc.subarray(ids)), form, ...answer };
        return { ...base, type, ...asking, ...this.#asked(base, ids, form !== null) };
      }
      case 'verify': {
        const words = fc.array(fc.oneof(fc.constantFrom('npm', 'test', '--x=1'), template), {
          minLength: 1,
          maxLength: 3,
        });
        const protect = draw(fc.option(fc.constantFrom(['test/**'], ['package.json', 'a/*']), { nil: undefined }));
        const min = draw(fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }));
        const run = draw(fc.array(words, { minLength: 1, maxLength: 2 })).map(([first = '', ...rest]) => [
          first || 'x',
          ...rest,
        ]);
        const more = {
          ...(min !== undefined && { expect: { tests: { min } } }),
          ...(protect !== undefined && { protect }),
        };
        return { ...base, type, ...this.#policy(), run, ...more };
      }
      case 'wait': {
        const none = { duration: null, until: null, signal: null };
        const given = draw(
          fc.oneof(
            duration.filter((value) => value !== null).map((value) => ({ ...none, duration: value })),
            fc
              .constantFrom('2026-01-31T09:00:00Z', '2026-01-31', '{{ task.release }}')
              .map((until) => ({ ...none, until })),
            template.filter((value) => value.trim() !== '').map((signal) => ({ ...none, signal })),
          ),
        );
        return { ...base, type, ...given };
      }
      case 'end':
        return { ...base, type, status: draw(fc.constantFrom(...END_STATUSES)), reason: draw(fc.option(template)) };
      case 'lock':
      case 'unlock':
        return { ...base, type, lock: draw(fc.constantFrom('repo', 'ticket/{{ task.ticket }}', 'a b', '7')) };
      case 'emit':
        return { ...base, type, event: draw(template), data: draw(fc.oneof(fc.constant({}), templateMap)) };
    }
  }

  /** What a decision says besides, each only when it says it. */
  #asked(base: StepBase, ids: readonly string[], hasForm: boolean): Partial<DecisionStep> {
    const draw = this.#draw;
    const some = duration.filter((value) => value !== null);
    const list = fc.constantFrom<NonNullable<DecisionStep['questions']>>(
      '{{ task.questions }}',
      [{ id: 'scope', ask: 'How far?' }],
      [{ id: 'n', ask: '{{ task.title }}', type: 'number' }],
    );
    const said = {
      questions: hasForm ? undefined : draw(fc.option(list, { nil: undefined })),
      draft: draw(fc.option(fc.record({ value: templateJson, schema }), { nil: undefined })),
      on_timeout: base.timeout === null ? undefined : draw(fc.constantFrom('fail', ...ids)),
      remind: draw(fc.option(fc.array(some, { minLength: 1, maxLength: 3 }), { nil: undefined })),
      escalate: draw(
        fc.option(fc.array(fc.record({ after: some, to: fc.array(template, { maxLength: 2 }) }), { maxLength: 2 }), {
          nil: undefined,
        }),
      ),
      quorum: draw(fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined })),
    };
    return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  }

  #policy() {
    return { queue_timeout: this.#draw(duration), retries: this.#draw(retries) };
  }

  #asking() {
    const persona = this.#draw(name);
    const fallback = this.#draw(names).filter((other) => other !== persona);
    return { persona, fallback, params: this.#draw(fc.oneof(fc.constant({}), templateMap)), ...this.#policy() };
  }
}

const BLOCKS: ReadonlySet<StepType> = new Set(['conditional', 'parallel', 'loop', 'for_each']);
const USUALLY_PLANNED = ['persona-request', 'conditional', 'parallel', 'loop', 'for_each'] as const;

const STATES = [
  { name: 'open', to: null, requires: [] },
  { name: 'ready', to: ['open'], requires: ["task['x']", 'task.n > 3'] },
  { name: 'no', to: [], requires: [] },
];

/** Definitions as the reader would give them, valid in every part, with up to this many steps or a few more. */
export function randomDefinitions(steps = 12): fc.Arbitrary<WorkflowDefinition> {
  // The parts depend on each other in too many ways to be shrunk; a smaller number of steps is the only smaller one.
  return fc.tuple(fc.integer({ min: 1, max: steps }), fc.noShrink(fc.nat())).map(([most, seed]) => {
    let drawn = seed;
    const draw: Draw = (arbitrary) => fc.sample(arbitrary, { seed: drawn++, numRuns: 1 })[0] as never;
    return definitionFrom(draw, most);
  });
}

function definitionFrom(draw: Draw, steps: number): WorkflowDefinition {
  const called = draw(
    fc.oneof(
      fc.constantFrom('project-loop', '1.10', 'null', 'a {{ b }}', '#x', '🚀 ship'),
      fc.string({ minLength: 1, maxLength: 30 }).filter((value) => value.trim() !== '' && isPlain(value)),
    ),
  );
  const own = { key: called.replaceAll('{{', "{{ '{{' }}"), limit: draw(fc.integer({ min: 1, max: 100_000 })) };
  return {
    format: 2,
    name: called,
    version: draw(fc.oneof(fc.constant('0.0.0'), text)),
    description: draw(fc.oneof(fc.constant(''), text)),
    input: draw(schema),
    output: draw(schema),
    result: draw(fc.oneof(fc.constant(null), templateJson)),
    variables: {
      v0: draw(fc.oneof(plainJson, templateJson)),
      ...draw(fc.oneof(fc.constant({}), templateMap)),
    },
    timeout: draw(duration.map((value) => (typeof value === 'string' ? '{{ variables.v0 }}' : value))),
    max_concurrent_steps: draw(fc.option(fc.integer({ min: 1, max: 10_000 }))),
    concurrency: draw(
      fc.constantFrom(null, own, { key: '{{ task.repo }}', limit: 1 }, { key: '', limit: 3 }, { key: 'no', limit: 3 }),
    ),
    ...draw(fc.constantFrom({}, { states: STATES }, { states: STATES.slice(0, 1) })),
    ...draw(fc.constantFrom({}, {}, { retention: 2_592_000 }, { retention: 0.5 }, { retention: 'forever' as const })),
    steps: new Maker(draw, steps).list(0, 4),
  };
}
