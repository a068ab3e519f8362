/** Reads one step of a file into its normal form, with what later checks need: places, and what its expressions read. */
import { BLOCKED_NAMES } from '../expression/limits.js';
import { quoted } from '../expression/problem.js';
import { hasHoles } from '../expression/template.js';
import { describe, Fields, type Keys, type Located } from './fields.js';
import type { Problems, Range } from './problem.js';
import { toJsonObject, type TreeNode } from './tree.js';
import { conditionUse, templateUses, type Use } from './uses.js';
import { parseDuration, type StepDefinition, STEP_ID, WORKFLOW_LIMITS } from './workflow.js';

/** A step as far as it could be read. */
export interface StepDraft {
  readonly definition: StepDefinition;
  readonly id: Located<string>;
  readonly dependencies: readonly Located<string>[];
  readonly uses: readonly Use[];
}

const KEYS: Keys = {
  known: ['id', 'name', 'type', 'persona', 'dependencies', 'condition', 'timeout', 'retries', 'params'],
  meant: {
    agent: 'persona',
    args: 'params',
    depends_on: 'dependencies',
    if: 'condition',
    input: 'params',
    inputs: 'params',
    needs: 'dependencies',
    retry: 'retries',
    retry_count: 'retries',
    role: 'persona',
    timeout_ms: 'timeout',
    timeout_seconds: 'timeout',
    when: 'condition',
    with: 'params',
  },
};

/** Types of later versions, with the keys they bring. */
const LATER_TYPES: Readonly<Record<string, readonly string[]>> = {
  'git-operation': ['operation', 'branch', 'message'],
  conditional: ['then_steps', 'else_steps'],
  parallel: ['steps', 'wait_for'],
};

export interface StepContext {
  readonly problems: Problems;
  /** Known personas; null when nobody knows them. */
  readonly personas: ReadonlySet<string> | null;
}

/** Null when the step has no usable id, so that nothing can refer to it. */
export function readStep(node: TreeNode, index: number, context: StepContext): StepDraft | null {
  const { problems } = context;
  if (node.kind !== 'map') {
    problems.add(
      'wrong-type',
      node,
      `step ${String(index + 1)} must be a map, not ${describe(node)}`,
      'A step starts with "- id: …".',
    );
    return null;
  }
  const named = node.entries.find(({ key }) => key === 'id')?.value;
  const shown = named?.kind === 'scalar' && named.value !== null ? quoted(String(named.value)) : String(index + 1);
  const fields = new Fields(node, `step ${shown}`, problems);
  const later = readType(fields, problems);
  fields.only(later === null ? KEYS : { ...KEYS, known: [...KEYS.known, ...(LATER_TYPES[later] ?? [])] });

  const id = readId(fields, problems);
  const name = fields.text('name');
  const persona = later === null ? readPersona(fields, context) : null;
  const dependencies = readDependencies(fields, problems);
  const condition = fields.text(
    'condition',
    'A condition is an expression in quotes, for example "task.urgent === true".',
  );
  const timeout = readTimeout(fields, problems);
  const retries = readRetries(fields, problems);
  const params = fields.map('params', 'a map');
  const uses = [name, timeout.node, retries.node, params].flatMap((part) =>
    part === null ? [] : templateUses(part, problems),
  );
  const conditionRead = condition === null ? null : readCondition(condition, problems);
  if (id === null) return null;
  return {
    id,
    dependencies,
    uses: conditionRead === null ? uses : [conditionRead, ...uses],
    definition: {
      id: id.value,
      name: name?.value ?? id.value,
      type: 'persona-request',
      persona: persona ?? '',
      dependencies: dependencies.map(({ value }) => value),
      condition: condition?.value ?? null,
      timeout: timeout.value,
      retries: retries.value,
      params: params === null ? {} : toJsonObject(params),
    },
  };
}

/** The later type that the step asks for, so that its other problems are not reported on top. */
function readType(fields: Fields, problems: Problems): string | null {
  const type = fields.text('type');
  if (type === null || type.value === 'persona-request') return null;
  if (Object.hasOwn(LATER_TYPES, type.value)) {
    problems.add(
      'unknown-type',
      type,
      `step type ${quoted(type.value)} is not available in this version`,
      'Available is persona-request.',
    );
    return type.value;
  }
  const guess = problems.suggest(type.value, ['persona-request']) || 'Available is persona-request.';
  problems.add('unknown-type', type, `unknown step type ${quoted(type.value)}`, guess);
  return null;
}

function readId(fields: Fields, problems: Problems): Located<string> | null {
  if (!fields.has('id')) return fields.missing('id', 'Every step needs an id, for example "id: implementation".');
  const id = fields.text('id');
  if (id === null) return null;
  if (!STEP_ID.test(id.value)) {
    const hint = 'An id starts with a letter and has up to 64 letters, digits, "-" and "_".';
    problems.add('wrong-type', id, `${quoted(id.value)} cannot be the id of a step`, hint);
    return null;
  }
  if (BLOCKED_NAMES.has(id.value)) {
    problems.add(
      'wrong-type',
      id,
      `${quoted(id.value)} cannot be the id of a step`,
      'Expressions may not read that name. Choose another one.',
    );
    return null;
  }
  return id;
}

function readPersona(fields: Fields, context: StepContext): string | null {
  if (!fields.has('persona'))
    return fields.missing('persona', 'Say who does the step, for example "persona: lead-engineer".');
  const persona = fields.text('persona');
  if (persona === null) return null;
  const { problems, personas } = context;
  if (!STEP_ID.test(persona.value)) {
    const hint = 'A name starts with a letter and has up to 64 letters, digits, "-" and "_".';
    problems.add('wrong-type', persona, `${quoted(persona.value)} cannot be the name of a persona`, hint);
  } else if (personas !== null && !personas.has(persona.value)) {
    const guess = problems.suggest(persona.value, personas);
    const known = [...personas].toSorted().slice(0, 12).join(', ');
    problems.add(
      'unknown-persona',
      persona,
      `unknown persona ${quoted(persona.value)} in ${fields.owner}`,
      guess || (known === '' ? 'No persona is known.' : `Known are ${known}.`),
    );
  }
  return persona.value;
}

function readDependencies(fields: Fields, problems: Problems): readonly Located<string>[] {
  const list = fields.list('dependencies', 'a list of step ids');
  const found = new Map<string, Located<string>>();
  for (const item of list?.items ?? []) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') {
      problems.add(
        'wrong-type',
        item,
        `a dependency of ${fields.owner} must be the id of a step, not ${describe(item)}`,
      );
    } else if (found.has(item.value)) {
      problems.add(
        'duplicate-dependency',
        item,
        `${fields.owner} names the dependency ${quoted(item.value)} twice`,
        'Keep one of them.',
      );
    } else {
      found.set(item.value, { value: item.value, start: item.start, end: item.end });
    }
  }
  return [...found.values()];
}

function readCondition(node: Parameters<typeof conditionUse>[0], problems: Problems): Use | null {
  const use = conditionUse(node, problems);
  if (use !== null && use.references.length === 0) {
    problems.add('constant-condition', node, 'the condition reads nothing, so it is always the same', null);
  }
  return use;
}

interface NumberField<T> {
  readonly value: T;
  /** The node when it is a template. */
  readonly node: TreeNode | null;
}

function readTimeout(fields: Fields, problems: Problems): NumberField<number | string | null> {
  const wanted = 'seconds above 0, or a duration such as "30s", "5m" or "1h"';
  const node = fields.scalar('timeout', wanted);
  if (node === null) return { value: null, node: null };
  if (typeof node.value === 'string' && hasHoles(node.value)) return { value: node.value, node };
  const ms =
    typeof node.value === 'number'
      ? node.value * 1_000
      : typeof node.value === 'string'
        ? parseDuration(node.value)
        : null;
  if (ms !== null && Math.round(ms) >= 1 && ms <= WORKFLOW_LIMITS.timeoutMs) return { value: ms / 1_000, node: null };
  report(node, `"timeout" of ${fields.owner} must be ${wanted}, up to 365 days, not ${describe(node)}`, problems);
  return { value: null, node: null };
}

function readRetries(fields: Fields, problems: Problems): NumberField<number | string> {
  const wanted = `a whole number from 0 to ${String(WORKFLOW_LIMITS.retries)}`;
  const node = fields.scalar('retries', wanted);
  if (node === null) return { value: 0, node: null };
  const { value } = node;
  if (typeof value === 'string' && hasHoles(value)) return { value, node };
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= WORKFLOW_LIMITS.retries)
    return { value, node: null };
  report(node, `"retries" of ${fields.owner} must be ${wanted}, not ${describe(node)}`, problems);
  return { value: 0, node: null };
}

function report(at: Range, message: string, problems: Problems): void {
  problems.add('wrong-type', at, message);
}
