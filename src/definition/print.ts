/**
 * A definition as the YAML that a person would write: what is a default is left out, durations have units, and reading
 * the text gives the definition again. For workflows that have no file of their own: programs, plans, stored definitions.
 */
import { Document, isMap, isScalar, isSeq, type Node, Scalar, visit, YAMLMap, YAMLSeq } from 'yaml';
import { BLOCKED_NAMES } from '../expression/limits.js';
import {
  APPROVAL,
  type AskPolicy,
  type BackoffCurve,
  DEFAULT_BACKOFF,
  DEFAULTS,
  type Duration,
  EXPIRED,
  type PersonaRequestStep,
  PLANNED_TYPES,
  type PlanStep,
  rejectsByDefault,
  type Retries,
  type StepBase,
  type StepDefinition,
} from './steps.js';
import { keyOfRuns, type WorkflowDefinition, type WorkState } from './workflow.js';

/** Keys in the order in which they are written; undefined for what is left out. */
interface Written {
  readonly [key: string]: unknown;
}

/**
 * YAML that reads as the same definition, with `\n` at its end. The hashes of inner workflows are not part of a file: a
 * loader finds them again. What was merged in from an environment stays.
 */
export function printWorkflow(definition: WorkflowDefinition): string {
  const document = new Document(topOf(definition), { aliasDuplicateObjects: false, version: '1.2', schema: 'core' });
  visit(document, { Scalar: (_key, node) => keepExact(node) });
  spread(document.contents);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function topOf(definition: WorkflowDefinition): Written {
  const { name, version, description, input, output, result, concurrency } = definition;
  return present({
    name,
    version: unless(version, '0.0.0'),
    description: unless(description, ''),
    input: unless(input, null),
    output: unless(output, null),
    variables: unlessEmpty(definition.variables),
    timeout: duration(definition.timeout),
    max_concurrent_steps: unless(definition.max_concurrent_steps, null),
    retention: duration(definition.retention ?? null),
    budget: definition.budget,
    evidence: definition.evidence,
    states: statesOf(definition.states),
    concurrency: concurrency?.key === keyOfRuns(name) ? concurrency.limit : unless(concurrency, null),
    steps: stepsOf(definition.steps),
    result: unless(result, null),
  });
}

function stepsOf(steps: readonly StepDefinition[]): readonly Written[] {
  return steps.map(stepOf);
}

/** What it is, when it runs, what it is given, what it holds. */
function stepOf(step: StepDefinition): Written {
  const { id, name, description, type, compensate } = step;
  const { kind, given, lists } = partsOf(step);
  return present({
    id,
    name: unless(name, id),
    description: unless(description, ''),
    type: unless(type, 'persona-request'),
    ...kind,
    ...momentOf(step),
    ...given,
    ...lists,
    compensate: compensate.length < 2 ? stepsOf(compensate)[0] : stepsOf(compensate),
  });
}

/** When it runs, and what its failure means. */
function momentOf(step: StepBase & Partial<AskPolicy>): Written {
  return {
    dependencies: flow(step.dependencies),
    condition: unless(step.condition, null),
    when: unless(step.when, 'on_success'),
    timeout: duration(step.timeout),
    queue_timeout: duration(step.queue_timeout ?? null),
    retries: step.retries === undefined ? undefined : retriesOf(step.retries),
    on_error: unless(step.on_error, 'fail'),
    enters: step.enters,
  };
}

function statesOf(states: WorkflowDefinition['states']): Written | undefined {
  if (states === undefined) return undefined;
  const written = ({ to, requires }: WorkState): Written =>
    present({
      to: to === null ? undefined : flow(to, true),
      requires: requires.length === 0 ? undefined : flow(requires),
    });
  return Object.fromEntries(states.map((state) => [state.name, written(state)]));
}

interface Parts {
  /** What makes it what it is. */
  readonly kind: Written;
  readonly given: Written;
  readonly lists: Written;
}

function partsOf(step: StepDefinition): Parts {
  switch (step.type) {
    case 'persona-request':
      return { ...asking(step), lists: { output: unless(step.output, null) } };
    case 'plan': {
      const { max_steps } = step;
      const lists = { allow: allowed(step), max_steps: unless(max_steps, DEFAULTS.max_steps) };
      return { ...asking(step), lists };
    }
    case 'git-operation':
      return {
        kind: {
          operation: step.operation,
          branch: unless(step.branch, null),
          from: unless(step.from, null),
          message: unless(step.message, null),
          remote: unless(step.remote, null),
        },
        given: {},
        lists: {},
      };
    case 'verify': {
      const protect = step.protect === undefined ? undefined : flow(step.protect);
      return {
        kind: { run: step.run.map((words) => flow(words)), expect: step.expect, protect },
        given: {},
        lists: {},
      };
    }
    case 'conditional': {
      const { then_steps, else_steps } = step;
      // One of both must be there, if only to say that it is empty.
      const then = then_steps.length === 0 && else_steps.length > 0 ? undefined : stepsOf(then_steps);
      const lists = { then_steps: then, else_steps: else_steps.length === 0 ? undefined : stepsOf(else_steps) };
      return { kind: {}, given: {}, lists };
    }
    case 'parallel':
      return { kind: { wait_for: unless(step.wait_for, 'all') }, given: {}, lists: { steps: stepsOf(step.steps) } };
    default:
      return rarePartsOf(step);
  }
}

function rarePartsOf(
  step: Exclude<
    StepDefinition,
    { type: 'conditional' | 'git-operation' | 'parallel' | 'persona-request' | 'plan' | 'verify' }
  >,
): Parts {
  const { type } = step;
  switch (type) {
    case 'loop': {
      const { until, while: during, max_rounds, on_limit } = step;
      const kind = { until: unless(until, null), while: unless(during, null), max_rounds };
      return {
        kind: { ...kind, on_limit: unless(on_limit, 'fail') },
        given: {},
        lists: { steps: stepsOf(step.steps) },
      };
    }
    case 'for_each': {
      const kind = { items: step.items, concurrency: unless(step.concurrency, null) };
      return { kind, given: {}, lists: { steps: stepsOf(step.steps) } };
    }
    case 'workflow':
      return { kind: { workflow: step.workflow }, given: { task: unless(step.task, null) }, lists: {} };
    case 'decision':
      return decisionParts(step);
    case 'wait': {
      const { until, signal } = step;
      const kind = { duration: duration(step.duration), until: unless(until, null), signal: unless(signal, null) };
      return { kind, given: {}, lists: {} };
    }
    case 'end':
      return { kind: { status: step.status, reason: unless(step.reason, null) }, given: {}, lists: {} };
    case 'lock':
    case 'unlock':
      return { kind: { lock: step.lock }, given: {}, lists: {} };
    case 'emit':
      return { kind: { event: step.event }, given: { data: unlessEmpty(step.data) }, lists: {} };
  }
}

function decisionParts(step: Extract<StepDefinition, { type: 'decision' }>): Parts {
  const { prompt, choices, reject, form, context, assignees, draft, on_timeout, remind, escalate } = step;
  const plain = choices.every(({ id, label }) => id === label);
  const usual = isSame(choices, APPROVAL);
  const named = choices.every(({ id }) => !BLOCKED_NAMES.has(id));
  const labels = named ? Object.fromEntries(choices.map(({ id, label }) => [id, label])) : choices;
  const kind = {
    prompt,
    choices: usual ? undefined : plain ? flow(choices.map(({ id }) => id)) : labels,
    reject: isSame(reject, rejectsByDefault(choices)) ? undefined : flow(reject, true),
    assignees: flow(assignees),
    quorum: step.quorum,
    on_timeout: on_timeout === EXPIRED ? undefined : on_timeout,
    remind: remind === undefined ? undefined : flow(remind.map(duration), true),
    escalate: escalate?.map(({ after, to }) => ({ after: duration(after), to: flow(to, true) })),
  };
  const given = {
    context: unlessEmpty(context),
    draft: draft === undefined ? undefined : present({ value: draft.value, schema: unless(draft.schema, null) }),
    questions: step.questions,
    form: unless(form, null),
  };
  return { kind, given, lists: {} };
}

function asking(step: PersonaRequestStep | PlanStep): Pick<Parts, 'given' | 'kind'> {
  const { persona, fallback, params, on_quota, resume_from, budget } = step;
  return {
    kind: { persona, fallback: flow(fallback), on_quota, resume_from, budget },
    given: { params: unlessEmpty(params) },
  };
}

function allowed({ allow: { types, personas } }: PlanStep): Written | undefined {
  const usual = isSame(types, PLANNED_TYPES);
  if (usual && personas === null) return undefined;
  return present({
    types: usual ? undefined : flow(types, true),
    personas: personas === null ? undefined : flow(personas, true),
  });
}

function retriesOf({ count, backoff, retry_on }: Retries): unknown {
  const pauses = isSame(backoff, DEFAULT_BACKOFF) ? undefined : backoffOf(backoff);
  if (pauses === undefined && retry_on === null) return unless(count, 0);
  return present({
    count,
    backoff: pauses,
    retry_on: retry_on === null ? undefined : flow(retry_on, true),
  });
}

function backoffOf(backoff: Retries['backoff']): unknown {
  if (!isCurve(backoff)) return flow(backoff.map(pause));
  const { initial, factor, max, jitter } = backoff;
  return present({
    initial: initial === DEFAULT_BACKOFF.initial ? undefined : pause(initial),
    factor: unless(factor, DEFAULT_BACKOFF.factor),
    max: max === Math.max(DEFAULT_BACKOFF.max, initial) ? undefined : pause(max),
    jitter: unless(jitter, DEFAULT_BACKOFF.jitter),
  });
}

function isCurve(backoff: Retries['backoff']): backoff is BackoffCurve {
  return !Array.isArray(backoff);
}

function duration(value: Duration | null): unknown {
  if (value === null) return undefined;
  return typeof value === 'number' ? pause(value) : value;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** In the largest unit of which it is a whole number: 1800 seconds are `30m`, 90 are `90s`. */
function pause(seconds: number): number | string {
  const ms = Math.round(seconds * 1_000);
  if (ms === 0 || ms / 1_000 !== seconds) return seconds;
  const unit = UNITS.find(([, length]) => ms % length === 0);
  return unit === undefined ? seconds : `${String(ms / unit[1])}${unit[0]}`;
}

function unless<T>(value: T, usual: T): T | undefined {
  return value === usual ? undefined : value;
}

function unlessEmpty(value: object): object | undefined {
  return Object.keys(value).length === 0 ? undefined : value;
}

function present(written: Written): Written {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

/** A list on one line; nothing for an empty one, unless that says something else than leaving it out. */
function flow(values: readonly unknown[], always = false): YAMLSeq | undefined {
  if (values.length === 0 && !always) return undefined;
  const list = new YAMLSeq<Scalar>();
  list.flow = true;
  list.items = values.map((value) => new Scalar(value));
  return list;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What would not survive as it is: the reader refuses it, or YAML folds it into something else. */
const HIDDEN = /[^\P{C}\n]|[\u0085\u2028\u2029]|^\s|\s\n|\n\s*$/u;

function keepExact(node: Scalar): void {
  const { value } = node;
  if (typeof value === 'string' && HIDDEN.test(value)) node.type = Scalar.QUOTE_DOUBLE;
  // Digits alone promise more than such a number holds, so the reader refuses them.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) node.format = 'EXP';
}

const PARAGRAPHS: ReadonlySet<unknown> = new Set(['input', 'output', 'variables', 'steps', 'result']);

/** An empty line before every part of the workflow and every step of its own list. */
function spread(contents: Node | null): void {
  if (!isMap(contents)) return;
  for (const { key, value } of contents.items) {
    if (!isScalar(key) || !PARAGRAPHS.has(key.value)) continue;
    key.spaceBefore = true;
    if (key.value !== 'steps' || !isSeq(value)) continue;
    for (const item of value.items.slice(1)) if (item instanceof YAMLMap) item.spaceBefore = true;
  }
}
