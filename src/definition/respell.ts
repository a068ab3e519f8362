/**
 * A file in another document's spelling as the tree it would be in ours, every node at its own place. It runs before
 * the readers, which therefore know one language. What is no known spelling is left to them to refuse.
 */
import { quoted } from '../expression/problem.js';
import { hasHoles } from '../expression/template.js';
import { describe, isText } from './fields.js';
import { scalarAt } from './json-tree.js';
import type { Problems } from './problem.js';
import { PLAIN_KEYS, type Spelling, SPELLINGS } from './spelling.js';
import { isListKey, STEP_TYPES } from './steps.js';
import { withoutLegacyTemplates } from './templates-legacy.js';
import { type ListNode, type MapEntry, type MapNode, nodeUnder, type ScalarNode, type TreeNode } from './tree.js';

interface Respelling {
  readonly problems: Problems;
  /** Types of plugins. */
  readonly types: ReadonlySet<string>;
  /** Whether timeouts without a unit are milliseconds. */
  readonly milliseconds: boolean;
  /** Whether the order of steps is told by `parallel: true`. */
  readonly groups: boolean;
  /** Whether the step is a `parallel` block, whose steps start together whatever the document does elsewhere. */
  readonly together: boolean;
  /** Whether the step is a `wait`, whose `until` is a template and no condition. */
  readonly waits: boolean;
}

const TIMEOUTS: ReadonlySet<string> = new Set(['timeout', 'queue_timeout']);
/** Keys of the workflow whose texts are no templates. */
const PLAIN_AT_TOP: ReadonlySet<string> = new Set(['name', 'version', 'description', 'input', 'output']);
const FOR_STEPS = new Map(
  SPELLINGS.filter(({ where }) => where === 'step').map((spelling) => [spelling.from, spelling]),
);

/** The whole file. */
export function respellWorkflow(root: MapNode, types: ReadonlySet<string>, problems: Problems): MapNode {
  const lists = root.entries.filter(({ key }) => key === 'steps' || key === 'on_failure').map(({ value }) => value);
  const context = contextOf(lists, types, problems);
  const entries = calledByName(root.entries).map((entry): MapEntry => {
    const { key, value } = entry;
    if (key === 'steps' || key === 'on_failure') return { ...entry, value: stepsOf(value, context) };
    if (TIMEOUTS.has(key)) return { ...entry, value: timeoutOf(value, context) };
    if (PLAIN_AT_TOP.has(key)) return entry;
    return { ...entry, value: withoutLegacyTemplates(value, problems) };
  });
  return { ...root, entries };
}

/** A list of steps that stands by itself: what a plugin or a persona gave. */
export function respellSteps(list: ListNode, types: ReadonlySet<string>, problems: Problems): ListNode {
  const steps = stepsOf(list, contextOf([list], types, problems));
  return steps.kind === 'list' ? steps : list;
}

function contextOf(lists: readonly TreeNode[], types: ReadonlySet<string>, problems: Problems): Respelling {
  const keys = new Set<string>();
  for (const list of lists) collectKeys(list, keys);
  return {
    problems,
    types,
    milliseconds: keys.has('retry_count'),
    groups: keys.has('parallel'),
    together: false,
    waits: false,
  };
}

function collectKeys(node: TreeNode, keys: Set<string>): void {
  const steps = node.kind === 'list' ? node.items : [node];
  for (const step of steps) {
    if (step.kind !== 'map') continue;
    for (const { key, value } of step.entries) {
      keys.add(key);
      if (isListKey(key)) collectKeys(value, keys);
    }
  }
}

/** Where a workflow has an `id`, that is what it is called by, and its `name` is for people. */
function calledByName(entries: readonly MapEntry[]): readonly MapEntry[] {
  if (!entries.some(({ key }) => key === 'id')) return entries;
  const described = entries.some(({ key }) => key === 'description');
  return entries.flatMap((entry) => {
    if (entry.key === 'id') return [{ ...entry, key: 'name' }];
    if (entry.key === 'name') return described ? [] : [{ ...entry, key: 'description' }];
    return [entry];
  });
}

function stepsOf(node: TreeNode, context: Respelling): TreeNode {
  if (node.kind === 'map') return stepOf(node, context);
  if (node.kind !== 'list') return node;
  const items = node.items.map((item) => (item.kind === 'map' ? stepOf(item, context) : item));
  return { ...node, items: context.groups && !context.together ? inGroups(node.items, items) : items };
}

function stepOf(step: MapNode, outer: Respelling): MapNode {
  const type = nodeUnder(step, 'type');
  const word = type?.kind === 'scalar' ? type.value : null;
  const context = { ...outer, together: word === 'parallel', waits: word === 'wait' };
  const entries = new Map<string, MapEntry>();
  for (const entry of typedByAgent(step.entries, context)) {
    const respelled = entryOf(entry, context);
    if (respelled === null) continue;
    const { key, keyRange } = respelled;
    if (!entries.has(key)) {
      entries.set(key, respelled);
      continue;
    }
    const message = `the key ${quoted(entry.key)} says what ${quoted(key)} says already`;
    context.problems.add('duplicate-key', keyRange, message, `Keep one of them; ${quoted(key)} is the usual one.`);
  }
  return { ...step, entries: [...entries.values()] };
}

/** Where a step names an `agent`, a type that does not exist is a word for that agent. */
function typedByAgent(entries: readonly MapEntry[], { types }: Respelling): readonly MapEntry[] {
  const type = entries.find(({ key }) => key === 'type');
  if (type === undefined || !isText(type.value) || !entries.some(({ key }) => key === 'agent')) return entries;
  if ((STEP_TYPES as readonly string[]).includes(type.value.value) || types.has(type.value.value)) return entries;
  const rest = entries.filter((entry) => entry !== type);
  const params = rest.find(({ key }) => key === 'params' || key === 'config');
  const { start, end } = type.value;
  if (params === undefined)
    return [...rest, { key: 'params', keyRange: type.keyRange, value: { kind: 'map', entries: [type], start, end } }];
  if (params.value.kind !== 'map' || params.value.entries.some(({ key }) => key === 'type')) return rest;
  const value = { ...params.value, entries: [...params.value.entries, type] };
  return rest.map((entry) => (entry === params ? { ...entry, value } : entry));
}

function entryOf(entry: MapEntry, context: Respelling): MapEntry | null {
  const spelling = FOR_STEPS.get(entry.key);
  if (spelling === undefined) return { ...entry, value: valueOf(entry, context) };
  const value = spelledValue(entry.value, spelling, context);
  if (value === null) return spelling.value === 'groups' ? null : entry;
  const respelled = { ...entry, key: spelling.to, value };
  return { ...respelled, value: valueOf(respelled, { ...context, milliseconds: false }) };
}

function valueOf({ key, value }: MapEntry, context: Respelling): TreeNode {
  if (isListKey(key)) return stepsOf(value, context);
  if (PLAIN_KEYS.includes(key) && !(key === 'until' && context.waits)) return value;
  const modern = withoutLegacyTemplates(value, context.problems);
  return TIMEOUTS.has(key) ? timeoutOf(modern, context) : modern;
}

/** Null when the value is none of that spelling. */
function spelledValue(value: TreeNode, { value: kind }: Spelling, context: Respelling): TreeNode | null {
  switch (kind) {
    case 'as it is':
      return value;
    case 'milliseconds':
      return timeoutOf(withoutLegacyTemplates(value, context.problems), { ...context, milliseconds: true });
    case 'retry config':
      return value.kind === 'map' ? retryConfig(value) : value;
    case 'retry map':
      return value.kind === 'map' ? retryMap(value) : null;
    case 'groups':
      if (value.kind !== 'scalar' || typeof value.value !== 'boolean')
        context.problems.add('wrong-type', value, `"parallel" of a step must be true or false, not ${describe(value)}`);
      return null;
  }
}

function timeoutOf(node: TreeNode, { milliseconds }: Respelling): TreeNode {
  return milliseconds && node.kind === 'scalar' ? inMilliseconds(node) : node;
}

/** A number gets its unit written behind it; so does what a template gives. */
function inMilliseconds(node: ScalarNode): ScalarNode {
  const { value } = node;
  const bare =
    typeof value === 'number' ||
    (typeof value === 'string' && (/^\s*\d+(?:\.\d+)?\s*$/.test(value) || (hasHoles(value) && value.endsWith('}}'))));
  return bare ? { ...node, value: `${String(value).trimEnd()}ms` } : node;
}

const CONFIG_KEYS: Readonly<Record<string, string>> = {
  backoffMs: 'backoff',
  maxAttempts: 'max_attempts',
  retryOn: 'retry_on',
};

function retryConfig(node: MapNode): MapNode {
  const entries = node.entries.map((entry) => {
    const key = Object.hasOwn(CONFIG_KEYS, entry.key) ? (CONFIG_KEYS[entry.key] ?? entry.key) : entry.key;
    const { value } = entry;
    if (entry.key !== 'backoffMs' || value.kind !== 'list') return { ...entry, key };
    const items = value.items.map((item) => (item.kind === 'scalar' ? inMilliseconds(item) : item));
    return { ...entry, key, value: { ...value, items } };
  });
  return { ...node, entries };
}

const LONGEST_PAUSE = '1h';

/** `{ count, delay_ms, backoff_multiplier }`; without a multiplier every pause is the same. */
function retryMap(node: MapNode): MapNode {
  const delay = node.entries.find(({ key }) => key === 'delay_ms');
  const multiplier = node.entries.find(({ key }) => key === 'backoff_multiplier');
  const rest = node.entries.filter((entry) => entry !== delay && entry !== multiplier);
  const first = delay ?? multiplier;
  if (first === undefined) return node;
  const curve: MapEntry[] = [];
  if (delay !== undefined) {
    const { value } = delay;
    curve.push({ ...delay, key: 'initial', value: value.kind === 'scalar' ? inMilliseconds(value) : value });
  }
  curve.push(
    multiplier === undefined
      ? { ...first, key: 'factor', value: scalarAt(1, first.value) }
      : { ...multiplier, key: 'factor' },
    { ...first, key: 'max', value: scalarAt(LONGEST_PAUSE, first.value) },
  );
  const { start, end } = first.value;
  const value: MapNode = { kind: 'map', entries: curve, start, end };
  return { ...node, entries: [...rest, { key: 'backoff', keyRange: first.keyRange, value }] };
}

/** A step without dependencies of its own waits for the group before it: neighbours with `parallel: true`, or a step alone. */
function inGroups(written: readonly TreeNode[], steps: readonly TreeNode[]): readonly TreeNode[] {
  let before: readonly ScalarNode[] = [];
  let group: ScalarNode[] = [];
  let together = false;
  return steps.map((step, index) => {
    const original = written[index];
    if (step.kind !== 'map' || original?.kind !== 'map') return step;
    const parallel = original.entries.some(
      ({ key, value }) => key === 'parallel' && value.kind === 'scalar' && value.value === true,
    );
    if (!(parallel && together)) {
      before = group;
      group = [];
    }
    together = parallel;
    const id = nodeUnder(step, 'id');
    if (id !== null && isText(id)) group.push(id);
    return waitingFor(step, before);
  });
}

function waitingFor(step: MapNode, before: readonly ScalarNode[]): MapNode {
  const own = step.entries.find(({ key }) => key === 'dependencies');
  if (before.length === 0 || (own !== undefined && !(own.value.kind === 'list' && own.value.items.length === 0)))
    return step;
  const at = own ?? step.entries[0];
  const range = at?.keyRange ?? { start: step.start, end: step.end };
  const items = before.map(({ value }) => scalarAt(value, range));
  const dependencies: MapEntry = {
    key: 'dependencies',
    keyRange: range,
    value: { kind: 'list', items, start: range.start, end: range.end },
  };
  return { ...step, entries: [...step.entries.filter((entry) => entry !== own), dependencies] };
}
