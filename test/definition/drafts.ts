/**
 * Steps of a YAML text as drafts for the checks, without the reader: every key is taken as it is, so that these tests
 * are about the checks alone.
 */
import { isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap } from 'yaml';
import { parseExpression } from '../../src/expression/expression.js';
import { hasHoles, parseTemplate } from '../../src/expression/template.js';
import { type CheckContext, checkSteps } from '../../src/definition/check/steps.js';
import { type Problem, Problems, type Range } from '../../src/definition/problem.js';
import type { StepDraft } from '../../src/definition/readers/draft.js';
import { NO_RETRIES, STEP_LIST_KEYS, type StepDefinition } from '../../src/definition/steps.js';
import type { Use } from '../../src/definition/uses.js';

/** Where conditions stand without braces; of those, what a loop reads where its body ends. */
const PLAIN = 'condition';
const INSIDE: ReadonlySet<string> = new Set(['until', 'while']);
/** Keys whose texts are no templates. */
const LITERAL: ReadonlySet<string> = new Set([...STEP_LIST_KEYS, ...INSIDE, 'output', 'form']);

const DEFAULTS = {
  type: 'persona-request',
  description: '',
  dependencies: [],
  condition: null,
  when: 'on_success',
  timeout: null,
  on_error: 'fail',
  persona: 'p',
  fallback: [],
  params: {},
  queue_timeout: null,
  retries: NO_RETRIES,
  output: null,
  wait_for: 'all',
  until: null,
  while: null,
  max_rounds: 3,
  on_limit: 'fail',
  items: [],
  concurrency: null,
  choices: [],
  form: null,
  reject: [],
};

function rangeOf(node: Node): Range {
  const [start = 0, end = 0] = node.range ?? [];
  return { start, end };
}

function usesOf(node: Node, field: string, plain: boolean): Use[] {
  if (isSeq(node)) return node.items.flatMap((item) => usesOf(item as Node, field, plain));
  if (isMap(node)) return node.items.flatMap(({ value }) => usesOf(value as Node, field, plain));
  if (!isScalar(node) || typeof node.value !== 'string') return [];
  const shift = rangeOf(node).start + (node.type === 'PLAIN' ? 0 : 1);
  const use = (source: string, at: number): Use => {
    const expression = parseExpression(source);
    const part = (offset: number, length: number): Range => ({ start: at + offset, end: at + offset + length });
    return { expression, references: expression.references, field, part };
  };
  if (plain) return [use(node.value, shift)];
  if (!hasHoles(node.value)) return [];
  return parseTemplate(node.value).holes.map(({ expression, offset }) => use(expression.source, shift + offset));
}

function draftOf(map: YAMLMap<Node, Node>): StepDraft {
  const entries = map.items.map(
    ({ key, value }) => [String((key as { value?: unknown }).value), value as Node] as const,
  );
  const located = (node: Node): StepDraft['id'] => ({
    value: String((node as { value?: unknown }).value),
    ...rangeOf(node),
  });
  const of = (name: string): Node | null => entries.find(([key]) => key === name)?.[1] ?? null;
  const id = of('id');
  if (id === null) throw new Error('a step of a test has an id');
  const lists = STEP_LIST_KEYS.flatMap((key) => {
    const list = of(key);
    return isSeq(list) ? [{ key, steps: draftsIn(list.items as Node[]) }] : [];
  });
  const dependencies = of('dependencies');
  const data = map.toJSON() as Record<string, unknown>;
  const inner = Object.fromEntries(
    STEP_LIST_KEYS.map((key) => [key, lists.find((list) => list.key === key)?.steps ?? []]),
  );
  return {
    definition: {
      ...DEFAULTS,
      name: data['id'],
      ...data,
      ...Object.fromEntries(
        Object.entries(inner).map(([key, steps]) => [key, steps.map(({ definition }) => definition)]),
      ),
    } as unknown as StepDefinition,
    node: rangeOf(id),
    id: located(id),
    dependencies: isSeq(dependencies) ? dependencies.items.map((item) => located(item as Node)) : [],
    uses: entries.filter(([key]) => !LITERAL.has(key)).flatMap(([key, node]) => usesOf(node, key, key === PLAIN)),
    inside: entries.filter(([key]) => INSIDE.has(key)).flatMap(([key, node]) => usesOf(node, key, true)),
    lists,
    fields: new Map(entries.map(([key, node]) => [key, rangeOf(node)])),
  };
}

function draftsIn(items: readonly Node[]): readonly StepDraft[] {
  return items.flatMap((item) => (isMap<Node, Node>(item) ? [draftOf(item)] : []));
}

/** `text` is a list of steps. */
export function draftsOf(text: string): readonly StepDraft[] {
  const { contents, errors } = parseDocument(text);
  if (errors[0] !== undefined) throw errors[0];
  return isSeq(contents) ? draftsIn(contents.items) : [];
}

export type Surroundings = Partial<Pick<CheckContext, 'variables' | 'input'>> & {
  /** Expression that the workflow's result is. */
  readonly result?: string;
};

export function problemsOf(
  text: string,
  { variables = [], input = null, result }: Surroundings = {},
): readonly Problem[] {
  const problems = new Problems(text, 'test.yml');
  const expression = result === undefined ? null : parseExpression(result);
  const uses: Use[] =
    expression === null
      ? []
      : [{ expression, references: expression.references, field: 'result', part: () => ({ start: 0, end: 1 }) }];
  checkSteps(draftsOf(text), { variables, input, result: uses, problems });
  return problems.list();
}

/** One line per problem: code (with `?` for a warning), what it underlines, message, hint. */
export function lines(text: string, surroundings?: Surroundings): readonly string[] {
  return problemsOf(text, surroundings).map(({ code, severity, line, column, endColumn, message, hint }) => {
    const part = (text.split('\n')[line - 1] ?? '').slice(column - 1, endColumn - 1);
    return `${code}${severity === 'warning' ? '?' : ''} [${part}] ${message}${hint === null ? '' : ` | ${hint}`}`;
  });
}
