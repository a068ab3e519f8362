/** Test files: YAML text to tests and properties. Every problem of a file is reported at once, each at its place. */
import type { JsonObject } from '../core/json.js';
import { describe, Fields, type Keys } from '../definition/fields.js';
import { Problems } from '../definition/problem.js';
import { allSteps, isAsking, personasOf } from '../definition/steps.js';
import { readTree, type TreeNode } from '../definition/tree.js';
import { stateName } from '../definition/workflow.js';
import { parseExpression } from '../expression/expression.js';
import { ExpressionError } from '../expression/problem.js';
import { checkNames } from '../expression/references.js';
import { ROOT_NAMES } from '../expression/scope.js';
import { readExpectation } from './read-expectation.js';
import { readScenario, SCENARIO_KEYS } from './read-scenario.js';
import { objectOf, type Reading } from './read-values.js';
import type { TestedWorkflow, TestFile, WorkflowProperty, WorkflowTest } from './scenario.js';
import { idOf } from './script.js';

const FILE_KEYS: Keys = {
  known: ['workflow', 'env', 'task', 'tests', 'properties'],
  meant: { cases: 'tests', environment: 'env', invariants: 'properties', test: 'tests' },
};
const MEANT = {
  answers: 'replies',
  environment: 'env',
  input: 'task',
  expected: 'expect',
  mocks: 'replies',
  title: 'name',
};
const TEST_KEYS: Keys = { known: ['name', 'env', ...SCENARIO_KEYS, 'expect'], meant: MEANT };
const PROPERTY_KEYS: Keys = {
  known: ['name', 'env', ...SCENARIO_KEYS, 'never', 'always', 'finally', 'interleavings'],
  meant: { ...MEANT, eventually: 'finally', invariant: 'always', runs: 'interleavings' },
};
const INTERLEAVINGS = { usual: 200, most: 100_000 } as const;

export interface ReadTests {
  /** Null when nothing of it can be relied on. */
  readonly tests: TestFile | null;
  readonly reading: Reading;
}

/** Problems are in `reading`; the names of steps are checked later, against the workflow. */
export function readTests(text: string, file: string): ReadTests {
  const problems = new Problems(text, file);
  const reading: Reading = { problems, mentions: [], expressions: [] };
  const tree = readTree(text, problems);
  if (tree === null || tree.kind !== 'map') {
    if (problems.count === 0) {
      const what = tree === null ? 'the file is empty' : `a test file must be a map, not ${describe(tree)}`;
      problems.add('wrong-type', tree ?? { start: 0, end: 1 }, what, 'It has "workflow:" and "tests:".');
    }
    return { tests: null, reading };
  }
  const fields = new Fields(tree, 'the test file', problems);
  fields.only(FILE_KEYS);
  const workflow = fields.has('workflow')
    ? fields.text('workflow')
    : fields.missing('workflow', 'Name what is tested: "workflow: project-loop", or a path relative to this file.');
  const shared: Shared = { environment: fields.text('env')?.value ?? null, task: objectOf(fields, 'task'), reading };
  if (!fields.has('tests') && !fields.has('properties'))
    fields.missing('tests', 'Add "tests:" and below it "- name: …".');
  const tests = (fields.list('tests', 'a list of tests')?.items ?? []).flatMap((item) => readTest(item, shared) ?? []);
  const properties = (fields.list('properties', 'a list of properties')?.items ?? []).flatMap(
    (item) => readProperty(item, shared) ?? [],
  );
  return { tests: workflow === null ? null : { file, workflow: workflow.value, tests, properties }, reading };
}

interface Shared {
  readonly environment: string | null;
  readonly task: JsonObject;
  readonly reading: Reading;
}

function readTest(item: TreeNode, shared: Shared): WorkflowTest | null {
  const { reading } = shared;
  const opened = open(item, 'test', { keys: TEST_KEYS, shared });
  if (opened === null) return null;
  const { fields, written } = opened;
  const scenario = readScenario(fields, reading, { variants: false });
  return { ...written, scenario: withTask(scenario, fields, shared), expect: readExpectation(fields, reading) };
}

function readProperty(item: TreeNode, shared: Shared): WorkflowProperty | null {
  const { reading } = shared;
  const opened = open(item, 'property', { keys: PROPERTY_KEYS, shared });
  if (opened === null) return null;
  const { fields, written } = opened;
  const scenario = withTask(readScenario(fields, reading, { variants: true }), fields, shared);
  const [never, always, last] = ['never', 'always', 'finally'].map((key) => readClause(fields, key, reading));
  return {
    ...written,
    scenario,
    never: never ?? null,
    always: always ?? null,
    finally: last ?? null,
    interleavings: readInterleavings(fields, reading),
  };
}

/** A task of the test's own replaces that of the file. */
function withTask(scenario: WorkflowTest['scenario'], fields: Fields, { task }: Shared): WorkflowTest['scenario'] {
  return fields.has('task') ? scenario : { ...scenario, task };
}

function open(
  item: TreeNode,
  kind: 'test' | 'property',
  { keys, shared }: { keys: Keys; shared: Shared },
): { fields: Fields; written: { name: string; line: number; environment: string | null } } | null {
  const { problems } = shared.reading;
  if (item.kind !== 'map') {
    problems.add(
      'wrong-type',
      item,
      `a ${kind} must be a map, not ${describe(item)}`,
      `A ${kind} starts with "- name: …".`,
    );
    return null;
  }
  const named = item.entries.find(({ key }) => key === 'name')?.value;
  const shown = named?.kind === 'scalar' && named.value !== null ? ` "${String(named.value)}"` : '';
  const fields = new Fields(item, `the ${kind}${shown}`, problems);
  fields.only(keys);
  const name = fields.has('name') ? fields.text('name') : fields.missing('name', 'Say in one line what must be so.');
  const environment = fields.text('env')?.value ?? shared.environment;
  return { fields, written: { name: name?.value ?? '', line: problems.lineOf(item.start) + 1, environment } };
}

function readClause(fields: Fields, key: string, { problems, expressions }: Reading): string | null {
  const node = fields.text(key, 'It is an expression in quotes.');
  if (node === null) return null;
  const { value, part } = node;
  try {
    parseExpression(value);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { offset, length, message, hint } = error.problem;
    problems.add('expression', part(offset, length), message, hint);
    return null;
  }
  expressions.push({ source: value, part });
  return value;
}

function readInterleavings(fields: Fields, { problems }: Reading): number {
  const node = fields.scalar('interleavings', 'a whole number');
  if (node === null) return INTERLEAVINGS.usual;
  const { value } = node;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= INTERLEAVINGS.most) return value;
  const wanted = `a whole number from 1 to ${String(INTERLEAVINGS.most)}`;
  problems.add('wrong-type', node, `"interleavings" of ${fields.owner} must be ${wanted}, not ${describe(node)}`);
  return INTERLEAVINGS.usual;
}

/** Reports every step, persona and name that the workflow does not have. */
export function checkAgainst({ definition, inner }: TestedWorkflow, reading: Reading): void {
  const own = [...allSteps(definition.steps)];
  const all = [...own, ...inner.flatMap((each) => [...allSteps(each.steps)])];
  // What a persona plans is known only when it has answered.
  const grows = all.some(({ type }) => type === 'plan');
  const names = (steps: typeof all): readonly string[] => steps.map(({ id }) => id);
  const personas = all.flatMap((step) => (isAsking(step) ? personasOf(step).map((persona) => `@${persona}`) : []));
  for (const { name, kind, start, end } of reading.mentions) {
    if (name === '*' && kind !== 'step') continue;
    const persona = name.startsWith('@') && kind === 'reply';
    const known = persona ? personas : names(kind === 'step' ? own : all);
    const id = persona ? name : idOf(name);
    if (grows || known.includes(id)) continue;
    const what = persona ? `no step of "${definition.name}" asks ${name}` : `"${definition.name}" has no step "${id}"`;
    const listed = known.length <= 12 ? `Known are ${known.join(', ')}.` : null;
    reading.problems.add('unknown-dependency', { start, end }, what, reading.problems.suggest(id, known) || listed);
  }
  const ids = new Set(names(own));
  const states = new Set(names(own).flatMap((id) => [stateName(id, 'status'), stateName(id, 'result')]));
  for (const { source, part } of reading.expressions) {
    const { references } = parseExpression(source);
    const judged = references.filter(({ root, keys }) => !(root === 'run' && keys[0]?.name === 'status'));
    const roots = ROOT_NAMES.filter((root) => root !== 'variables' && root !== 'loop');
    const known = { roots, variables: new Set<string>(), states, steps: ids, loop: null };
    for (const { offset, length, message, hint } of grows ? [] : checkNames({ references: judged }, known))
      reading.problems.add('expression', part(offset, length), message, hint);
  }
}
