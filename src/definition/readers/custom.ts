/** A step of a plugin's type: its params are checked, it is expanded, and what comes back is read as steps of a file are. */
import { messageOf } from '../../core/errors.js';
import { isJsonObject, type JsonObject } from '../../core/json.js';
import { nearest } from '../../core/suggest.js';
import { hasHoles } from '../../expression/template.js';
import { treeAt } from '../json-tree.js';
import { compileSchema } from '../json-schema.js';
import type { Range } from '../problem.js';
import { respellSteps } from '../respell.js';
import type { CustomStepType } from '../step-types.js';
import { isListKey, type StepBase } from '../steps.js';
import type { ListNode, MapEntry, MapNode, TreeNode } from '../tree.js';
import { WORKFLOW_LIMITS } from '../workflow.js';
import { definitionsOf } from './blocks.js';
import type { DraftList, ReadContext, StepBody } from './draft.js';
import { nodeBelow, type Sheet } from './sheet.js';

export function readCustom(
  sheet: Sheet,
  base: StepBase,
  { type, at, context }: { readonly type: CustomStepType; readonly at: Range; readonly context: ReadContext },
): StepBody {
  const list = expand(sheet, base.id, { type, at });
  const inner = { ...context, depth: context.depth + 1 };
  const steps = list === null ? [] : context.readSteps(respellSteps(list, knownTypes(context), sheet.problems), inner);
  const body: DraftList = { key: 'steps', steps };
  return {
    definition: { ...base, type: 'parallel', steps: definitionsOf(body), wait_for: 'all' },
    lists: [body],
  };
}

function knownTypes({ types }: ReadContext): ReadonlySet<string> {
  return new Set(types.keys());
}

function expand(
  sheet: Sheet,
  id: string,
  { type, at }: { readonly type: CustomStepType; readonly at: Range },
): ListNode | null {
  const params = readParams(sheet, type);
  if (params === null || id === '') return null;
  const refuse = (what: string): null => {
    const message = `the step type "${type.name}" gave nothing that can be run for ${sheet.owner}: ${what}`;
    sheet.problems.add('invalid-expansion', at, message, 'This is for the plugin that defines the type to set right.');
    return null;
  };
  let steps: unknown;
  try {
    steps = type.expand({ id, params });
  } catch (error) {
    return refuse(`expand failed: ${messageOf(error)}`);
  }
  if (!Array.isArray(steps)) return refuse('expand must return a list of steps');
  if (steps.length === 0) return refuse('the list is empty');
  if (steps.length > WORKFLOW_LIMITS.expanded)
    return refuse(`${String(steps.length)} steps, more than ${String(WORKFLOW_LIMITS.expanded)}`);
  if (!steps.every(isJsonObject)) return refuse('every step must be a map');
  const tree = treeAt(steps, at);
  if (typeof tree === 'string') return refuse(tree);
  return tree.kind === 'list' ? prefixed(tree, `${id}-`) : null;
}

/** The params, when they are as the type wants them. */
function readParams(sheet: Sheet, type: CustomStepType): JsonObject | null {
  const params = sheet.fields.has('params') ? sheet.values('params') : {};
  if (params === null) return null;
  // Only what the expansion makes of a template is read in a run.
  sheet.uses.splice(0, sheet.uses.length, ...sheet.uses.filter(({ field }) => field !== 'params'));
  const node = sheet.fields.node('params');
  const issues = compileSchema(type.params)(params).flatMap(({ path, message }) => {
    const keys = path.split(/[.[\]]+/).filter((key) => key !== '');
    const at = node === null ? sheet.fields.range : nodeBelow(node, keys);
    // What a template gives is not known before the run; whoever is asked with it checks it then.
    return isTemplate(at) ? [] : [{ path, message, at }];
  });
  const misspelt = node?.kind === 'map' ? misspeltIn(node, type.params) : new Map<string, Misspelt>();
  for (const { path, message, at } of issues) {
    const where = path === '' ? '' : `"${path}": `;
    const what = `the params of ${sheet.owner} do not fit the step type "${type.name}": ${where}${message}`;
    const meant = misspelt.get(path);
    misspelt.delete(path);
    if (meant === undefined) sheet.problems.add('wrong-type', at, what);
    else sheet.problems.add('wrong-type', meant.at, what, `Is "${meant.key}" meant to be "${path}"?`);
  }
  for (const [known, { key, at }] of misspelt) {
    const what = `the params of ${sheet.owner} have a key that the step type "${type.name}" does not read: "${key}"`;
    sheet.problems.warn('unknown-key', at, what, `Did you mean "${known}"?`);
  }
  return issues.length === 0 ? params : null;
}

interface Misspelt {
  readonly key: string;
  readonly at: Range;
}

/** Keys that an open schema lets pass, by the known one that is not there and that each is close to. */
function misspeltIn({ entries }: MapNode, schema: CustomStepType['params']): Map<string, Misspelt> {
  const found = new Map<string, Misspelt>();
  const { properties, additionalProperties: others = true, patternProperties } = schema === true ? {} : schema;
  if (!isJsonObject(properties) || others !== true || patternProperties !== undefined) return found;
  const given = new Set(entries.map(({ key }) => key));
  const free = Object.keys(properties).filter((name) => !given.has(name));
  for (const { key, keyRange } of entries.slice(0, KEYS_COMPARED)) {
    const meant = Object.hasOwn(properties, key) ? null : nearest(key.slice(0, KEY_COMPARED), free);
    if (meant !== null && !found.has(meant)) found.set(meant, { key, at: keyRange });
  }
  return found;
}

/** What is compared of a huge map: guesses are for people. */
const KEYS_COMPARED = 50;
const KEY_COMPARED = 100;

/** The list with `prefix` in front of every id in it, and of every dependency. */
function prefixed(list: ListNode, prefix: string): ListNode {
  return { ...list, items: list.items.map((item) => prefixedStep(item, prefix)) };
}

function prefixedStep(step: TreeNode, prefix: string): TreeNode {
  if (step.kind !== 'map') return step;
  return { ...step, entries: step.entries.map((entry) => ({ ...entry, value: prefixedValue(entry, prefix) })) };
}

function prefixedValue({ key, value }: MapEntry, prefix: string): TreeNode {
  if (key === 'id') return withPrefix(value, prefix);
  if ((key === 'dependencies' || key === 'depends_on') && value.kind === 'list')
    return { ...value, items: value.items.map((item) => withPrefix(item, prefix)) };
  if (!isListKey(key)) return value;
  return value.kind === 'list' ? prefixed(value, prefix) : prefixedStep(value, prefix);
}

function withPrefix(node: TreeNode, prefix: string): TreeNode {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return node;
  return { ...node, value: `${prefix}${node.value}` };
}

function isTemplate(at: Range | TreeNode): boolean {
  return 'kind' in at && at.kind === 'scalar' && typeof at.value === 'string' && hasHoles(at.value);
}
