/** Reads a list of steps into their normal form: what every step has here, what its type has in a file of its own. */
import { quoted } from '../expression/problem.js';
import { describe } from './fields.js';
import { readPlan, readRequest } from './readers/asking.js';
import {
  definitionsOf,
  readCompensation,
  readConditional,
  readForEach,
  readLoop,
  readParallel,
} from './readers/blocks.js';
import { readCustom } from './readers/custom.js';
import { readDecision } from './readers/decision.js';
import type { ListOptions, ReadContext, StepBody, StepDraft, TypeReader } from './readers/draft.js';
import { readGit } from './readers/git.js';
import { readLock, readUnlock } from './readers/locks.js';
import { readEmit, readEnd, readInner, readWait } from './readers/moments.js';
import { readDependencies, readId } from './readers/names.js';
import { Sheet } from './readers/sheet.js';
import { readEnters } from './readers/states.js';
import { readVerify } from './readers/verify.js';
import { COMMON_KEYS, PLUGIN_KEYS, TYPE_KEYS } from './keys.js';
import { MEANT_IN_STEP } from './spelling.js';
import type { CustomStepType } from './step-types.js';
import { DEFAULTS, ON_ERRORS, STEP_TYPES, type StepBase, type StepType, type When, WHENS } from './steps.js';
import { type ListNode, type MapNode, nodeUnder, type TreeNode } from './tree.js';
import { WORKFLOW_LIMITS } from './workflow.js';

export type { StepDraft } from './readers/draft.js';

const READERS: Readonly<Record<StepType, TypeReader>> = {
  'persona-request': readRequest,
  'git-operation': readGit,
  verify: readVerify,
  conditional: readConditional,
  parallel: readParallel,
  loop: readLoop,
  for_each: readForEach,
  workflow: readInner,
  decision: readDecision,
  wait: readWait,
  emit: readEmit,
  end: readEnd,
  lock: readLock,
  unlock: readUnlock,
  plan: readPlan,
};

/** What every step of a list says, as far as it can be read; everything else is reported. */
export function readSteps({ items }: ListNode, context: ReadContext, options: ListOptions = {}): readonly StepDraft[] {
  const [first] = items;
  if (first !== undefined && context.depth > WORKFLOW_LIMITS.nesting) {
    const message = `steps are nested deeper than ${String(WORKFLOW_LIMITS.nesting)} levels`;
    context.problems.add('too-large', { start: first.start, end: first.start + 1 }, message);
    return [];
  }
  let unnamed = 0;
  const nameless = (item: TreeNode): string | null => {
    if (options.idOf === undefined || item.kind !== 'map' || nodeUnder(item, 'id') !== null) return null;
    return options.idOf(unnamed++);
  };
  return items.flatMap((item, index) => readStep(item, { index, made: nameless(item), options, context }) ?? []);
}

interface Place {
  readonly index: number;
  /** Id of a step that may leave it out. */
  readonly made: string | null;
  readonly options: ListOptions;
  readonly context: ReadContext;
}

/** Null when the step has no usable id, so that nothing can refer to it. */
function readStep(node: TreeNode, place: Place): StepDraft | null {
  const { context, index } = place;
  const { problems, budget } = context;
  if (node.kind !== 'map') {
    const message = `step ${String(index + 1)} must be a map, not ${describe(node)}`;
    problems.add('wrong-type', node, message, 'A step starts with "- id: …".');
    return null;
  }
  budget.steps--;
  if (budget.steps < 0) {
    const at = { start: node.start, end: node.start + 1 };
    if (budget.steps === -1)
      problems.add('too-large', at, `with this step there are more than ${String(WORKFLOW_LIMITS.steps)} steps`);
    return null;
  }
  return readMap(new Sheet(node, `step ${shownId(node, place)}`, problems), place);
}

function shownId(node: MapNode, { made, index }: Place): string {
  const named = nodeUnder(node, 'id');
  if (named?.kind === 'scalar' && named.value !== null) return quoted(String(named.value));
  return made === null ? String(index + 1) : quoted(made);
}

function readMap(sheet: Sheet, { made, options, context }: Place): StepDraft | null {
  const type = readType(sheet, context);
  // Which keys a step of an unknown type has is not known either.
  sheet.fields.only({ known: keysOf(type), meant: MEANT_IN_STEP }, hintOfKey, type === null);
  const id = readId(sheet, made);
  const dependencies = readDependencies(sheet);
  const compensation = readCompensation(sheet, id?.value ?? '', context);
  const name = sheet.template('name');
  const enters = readEnters(sheet, context.states);
  const base: StepBase = {
    id: id?.value ?? '',
    name: name ?? id?.value ?? '',
    description: sheet.text('description') ?? '',
    dependencies: dependencies.map(({ value }) => value),
    condition: sheet.condition('condition'),
    when: readWhen(sheet, options.onFailure === true),
    timeout: sheet.duration('timeout'),
    on_error: sheet.word('on_error', ON_ERRORS) ?? DEFAULTS.on_error,
    compensate: definitionsOf(compensation),
    ...(enters !== null && { enters }),
  };
  const body = readBody(sheet, { type, base, context });
  if (id === null) return null;
  const { uses, inside, fields } = sheet;
  const lists = [...(body.lists ?? []), compensation].filter(
    ({ key, steps }) => key !== 'compensate' || steps.length > 0,
  );
  const node = fields.has('id') ? { start: id.start, end: id.end } : fields.range;
  return { definition: body.definition, node, id, dependencies, uses, inside, lists, fields: fields.places };
}

/** A built-in type, one of a plugin, or null for one that nobody knows. */
type ReadType = StepType | CustomStepType | null;

function readType({ fields, problems }: Sheet, { types, allowed }: ReadContext): ReadType {
  const node = fields.text('type');
  const wanted = node?.value ?? DEFAULTS.type;
  const known = STEP_TYPES.find((type) => type === wanted);
  if (known !== undefined) {
    if (allowed === null || allowed.includes(known)) return known;
    const hint = `Allowed are ${allowed.join(', ')}.`;
    problems.add('unknown-type', node ?? fields.range, `the step type ${quoted(wanted)} is not allowed here`, hint);
    return null;
  }
  const custom = types.get(wanted);
  if (custom !== undefined) return custom;
  const names = [...STEP_TYPES, ...types.keys()];
  const guess = problems.suggest(wanted, names);
  const hint = guess || `Types are ${names.join(', ')}.`;
  problems.add('unknown-type', node ?? fields.range, `unknown step type ${quoted(wanted)}`, hint);
  // What else is wrong with the step is said as if the guess were right.
  return STEP_TYPES.find((type) => guess.includes(`"${type}"`)) ?? null;
}

function keysOf(type: ReadType): readonly string[] {
  if (type === null) return [...new Set([...COMMON_KEYS, ...STEP_TYPES.flatMap((name) => TYPE_KEYS[name])])];
  return [...COMMON_KEYS, ...(typeof type === 'string' ? TYPE_KEYS[type] : PLUGIN_KEYS)];
}

/** Which types a key belongs to, for one that stands in a step of another type. */
function hintOfKey(key: string): string | null {
  const owners = STEP_TYPES.filter((name) => (TYPE_KEYS[name] as readonly string[]).includes(key));
  if (owners.length === 0) return null;
  return `"${key}" belongs to steps of type ${owners.map((name) => `"${name}"`).join(', ')}.`;
}

function readBody(
  sheet: Sheet,
  { type, base, context }: { readonly type: ReadType; readonly base: StepBase; readonly context: ReadContext },
): StepBody {
  // Nothing is known of it but that others may wait for it.
  if (type === null) return { definition: { ...base, type: 'emit', event: '', data: {} } };
  if (typeof type === 'string') return READERS[type](sheet, base, context);
  return readCustom(sheet, base, { type, at: sheet.fields.places.get('type') ?? sheet.fields.range, context });
}

function readWhen(sheet: Sheet, onFailure: boolean): When {
  const when = sheet.word('when', WHENS, 'An expression is written under "condition".');
  if (!onFailure) return when ?? DEFAULTS.when;
  if (when !== null && when !== 'on_failure')
    sheet.fields.refuse('when', 'on_failure in the list "on_failure"', 'Leave it out, or put the step under "steps".');
  return 'on_failure';
}
