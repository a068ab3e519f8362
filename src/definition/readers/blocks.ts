/** Steps that hold lists of steps: `conditional`, `parallel`, `loop` and `for_each`. */
import { DEFAULTS, type Join, JOINS, ON_LIMITS, type StepBase } from '../steps.js';
import { toJson } from '../tree.js';
import { isOneHole } from '../uses.js';
import { WORKFLOW_LIMITS } from '../workflow.js';
import type { DraftList, ReadContext, StepBody } from './draft.js';
import type { Sheet } from './sheet.js';

type Key = DraftList['key'];

export function readConditional(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  sheet.need('condition', 'The condition chooses between "then_steps" and "else_steps".');
  if (!sheet.fields.has('else_steps'))
    sheet.need('then_steps', 'Say what is done when the condition holds: a list of steps.');
  const lists = [readBody(sheet, 'then_steps', context), readBody(sheet, 'else_steps', context)] as const;
  const [then_steps, else_steps] = lists.map(definitionsOf);
  return {
    definition: {
      ...base,
      type: 'conditional',
      condition: base.condition ?? 'false',
      then_steps: then_steps ?? [],
      else_steps: else_steps ?? [],
    },
    lists,
  };
}

export function readParallel(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  const list = neededBody(sheet, context);
  const definition = { ...base, type: 'parallel', steps: definitionsOf(list), wait_for: readWaitFor(sheet) } as const;
  return { definition, lists: [list] };
}

function readWaitFor(sheet: Sheet): Join | number {
  const node = sheet.fields.node('wait_for');
  if (node === null) return DEFAULTS.wait_for;
  const value = node.kind === 'scalar' ? node.value : null;
  const join = JOINS.find((word) => word === value);
  if (join !== undefined) return join;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1) return value;
  sheet.fields.refuse('wait_for', 'all, any or the number of steps that must succeed');
  return DEFAULTS.wait_for;
}

export function readLoop(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  const { fields, problems, owner } = sheet;
  const list = neededBody(sheet, context);
  const until = sheet.condition('until', sheet.inside);
  const whilst = sheet.condition('while', sheet.inside);
  if (fields.has('until') && fields.has('while'))
    problems.add(
      'wrong-type',
      fields.places.get('while') ?? fields.range,
      `${owner} has both "until" and "while"`,
      'Keep one.',
    );
  else if (!fields.has('until') && !fields.has('while') && !fields.isMeant('while'))
    fields.missing('until', 'Say when the loop is done, for example "until: steps.qa.status === \'pass\'".');
  if (!fields.has('max_rounds') && !fields.isMeant('max_rounds'))
    problems.add(
      'unbounded-loop',
      fields.range,
      `${owner} has no "max_rounds", so it could go on for ever`,
      `Say how many rounds it may take: 1 to ${String(WORKFLOW_LIMITS.rounds)}.`,
    );
  return {
    definition: {
      ...base,
      type: 'loop',
      steps: definitionsOf(list),
      until,
      while: whilst,
      max_rounds: sheet.count('max_rounds', { from: 1, to: WORKFLOW_LIMITS.rounds }) ?? 1,
      on_limit: sheet.word('on_limit', ON_LIMITS) ?? DEFAULTS.on_limit,
    },
    lists: [list],
  };
}

export function readForEach(sheet: Sheet, base: StepBase, context: ReadContext): StepBody {
  const list = neededBody(sheet, context);
  sheet.need('items', 'Say what the steps are done for: a list, or a template such as "{{ task.files }}".');
  return {
    definition: {
      ...base,
      type: 'for_each',
      items: readItems(sheet),
      steps: definitionsOf(list),
      concurrency: sheet.count('concurrency', { from: 1, to: WORKFLOW_LIMITS.items }),
    },
    lists: [list],
  };
}

function readItems(sheet: Sheet): string | ReturnType<typeof toJson>[] {
  const node = sheet.fields.node('items');
  if (node === null) return [];
  sheet.use('items', node);
  if (node.kind === 'scalar' && typeof node.value === 'string' && isOneHole(node.value)) return node.value;
  if (node.kind === 'list') {
    if (node.items.length > WORKFLOW_LIMITS.items) {
      const counts = `${String(node.items.length)} items, more than ${String(WORKFLOW_LIMITS.items)}`;
      sheet.problems.add('too-large', { start: node.start, end: node.start + 1 }, `${sheet.owner} has ${counts}`);
    }
    return node.items.map(toJson);
  }
  const hint = 'A text must be one hole and nothing else, since anything else gives a text and not a list.';
  sheet.fields.refuse('items', 'a list, or a template such as "{{ task.files }}"', node.kind === 'map' ? null : hint);
  return [];
}

function neededBody(sheet: Sheet, context: ReadContext): DraftList {
  sheet.need('steps', 'Add "steps:" and below it "- id: …".');
  return readBody(sheet, 'steps', context);
}

/** The steps under a key, one level further in. */
function readBody(sheet: Sheet, key: Key, context: ReadContext): DraftList {
  const list = sheet.steps(key);
  return { key, steps: list === null ? [] : context.readSteps(list, { ...context, depth: context.depth + 1 }) };
}

/** The steps that undo a step: one, or a list; an id may be left out. */
export function readCompensation(sheet: Sheet, id: string, context: ReadContext): DraftList {
  const node = sheet.fields.node('compensate');
  const key = 'compensate';
  if (node === null) return { key, steps: [] };
  if (node.kind === 'scalar') {
    sheet.fields.refuse(key, `the step that undoes it, or a list of steps, for example { persona: … }`);
    return { key, steps: [] };
  }
  const list = node.kind === 'list' ? node : { kind: 'list' as const, items: [node], start: node.start, end: node.end };
  const idOf = (index: number): string => {
    const suffix = index === 0 ? '-undo' : `-undo-${String(index + 1)}`;
    return `${(id === '' ? 'step' : id).slice(0, 64 - suffix.length)}${suffix}`;
  };
  return { key, steps: context.readSteps(list, { ...context, depth: context.depth + 1 }, { idOf }) };
}

export function definitionsOf({ steps }: DraftList): DraftDefinitions {
  return steps.map(({ definition }) => definition);
}
type DraftDefinitions = readonly DraftList['steps'][number]['definition'][];
